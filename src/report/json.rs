//! The document for machines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnosis::{Diagnosis, Summary};

/// Version of the document; it rises when a reader of an older one could misread it.
pub const DOCUMENT_FORMAT: u32 = 1;

/// A diagnosis with what it comes to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "mzv-doctor diagnosis")]
pub struct Document {
    /// [`DOCUMENT_FORMAT`] of the writer.
    pub document_format: u32,
    /// Exit status of the run.
    pub exit_code: u8,
    /// The diagnosis in numbers.
    pub summary: Summary,
    /// The diagnosis: `findings`, `inconclusive`, `passed`, `not_applicable`, `probes`.
    #[serde(flatten)]
    pub diagnosis: Diagnosis,
}

pub(super) fn render(diagnosis: &Diagnosis, exit: u8) -> String {
    let document = Document {
        document_format: DOCUMENT_FORMAT,
        exit_code: exit,
        summary: Summary::of(diagnosis),
        diagnosis: diagnosis.clone(),
    };
    // The types of a diagnosis have text keys only, which is all that JSON asks.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_else(|_| "{}".into());
    text.push('\n');
    text
}
