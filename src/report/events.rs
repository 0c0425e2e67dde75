//! A run as lines of JSON: each probe as it begins and ends, then every name with its state, then the end.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::json::calm;
use super::rows::{State, rows};
use crate::diagnosis::{Diagnosis, Finding, Inconclusive, Summary};
use crate::fact::{Observation, Outcome, ProbeRun, Reason, Vantage};

/// Version of the lines; it rises when a reader of older ones could misread them.
pub const EVENT_FORMAT: u32 = 1;

/// One line.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[schemars(title = "mzv-doctor event")]
pub enum Event<'a> {
    /// The run begins.
    Begin {
        /// [`EVENT_FORMAT`] of the writer.
        event_format: u32,
        /// Version of the tool.
        tool_version: &'a str,
        /// When.
        observed_at: Timestamp,
        /// From where.
        vantage: Vantage,
    },
    /// A probe begins to ask.
    Asking {
        /// Its name.
        probe: &'a str,
    },
    /// A probe has its answers.
    Asked {
        /// How it went.
        probe: &'a ProbeRun,
        /// What it learned, by name.
        facts: Vec<Learned<'a>>,
    },
    /// What spreads is waited for before it is asked about again.
    Waiting {
        /// What is waited for.
        what: &'a str,
        /// Seconds that are left to wait.
        left_s: u64,
    },
    /// A name that was found.
    Finding {
        /// What was found.
        finding: &'a Finding,
    },
    /// A name that could not be decided.
    Inconclusive {
        /// What it lacks.
        row: &'a Inconclusive,
    },
    /// A name that was examined and is not so.
    Passed {
        /// The name.
        id: &'a str,
    },
    /// A name that does not apply here.
    NotApplicable {
        /// The name.
        id: &'a str,
    },
    /// The run is over; nothing follows.
    End {
        /// Exit status of the run.
        exit_code: u8,
        /// Why it is that one; empty where the findings say it.
        because: &'a str,
        /// Short name of the deployment.
        target: &'a str,
        /// The run in numbers.
        summary: Summary,
    },
}

/// How a fact was answered.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Learned<'a> {
    /// Its name.
    pub name: &'a str,
    /// `known`, `absent` or `unknown`.
    pub state: &'static str,
    /// The value of what is known; no fact holds a secret.
    pub value: Option<&'a Value>,
    /// Why it is unknown.
    pub reason: Option<&'a Reason>,
}

impl<'a> Event<'a> {
    /// A probe's end with what it answered.
    pub fn asked(probe: &'a ProbeRun, facts: &'a [(&'static str, Observation<Value>)]) -> Self {
        let learned = facts.iter().map(|(name, seen)| {
            let (state, value, reason) = match &seen.outcome {
                Outcome::Known(value) => ("known", Some(value), None),
                Outcome::Absent => ("absent", None, None),
                Outcome::Unknown(reason) => ("unknown", None, Some(reason)),
            };
            Learned { name, state, value, reason }
        });
        Self::Asked { probe, facts: learned.collect() }
    }
}

/// Every name with its state, and the end.
pub fn events_of(diagnosis: &Diagnosis, exit: u8) -> Vec<Event<'_>> {
    let mut all: Vec<Event<'_>> =
        diagnosis.findings.iter().map(|finding| Event::Finding { finding }).collect();
    for row in rows(diagnosis) {
        all.extend(match row.state {
            State::Found(_) => None,
            State::Open(row) => Some(Event::Inconclusive { row }),
            State::Passed => Some(Event::Passed { id: row.id }),
            State::NotApplicable => Some(Event::NotApplicable { id: row.id }),
        });
    }
    all.push(Event::End {
        exit_code: exit,
        because: &diagnosis.because,
        target: &diagnosis.target,
        summary: super::summary(diagnosis, exit),
    });
    all
}

/// An event as a line that does nothing to what it is printed to.
pub fn event_line(event: &Event<'_>) -> String {
    // Its types have text keys only, which is all that JSON asks.
    format!("{}\n", calm(&serde_json::to_string(event).unwrap_or_else(|_| "{}".into())))
}
