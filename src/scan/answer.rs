//! What a scan comes to, in the form that reports see.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Match, Outcome, Tally};
use crate::diagnosis::{Excerpt, Finding, Shown, name};
use crate::fact::{Snapshot, TextSource};
use crate::redact::redact_line;
use crate::rule::{RuleTable, Scanner};

/// Version of the answer's form; it rises when an older reader could misread a newer document.
pub const ANSWER_FORMAT: u32 = 1;
/// Places that are listed of one named error.
const PLACES: usize = 50;

/// One place in which a named error stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The source: a file, a file in an archive (`ARCHIVE!/FILE`), `-` for standard input, a pod's log.
    pub source: String,
    /// Line of the first occurrence, from 1.
    pub line: u64,
    /// Byte in that line, from 1.
    pub column: u64,
    /// How many times.
    pub count: u64,
    /// First time, where the text carries times.
    pub first: Option<Timestamp>,
    /// Last time, likewise.
    pub last: Option<Timestamp>,
    /// Whether later text of this source shows that it works again.
    pub recovered: bool,
}

/// Values that the text names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Captured {
    /// What it is.
    pub name: String,
    /// The values seen, in order of the alphabet.
    pub values: Vec<String>,
}

/// A named error that the text shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    /// What it is and what mends it; its texts are the first and the last occurrence.
    #[serde(flatten)]
    pub finding: Finding,
    /// How many times, in all sources.
    pub count: u64,
    /// First time, where the text carries times.
    pub first: Option<Timestamp>,
    /// Last time, likewise.
    pub last: Option<Timestamp>,
    /// Where, in the order of the sources.
    pub places: Vec<Place>,
    /// Places that are not listed.
    pub more_places: u64,
    /// Values that the text names.
    pub captured: Vec<Captured>,
}

/// How much was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// Texts.
    pub sources: u64,
    /// Bytes, unpacked.
    pub bytes: u64,
    /// Lines.
    pub lines: u64,
    /// Names that were looked for.
    pub names: u64,
    /// Occurrences that are older than was asked for.
    pub older: u64,
    /// Texts with a line so long that it was looked at in windows.
    pub windows: Vec<String>,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unread {
    /// The source.
    pub source: String,
    /// Why.
    pub problem: String,
}

/// What a scan comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// [`ANSWER_FORMAT`] of the writer.
    pub format: u32,
    /// Version of the tool.
    pub tool_version: String,
    /// Named errors that are still so at the end of the text, causes before their consequences.
    pub findings: Vec<Named>,
    /// Named errors that later text shows to be over.
    pub recovered: Vec<Named>,
    /// How much was read.
    pub read: Read,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// Puts together what all sources show. `table` holds at least the rules that were found.
pub fn answer(outcome: Outcome, scanner: &Scanner, table: &RuleTable, snapshot: &Snapshot) -> Answer {
    let mut read = Read {
        sources: outcome.seen.len() as u64,
        bytes: 0,
        lines: 0,
        names: scanner.rules().len() as u64,
        older: 0,
        windows: Vec::new(),
    };
    let mut by_rule: BTreeMap<usize, Vec<(String, Tally)>> = BTreeMap::new();
    for (place, seen) in outcome.seen {
        read.bytes += seen.bytes;
        read.lines += seen.lines;
        read.older += seen.older;
        if seen.windows {
            read.windows.push(place.clone());
        }
        for (rule, tally) in seen.tallies {
            by_rule.entry(rule).or_default().push((place.clone(), tally));
        }
    }
    let (mut open, mut over) = (Vec::new(), Vec::new());
    for (rule, tallies) in by_rule {
        let list = if tallies.iter().all(|(_, tally)| tally.recovered) { &mut over } else { &mut open };
        list.push((scanner.rules()[rule].clone(), tallies));
    }
    Answer {
        format: ANSWER_FORMAT,
        tool_version: snapshot.tool_version.clone(),
        findings: named(open, table, snapshot),
        recovered: named(over, table, snapshot),
        read,
        unread: outcome
            .problems
            .into_iter()
            .map(|problem| Unread { source: problem.place, problem: problem.what })
            .collect(),
    }
}

fn named(found: Vec<(String, Vec<(String, Tally)>)>, table: &RuleTable, snapshot: &Snapshot) -> Vec<Named> {
    let mut counts: BTreeMap<String, Vec<(String, Tally)>> = BTreeMap::new();
    let mut shown = Vec::new();
    for (id, tallies) in found {
        shown.push(Shown { captures: captures(&tallies), excerpts: excerpts(&tallies), id: id.clone() });
        counts.insert(id, tallies);
    }
    let findings = name(snapshot, table, shown);
    findings.into_iter().filter_map(|finding| Some(whole(&counts.remove(&finding.id)?, finding))).collect()
}

fn whole(tallies: &[(String, Tally)], finding: Finding) -> Named {
    let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, tally) in tallies {
        for (name, captured) in &tally.captured {
            let clean = captured.iter().map(|value| redact_line(value).into_owned());
            values.entry(name.clone()).or_default().extend(clean);
        }
    }
    Named {
        finding,
        count: tallies.iter().map(|(_, tally)| tally.count).sum(),
        first: tallies.iter().filter_map(|(_, tally)| tally.first).min(),
        last: tallies.iter().filter_map(|(_, tally)| tally.last).max(),
        more_places: tallies.len().saturating_sub(PLACES) as u64,
        places: tallies
            .iter()
            .take(PLACES)
            .map(|(source, tally)| Place {
                source: source.clone(),
                line: tally.earliest.line,
                column: tally.earliest.column,
                count: tally.count,
                first: tally.first,
                last: tally.last,
                recovered: tally.recovered,
            })
            .collect(),
        captured: values
            .into_iter()
            .map(|(name, values)| Captured { name, values: values.into_iter().collect() })
            .collect(),
    }
}

/// One value of each capture: of the last occurrence that has one.
fn captures(tallies: &[(String, Tally)]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (_, tally) in tallies {
        for (name, values) in &tally.captured {
            if let Some(value) = values.first() {
                all.insert(name.clone(), redact_line(value).into_owned());
            }
        }
        for one in [Some(&tally.earliest), tally.latest.as_ref()].into_iter().flatten() {
            all.extend(one.captures.clone());
        }
    }
    all
}

/// The first occurrence and the last one.
fn excerpts(tallies: &[(String, Tally)]) -> Vec<Excerpt> {
    let excerpt = |(place, tally): &(String, Tally), one: &Match| Excerpt {
        source: TextSource::Text,
        place: place.clone(),
        line: one.line,
        column: Some(one.column),
        count: u32::try_from(tally.count).unwrap_or(u32::MAX),
        first: tally.first,
        last: tally.last,
        text: one.text.clone(),
        decisive: one.decisive.clone(),
    };
    let first = tallies.first().map(|whole| excerpt(whole, &whole.1.earliest));
    let last = tallies.last().and_then(|whole| {
        let latest = whole.1.latest.as_ref().or((tallies.len() > 1).then_some(&whole.1.earliest))?;
        Some(excerpt(whole, latest))
    });
    first.into_iter().chain(last).collect()
}
