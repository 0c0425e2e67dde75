//! What may be nothing but a correction that has not spread yet: its own remedy would do again what was done.

use super::{Confidence, Finding, Inconclusive, Remedy, Settling};
use crate::rule::RuleTable;

/// Tells to wait where a finding rests right on something that is right and still spreads.
pub(super) fn advise(findings: &mut [Finding], inconclusive: &[Inconclusive], table: &RuleTable) {
    let spreads: Vec<Settling> = inconclusive.iter().filter_map(Inconclusive::settling).collect();
    for finding in findings.iter_mut().filter(|finding| finding.remedy.is_some()) {
        let Some(rule) = table.rules.get(&finding.id) else { continue };
        let rests_on =
            |one: &&Settling| finding.perhaps.contains(&one.name) && rule.caused_by.contains(&one.name);
        if let Some(one) = spreads.iter().find(rests_on) {
            finding.confidence = finding.confidence.min(Confidence::Likely);
            finding.remedy = Some(Remedy {
                text: format!(
                    "Change nothing yet: {}, about {} s left. Look again after that time.",
                    one.what, one.left_s
                ),
                commands: Vec::new(),
                open: Vec::new(),
                first: String::new(),
            });
        }
    }
}
