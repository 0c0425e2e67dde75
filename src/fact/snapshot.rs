//! Everything one run learned, in a form that can be written down and read again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::vocabulary::Fact;
use super::{Observation, Origin, Outcome, Reason, TextEvidence, Vantage};

/// Version of the snapshot's form; it rises when an older reader could misread a newer snapshot.
pub const SNAPSHOT_FORMAT: u32 = 1;

/// One setting of the target, with where its value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The value in force; null when unset. A secret setting holds only whether it is set.
    pub value: Value,
    /// `default`, `file FILE:LINE`, `environment NAME`, `flag --NAME`, `lab` or `discovered`.
    pub origin: String,
}

/// One call to the outside world, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Which service: `arm`, `kubernetes`, `sql`, …
    pub api: String,
    /// What was asked: method and path, verb and resource, or SQL. Never a query value that could be secret.
    pub what: String,
    /// Host and port, socket, or database.
    pub against: String,
    /// HTTP status, where an answer came.
    pub status: Option<u16>,
    /// The failure's label, where none came.
    pub failure: Option<String>,
    /// When it began.
    pub at: Timestamp,
    /// How long it took with its retries, in milliseconds.
    pub took_ms: u64,
    /// How many times it was tried.
    pub attempts: u32,
    /// The proxy it went through, without credentials.
    pub proxy: Option<String>,
}

/// How one probe went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeRun {
    /// The probe's name.
    pub name: String,
    /// The facts it answered for.
    pub provides: Vec<String>,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Facts that ended known or absent.
    pub answered: usize,
    /// Facts that ended unknown.
    pub unknown: usize,
}

/// Everything one run learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// [`SNAPSHOT_FORMAT`] of the writer.
    pub format: u32,
    /// Version of the tool that wrote it.
    pub tool_version: String,
    /// When the run began. Every judgement that needs "now" uses this.
    pub observed_at: Timestamp,
    /// Where the run was made from.
    pub vantage: Vantage,
    /// The settings in force, by dotted name.
    pub target: BTreeMap<String, Setting>,
    /// Observations by fact name.
    pub facts: BTreeMap<String, Observation<Value>>,
    /// Text that symptoms are looked for in.
    pub text: Vec<TextEvidence>,
    /// How each probe went.
    pub probes: Vec<ProbeRun>,
    /// Each call that was made.
    pub calls: Vec<Call>,
    /// Arguments that lead to the same deployment again.
    #[serde(default)]
    pub again: Vec<String>,
}

impl Snapshot {
    /// A snapshot in which nothing has been observed yet.
    pub fn new(observed_at: Timestamp, vantage: Vantage) -> Self {
        Self {
            format: SNAPSHOT_FORMAT,
            tool_version: env!("CARGO_PKG_VERSION").into(),
            observed_at,
            vantage,
            target: BTreeMap::new(),
            facts: BTreeMap::new(),
            text: Vec::new(),
            probes: Vec::new(),
            calls: Vec::new(),
            again: Vec::new(),
        }
    }

    /// The observation of a fact; one that no probe answered for is unknown (not asked).
    /// A recorded value of another shape is unknown (malformed).
    pub fn get<T: DeserializeOwned>(&self, fact: &Fact<T>) -> Observation<T> {
        let Some(seen) = self.facts.get(fact.name()) else {
            return Observation::unknown(
                Reason::NotAsked { option: "no probe that provides it was run".into() },
                self.origin_of_none(),
            );
        };
        let outcome = match &seen.outcome {
            Outcome::Known(value) => match T::deserialize(value) {
                Ok(value) => Outcome::Known(value),
                Err(error) => {
                    Outcome::Unknown(Reason::Malformed { detail: format!("{}: {error}", fact.name()) })
                }
            },
            Outcome::Absent => Outcome::Absent,
            Outcome::Unknown(reason) => Outcome::Unknown(reason.clone()),
        };
        Observation { outcome, origin: seen.origin.clone() }
    }

    /// Records an observation, replacing an earlier one of the same fact.
    ///
    pub fn put<T: Serialize>(&mut self, fact: &Fact<T>, seen: Observation<T>) {
        self.facts.insert(fact.name().to_owned(), erase(seen));
    }

    /// A setting as text; empty when unset.
    pub fn setting(&self, name: &str) -> String {
        match self.target.get(name).map(|setting| &setting.value) {
            Some(Value::String(text)) => text.clone(),
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        }
    }

    fn origin_of_none(&self) -> Origin {
        Origin {
            call: String::new(),
            against: String::new(),
            vantage: self.vantage,
            at: self.observed_at,
            took_ms: 0,
            from: Vec::new(),
        }
    }
}

/// The same observation with its value as JSON; a value that JSON cannot hold becomes malformed.
pub fn erase<T: Serialize>(seen: Observation<T>) -> Observation<Value> {
    let outcome = match seen.outcome {
        Outcome::Known(value) => match serde_json::to_value(value) {
            Ok(value) => Outcome::Known(value),
            Err(error) => Outcome::Unknown(Reason::Malformed { detail: error.to_string() }),
        },
        Outcome::Absent => Outcome::Absent,
        Outcome::Unknown(reason) => Outcome::Unknown(reason),
    };
    Observation { outcome, origin: seen.origin }
}
