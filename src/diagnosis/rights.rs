//! Which names stay open for want of which right: said where the missing rights are.

use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, Finding, Inconclusive};
use crate::fact::Reason;

/// The name under which missing rights are told.
const MISSING_RIGHTS: &str = "permission-missing";

pub(super) fn explain(findings: &mut [Finding], open: &[Inconclusive]) {
    let Some(finding) = findings.iter_mut().find(|finding| finding.id == MISSING_RIGHTS) else { return };
    let mut by_right: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in open {
        for lack in &row.missing {
            if let Reason::Denied { permission: Some(right), .. } = &lack.reason {
                by_right.entry(right).or_default().insert(&row.id);
            }
        }
    }
    finding.evidence.extend(by_right.into_iter().map(|(right, names)| Evidence {
        label: "leaves open".into(),
        value: format!("{}, for want of {right}", Vec::from_iter(names).join(", ")),
    }));
}
