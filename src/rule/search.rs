//! A search through one source, block by block: its filter fits its text, and what was found may turn out to be over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::filter::{Filter, Sample};
use super::symptom::{Block, Found, Scanner, begin, end, filter_of, merged};
use crate::fact::TextSource;

/// Bytes of a block by which a filter is tuned.
const SAMPLED: usize = 1 << 18;
/// Bytes of a block for which no filter is tuned.
const SHORT: usize = 1 << 16;
/// Bytes between two looks at whether a filter still fits its text.
const REVIEWED: usize = 1 << 21;
/// A filter that stops once in so many bytes, or more often, does not fit the text.
const TOO_OFTEN: usize = 400;
/// Times that a search is tuned anew at most.
const TUNINGS: u32 = 12;

/// A search through the blocks of one source.
pub struct Search<'a> {
    scanner: &'a Scanner,
    source: TextSource,
    filter: Option<Arc<Filter>>,
    recovery: Option<Arc<Filter>>,
    done: Vec<usize>,
    read: usize,
    stopped: usize,
    tunings: u32,
    /// Rules with a symptom that a recovery would end.
    open: BTreeSet<usize>,
}

/// Lines behind a failure within which a success counts as that of its retry.
const RETRIED_LINES: u64 = 200;
/// Seconds, likewise.
const RETRIED_S: i64 = 900;

/// Whether a success follows a failure, so many lines behind it, as that of a retry does. A later success of something
/// else proves nothing.
pub fn is_retry(lines: u64, failed: Option<Timestamp>, succeeded: Option<Timestamp>) -> bool {
    let soon = match (failed, succeeded) {
        (Some(failed), Some(succeeded)) => {
            (0..=RETRIED_S).contains(&(succeeded.as_second() - failed.as_second()))
        }
        _ => true,
    };
    soon && (1..=RETRIED_LINES).contains(&lines)
}

/// What one block shows.
#[derive(Debug, Default)]
pub struct Shown {
    /// Symptoms, in order of line and rule.
    pub found: Vec<Found>,
    /// Rules that are over, by position, each with where the line begins that shows it.
    pub recovered: Vec<(usize, usize)>,
}

impl<'a> Search<'a> {
    /// A search that has seen nothing yet.
    pub fn new(scanner: &'a Scanner, source: TextSource) -> Self {
        Self {
            scanner,
            source,
            filter: None,
            recovery: None,
            done: vec![0; scanner.patterns.len()],
            read: 0,
            stopped: 0,
            tunings: 0,
            open: BTreeSet::new(),
        }
    }

    /// Looks through whole lines, of which those that begin before `owned` are looked at and the others only follow.
    pub fn block(&mut self, text: &[u8], owned: usize) -> Shown {
        let scanner = self.scanner;
        self.tune(text);
        let block = Block { text, owned, source: self.source };
        let mut found = Vec::new();
        if let Some(filter) = &self.filter {
            self.stopped += block.search(scanner, &scanner.patterns, filter, &mut self.done, &mut found);
        }
        self.read += text.len();
        let found = merged(found);
        for one in found.iter().filter(|one| !scanner.recovered_by[one.rule].is_empty()) {
            self.open.insert(one.rule);
        }
        let recovered = if self.open.is_empty() { Vec::new() } else { self.recoveries(block, &found) };
        Shown { found, recovered }
    }

    /// Fits the filter to the text where it stops too often.
    fn tune(&mut self, text: &[u8]) {
        let unfit = self.read >= REVIEWED && self.stopped > self.read / TOO_OFTEN;
        if self.filter.is_some() && !(unfit && self.tunings < TUNINGS) {
            if self.read >= REVIEWED {
                (self.read, self.stopped) = (0, 0);
            }
            return;
        }
        self.filter = Some(if text.len() < SHORT {
            self.scanner.untuned()
        } else {
            let sample = Sample::of(&text[..text.len().min(SAMPLED)]);
            Arc::new(filter_of(&self.scanner.patterns, &sample))
        });
        self.recovery = None;
        (self.read, self.stopped) = (0, 0);
        self.tunings += 1;
    }

    /// For each open rule the first line behind its last symptom that shows that it works again.
    fn recoveries(&mut self, block: Block<'_>, found: &[Found]) -> Vec<(usize, usize)> {
        let scanner = self.scanner;
        let filter = self.recovery.get_or_insert_with(|| {
            let tuned = |text: &[u8]| Arc::new(filter_of(&scanner.recoveries, &Sample::of(text)));
            if block.text.len() < SHORT {
                Arc::clone(scanner.untuned_recoveries.get_or_init(|| tuned(b"")))
            } else {
                tuned(&block.text[..block.text.len().min(SAMPLED)])
            }
        });
        let mut places = Vec::new();
        filter.run(block.text, |pattern, at| places.push((begin(block.text, at), pattern)));
        places.retain(|(line, _)| *line < block.owned);
        places.dedup();
        let mut known: BTreeMap<(usize, usize), bool> = BTreeMap::new();
        let mut over = Vec::new();
        self.open.retain(|&rule| {
            let last = found.iter().rev().find(|one| one.rule == rule).map(|one| end(block.text, one.span.1));
            let shows = |&(line, pattern): &(usize, usize)| {
                scanner.recovered_by[rule].contains(&scanner.recoveries[pattern].of)
                    && last.is_none_or(|last| line > last)
                    && *known.entry((line, pattern)).or_insert_with(|| {
                        let mut seen = Vec::new();
                        block.line(scanner, &scanner.recoveries[pattern], line, &mut seen);
                        !seen.is_empty()
                    })
            };
            match places.iter().copied().find(shows) {
                Some((line, _)) => {
                    over.push((rule, line));
                    false
                }
                None => true,
            }
        });
        over
    }
}
