//! Facts that follow from other facts: what needs arithmetic, or a comparison of structures.
//!
//! Derivation is pure. What rests on something unknown is unknown for the same reason, and names the
//! fact that it lacks. To add one: its shape and name in `fact`, a file here, one line in [`derive()`].

mod access;
mod application;
mod certificate;
mod delivery;
mod federation;
mod gateways;
mod identity;
mod image;
mod primary;
mod run;
mod stopped;
mod subscription;
mod target;
mod tasks;
mod vault;
mod workload;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fact::{Fact, Observation, Origin, Outcome, Reason, Snapshot};

/// Adds every derived fact to the snapshot, replacing those of an earlier derivation.
pub fn derive(snapshot: &mut Snapshot) {
    stopped::settle(snapshot);
    federation::derive(snapshot);
    identity::derive(snapshot);
    workload::derive(snapshot);
    delivery::derive(snapshot);
    subscription::derive(snapshot);
    access::derive(snapshot);
    vault::derive(snapshot);
    image::derive(snapshot);
    application::derive(snapshot);
    gateways::derive(snapshot);
    tasks::derive(snapshot);
    certificate::derive(snapshot);
    primary::derive(snapshot);
    target::derive(snapshot);
    run::derive(snapshot);
}

/// Why a derivation came to no value, and which fact that is due to.
enum Lack {
    /// The thing itself is not there.
    Absent(&'static str),
    /// It cannot be known.
    Unknown(&'static str, Reason),
}

type Derived<T> = Result<T, Lack>;

/// Seconds that a role assignment takes to spread at most (Azure RBAC, "Troubleshoot": up to ten minutes).
const SPREAD_S: i64 = 600;
/// Seconds that a federated credential takes to spread (workload identity federation, "Important considerations": a
/// few minutes).
const CREDENTIAL_SPREAD_S: i64 = 300;

/// Whether the oldest of several grants is old enough to have spread. One of unknown age counts as old: what has no
/// known age is never called settling.
fn settled(
    snapshot: &Snapshot,
    changed: impl Iterator<Item = Option<jiff::Timestamp>>,
    spread_s: i64,
    what: &str,
    fact: &'static str,
) -> Derived<bool> {
    let now = snapshot.observed_at.as_second();
    let left = changed
        .map(|at| at.map_or(0, |at| (at.as_second() + spread_s - now).clamp(0, spread_s)))
        .min()
        .unwrap_or(0);
    if left == 0 {
        return Ok(true);
    }
    Err(Lack::Unknown(fact, Reason::Settling { what: what.to_owned(), left_s: left }))
}

/// The value of a fact that the derivation cannot do without.
fn need<T: DeserializeOwned>(snapshot: &Snapshot, fact: &Fact<T>) -> Derived<T> {
    match snapshot.get(fact).outcome {
        Outcome::Known(value) => Ok(value),
        Outcome::Absent => Err(Lack::Absent(fact.name())),
        Outcome::Unknown(reason) => Err(Lack::Unknown(fact.name(), reason)),
    }
}

/// Records what a derivation came to.
fn put<T: Serialize>(snapshot: &mut Snapshot, fact: &Fact<T>, from: &[&str], came_to: Derived<T>) {
    let (outcome, from) = match came_to {
        Ok(value) => (Outcome::Known(value), from.iter().map(|&name| name.to_owned()).collect()),
        Err(Lack::Absent(name)) => (Outcome::Absent, vec![name.to_owned()]),
        Err(Lack::Unknown(name, reason)) => (Outcome::Unknown(reason), vec![name.to_owned()]),
    };
    let origin = Origin {
        call: String::new(),
        against: String::new(),
        vantage: snapshot.vantage,
        at: snapshot.observed_at,
        took_ms: 0,
        from,
    };
    snapshot.put(fact, Observation { outcome, origin });
}
