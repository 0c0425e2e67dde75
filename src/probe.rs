//! Probes: each asks the outside world about one subject and answers with facts. A probe never judges,
//! and never fails: what it cannot learn it observes as unknown.
//!
//! Inside a probe, *fetch* asks a client and *parse* turns an answer into facts; parsing is pure and tested
//! with recorded answers. To add a probe: a file here, one line in [`all`].

mod clients;
mod federation;
mod field;
mod gateways;
mod imds;
mod login;
mod migration;
mod primary;
mod reader;
mod schedule;
mod service_account;
mod tasks;
mod transcript;
mod vantage;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

pub use clients::{Clients, ClientsError};
pub use schedule::{Watch, run};
pub use vantage::detect as detect_vantage;

use crate::fact::{Fact, Observation, Origin, Outcome, Reason, Snapshot, TextEvidence, erase};

/// What one probe came back with.
#[derive(Default)]
pub struct Seen {
    facts: Vec<(&'static str, Observation<Value>)>,
    text: Vec<TextEvidence>,
}

impl Seen {
    /// Adds an observation.
    fn put<T: Serialize>(&mut self, fact: &Fact<T>, seen: Observation<T>) {
        self.facts.push((fact.name(), erase(seen)));
    }

    /// Adds the same absence or ignorance that a fact asked for earlier ended in.
    fn put_same<T: Serialize, U>(&mut self, fact: &Fact<T>, seen: &Observation<U>) {
        let outcome = match &seen.outcome {
            Outcome::Known(_) | Outcome::Absent => Outcome::Absent,
            Outcome::Unknown(reason) => Outcome::Unknown(reason.clone()),
        };
        self.put(fact, Observation { outcome, origin: seen.origin.clone() });
    }
}

/// Asks about one subject.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Name, as `plan` and progress show it.
    fn name(&self) -> &'static str;
    /// Facts it answers for, each in every run.
    fn provides(&self) -> &'static [&'static str];
    /// Facts that have to be asked before it can ask.
    fn needs(&self) -> &'static [&'static str] {
        &[]
    }
    /// Asks. `known` holds at least what [`Probe::needs`] names.
    async fn observe(&self, clients: &Clients, known: &Snapshot) -> Seen;
}

/// Every probe.
pub fn all() -> Vec<Box<dyn Probe>> {
    vec![
        Box::new(imds::ImdsProbe),
        Box::new(login::LoginProbe),
        Box::new(federation::FederationProbe),
        Box::new(service_account::ServiceAccountProbe),
        Box::new(reader::ReaderProbe),
        Box::new(migration::MigrationProbe),
        Box::new(gateways::GatewaysProbe),
        Box::new(tasks::TasksProbe),
        Box::new(primary::PrimaryProbe),
    ]
}

/// An observation for which nothing could be asked because a setting is missing.
fn not_configured<T>(clients: &Clients, setting: &str) -> Observation<T> {
    Observation::unknown(
        Reason::NotConfigured { setting: setting.into() },
        clients.origin(String::new(), String::new()),
    )
}

/// The observation with its value parsed; a value of another shape is malformed.
fn parsed<T, U>(seen: Observation<T>, parse: impl FnOnce(&T) -> Result<U, String>) -> Observation<U> {
    let Observation { outcome, origin } = seen;
    let outcome = match outcome {
        Outcome::Known(value) => match parse(&value) {
            Ok(fact) => Outcome::Known(fact),
            Err(detail) => Outcome::Unknown(Reason::Malformed { detail }),
        },
        Outcome::Absent => Outcome::Absent,
        Outcome::Unknown(reason) => Outcome::Unknown(reason),
    };
    Observation { outcome, origin }
}

/// The same origin for something read out of the same answer.
fn beside<T>(origin: &Origin, value: T) -> Observation<T> {
    Observation::known(value, origin.clone())
}
