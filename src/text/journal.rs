//! The journal's export format: one field a line, and an empty line at an entry's end.

use jiff::Timestamp;
use memchr::{memchr, memmem};

/// Bytes in front of a message that is written with its length.
const LENGTH: usize = 8;

/// An entry that is being read.
#[derive(Default)]
pub(super) struct Entry {
    time: Option<Timestamp>,
    /// A message whose value follows with its length in front, as binary ones are written: whether it is still to begin.
    opened: Option<bool>,
}

/// A line of a message.
pub(super) struct Message {
    /// Bytes of the line before its text.
    pub(super) skipped: usize,
    /// When, for the first line.
    pub(super) time: Option<Timestamp>,
}

impl Entry {
    /// What a line is of a message; none where it is another field. A line that is no field counts as text.
    pub(super) fn line(&mut self, text: &[u8]) -> Option<Message> {
        if text.is_empty() && self.opened.is_none() {
            return None;
        }
        if let Some(value) = text.strip_prefix(b"__REALTIME_TIMESTAMP=") {
            let micros = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            self.time = micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
            return None;
        }
        if text.starts_with(b"__CURSOR=") {
            (self.time, self.opened) = (None, None);
            return None;
        }
        if let Some(value) = text.strip_prefix(b"MESSAGE=") {
            self.opened = None;
            return Some(Message { skipped: text.len() - value.len(), time: self.time });
        }
        if text == b"MESSAGE" {
            self.opened = Some(true);
            return None;
        }
        if is_field(text) {
            self.opened = None;
            return None;
        }
        let first = self.opened == Some(true);
        self.opened = self.opened.map(|_| false);
        let time = if self.opened.is_none() { self.time } else { None };
        Some(Message { skipped: if first { LENGTH.min(text.len()) } else { 0 }, time })
    }
}

/// Whether text holds entries.
pub(super) fn is_journal(text: &[u8]) -> bool {
    text.starts_with(b"__CURSOR=") || memmem::find(text, b"\n__CURSOR=").is_some()
}

/// Whether a line is a field: a name in capitals, and a value.
fn is_field(text: &[u8]) -> bool {
    memchr(b'=', text).is_some_and(|end| {
        end > 0
            && text[..end]
                .iter()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
    })
}
