//! What may leave the machine: secrets in text are replaced before it is kept.
//!
//! Three looks at every text: for what stands where secrets do, for words that nobody would think up, and for the secret values
//! that this run came across. Identifiers (client ids, subjects, issuers, codes) stay: the diagnosis rests on them.

mod pattern;
mod pseudonym;
mod snapshot;
mod value;
mod word;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use pseudonym::Pseudonyms;
pub use snapshot::{Log, each_text, redact_snapshot};
pub use value::Values;

/// What stands where a secret was.
pub const GONE: &str = "[redacted]";

/// What kind of text it is that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// A line of a log, an event, a message: anything may stand in it.
    Text,
    /// A value of a fact, which was chosen to be kept: digests and ids are what they are.
    Fact,
}

/// Times that a text is looked at, at most.
const LOOKS: usize = 8;

/// How often each kind of secret was taken out.
pub type Removed = BTreeMap<&'static str, usize>;

/// The text without secrets and without control characters other than newline and tab.
pub fn redact_line(text: &str) -> Cow<'_, str> {
    redact(text, Within::Text, &mut Removed::new())
}

/// The same, counting what was taken out by its kind.
pub fn redact<'a>(text: &'a str, within: Within, removed: &mut Removed) -> Cow<'a, str> {
    let mut line = if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        Cow::Owned(strip(text))
    } else {
        Cow::Borrowed(text)
    };
    if let Some(plain) = unescaped(&line) {
        let mut inner = Removed::new();
        if redact(&plain, within, &mut inner) != plain {
            // What an escape hides would be found in no other way.
            line = Cow::Owned(plain);
        }
    }
    // What is taken out can show what stood beside it in another light.
    for _ in 0..LOOKS {
        let before = line.clone();
        if let Cow::Owned(clean) = pattern::redact(&line, removed) {
            line = Cow::Owned(clean);
        }
        if let Cow::Owned(clean) = word::redact(&line, within, removed) {
            line = Cow::Owned(clean);
        }
        if line == before {
            break;
        }
    }
    line
}

/// The text with the escapes of JSON that stand for plain characters undone; none where there is no such.
fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    let mut found = false;
    while let Some(at) = rest.find("\\u00") {
        plain.push_str(&rest[..at]);
        let code = rest.get(at + 2..at + 6).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) if (0x20..0x7f).contains(&code) => {
                plain.push(char::from(code));
                found = true;
                rest = &rest[at + 6..];
            }
            _ => {
                plain.push_str("\\u00");
                rest = &rest[at + 4..];
            }
        }
    }
    plain.push_str(rest);
    found.then_some(plain)
}

/// A private key stands on several lines: what lies between its first and its last is taken out whole.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// Lines of a key that are still to come, at most.
    within_key: usize,
}

/// Lines that a key has at most.
const LONGEST_KEY: usize = 200;

impl Lines {
    /// The next line of one log.
    pub fn next<'a>(&mut self, text: &'a str, removed: &mut Removed) -> Cow<'a, str> {
        let begins = text.rfind("-----BEGIN ").is_some_and(|at| text[at..].contains("PRIVATE KEY"));
        let ends = text.rfind("-----END ").is_some_and(|at| text[at..].contains("PRIVATE KEY"));
        if self.within_key > 0 && (ends || is_of_key(text)) {
            self.within_key = if ends { 0 } else { self.within_key - 1 };
            *removed.entry("private-key").or_default() += 1;
            return Cow::Borrowed(GONE);
        }
        self.within_key = if begins && !ends { LONGEST_KEY } else { 0 };
        redact(text, Within::Text, removed)
    }
}

/// Whether a line is one of a key: base64, or one of the headers that stand before it (RFC 1421, section 4.6).
fn is_of_key(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("Proc-Type:")
        || text.starts_with("DEK-Info:")
        || text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
}

/// Terminal escapes and other control characters taken away.
fn strip(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if c == '\u{1b}' && characters.peek() == Some(&'[') {
            characters.next();
            for inner in characters.by_ref() {
                if ('\u{40}'..='\u{7e}').contains(&inner) {
                    break;
                }
            }
        } else if !c.is_control() || c == '\n' || c == '\t' {
            clean.push(c);
        }
    }
    clean
}

#[cfg(test)]
mod tests;
