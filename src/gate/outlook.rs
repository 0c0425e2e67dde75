//! Whether to wait is of use.

use std::collections::BTreeSet;

use super::Policy;
use super::ending::list;
use crate::diagnosis::{Diagnosis, Finding, Inconclusive, Missing, Settling, Standing};
use crate::fact::Reason;

/// Whether time alone could change what a run comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It cannot.
    Final,
    /// It could, for these names.
    Moving {
        /// The names that are worth asking about again.
        names: Vec<String>,
        /// What is waited for, in a few words.
        what: String,
    },
}

/// What time could change: what spreads, what did not answer, and findings that nothing explains but what spreads. A
/// fault of its own is final, whatever else moves.
pub fn outlook(diagnosis: &Diagnosis, policy: Policy) -> Outlook {
    let settling: Vec<Settling> = diagnosis.inconclusive.iter().filter_map(Inconclusive::settling).collect();
    let only = diagnosis.only.as_ref().map(|only| only.settling.as_slice()).unwrap_or_default();
    let moving: BTreeSet<&str> = settling.iter().chain(only).map(|one| one.name.as_str()).collect();
    let hangs = |finding: &Finding| finding.perhaps.iter().any(|name| moving.contains(name.as_str()));
    let verifying = diagnosis.only.is_some();
    if !verifying && policy.own(diagnosis).into_iter().any(|finding| !hangs(finding)) {
        return Outlook::Final;
    }
    // Right after a fix, what was found before it is asked about until it is gone.
    let pending = diagnosis.only.as_ref().filter(|only| only.standing != Standing::Fixed);
    let silent = |row: &&Inconclusive| {
        let silence =
            |lack: &Missing| matches!(lack.reason, Reason::Unreachable { .. } | Reason::TimedOut { .. });
        row.required && row.missing.iter().any(silence)
    };
    let silent = diagnosis.inconclusive.iter().filter(silent).map(|row| row.id.as_str());
    let mut names: BTreeSet<&str> = moving.iter().copied().chain(silent).collect();
    names.extend(pending.map(|only| only.name.as_str()));
    names.extend(diagnosis.findings.iter().filter(|it| hangs(it)).map(|it| it.id.as_str()));
    if names.is_empty() {
        return Outlook::Final;
    }
    let what = settling.iter().chain(only).max_by_key(|one| one.left_s).map_or_else(
        || format!("answers about {}", list(names.iter().copied())),
        |one| format!("{}: {}, about {} s left", one.name, one.what, one.left_s),
    );
    Outlook::Moving { names: names.into_iter().map(str::to_owned).collect(), what }
}
