//! Text out of what loggers wrap it in: JSON strings with their escapes, the records of container engines and of the
//! journal, and terminal colours. A block without any of it is left as it is.

use std::borrow::Cow;

use jiff::Timestamp;
use memchr::{memchr, memchr2, memmem};

use super::Block;

/// Which line of the source a place in unwrapped text is from.
#[derive(Debug)]
pub enum Numbering {
    /// Line by line from this one.
    Same(u64),
    /// Places where lines of the source begin, with their numbers.
    Mapped(Vec<(usize, u64)>),
}

/// A block without its wrappings.
#[derive(Debug)]
pub struct Unwrapped<'a> {
    /// The text.
    pub text: Cow<'a, [u8]>,
    /// Where the lines begin that only follow.
    pub owned: usize,
    /// Which lines of the source they are.
    pub numbering: Numbering,
}

impl Unwrapped<'_> {
    /// The source's number of the line that begins at `at`. `last` is a place not behind it whose number is known.
    pub fn number(&self, at: usize, last: &mut (usize, u64)) -> u64 {
        match &self.numbering {
            Numbering::Same(_) => {
                let between = &self.text[last.0..at];
                *last = (at, last.1 + memchr::memchr_iter(b'\n', between).count() as u64);
                last.1
            }
            Numbering::Mapped(places) => {
                let after = places.partition_point(|&(begin, _)| begin <= at);
                places.get(after.wrapping_sub(1)).map_or(1, |&(_, number)| number)
            }
        }
    }

    /// Where counting lines begins.
    pub fn first(&self) -> (usize, u64) {
        match self.numbering {
            Numbering::Same(first) => (0, first),
            Numbering::Mapped(_) => (0, 1),
        }
    }
}

/// Takes a block's wrappings off.
pub fn unwrap<'a>(block: &Block<'a>) -> Unwrapped<'a> {
    let plain = || Unwrapped {
        text: Cow::Borrowed(block.text),
        owned: block.owned,
        numbering: Numbering::Same(block.line),
    };
    let coloured = memchr(0x1B, block.text).is_some();
    let journal = is_journal(block.text);
    if !coloured && !journal && !has_json(block.text) {
        return plain();
    }
    let mut out = Out { text: Vec::with_capacity(block.text.len()), places: Vec::new(), continues: false };
    let mut owned = None;
    let mut entry = Entry::default();
    let mut line = 0;
    let mut number = block.line;
    while line < block.text.len() {
        if line >= block.owned && owned.is_none() {
            owned = Some(out.text.len());
        }
        let end = memchr(b'\n', &block.text[line..]).map_or(block.text.len(), |length| line + length + 1);
        let mut written = Cow::Borrowed(&block.text[line..end]);
        if coloured && memchr(0x1B, &written).is_some() {
            written = Cow::Owned(uncoloured(&written));
        }
        if journal {
            entry.field(&written, number, &mut out);
        } else {
            out.record(&written, number);
        }
        number += 1;
        line = end;
    }
    Unwrapped {
        owned: owned.unwrap_or(out.text.len()).max(usize::from(block.owned > 0)),
        text: Cow::Owned(out.text),
        numbering: Numbering::Mapped(out.places),
    }
}

/// Whether some line could be JSON.
fn has_json(text: &[u8]) -> bool {
    // A line of a printed document holds escapes that stand for line breaks and quotation marks.
    memchr(b'\\', text).is_some() && {
        let begins = text.iter().find(|byte| !byte.is_ascii_whitespace());
        begins.is_some_and(|byte| matches!(byte, b'{' | b'"' | b'['))
            || memmem::find(text, b"\n{").is_some()
            || memmem::find(text, b"\n  ").is_some()
            || memmem::find(text, b" {\"").is_some()
    }
}

fn is_journal(text: &[u8]) -> bool {
    text.starts_with(b"__CURSOR=") || memmem::find(text, b"\n__CURSOR=").is_some()
}

struct Out {
    text: Vec<u8>,
    places: Vec<(usize, u64)>,
    /// The last record's text goes on in the next one.
    continues: bool,
}

impl Out {
    /// One line of the source with its line break.
    fn record(&mut self, line: &[u8], number: u64) {
        if let Some(record) = engine_record(line) {
            if !self.continues {
                self.places.push((self.text.len(), number));
                if !record.time.is_empty() {
                    self.text.extend_from_slice(record.time);
                    self.text.push(b' ');
                }
            }
            let from = self.text.len();
            unescape(record.log, &mut self.text);
            self.continues = self.text[from..].last() != Some(&b'\n');
            return;
        }
        if std::mem::take(&mut self.continues) {
            self.text.push(b'\n');
        }
        self.places.push((self.text.len(), number));
        if is_json(line) && memchr(b'\\', line).is_some() {
            unescape(line, &mut self.text);
        } else {
            self.text.extend_from_slice(line);
        }
    }
}

/// Whether a line is an object or a member of one, written out.
fn is_json(line: &[u8]) -> bool {
    let trimmed = line.trim_ascii();
    match trimmed.first() {
        Some(b'{' | b'[') => true,
        // `"name": "text",` of a printed document.
        Some(b'"') => {
            memmem::find(trimmed, b"\":").is_some() || trimmed.ends_with(b",") || trimmed.ends_with(b"\"")
        }
        // A prefix, and then an object: `2026-… {"level": …}`.
        _ => memmem::find(trimmed, b" {\"").is_some() && trimmed.ends_with(b"}"),
    }
}

struct EngineRecord<'a> {
    log: &'a [u8],
    time: &'a [u8],
}

/// A record of Docker's json-file driver: `{"log":"text\n","stream":"stderr","time":"…"}`.
fn engine_record(line: &[u8]) -> Option<EngineRecord<'_>> {
    let rest = line.strip_prefix(b"{\"log\":\"")?;
    let mut end = 0;
    loop {
        end += memchr2(b'"', b'\\', &rest[end..])?;
        if rest[end] == b'"' {
            break;
        }
        end += 2;
        if end >= rest.len() {
            return None;
        }
    }
    let time = memmem::find(&rest[end..], b"\"time\":\"").and_then(|at| {
        let time = &rest[end + at + 8..];
        Some(&time[..memchr(b'"', time)?])
    });
    Some(EngineRecord { log: &rest[..end], time: time.unwrap_or_default() })
}

/// Escapes of JSON strings (RFC 8259, 7) as what they stand for; anything else as it stands.
fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let escape = rest.get(at + 1).copied();
        let mut length = 2;
        match escape {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'b' | b'f') => {}
            Some(byte @ (b'"' | b'\\' | b'/')) => out.push(byte),
            Some(b'u') => match character(&rest[at..]) {
                Some((c, taken)) => {
                    length = taken;
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                None => out.extend_from_slice(b"\\u"),
            },
            _ => {
                out.push(b'\\');
                length = 1;
            }
        }
        rest = &rest[(at + length).min(rest.len())..];
    }
    out.extend_from_slice(rest);
}

/// The character of `\uXXXX`, or of two that are a pair, and the length of what stands for it.
fn character(text: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = std::str::from_utf8(text.get(at..at + 6)?.strip_prefix(b"\\u")?).ok()?;
        u16::from_str_radix(digits, 16).ok()
    };
    let first = unit(0)?;
    if let Some(c) = char::from_u32(u32::from(first)) {
        return Some((c, 6));
    }
    let pair = char::decode_utf16([first, unit(6)?]).next()?.ok()?;
    Some((pair, 12))
}

/// Without the escape sequences of terminals (ECMA-48, 5.4), which would stand within words.
fn uncoloured(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr(0x1B, rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(sequence) = rest.strip_prefix(b"[") {
            let end = sequence.iter().position(|byte| (0x40..=0x7E).contains(byte) || *byte == b'\n');
            rest = match end {
                Some(end) if sequence[end] != b'\n' => &sequence[end + 1..],
                Some(end) => &sequence[end..],
                None => b"",
            };
        }
    }
    out.extend_from_slice(rest);
    out
}

/// An entry of the journal's export format: one field a line, and an empty line at its end. Each line is written where it
/// stands, so that it belongs to the same block as in the source; a line that is no field is kept as it is.
#[derive(Default)]
struct Entry {
    time: Option<Timestamp>,
    /// A message whose value follows with its length in front, as binary ones are written.
    opened: Option<bool>,
}

impl Entry {
    fn field(&mut self, line: &[u8], number: u64, out: &mut Out) {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        if text.is_empty() && self.opened.is_none() {
            return;
        }
        if let Some(value) = text.strip_prefix(b"__REALTIME_TIMESTAMP=") {
            let micros = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            self.time = micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
        } else if text.starts_with(b"__CURSOR=") {
            (self.time, self.opened) = (None, None);
        } else if let Some(value) = text.strip_prefix(b"MESSAGE=") {
            self.opened = None;
            self.line(value, number, out);
        } else if text == b"MESSAGE" {
            self.opened = Some(true);
        } else if is_field(text) {
            self.opened = None;
        } else {
            // The length takes eight bytes before the first line.
            let value = if self.opened == Some(true) { text.get(8..).unwrap_or_default() } else { text };
            self.opened = self.opened.map(|_| false);
            self.line(value, number, out);
        }
    }

    fn line(&self, value: &[u8], number: u64, out: &mut Out) {
        out.places.push((out.text.len(), number));
        if let (Some(time), None) = (self.time, self.opened) {
            out.text.extend_from_slice(format!("{time} ").as_bytes());
        }
        out.text.extend_from_slice(value);
        out.text.push(b'\n');
    }
}

/// Whether a line is a field of the journal: a name in capitals, and a value.
fn is_field(text: &[u8]) -> bool {
    memchr(b'=', text).is_some_and(|end| {
        end > 0
            && text[..end]
                .iter()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::{Block, unwrap};

    fn unwrapped(text: &str) -> String {
        let block = Block { text: text.as_bytes(), owned: text.len(), line: 1, column: 0 };
        String::from_utf8_lossy(&unwrap(&block).text).into_owned()
    }

    #[test]
    fn loggers_wrappings_are_taken_off() {
        for (given, wanted) in [
            ("plain \\n text\n", "plain \\n text\n"),
            (
                "{\"log\":\"a \\\"b\\\"\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-23T14:02:11Z\"}\n",
                "2026-11-23T14:02:11Z a \"b\"\n",
            ),
            ("{\"log\":\"one \"}\n{\"log\":\"line\\n\"}\n", "one line\n"),
            ("{\"msg\":\"a\\nb \\u0027c\\u0027 \\ud83d\\ude00\"}\n", "{\"msg\":\"a\nb 'c' \u{1f600}\"}\n"),
            ("\u{1b}[31mred\u{1b}[0m\n", "red\n"),
            ("{\"a\":\"\\", "{\"a\":\"\\"),
            ("{\"log\":\"\\", "{\"log\":\"\\"),
            (
                "__CURSOR=s\n__REALTIME_TIMESTAMP=1795442531000000\nMESSAGE=failed\n_PID=1\n\n",
                "2026-11-23T14:02:11Z failed\n",
            ),
            ("before\n__CURSOR=s\nMESSAGE=failed\n", "before\nfailed\n"),
            ("__CURSOR=s\nMESSAGE\n\u{9}\0\0\0\0\0\0\0one\ntwo\n_PID=1\n\n", "one\ntwo\n"),
        ] {
            assert_eq!(unwrapped(given), wanted, "{given:?}");
        }
    }

    #[test]
    fn a_place_keeps_its_line_of_the_source() {
        let text = "{\"msg\":\"a\\nb\"}\nplain\n";
        let block = Block { text: text.as_bytes(), owned: text.len(), line: 7, column: 0 };
        let unwrapped = unwrap(&block);
        let at = unwrapped.text.len() - "plain\n".len();
        assert_eq!(unwrapped.number(at, &mut unwrapped.first()), 8);
        assert_eq!(unwrapped.number(10, &mut unwrapped.first()), 7);
    }
}
