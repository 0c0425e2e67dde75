//! Findings that rest on text alone: what text shows is named and filled in, nothing is examined.

use std::collections::BTreeMap;

use serde_json::Value;

use super::judge::{Fired, World};
use super::{Confidence, Excerpt, Finding, cause, compose};
use crate::fact::Snapshot;
use crate::rule::RuleTable;

/// What text shows of one rule.
pub struct Shown {
    /// The rule.
    pub id: String,
    /// A value of each capture.
    pub captures: BTreeMap<String, String>,
    /// Where.
    pub excerpts: Vec<Excerpt>,
}

/// The findings of what text shows, causes before their consequences, filled in with the settings of `snapshot`. A
/// rule that the table does not have is left out.
pub fn name(snapshot: &Snapshot, table: &RuleTable, shown: Vec<Shown>) -> Vec<Finding> {
    let world = World::new(snapshot, table);
    let mut findings = Vec::new();
    for one in shown {
        let Some(rule) = table.rules.get(&one.id) else { continue };
        let given = compose::confidence(rule.confidence);
        let fired = Fired {
            severity: compose::severity(rule.severity),
            // What facts would prove, text only suggests.
            confidence: match given {
                Confidence::Certain if rule.when.is_some() => Confidence::Likely,
                other => other,
            },
            excerpts: one.excerpts,
            captures: one.captures.into_iter().map(|(name, text)| (name, Value::String(text))).collect(),
            facts: BTreeMap::new(),
        };
        let binding = rule.bindings().into_iter().next().flatten();
        findings.push(compose::finding(&world, rule, binding, &fired));
    }
    cause::link(&mut findings, table, &cause::Known::default());
    findings
}
