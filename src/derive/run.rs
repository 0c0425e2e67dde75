//! What this run lacked, and whether clocks are right.

use std::collections::BTreeMap;

use super::{Derived, Lack, need, put};
use crate::fact::{
    Clock, MissingRight, Outcome, RUN_CLOCKS, RUN_DENIED, RUN_VANTAGE, RUN_WORST_CLOCK, Reason, Snapshot,
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
    by_right.into_iter().map(|(right, facts)| MissingRight { right, facts }).collect()
}

fn worst(snapshot: &Snapshot) -> Derived<Clock> {
    let clocks = need(snapshot, &RUN_CLOCKS)?;
    clocks.into_iter().max_by_key(|clock| clock.ahead_s.abs()).ok_or(Lack::Absent(RUN_CLOCKS.name()))
}
