//! What was found in one source, counted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Match;

/// Values of one capture that are kept.
const VALUES: usize = 20;

/// What one source shows.
#[derive(Debug, Default)]
pub struct Seen {
    /// Bytes of text read, unpacked.
    pub bytes: u64,
    /// Lines read.
    pub lines: u64,
    /// Whether a line was too long to be looked at in one piece.
    pub windows: bool,
    /// Occurrences left out because they are older than was asked for.
    pub older: u64,
    /// Of each rule, by its position in the scanner.
    pub tallies: BTreeMap<usize, Tally>,
}

/// Occurrences of one named error in one source.
#[derive(Debug)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// First time, where the text carries times.
    pub first: Option<Timestamp>,
    /// Last time, likewise.
    pub last: Option<Timestamp>,
    /// The first occurrence.
    pub earliest: Match,
    /// The last one, where there are several.
    pub latest: Option<Match>,
    /// Values of named captures.
    pub captured: BTreeMap<String, BTreeSet<String>>,
    /// Whether later text shows that it works again.
    pub recovered: bool,
    /// Line with which the last occurrence ends.
    pub(super) ends: u64,
}

impl Tally {
    pub(super) fn new(first: Match, ends: u64) -> Self {
        let mut tally = Self {
            count: 1,
            first: first.at,
            last: first.at,
            captured: BTreeMap::new(),
            recovered: false,
            ends,
            latest: None,
            earliest: first,
        };
        let captures = std::mem::take(&mut tally.earliest.captures);
        tally.keep(&captures);
        tally.earliest.captures = captures;
        tally
    }

    pub(super) fn add(&mut self, one: Match, ends: u64) {
        self.count += 1;
        self.first = [self.first, one.at].into_iter().flatten().min();
        self.last = self.last.max(one.at);
        self.keep(&one.captures);
        self.latest = Some(one);
        (self.ends, self.recovered) = (ends, false);
    }

    /// Adds values that another wording of the same occurrence captured.
    pub(super) fn keep(&mut self, captures: &BTreeMap<String, String>) {
        for (name, value) in captures {
            let values = self.captured.entry(name.clone()).or_default();
            if values.len() < VALUES {
                values.insert(value.clone());
            }
        }
    }
}
