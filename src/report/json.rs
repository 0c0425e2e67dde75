//! The document for machines.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inert::shows;
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
        summary: super::summary(diagnosis, exit),
        diagnosis: diagnosis.clone(),
    };
    self::document(&document)
}

/// A document, written so that it does nothing to what it is printed to.
pub(super) fn document(value: &impl Serialize) -> String {
    // The types of documents have text keys only, which is all that JSON asks.
    let mut text = calm(&serde_json::to_string_pretty(value).unwrap_or_else(|_| "{}".into()));
    text.push('\n');
    text
}

/// The same document in characters that do nothing to a terminal or a pipeline that it is printed to: JSON's own
/// escapes stand for the others, which occur inside strings only.
pub(super) fn calm(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || shows(c, true) {
            shown.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _written = write!(shown, "\\u{unit:04x}");
            }
        }
    }
    // `##` begins a command to some runners.
    shown.replace("##", "#\\u0023")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::calm;

    #[test]
    fn escapes_change_how_it_is_written_and_not_what_it_says() {
        let value = Value::from("##vso[x] \\## ### \u{9b}31m \u{202e} \u{e0041} \u{1b} größer \n");
        let text = calm(&value.to_string());
        assert!(!text.contains("##") && !text.contains('\u{9b}') && !text.contains('\u{202e}'));
        assert!(text.contains("größer"));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
