//! Facts that follow from other facts: what needs arithmetic, or a comparison of structures.
//!
//! Derivation is pure. What rests on something unknown is unknown for the same reason, and names the
//! fact that it lacks. To add one: its shape and name in `fact`, a file here, one line in [`derive`].

mod access;
mod certificate;
mod federation;
mod gateways;
mod identity;
mod tasks;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fact::{Fact, Observation, Origin, Outcome, Reason, Snapshot};

/// Adds every derived fact to the snapshot, replacing those of an earlier derivation.
pub fn derive(snapshot: &mut Snapshot) {
    federation::derive(snapshot);
    identity::derive(snapshot);
    access::derive(snapshot);
    gateways::derive(snapshot);
    tasks::derive(snapshot);
    certificate::derive(snapshot);
}

/// Why a derivation came to no value, and which fact that is due to.
enum Lack {
    /// The thing itself is not there.
    Absent(&'static str),
    /// It cannot be known.
    Unknown(&'static str, Reason),
}

type Derived<T> = Result<T, Lack>;

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
