//! What this run lacked, and whether clocks are right.

use std::collections::BTreeMap;

use super::{Derived, Lack, need, put};
use crate::fact::{
    Clock, MissingRight, OBO_ACCESS, Outcome, PROVISIONING_ACCESS, REGISTRY_ACCESS, RUN_CLOCKS, RUN_DENIED,
    RUN_VANTAGE, RUN_WORST_CLOCK, Reason, Snapshot, VAULT_ACCESS,
};

pub(super) fn derive(snapshot: &mut Snapshot) {
    let denied = denied(snapshot);
    put(snapshot, &RUN_DENIED, &[RUN_VANTAGE.name()], Ok(denied));
    let worst = worst(snapshot);
    put(snapshot, &RUN_WORST_CLOCK, &[RUN_CLOCKS.name()], worst);
}

fn denied(snapshot: &Snapshot) -> Vec<MissingRight> {
    let mut by_right: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, seen) in &snapshot.facts {
        if let Outcome::Unknown(Reason::Denied { permission: Some(right), .. }) = &seen.outcome
            && seen.origin.from.is_empty()
        {
            by_right.entry(right.clone()).or_default().push(name.clone());
        }
    }
    // A right that was lacking inside of what is known otherwise.
    let lists = [&OBO_ACCESS, &VAULT_ACCESS].map(|fact| (fact.name(), snapshot.get(fact).value().cloned()));
    let single = [&REGISTRY_ACCESS, &PROVISIONING_ACCESS]
        .map(|fact| (fact.name(), snapshot.get(fact).value().cloned().map(|access| vec![access])));
    for (name, held) in lists.into_iter().chain(single) {
        for access in held.unwrap_or_default() {
            if let Some(Reason::Denied { permission: Some(right), .. }) = access.unread {
                let facts = by_right.entry(right).or_default();
                if !facts.iter().any(|known| known == name) {
                    facts.push(name.to_owned());
                }
            }
        }
    }
    by_right.into_iter().map(|(right, facts)| MissingRight { right, facts }).collect()
}

fn worst(snapshot: &Snapshot) -> Derived<Clock> {
    let clocks = need(snapshot, &RUN_CLOCKS)?;
    clocks.into_iter().max_by_key(|clock| clock.ahead_s.unsigned_abs()).ok_or(Lack::Absent(RUN_CLOCKS.name()))
}
