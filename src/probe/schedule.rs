//! Runs probes: each as soon as what it needs has been asked, several at a time, all by the deadline.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use futures::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use serde_json::Value;

use super::{Clients, Probe, Seen};
use crate::fact::{Layer, Observation, Outcome, ProbeRun, Reason, Snapshot};

/// Probes that ask at the same time. How many requests are under way at once the transport bounds.
const AT_ONCE: usize = 64;

/// Told of each probe's beginning and end.
pub trait Watch {
    /// A probe begins.
    fn begins(&self, _probe: &str) {}
    /// A probe has ended, with what it answered.
    fn ends(&self, _run: &ProbeRun, _facts: &[(&'static str, Observation<Value>)]) {}
}

/// Runs probes into a snapshot. Every fact that they provide is answered, if only with why it is unknown.
/// Dropping the future ends the run; what was observed by then stays in the snapshot.
pub async fn run(probes: &[Box<dyn Probe>], clients: &Clients, snapshot: &mut Snapshot, watch: &dyn Watch) {
    let provided: BTreeSet<&str> = probes.iter().flat_map(|probe| probe.provides()).copied().collect();
    let mut waiting: Vec<&dyn Probe> = probes.iter().map(AsRef::as_ref).collect();
    let mut running = FuturesUnordered::new();
    loop {
        let mut known = None;
        waiting.retain(|&probe| {
            let settled = |name: &&&str| snapshot.facts.contains_key(**name) || !provided.contains(**name);
            if running.len() >= AT_ONCE || !probe.needs().iter().all(|name| settled(&name)) {
                return true;
            }
            watch.begins(probe.name());
            let known = known.get_or_insert_with(|| Arc::new(facts_of(snapshot)));
            running.push(one(probe, clients, Arc::clone(known)));
            false
        });
        let Some((record, seen)) = running.next().await else { break };
        watch.ends(&record, &seen.facts);
        snapshot.text.extend(seen.text);
        for (name, observation) in seen.facts {
            snapshot.facts.insert(name.to_owned(), observation);
        }
        snapshot.probes.push(record);
    }
    snapshot.calls = clients.transport().calls();
    snapshot.probes.sort_by(|one, other| one.name.cmp(&other.name));
    snapshot.text.sort_by(|one, other| {
        (one.source, &one.place, one.line).cmp(&(other.source, &other.place, other.line))
    });
}

/// What was observed so far, without text: that is long, and no probe asks for it.
fn facts_of(snapshot: &Snapshot) -> Snapshot {
    let mut known = Snapshot::new(snapshot.observed_at, snapshot.vantage);
    known.target.clone_from(&snapshot.target);
    known.facts.clone_from(&snapshot.facts);
    known
}

/// Answers for every fact that a run which was interrupted did not come to.
pub fn fill(probes: &[Box<dyn Probe>], clients: &Clients, snapshot: &mut Snapshot) {
    for name in probes.iter().flat_map(|probe| probe.provides()) {
        if !snapshot.facts.contains_key(*name) {
            let origin = clients.origin("interrupted".into(), String::new());
            let reason =
                Reason::Malformed { detail: "the run was interrupted before it was answered".into() };
            snapshot.facts.insert((*name).to_owned(), Observation::unknown(reason, origin));
        }
    }
    snapshot.calls = clients.transport().calls();
}

async fn one(probe: &dyn Probe, clients: &Clients, known: Arc<Snapshot>) -> (ProbeRun, Seen) {
    let at = Timestamp::now();
    let began = Instant::now();
    let left = clients.transport().until_end();
    let mut seen = tokio::time::timeout(left, probe.observe(clients, &known)).await.unwrap_or_default();
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    for &name in probe.provides() {
        if !seen.facts.iter().any(|(answered, _)| *answered == name) {
            let origin = clients.origin(format!("probe {}", probe.name()), String::new());
            let reason = Reason::TimedOut { layer: Layer::FirstByte, after_ms: took_ms };
            seen.facts.push((name, Observation::unknown(reason, origin)));
        }
    }
    let unknown = seen.facts.iter().filter(|(_, it)| matches!(it.outcome, Outcome::Unknown(_))).count();
    let record = ProbeRun {
        name: probe.name().to_owned(),
        provides: probe.provides().iter().map(|&name| name.to_owned()).collect(),
        at,
        took_ms,
        answered: seen.facts.len() - unknown,
        unknown,
    };
    (record, seen)
}
