//! What is wrong, what is fine, and what could not be examined.
//!
//! [`diagnose`] is pure: no clock, no network, no environment; "now" is the snapshot's own time. The shapes in
//! `verdict.rs` are the whole of what a report may see.

mod cause;
mod chain;
mod changes;
mod compose;
mod effect;
mod explained;
mod federation;
mod judge;
mod named;
mod patience;
mod rights;
mod steps;
mod summary;
mod symptoms;
mod verdict;
mod verified;
mod why;

pub use chain::{Chain, Link, LinkState};
pub use changes::{CHANGES_FORMAT, Changes, FactChange, Member, NameChange, Turn, changes};
pub use effect::{Effect, effect};
pub use explained::{Explanation, Wording, explain};
pub use federation::{Field, Trusted};
pub use judge::{Judged, judge_example};
pub use named::{Shown, name};
pub use steps::{Command, Open, STEPS_FORMAT, Step, Steps, steps};
pub use summary::Summary;
pub use verdict::{
    Accepted, Confidence, Contrast, DIAGNOSIS_FORMAT, Diagnosis, Evidence, Excerpt, Finding, Inconclusive,
    Missing, NotApplicable, Passed, Remedy, SUPPRESSIONS_AREA, Severity, Side, fingerprint,
};

pub use verified::{Settling, Standing, Verified, verified};
pub use why::{ClauseRead, ConditionRead, Explains, Holds, TextLooked, Verdict, Why, why};

use std::collections::{BTreeMap, BTreeSet};

use crate::fact::{Outcome, Reason, Snapshot};
use crate::rule::RuleTable;

/// The name of what was reached not being what was asked for.
pub const WRONG_TARGET: &str = "wrong-target";

/// Settings by which one deployment is told from another.
const DEPLOYMENT: &[&str] = &[
    "environment",
    "azure.tenant",
    "azure.subscription",
    "azure.resource_group",
    "azure.cluster",
    "kubernetes.namespace",
];

/// What a run has to know to be called green.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Rules that have to be conclusive whatever their lack.
    pub required: BTreeSet<String>,
    /// Findings of this severity or worse fail a run: what could be one has to be decided. Errors where none is given.
    pub fail_on: Option<Severity>,
    /// Settings that belong to the chains whose examination is the point of a run: not being set is a lack.
    pub chain_settings: BTreeSet<String>,
}

/// Judges every rule of the table over a snapshot whose derived facts are in place.
pub fn diagnose(snapshot: &Snapshot, table: &RuleTable, policy: &Policy) -> Diagnosis {
    let world = judge::World::new(snapshot, table);
    let mut findings = Vec::new();
    let mut inconclusive = Vec::new();
    let mut passed = Vec::new();
    let mut not_applicable = Vec::new();
    for rule in table.rules.values() {
        let mut rows = Vec::new();
        for (number, binding) in rule.bindings().into_iter().enumerate() {
            rows.push((binding, judge::judge(&world, rule, binding, number == 0)));
        }
        // What fired or is undecided for one subject says more than that another is fine.
        let mut quiet = None;
        let mut lacks: Vec<Missing> = Vec::new();
        let mut history = Vec::new();
        let mut fired = false;
        for (binding, row) in rows {
            match row {
                Judged::Fired(found) => {
                    fired = true;
                    findings.push(compose::finding(&world, rule, binding, &found));
                }
                Judged::Passed(old) => {
                    quiet = Some(true);
                    history.extend(old);
                }
                Judged::Inconclusive(missing) => lacks.extend(missing),
                Judged::NotApplicable => quiet = quiet.or(Some(false)),
            }
        }
        // That no text shows it is no news, unless somebody asked for it.
        if rule.text_only && !fired && !policy.required.contains(&rule.id) {
            lacks.clear();
            quiet = if history.is_empty() { None } else { Some(true) };
        }
        let speaks = !rule.text_only || fired || quiet.is_some() || !lacks.is_empty();
        if !lacks.is_empty() {
            let fails = compose::severity(rule.severity) >= policy.fail_on.unwrap_or(Severity::Error);
            let required =
                fails && lacks.iter().any(|it| counts(it, policy)) || policy.required.contains(&rule.id);
            inconclusive.push(Inconclusive {
                id: rule.id.clone(),
                title: rule.title.clone(),
                severity: compose::severity(rule.severity),
                required,
                missing: lacks,
            });
        } else if !fired && speaks {
            match quiet {
                Some(true) => passed.push(Passed {
                    id: rule.id.clone(),
                    title: rule.title.clone(),
                    severity: compose::severity(rule.severity),
                    history,
                }),
                Some(false) | None => {
                    not_applicable.push(NotApplicable { id: rule.id.clone(), title: rule.title.clone() });
                }
            }
        }
    }
    rights::explain(&mut findings, &inconclusive);
    if findings.iter().any(|finding| finding.id == WRONG_TARGET) {
        // Nothing is said about the health of a deployment that nobody asked about.
        findings.retain(|finding| finding.id == WRONG_TARGET);
        inconclusive.clear();
        passed.clear();
        not_applicable.clear();
    }
    let known = known(&passed, &not_applicable, &inconclusive);
    cause::link(&mut findings, table, &known);
    patience::advise(&mut findings, &inconclusive, table);
    let mut diagnosis = Diagnosis {
        format: DIAGNOSIS_FORMAT,
        tool_version: snapshot.tool_version.clone(),
        observed_at: snapshot.observed_at,
        vantage: snapshot.vantage,
        target: snapshot.setting("environment"),
        deployment: deployment(snapshot),
        facts_asked: snapshot.facts.values().filter(|seen| was_asked(&seen.outcome)).count(),
        took_ms: took_ms(snapshot),
        findings,
        inconclusive,
        passed,
        not_applicable,
        probes: snapshot.probes.clone(),
        chains: Vec::new(),
        federation: federation::compare(snapshot),
        fail_on: Severity::Error,
        only: None,
        again: snapshot.again.clone(),
        because: String::new(),
    };
    if diagnosis.findings.iter().any(|finding| finding.id == WRONG_TARGET) {
        diagnosis.federation.clear();
    } else {
        diagnosis.chains = chain::draw(&diagnosis);
    }
    diagnosis
}

/// Settings that differ between deployments, as far as they have a value.
fn deployment(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let known = |name: &&str| ((*name).to_owned(), snapshot.setting(name));
    DEPLOYMENT.iter().map(known).filter(|(_, value)| !value.is_empty()).collect()
}

/// What is known of the rules that did not fire.
fn known(passed: &[Passed], not_applicable: &[NotApplicable], inconclusive: &[Inconclusive]) -> cause::Known {
    cause::Known {
        decided: passed.iter().map(|row| row.id.clone()).collect(),
        absent: not_applicable.iter().map(|row| row.id.clone()).collect(),
        undecided: inconclusive.iter().filter(|row| !row.is_by_choice()).map(|row| row.id.clone()).collect(),
        settling: inconclusive
            .iter()
            .filter(|row| row.settling().is_some())
            .map(|row| row.id.clone())
            .collect(),
    }
}

/// From the first probe's beginning to the last one's end.
fn took_ms(snapshot: &Snapshot) -> u64 {
    let ended =
        snapshot.probes.iter().map(|run| run.at.as_millisecond() + i64::try_from(run.took_ms).unwrap_or(0));
    let began = snapshot.probes.iter().map(|run| run.at.as_millisecond()).min();
    let took = ended.max().zip(began).map_or(0, |(end, begin)| end - begin);
    u64::try_from(took).unwrap_or(0)
}

fn was_asked<T>(outcome: &Outcome<T>) -> bool {
    !matches!(outcome, Outcome::Unknown(Reason::NotAsked { .. } | Reason::NotConfigured { .. }))
}

/// Whether a lack keeps a run from being green: it was asked and not learned, or the chain's own setting is missing.
fn counts(missing: &Missing, policy: &Policy) -> bool {
    match &missing.reason {
        Reason::NotAsked { .. } => false,
        Reason::NotConfigured { setting } => policy.chain_settings.contains(setting),
        Reason::Denied { .. }
        | Reason::Unreachable { .. }
        | Reason::TimedOut { .. }
        | Reason::Settling { .. }
        | Reason::Malformed { .. } => true,
    }
}
