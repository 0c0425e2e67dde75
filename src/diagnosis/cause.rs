//! Cause before consequence: which findings explain which, and the order that follows.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Confidence, Finding, Severity};
use crate::rule::{RuleTable, chains};

/// What is known of the rules that did not fire.
#[derive(Default)]
pub(super) struct Known {
    /// Examined, and not the case.
    pub(super) decided: BTreeSet<String>,
    /// What they are about is not here.
    pub(super) absent: BTreeSet<String>,
    /// Could not be examined.
    pub(super) undecided: BTreeSet<String>,
    /// Right, and too young to have spread.
    pub(super) settling: BTreeSet<String>,
}

/// Links each finding to the nearest findings that explain it, and orders causes before their consequences.
///
/// An explanation that was looked at and is not the case explains nothing; one that is undecided, or that rests on
/// text (which expires), is looked through; not one that nothing examines. Where nothing that was found explains it, what is undecided might.
pub(super) fn link(findings: &mut Vec<Finding>, table: &RuleTable, known: &Known) {
    let mut fired = Fired::new();
    for finding in findings.iter().filter(|finding| finding.severity != Severity::Notice) {
        fired.entry(finding.id.clone()).or_default().insert(finding.about.clone());
    }
    let graph = Graph { table, known, fired: &fired };
    for finding in findings.iter_mut().filter(|finding| finding.severity != Severity::Notice) {
        let about = finding.about.as_deref();
        finding.caused_by = graph.nearest(&finding.id, |id| graph.is_fired(id, about)).into_iter().collect();
        if finding.caused_by.is_empty() {
            let mut perhaps = graph.nearest(&finding.id, |id| known.undecided.contains(id));
            // What was corrected is right by now and explains what was seen before it had spread.
            perhaps.extend(graph.behind(&finding.id, |id| known.settling.contains(id)));
            finding.perhaps = perhaps.into_iter().collect();
        }
    }
    order(findings);
}

/// Which rules fired, each with what it was judged for.
type Fired = BTreeMap<String, BTreeSet<Option<String>>>;

/// What the rules say of each other, as far as it counts in this diagnosis.
struct Graph<'a> {
    table: &'a RuleTable,
    known: &'a Known,
    fired: &'a Fired,
}

impl Graph<'_> {
    /// Whether a rule fired about the same thing, or about everything.
    fn is_fired(&self, id: &str, about: Option<&str>) -> bool {
        self.fired.get(id).is_some_and(|subjects| {
            about.is_none() || subjects.iter().any(|subject| subject.is_none() || subject.as_deref() == about)
        })
    }

    /// Whether what explains a rule that did not fire may explain what it would have.
    fn is_open(&self, id: &str) -> bool {
        self.table
            .rules
            .get(id)
            .is_some_and(|rule| !rule.text_only && (!self.known.decided.contains(id) || rule.when.is_none()))
    }

    fn causes(&self, id: &str) -> impl Iterator<Item = &String> {
        self.table
            .rules
            .get(id)
            .into_iter()
            .flat_map(|rule| &rule.caused_by)
            .filter(|cause| !self.known.absent.contains(*cause))
    }

    /// The nearest rules that `ends` says yes to, looking through those that did not fire.
    fn nearest(&self, id: &str, ends: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![id.to_owned()];
        while let Some(next) = open.pop() {
            for cause in self.causes(&next) {
                if !seen.insert(cause.clone()) {
                    continue;
                }
                if ends(cause) {
                    found.insert(cause.clone());
                } else if self.is_open(cause) {
                    open.push(cause.clone());
                }
            }
        }
        // What another of the found ones explains already is explained through it.
        let through: BTreeSet<String> = found.iter().flat_map(|cause| self.ancestors(cause)).collect();
        found.difference(&through).cloned().collect()
    }

    /// Everything that `ends` says yes to, however far behind and whatever stands between.
    fn behind(&self, id: &str, ends: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut open = vec![id.to_owned()];
        while let Some(next) = open.pop() {
            let of = self.table.rules.get(&next).into_iter().flat_map(|rule| &rule.caused_by);
            open.extend(of.filter(|cause| seen.insert((*cause).clone())).cloned());
        }
        seen.into_iter().filter(|id| ends(id)).collect()
    }

    fn ancestors(&self, id: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut open = vec![id.to_owned()];
        while let Some(next) = open.pop() {
            for cause in self.causes(&next) {
                if (self.fired.contains_key(cause) || self.is_open(cause)) && reached.insert(cause.clone()) {
                    open.push(cause.clone());
                }
            }
        }
        reached
    }
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
    let places = places();
    let rank = |finding: &Finding| {
        (
            finding.severity == Severity::Notice,
            Reverse(finding.severity),
            finding.confidence == Confidence::Possible,
            consequences(&finding.id) == 0,
            // What others rest on comes first.
            places.get(&finding.id).copied().unwrap_or(usize::MAX),
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

/// Which link a name breaks, counted through all chains.
fn places() -> BTreeMap<String, usize> {
    let mut places = BTreeMap::new();
    let links = chains().chains.into_iter().flat_map(|chain| chain.links);
    for (at, link) in links.enumerate() {
        for rule in link.rules {
            places.entry(rule).or_insert(at);
        }
    }
    places
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
