//! One stream of text, from its first block to its end.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;
use memchr::{memchr, memrchr};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Seen, Tally};
use crate::fact::TextSource;
use crate::redact::redact_line;
use crate::rule::{Found, Scanner, Search, is_retry};
use crate::text::{Block, Blocks, Clock, Unwrapped, time_of, unwrap};

/// Longest excerpt, in bytes.
const EXCERPT: usize = 400;
/// Bytes before a match that an excerpt of a long line shows.
const BEFORE: usize = 100;
/// Bytes around a match in which secrets are looked for.
const AROUND: usize = 4096;
/// Lines before an occurrence in which its time is looked for.
const BACK: usize = 30;
/// Lines behind an occurrence that may still be of the same message.
const SAME: u64 = 15;

/// One occurrence of a named error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Match {
    /// Position of the rule in the scanner.
    #[serde(skip)]
    pub rule: usize,
    /// Line in the source, from 1.
    pub line: u64,
    /// Byte in that line, from 1.
    pub column: u64,
    /// When, where the line or one shortly before it carries a time.
    pub at: Option<Timestamp>,
    /// The text around it, without secrets. Hostile until a format has made it inert.
    pub text: String,
    /// The part of the excerpt that shows it.
    pub decisive: String,
    /// Named captures.
    pub captures: BTreeMap<String, String>,
}

/// How streams are read.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// What is looked for.
    pub scanner: &'a Scanner,
    /// What kind of text it is.
    pub source: TextSource,
    /// What stands in for what times leave out.
    pub clock: Clock,
    /// Older occurrences are left out, where the text carries times.
    pub since: Option<Timestamp>,
    /// Lines are looked at as soon as they are there.
    pub eager: bool,
}

/// Where a search stands in its stream.
struct Course<'a> {
    reading: Reading<'a>,
    search: Search<'a>,
    seen: Seen,
    /// The last time before the block at hand.
    before: Option<Timestamp>,
}

impl Reading<'_> {
    /// Goes through a stream; `each` is told every occurrence at once. Where the stream breaks off, what was read by
    /// then is in `into` all the same.
    pub fn read(
        &self,
        stream: &mut dyn io::Read,
        into: &mut Seen,
        each: &mut dyn FnMut(&Match),
    ) -> io::Result<()> {
        let search = Search::new(self.scanner, self.source);
        let mut course = Course { reading: *self, search, seen: std::mem::take(into), before: None };
        let mut blocks = Blocks::new(stream, self.eager);
        let ended = loop {
            match blocks.next_block() {
                Ok(Some(block)) => course.block(&block, each),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        course.seen.bytes += blocks.read();
        course.seen.lines += blocks.lines();
        course.seen.windows |= blocks.windows();
        *into = course.seen;
        ended
    }
}

impl Course<'_> {
    fn block(&mut self, block: &Block<'_>, each: &mut dyn FnMut(&Match)) {
        let unwrapped = unwrap(block);
        let shown = self.search.block(&unwrapped.text, unwrapped.owned);
        let mut last = unwrapped.first();
        for found in shown.found {
            let line = unwrapped.number(found.line, found.span.0, &mut last);
            self.occurrence(&unwrapped, found, line, each);
        }
        for (rule, at) in shown.recovered {
            let line = unwrapped.number(at, at, &mut unwrapped.first());
            let text = &unwrapped.text[at..];
            let when = time_of(&text[..memchr(b'\n', text).unwrap_or(text.len())], self.reading.clock);
            if let Some(tally) = self.seen.tallies.get_mut(&rule) {
                let failed = tally.latest.as_ref().unwrap_or(&tally.earliest).at;
                tally.recovered = is_retry(line.saturating_sub(tally.ends), failed, when);
            }
        }
        if self.reading.since.is_some() {
            self.before =
                before(&unwrapped.text[..unwrapped.owned.min(unwrapped.text.len())], self.reading.clock)
                    .or(self.before);
        }
    }

    fn occurrence(
        &mut self,
        unwrapped: &Unwrapped<'_>,
        found: Found,
        line: u64,
        each: &mut dyn FnMut(&Match),
    ) {
        let text: &[u8] = &unwrapped.text;
        let end = memchr(b'\n', &text[found.span.1..]).map_or(text.len(), |length| found.span.1 + length);
        let whole = &text[found.line..end];
        let own = time_of(whole, self.reading.clock);
        let last = found.span.1.saturating_sub(1).max(found.line);
        let ends = unwrapped.number(last, last, &mut (found.line, line));
        if let Some(tally) = self.seen.tallies.get_mut(&found.rule) {
            // Windows of one line overlap; and one message often says the same in several of its lines.
            let begun = tally.latest.as_ref().unwrap_or(&tally.earliest).line;
            let goes_on = own.is_none() && continues(whole) && line <= tally.ends + SAME;
            if line == begun || goes_on {
                tally.keep(&found.captures);
                tally.ends = tally.ends.max(ends);
                return;
            }
        }
        let at = own.or_else(|| before(&text[..found.line], self.reading.clock)).or(self.before);
        if let (Some(since), Some(at)) = (self.reading.since, at)
            && at < since
        {
            self.seen.older += 1;
            return;
        }
        let (excerpt, decisive) = excerpt(text, &found, end);
        let one = Match {
            rule: found.rule,
            line,
            column: unwrapped.column(found.span.0),
            at,
            text: excerpt,
            decisive,
            captures: found
                .captures
                .into_iter()
                .map(|(name, value)| (name, redact_line(&value).into_owned()))
                .collect(),
        };
        each(&one);
        match self.seen.tallies.entry(one.rule) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(Tally::new(one, ends));
            }
            std::collections::btree_map::Entry::Occupied(mut there) => {
                there.get_mut().add(one, ends);
            }
        }
    }
}

/// Whether a line looks like the middle of a message.
fn continues(line: &[u8]) -> bool {
    line.first().is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'}' | b'-' | b']'))
}

/// The time of the nearest line before that carries one.
fn before(text: &[u8], clock: Clock) -> Option<Timestamp> {
    let mut end = text.len().checked_sub(1)?;
    for _ in 0..BACK {
        let begin = memrchr(b'\n', &text[..end]).map_or(0, |at| at + 1);
        if let Some(time) = time_of(&text[begin..end], clock) {
            return Some(time);
        }
        end = begin.checked_sub(1)?;
    }
    None
}

/// The text around a match, and the match in it, both without secrets.
fn excerpt(text: &[u8], found: &Found, end: usize) -> (String, String) {
    let (from, to) = found.span;
    // A secret is known by what stands before it: it is taken out before the text is cut.
    let begin = from.saturating_sub(AROUND).max(found.line);
    let stop = end.min(to + AROUND);
    let clean = |part: &[u8]| redact_line(String::from_utf8_lossy(part).trim()).into_owned();
    let whole = clean(&text[begin..stop]);
    let decisive = clean(&text[from..to]);
    let at = if decisive.is_empty() { None } else { whole.find(&decisive) };
    let (Some(at), true) = (at, whole.len() > EXCERPT) else {
        let mut short: String = whole.chars().take(EXCERPT).collect();
        if short.len() < whole.len() {
            short.push('…');
        }
        let decisive = if short.contains(&decisive) { decisive } else { String::new() };
        return (short, decisive);
    };
    let floor =
        |at: usize| (0..=at.min(whole.len())).rev().find(|&at| whole.is_char_boundary(at)).unwrap_or(0);
    let first = floor(at.saturating_sub(BEFORE));
    let last = floor(first + EXCERPT);
    let before = if first > 0 { "…" } else { "" };
    let after = if last < whole.len() { "…" } else { "" };
    let excerpt = format!("{before}{}{after}", &whole[first..last]);
    let decisive = if excerpt.contains(&decisive) { decisive } else { whole[at..last.max(at)].to_owned() };
    (excerpt, decisive)
}
