//! Text out of what loggers wrap it in: JSON strings with their escapes, the records of container engines and of the
//! journal, and terminal colours. A block without any of it is left as it is.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr2, memmem, memrchr};

use super::Block;
use super::journal::{Entry, is_journal};
use super::piece::{colours, escapes, write, written_at};

/// Where a stretch of unwrapped text is from.
#[derive(Debug)]
pub struct Stretch {
    /// Where it begins.
    begin: usize,
    /// The source's number of its line.
    number: u64,
    /// Where it is written in the block.
    written: Range<usize>,
    /// Bytes at its beginning that are written elsewhere: its time.
    lead: usize,
    /// Whether it is written as the inside of JSON strings.
    escaped: bool,
}

/// Which line of the source a place in unwrapped text is from.
#[derive(Debug)]
pub enum Numbering {
    /// Line by line from this one.
    Same(u64),
    /// By stretches, in order.
    Mapped(Vec<Stretch>),
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
    /// What it was.
    block: Block<'a>,
}

impl Unwrapped<'_> {
    /// The source's number of the line that `at` is in, which begins at `line` here. `last` is a place not behind that
    /// line whose number is known.
    pub fn number(&self, line: usize, at: usize, last: &mut (usize, u64)) -> u64 {
        match &self.numbering {
            Numbering::Same(_) => {
                let between = &self.text[last.0..line];
                *last = (line, last.1 + memchr::memchr_iter(b'\n', between).count() as u64);
                last.1
            }
            Numbering::Mapped(stretches) => stretch(stretches, at).map_or(1, |it| it.number),
        }
    }

    /// Which byte of its line of the source `at` is, from 1.
    pub fn column(&self, at: usize) -> u64 {
        let written = match &self.numbering {
            Numbering::Same(_) => at,
            Numbering::Mapped(stretches) => stretch(stretches, at).map_or(0, |it| {
                let source = &self.block.text[it.written.clone()];
                let mut inner = (at - it.begin).saturating_sub(it.lead);
                if memchr(0x1B, source).is_some() {
                    if it.escaped {
                        inner = written_at(escapes(&uncoloured(source)), inner);
                    }
                    inner = written_at(colours(source), inner);
                } else if it.escaped {
                    inner = written_at(escapes(source), inner);
                }
                it.written.start + inner
            }),
        };
        let before = memrchr(b'\n', &self.block.text[..written]);
        let line = before.map_or(0, |at| at + 1);
        let hidden = if before.is_none() { self.block.column } else { 0 };
        hidden + (written - line) as u64 + 1
    }

    /// Where counting lines begins.
    pub fn first(&self) -> (usize, u64) {
        match self.numbering {
            Numbering::Same(first) => (0, first),
            Numbering::Mapped(_) => (0, 1),
        }
    }
}

fn stretch(stretches: &[Stretch], at: usize) -> Option<&Stretch> {
    stretches.get(stretches.partition_point(|it| it.begin <= at).wrapping_sub(1))
}

/// Takes a block's wrappings off.
pub fn unwrap<'a>(block: &Block<'a>) -> Unwrapped<'a> {
    let coloured = memchr(0x1B, block.text).is_some();
    let journal = is_journal(block.text);
    if !coloured && !journal && !has_json(block.text) && !is_split(block.text) {
        return Unwrapped {
            text: Cow::Borrowed(block.text),
            owned: block.owned,
            numbering: Numbering::Same(block.line),
            block: *block,
        };
    }
    let mut out = Out { text: Vec::with_capacity(block.text.len()), stretches: Vec::new(), goes_on: None };
    let mut owned = None;
    let mut entry = Entry::default();
    let mut line = 0;
    let mut number = block.line;
    while line < block.text.len() {
        if line >= block.owned && owned.is_none() {
            owned = Some(out.text.len());
        }
        let end = memchr(b'\n', &block.text[line..]).map_or(block.text.len(), |length| line + length + 1);
        let written = &block.text[line..end];
        if journal {
            let text = written.strip_suffix(b"\n").unwrap_or(written);
            if let Some(message) = entry.line(text) {
                let time = message.time.map(|time| time.to_string()).unwrap_or_default();
                let at = line + message.skipped..line + text.len();
                out.add(block, at, number, time.as_bytes(), false);
                out.text.push(b'\n');
            }
        } else {
            out.record(block, line..end, number);
        }
        number += 1;
        line = end;
    }
    Unwrapped {
        owned: owned.unwrap_or(out.text.len()).max(usize::from(block.owned > 0)),
        text: Cow::Owned(out.text),
        numbering: Numbering::Mapped(out.stretches),
        block: *block,
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

/// Whether lines are split by a container's runtime.
fn is_split(text: &[u8]) -> bool {
    let first = &text[..memchr(b'\n', text).unwrap_or(text.len())];
    runtime_record(first).is_some()
        && (memmem::find(text, b" stderr P ").is_some() || memmem::find(text, b" stdout P ").is_some())
}

struct Out {
    text: Vec<u8>,
    stretches: Vec<Stretch>,
    /// The stream whose last record's text goes on in the next one.
    goes_on: Option<u8>,
}

impl Out {
    /// Text that is written at `at`.
    fn add(&mut self, block: &Block<'_>, at: Range<usize>, number: u64, time: &[u8], escaped: bool) {
        let begin = self.text.len();
        if !time.is_empty() {
            self.text.extend_from_slice(time);
            self.text.push(b' ');
        }
        let lead = self.text.len() - begin;
        let source = &block.text[at.clone()];
        let plain = uncoloured(source);
        if escaped {
            write(escapes(&plain), &mut self.text);
        } else {
            self.text.extend_from_slice(&plain);
        }
        self.stretches.push(Stretch { begin, number, written: at, lead, escaped });
    }

    /// One line of the source with its line break.
    fn record(&mut self, block: &Block<'_>, at: Range<usize>, number: u64) {
        let line = &block.text[at.clone()];
        let engine = engine_record(line);
        let runtime = if engine.is_none() { runtime_record(line) } else { None };
        let stream = engine.as_ref().map(|_| b'{').or(runtime.as_ref().map(|record| record.stream));
        let joined = self.goes_on.is_some() && self.goes_on == stream;
        if self.goes_on.take().is_some() && !joined {
            self.text.push(b'\n');
        }
        if let Some(record) = engine {
            let time = if joined { b"".as_slice() } else { &line[record.time] };
            let from = self.text.len();
            self.add(block, at.start + record.log.start..at.start + record.log.end, number, time, true);
            self.goes_on = (self.text[from..].last() != Some(&b'\n')).then_some(b'{');
        } else if let Some(record) = runtime {
            let from = at.start + if joined { record.text } else { 0 };
            let split = record.split && line.ends_with(b"\n");
            let to = at.end - usize::from(split);
            self.add(block, from..to.max(from), number, b"", is_escaped(line));
            self.goes_on = split.then_some(record.stream);
        } else {
            self.add(block, at, number, b"", is_escaped(line));
        }
    }
}

fn is_escaped(line: &[u8]) -> bool {
    is_json(line) && memchr(b'\\', line).is_some()
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

struct EngineRecord {
    log: Range<usize>,
    time: Range<usize>,
}

/// A record of Docker's json-file driver: `{"log":"text\n","stream":"stderr","time":"…"}`.
fn engine_record(line: &[u8]) -> Option<EngineRecord> {
    const OPENS: &[u8] = b"{\"log\":\"";
    const TIME: &[u8] = b"\"time\":\"";
    if !line.starts_with(OPENS) {
        return None;
    }
    let mut end = OPENS.len();
    loop {
        end += memchr2(b'"', b'\\', line.get(end..)?)?;
        if line[end] == b'"' {
            break;
        }
        end += 2;
    }
    let time = memmem::find(&line[end..], TIME).and_then(|at| {
        let begin = end + at + TIME.len();
        Some(begin..begin + memchr(b'"', &line[begin..])?)
    });
    Some(EngineRecord { log: OPENS.len()..end, time: time.unwrap_or_default() })
}

struct RuntimeRecord {
    stream: u8,
    split: bool,
    /// Where its text begins.
    text: usize,
}

/// A line of a container's log on its node: `TIME stderr F text`, or `P` where the text goes on in the next line (the
/// kubelet's CRI logging format).
fn runtime_record(line: &[u8]) -> Option<RuntimeRecord> {
    let time = memchr(b' ', line.get(..64.min(line.len()))?)?;
    if !(line.first()?.is_ascii_digit() && memchr(b'T', &line[..time]).is_some()) {
        return None;
    }
    let rest = &line[time + 1..];
    let stream = if rest.starts_with(b"stderr ") {
        b'e'
    } else if rest.starts_with(b"stdout ") {
        b'o'
    } else {
        return None;
    };
    match rest.get(7..9)? {
        b"P " => Some(RuntimeRecord { stream, split: true, text: time + 10 }),
        b"F " => Some(RuntimeRecord { stream, split: false, text: time + 10 }),
        _ => None,
    }
}

/// Without what colours a terminal.
fn uncoloured(source: &[u8]) -> Cow<'_, [u8]> {
    if memchr(0x1B, source).is_none() {
        return Cow::Borrowed(source);
    }
    let mut plain = Vec::with_capacity(source.len());
    write(colours(source), &mut plain);
    Cow::Owned(plain)
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
            ("{\"log\":\"\\u001b[31mred\\u001b[0m: x\\n\"}\n", "red: x\n"),
            (
                "2026-11-23T14:02:11Z stderr P one \n2026-11-23T14:02:12Z stderr F line\n",
                "2026-11-23T14:02:11Z stderr P one line\n",
            ),
            (
                "2026-11-23T14:02:11Z stderr P one \n2026-11-23T14:02:12Z stdout F other\n",
                "2026-11-23T14:02:11Z stderr P one \n2026-11-23T14:02:12Z stdout F other\n",
            ),
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
        assert_eq!(unwrapped.number(at, at, &mut unwrapped.first()), 8);
        assert_eq!(unwrapped.number(10, 10, &mut unwrapped.first()), 7);
    }

    #[test]
    fn a_place_keeps_its_column_of_the_source() {
        for text in [
            "plain text FOUND\n",
            "{\"msg\":\"a\\nb \\ud83d\\ude00 FOUND\"}\n",
            "{\"log\":\"a \\\"b\\\" FOUND\\n\",\"time\":\"2026-11-23T14:02:11Z\"}\n",
            "{\"log\":\"\\u001b[31ma\\u001b[0m FOUND\\n\"}\n",
            "\u{1b}[31mred\u{1b}[0m FOUND\n",
            "\u{1b}[31m{\"a\": \"\u{1b}[0m\\n FOUND\"}\n",
            "__CURSOR=s\n__REALTIME_TIMESTAMP=1795442531000000\nMESSAGE=it FOUND\n",
            "2026-11-23T14:02:11Z stderr P one\n2026-11-23T14:02:12Z stderr F two FOUND\n",
        ] {
            let text = format!("first line\n{text}");
            let block = Block { text: text.as_bytes(), owned: text.len(), line: 1, column: 0 };
            let unwrapped = unwrap(&block);
            let plain = String::from_utf8_lossy(&unwrapped.text).into_owned();
            let at = plain.find("FOUND").unwrap_or_default();
            let line = unwrapped.number(at, at, &mut unwrapped.first());
            let wanted =
                text.lines().zip(1..).find_map(|(line, n)| Some((n, line.find("FOUND")? as u64 + 1)));
            assert_eq!(Some((line, unwrapped.column(at))), wanted, "{text:?}");
        }
    }
}
