//! What a scan comes to, for machines: one document, or a line for each occurrence and the document as the last one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::json::calm;
use crate::scan::{Answer, Match};

/// Version of the document; it rises when a reader of an older one could misread it.
pub const SCAN_FORMAT: u32 = 1;

/// An answer with what it comes to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "mzv-doctor scan")]
pub struct ScanDocument {
    /// [`SCAN_FORMAT`] of the writer.
    pub document_format: u32,
    /// Exit status of the run; in a stream only this line tells it.
    pub exit_code: u8,
    /// The answer: `findings`, `recovered`, `read`, `unread`.
    #[serde(flatten)]
    pub answer: Answer,
}

/// One line of a stream.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[schemars(title = "mzv-doctor scan, a line of the stream")]
pub enum ScanLine {
    /// An occurrence, as soon as it is found.
    Match(MatchLine),
    /// The last line.
    Summary(Box<ScanDocument>),
}

/// An occurrence of a named error.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MatchLine {
    /// The named error.
    pub id: String,
    /// The source.
    pub source: String,
    /// Where in it, when, and the text.
    #[serde(flatten)]
    pub found: Match,
}

fn document(answer: &Answer, exit: u8) -> ScanDocument {
    ScanDocument { document_format: SCAN_FORMAT, exit_code: exit, answer: answer.clone() }
}

/// The document.
pub(super) fn json(answer: &Answer, exit: u8) -> String {
    // The types of an answer have text keys only, which is all that JSON asks.
    let text = serde_json::to_string_pretty(&document(answer, exit)).unwrap_or_else(|_| "{}".into());
    format!("{}\n", calm(&text))
}

/// The last line of a stream.
pub(super) fn last_line(answer: &Answer, exit: u8) -> String {
    line(&ScanLine::Summary(Box::new(document(answer, exit))))
}

/// The line of an occurrence.
pub fn match_line(id: &str, source: &str, one: &Match) -> String {
    line(&ScanLine::Match(MatchLine { id: id.to_owned(), source: source.to_owned(), found: one.clone() }))
}

fn line(line: &ScanLine) -> String {
    format!("{}\n", calm(&serde_json::to_string(line).unwrap_or_else(|_| "{}".into())))
}
