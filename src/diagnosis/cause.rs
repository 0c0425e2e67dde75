//! Cause before consequence: which findings explain which, and the order that follows.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Severity};
use crate::rule::RuleTable;

/// Links each finding to the nearest findings that explain it, and orders causes before their consequences.
///
/// An explanation that was looked at and is not the case explains nothing; one that is undecided, or that rests on
/// text alone (which expires), is looked through. Where nothing that was found explains it, what is `undecided` might.
pub(super) fn link(
    findings: &mut Vec<Finding>,
    table: &RuleTable,
    decided: &BTreeSet<String>,
    undecided: &BTreeSet<String>,
) {
    let wrong: BTreeSet<String> = findings
        .iter()
        .filter(|finding| finding.severity != Severity::Notice)
        .map(|finding| finding.id.clone())
        .collect();
    for finding in findings.iter_mut() {
        if finding.severity != Severity::Notice {
            finding.caused_by = nearest(&finding.id, &wrong, table, decided);
            if finding.caused_by.is_empty() {
                finding.perhaps = nearest(&finding.id, undecided, table, decided);
            }
        }
    }
    order(findings);
}

/// Fired rules that explain a rule, looking through explanations that did not fire themselves.
fn nearest(id: &str, fired: &BTreeSet<String>, table: &RuleTable, decided: &BTreeSet<String>) -> Vec<String> {
    let rests_on_text = |id: &str| table.rules.get(id).is_some_and(|rule| rule.when.is_none());
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![id.to_owned()];
    while let Some(next) = open.pop() {
        for cause in table.rules.get(&next).into_iter().flat_map(|rule| &rule.caused_by) {
            if !seen.insert(cause.clone()) {
                continue;
            }
            if fired.contains(cause) {
                found.insert(cause.clone());
            } else if !decided.contains(cause) || rests_on_text(cause) {
                open.push(cause.clone());
            }
        }
    }
    // What another of the found ones explains already is explained through it.
    let through: BTreeSet<String> = found
        .iter()
        .flat_map(|cause| ancestors(cause, table))
        .filter(|ancestor| found.contains(ancestor))
        .collect();
    found.difference(&through).cloned().collect()
}

fn ancestors(id: &str, table: &RuleTable) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![id.to_owned()];
    while let Some(next) = open.pop() {
        for cause in table.rules.get(&next).into_iter().flat_map(|rule| &rule.caused_by) {
            if reached.insert(cause.clone()) {
                open.push(cause.clone());
            }
        }
    }
    reached
}

/// Worst causes first, each followed by what it explains; notices last.
fn order(findings: &mut Vec<Finding>) {
    let mut roots_of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for finding in findings.iter() {
        roots_of.insert(finding.id.clone(), roots(&finding.id, findings));
    }
    let links: BTreeMap<String, Vec<String>> =
        findings.iter().map(|finding| (finding.id.clone(), finding.caused_by.clone())).collect();
    let consequences =
        |id: &str| roots_of.iter().filter(|(other, roots)| *other != id && roots.contains(id)).count();
    let rank = |finding: &Finding| {
        (
            finding.severity == Severity::Notice,
            Reverse(finding.severity),
            Reverse(finding.confidence),
            Reverse(consequences(&finding.id)),
            finding.id.clone(),
            finding.subject.clone(),
        )
    };
    let mut sorted: Vec<Finding> = std::mem::take(findings);
    sorted.sort_by_key(&rank);
    let (causes, mut others): (Vec<_>, Vec<_>) =
        sorted.into_iter().partition(|finding| finding.caused_by.is_empty());
    // A consequence stands behind the worst of its causes, nearer ones first.
    for cause in causes {
        let id = cause.id.clone();
        findings.push(cause);
        let (mut mine, rest): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|finding| roots_of.get(&finding.id).is_some_and(|it| it.contains(&id)));
        others = rest;
        mine.sort_by_key(|finding| (distance(&finding.id, &id, &links), finding.id.clone()));
        findings.extend(mine);
    }
    findings.extend(others);
}

/// Steps from a finding up to its root, by the links among the findings.
fn distance(id: &str, root: &str, links: &BTreeMap<String, Vec<String>>) -> usize {
    let mut level = BTreeSet::from([id.to_owned()]);
    for steps in 0..=links.len() {
        if level.contains(root) {
            return steps;
        }
        level = level.iter().flat_map(|one| links.get(one).cloned().unwrap_or_default()).collect();
    }
    links.len()
}

fn roots(id: &str, findings: &[Finding]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![id.to_owned()];
    while let Some(next) = open.pop() {
        if !seen.insert(next.clone()) {
            continue;
        }
        let causes: Vec<_> = findings
            .iter()
            .filter(|finding| finding.id == next)
            .flat_map(|finding| &finding.caused_by)
            .collect();
        if causes.is_empty() {
            found.insert(next);
        } else {
            open.extend(causes.into_iter().cloned());
        }
    }
    found
}
