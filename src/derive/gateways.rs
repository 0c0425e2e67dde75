//! Which gateway record is the active one, which are old, and whether the heartbeat is lost.

use super::{Derived, Lack, need, put};
use crate::fact::{
    GATEWAYS_ACTIVE, GATEWAYS_CURRENT, GATEWAYS_HEARTBEAT_LOST, GATEWAYS_KNOWN, GATEWAYS_STALE,
    GatewayRecord, Outcome, PRIMARY_GATEWAYS_API, PRIMARY_GATEWAYS_DB, Reason, Snapshot,
};

/// A heartbeat older than this is lost: the Primary's own `HeartbeatTimeout` (gateway failover guide).
const HEARTBEAT_TIMEOUT_S: i64 = 120;
/// Failures in a row after which a gateway counts as failed: the Primary's `FailureThreshold`.
const FAILURE_THRESHOLD: i64 = 3;

pub(super) fn derive(snapshot: &mut Snapshot) {
    let sources = [PRIMARY_GATEWAYS_API.name(), PRIMARY_GATEWAYS_DB.name()];
    let known = known(snapshot);
    put(snapshot, &GATEWAYS_KNOWN, &sources, known);

    let environment = snapshot.setting("environment");
    let wanted = snapshot.setting("gateway.name");
    let here = |snapshot: &Snapshot| -> Derived<Vec<GatewayRecord>> {
        let mut records = need(snapshot, &GATEWAYS_KNOWN)?;
        let all = records.len();
        records.retain(|record| record.environment.trim().eq_ignore_ascii_case(&environment));
        if records.is_empty() && all > 0 {
            let detail = format!("none of the {all} gateways serves environment {environment}");
            return Err(Lack::Unknown(GATEWAYS_KNOWN.name(), Reason::Malformed { detail }));
        }
        Ok(records)
    };
    let current = here(snapshot).and_then(|records| {
        // A name that somebody gave, or that the gateway's own settings say, is the one to look for.
        let given = snapshot.target.get("gateway.name").is_some_and(|it| it.origin != "default");
        if given && !wanted.is_empty() && !records.is_empty() && records.iter().all(|it| it.name != wanted) {
            let detail = format!("no gateway of this environment is named {wanted}: see gateway.name");
            return Err(Lack::Unknown(GATEWAYS_KNOWN.name(), Reason::Malformed { detail }));
        }
        current(&records, &wanted).cloned().ok_or(Lack::Absent(GATEWAYS_KNOWN.name()))
    });
    let stale = here(snapshot).map(|records| {
        let active = current_id(&records, &wanted);
        records.into_iter().filter(|record| Some(&record.id) != active.as_ref() && is_old(record)).collect()
    });
    let active = here(snapshot).map(|records| {
        records.into_iter().filter(|record| record.status == "active" && !is_old(record)).collect()
    });
    let from = [GATEWAYS_KNOWN.name()];
    put(snapshot, &GATEWAYS_CURRENT, &from, current);
    put(snapshot, &GATEWAYS_STALE, &from, stale);
    put(snapshot, &GATEWAYS_ACTIVE, &from, active);
    let lost = need(snapshot, &GATEWAYS_CURRENT).and_then(|record| {
        // Whose clock wrote it nobody knows: such an age says nothing.
        if record.heartbeat_age_s.is_some_and(|age| age < -HEARTBEAT_TIMEOUT_S) {
            let detail = "the last heartbeat lies in the future of the Primary's own clock".into();
            return Err(Lack::Unknown(GATEWAYS_CURRENT.name(), Reason::Malformed { detail }));
        }
        Ok(is_lost(&record))
    });
    put(snapshot, &GATEWAYS_HEARTBEAT_LOST, &[GATEWAYS_CURRENT.name()], lost);
}

fn known(snapshot: &Snapshot) -> Derived<Vec<GatewayRecord>> {
    let from_api = snapshot.get(&PRIMARY_GATEWAYS_API).outcome;
    let from_db = snapshot.get(&PRIMARY_GATEWAYS_DB).outcome;
    match (from_api, from_db) {
        (Outcome::Known(records), _) | (_, Outcome::Known(records)) => Ok(records.gateways),
        // What was asked and not learned weighs more than what was not asked.
        (Outcome::Unknown(api), Outcome::Unknown(db)) if is_choice(&api) && !is_choice(&db) => {
            Err(Lack::Unknown(PRIMARY_GATEWAYS_DB.name(), db))
        }
        (Outcome::Unknown(reason), _) => Err(Lack::Unknown(PRIMARY_GATEWAYS_API.name(), reason)),
        (_, Outcome::Unknown(reason)) => Err(Lack::Unknown(PRIMARY_GATEWAYS_DB.name(), reason)),
        (Outcome::Absent, Outcome::Absent) => Err(Lack::Absent(PRIMARY_GATEWAYS_API.name())),
    }
}

fn is_choice(reason: &Reason) -> bool {
    matches!(reason, Reason::NotConfigured { .. } | Reason::NotAsked { .. })
}

/// The record under examination: by its configured name, else the one with the newest heartbeat.
fn current<'a>(records: &'a [GatewayRecord], wanted: &str) -> Option<&'a GatewayRecord> {
    let newest = |named: bool| {
        records
            .iter()
            .filter(|record| !named || record.name == wanted)
            .filter(|record| !is_standby(record))
            .max_by_key(|record| record.last_heartbeat)
    };
    newest(true).or_else(|| newest(false))
}

fn current_id(records: &[GatewayRecord], wanted: &str) -> Option<String> {
    current(records, wanted).map(|record| record.id.clone())
}

/// Whatever its status, a gateway that was enrolled as a standby is one.
fn is_standby(record: &GatewayRecord) -> bool {
    record.status.contains("standby") || record.role.contains("standby")
}

/// Standbys are silent by design and never old.
fn is_old(record: &GatewayRecord) -> bool {
    !is_standby(record)
        && !matches!(record.status.as_str(), "removed" | "deleted")
        && record.heartbeat_age_s.is_none_or(|age| age > HEARTBEAT_TIMEOUT_S)
}

fn is_lost(record: &GatewayRecord) -> bool {
    record.consecutive_failures >= FAILURE_THRESHOLD
        || record.heartbeat_age_s.is_none_or(|age| age > HEARTBEAT_TIMEOUT_S)
}
