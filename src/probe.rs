//! Probes: each asks the outside world about one subject and answers with facts. A probe never judges,
//! and never fails: what it cannot learn it observes as unknown.
//!
//! Inside a probe, *fetch* asks a client and *parse* turns an answer into facts; parsing is pure and tested
//! with recorded answers. To add a probe: a file here, one line in `probes`.

mod access;
mod activity;
mod application;
mod clients;
mod clock;
mod cluster;
mod delivery;
mod events;
mod exchange;
mod gateways;
mod identity;
mod image;
mod imds;
mod login;
mod migration;
mod primary;
mod provisioning;
mod reader;
#[cfg(test)]
mod recorded;
mod schedule;
mod service_account;
mod sql;
mod subscription;
mod tasks;
mod transcript;
mod vantage;
mod vault;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

pub use clients::{Clients, ClientsError};
pub use schedule::{Watch, fill, run};
pub use vantage::detect as detect_vantage;

use crate::client::{Allowed, calls};
use crate::fact::{Fact, Observation, Origin, Outcome, Reason, Snapshot, TextEvidence, erase};
use crate::target::Target;

/// A call that a probe may make, with the facts that rest on it.
#[derive(Clone, Copy, Debug)]
pub struct Touch {
    /// The call.
    pub call: Allowed,
    /// Facts that stay unknown where it is refused.
    pub facts: &'static [&'static str],
    /// For a Kubernetes call in a namespace: the setting that names which.
    pub namespace: &'static str,
}

/// Calls with the facts that rest on them.
fn touching(calls: &[Allowed], facts: &'static [&'static str]) -> Vec<Touch> {
    calls.iter().map(|&call| Touch { call, facts, namespace: "kubernetes.namespace" }).collect()
}

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
    /// Every call that it may make with these settings; any other is refused before it is sent.
    fn touches(&self, target: &Target) -> Vec<Touch>;
    /// Asks. `known` holds at least what [`Probe::needs`] names.
    async fn observe(&self, clients: &Clients, known: &Snapshot) -> Seen;
}

/// Every probe.
pub fn probes() -> Vec<Box<dyn Probe>> {
    vec![
        Box::new(imds::ImdsProbe),
        Box::new(login::LoginProbe),
        Box::new(cluster::ClusterProbe),
        Box::new(cluster::IssuerProbe),
        Box::new(identity::IdentityProbe),
        Box::new(service_account::ServiceAccountProbe),
        Box::new(reader::ReaderProbe),
        Box::new(migration::MigrationProbe),
        Box::new(gateways::GatewaysProbe),
        Box::new(tasks::TasksProbe),
        Box::new(primary::PrimaryProbe),
        Box::new(subscription::SubscriptionProbe),
        Box::new(delivery::DeliveryProbe),
        Box::new(delivery::SecretKeysProbe),
        Box::new(vault::VaultProbe),
        Box::new(image::ImageProbe),
        Box::new(application::ApplicationProbe),
        Box::new(provisioning::ProvisioningProbe),
        Box::new(clock::ClockProbe),
        Box::new(exchange::ExchangeProbe),
    ]
}

/// The probes that answer for some facts, with those that they need.
pub fn probes_for(facts: &[&str]) -> Vec<Box<dyn Probe>> {
    let mut wanted: Vec<&str> = facts.to_vec();
    let mut kept = Vec::new();
    let mut left = probes();
    while let Some(at) = left.iter().position(|probe| probe.provides().iter().any(|it| wanted.contains(it))) {
        let probe = left.remove(at);
        wanted.extend(probe.needs());
        kept.push(probe);
    }
    kept
}

/// Every statement that a database is asked with these settings.
pub fn statements(target: &Target) -> Vec<String> {
    sql::statements(target, &gateways::usual_columns())
}

/// Every call that a run may make, each with who makes it: the probes, discovery, and the login.
pub fn touching_of(target: &Target) -> Vec<(String, Touch)> {
    let login = [calls::LOGIN_TOKEN, calls::LOGIN_METADATA, calls::KUBECONFIG];
    let mut all: Vec<(String, Touch)> =
        touching(&login, &["run.login"]).into_iter().map(|touch| ("login".to_owned(), touch)).collect();
    if target.is_on("run.discover") {
        let found = touching(crate::target::DISCOVERY, &[]).into_iter();
        all.extend(found.map(|touch| ("discovery".to_owned(), touch)));
    }
    for probe in probes() {
        all.extend(probe.touches(target).into_iter().map(|touch| (probe.name().to_owned(), touch)));
    }
    all
}

/// An observation for which nothing could be asked because a setting is missing.
fn not_configured<T>(clients: &Clients, setting: &str) -> Observation<T> {
    Observation::unknown(
        Reason::NotConfigured { setting: setting.into() },
        clients.origin(String::new(), String::new()),
    )
}

/// Something that is not there under the runbook's name proves nothing: it may have another. Under a name that was
/// configured, or found, its absence is a fact.
fn named<T>(clients: &Clients, seen: Observation<T>, setting: &str) -> Observation<T> {
    if !matches!(seen.outcome, Outcome::Absent) || !clients.target.is_open(setting) {
        return seen;
    }
    let detail = format!(
        "there is no {}, which is the runbook's name and was not configured: set {setting}",
        clients.target.text(setting)
    );
    Observation::unknown(Reason::Malformed { detail }, seen.origin)
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
