//! Many runs at once: which names, in how many of them, since when.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inert::inert;
use super::json::document;
use super::terminal::counted;
use crate::diagnosis::{Diagnosis, Severity};

/// Version of the overview's form; it rises when a reader of an older one could misread it.
pub const OVERVIEW_FORMAT: u32 = 1;
/// Files that are named of several.
const NAMED: usize = 10;

/// What many runs came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mzv-doctor overview")]
pub struct Overview {
    /// [`OVERVIEW_FORMAT`] of the writer.
    pub overview_format: u32,
    /// Runs that were judged.
    pub runs: usize,
    /// Those of them that ended in each exit status.
    pub ended: BTreeMap<u8, usize>,
    /// Names that were found, those in most runs first.
    pub found: Vec<Spread>,
    /// Names that could not be examined and had to be, those in most runs first.
    pub open: Vec<Spread>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// Files that are no record of a run.
    pub others: usize,
}

/// A name with where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The name.
    pub id: String,
    /// One line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// In how many runs.
    pub runs: usize,
    /// Of how many deployments, by their short names.
    pub deployments: usize,
    /// Version of mzv-doctor that recorded the earliest of them.
    pub since_version: String,
    /// When that was.
    pub since: Timestamp,
    /// When the latest was.
    pub until: Timestamp,
    /// The earliest.
    pub example: String,
}

/// A file that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unread {
    /// The file.
    pub file: String,
    /// Why.
    pub problem: String,
}

#[derive(Default)]
struct Names(BTreeMap<String, (Spread, BTreeSet<String>)>);

impl Names {
    fn add(&mut self, id: &str, title: &str, severity: Severity, file: &str, of: &Diagnosis) {
        let new = || Spread {
            id: id.to_owned(),
            title: title.to_owned(),
            severity,
            runs: 0,
            deployments: 0,
            since_version: of.tool_version.clone(),
            since: of.observed_at,
            until: of.observed_at,
            example: file.to_owned(),
        };
        let (spread, deployments) = self.0.entry(id.to_owned()).or_insert_with(|| (new(), BTreeSet::new()));
        spread.runs += 1;
        deployments.insert(of.target.clone());
        spread.deployments = deployments.len();
        spread.until = spread.until.max(of.observed_at);
        // Whichever comes first in time, and among those of one time by name: files come in no order.
        if (of.observed_at, file) < (spread.since, spread.example.as_str()) {
            spread.since = of.observed_at;
            spread.since_version.clone_from(&of.tool_version);
            file.clone_into(&mut spread.example);
        }
    }

    fn sorted(self) -> Vec<Spread> {
        let mut all: Vec<Spread> = self.0.into_values().map(|(spread, _)| spread).collect();
        all.sort_by(|one, other| {
            let by = |it: &Spread| (std::cmp::Reverse(it.severity), std::cmp::Reverse(it.runs));
            by(one).cmp(&by(other)).then_with(|| one.id.cmp(&other.id))
        });
        all
    }
}

/// Runs as they come, each let go of once it is counted.
#[derive(Default)]
pub struct Tally {
    overview: Overview,
    found: Names,
    open: Names,
}

impl Tally {
    /// Counts a run, by its file and exit status.
    pub fn add(&mut self, file: &str, exit: u8, diagnosis: &Diagnosis) {
        self.overview.runs += 1;
        *self.overview.ended.entry(exit).or_default() += 1;
        let mut told = BTreeSet::new();
        for finding in diagnosis.findings.iter().filter(|it| told.insert(it.id.as_str())) {
            self.found.add(&finding.id, &finding.title, finding.severity, file, diagnosis);
        }
        for row in diagnosis.inconclusive.iter().filter(|row| row.required) {
            self.open.add(&row.id, &row.title, row.severity, file, diagnosis);
        }
    }

    /// Counts what could not be judged.
    pub fn miss(&mut self, file: String, problem: String) {
        self.overview.unread.push(Unread { file, problem });
    }

    /// Counts what is no record.
    pub fn pass_over(&mut self) {
        self.overview.others += 1;
    }

    /// What they came to.
    pub fn end(self) -> Overview {
        let mut unread = self.overview.unread;
        unread.sort();
        Overview {
            overview_format: OVERVIEW_FORMAT,
            found: self.found.sorted(),
            open: self.open.sorted(),
            unread,
            ..self.overview
        }
    }
}

/// For a machine; `schema/overview.v1.json` describes it.
pub fn overview_in_json(overview: &Overview) -> String {
    document(overview)
}

/// For a person.
pub fn overview_on_terminal(overview: &Overview, exit: u8) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        // Writing to a string does not fail.
        let _written = writeln!(out, "{}", text.trim_end());
    };
    for (label, names) in [("found", &overview.found), ("required, and not examined", &overview.open)] {
        if names.is_empty() {
            continue;
        }
        line(format!("{label}, in how many of {}", counted(overview.runs, "run", "runs")));
        let widest = names.iter().map(|it| it.id.chars().count()).max().unwrap_or(0);
        for it in names {
            let mark = match it.severity {
                Severity::Error => "✗",
                Severity::Warning => "!",
                Severity::Notice => "i",
            };
            line(format!(
                "{mark} {:>6}  {:widest$}  since {} (mzv-doctor {}), {}",
                it.runs,
                calm(&it.id),
                it.since.strftime("%Y-%m-%d"),
                calm(&it.since_version),
                counted(it.deployments, "deployment", "deployments"),
            ));
        }
        line(String::new());
    }
    if !overview.unread.is_empty() {
        line(format!("? {} could not be read", counted(overview.unread.len(), "file", "files")));
        for it in overview.unread.iter().take(NAMED) {
            line(format!("  {}: {}", calm(&it.file), calm(&it.problem)));
        }
        if overview.unread.len() > NAMED {
            line(format!("  and {} more", overview.unread.len() - NAMED));
        }
        line(String::new());
    }
    let ended: Vec<String> =
        overview.ended.iter().map(|(code, runs)| format!("{runs} with exit {code}")).collect();
    let others = if overview.others > 0 {
        format!("; {} no record of a run", counted(overview.others, "file is", "files are"))
    } else {
        String::new()
    };
    line(format!("{}: {}{others}  exit {exit}", counted(overview.runs, "run", "runs"), ended.join(", ")));
    out
}

fn calm(text: &str) -> String {
    inert(text, true)
}
