//! How long the Primary's certificate still holds.

use super::{Derived, Lack, need, put};
use crate::fact::{PRIMARY_CERTIFICATE, PRIMARY_CERTIFICATE_DAYS, Snapshot};

pub(super) fn derive(snapshot: &mut Snapshot) {
    let days = days(snapshot);
    put(snapshot, &PRIMARY_CERTIFICATE_DAYS, &[PRIMARY_CERTIFICATE.name()], days);
}

fn days(snapshot: &Snapshot) -> Derived<i64> {
    let peer = need(snapshot, &PRIMARY_CERTIFICATE)?;
    let leaf = peer.chain.first().ok_or(Lack::Absent(PRIMARY_CERTIFICATE.name()))?;
    let seconds = leaf.not_after.as_second() - snapshot.observed_at.as_second();
    Ok(seconds.div_euclid(86_400))
}
