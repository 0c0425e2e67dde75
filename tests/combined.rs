//! Faults in any combination, with anything hidden: what is broken is never called healthy, nothing is blamed that no
//! fault explains, and to know less never makes it look better.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use mzv_doctor::client::install_crypto;
use mzv_doctor::derive::derive;
use mzv_doctor::diagnosis::{Diagnosis, Policy, Severity, Summary, diagnose};
use mzv_doctor::fact::{Observation, Outcome, Reason, Snapshot, TextSource, Vantage, vocabulary};
use mzv_doctor::lab;
use mzv_doctor::probe::{self, Clients, Probe, Watch};
use mzv_doctor::rule::{self, RuleTable};
use mzv_doctor::target::{Kind, Target, table};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

/// Combinations that are staged; each is a whole run against the lab.
const STAGED: u32 = 24;
/// Losses that are tried on each.
const LOSSES: usize = 6;

struct Silent;

impl Watch for Silent {}

fn rules() -> RuleTable {
    let settings: Vec<_> = table().iter().map(|spec| (spec.name, spec.kind == Kind::List)).collect();
    rule::load(&vocabulary(), &settings, None).unwrap()
}

fn policy() -> Policy {
    let chain = table().iter().filter(|spec| spec.chain).map(|spec| spec.name.to_owned());
    Policy { required: BTreeSet::new(), fail_on: None, chain_settings: chain.collect() }
}

/// Scenarios of one fault each.
fn faults() -> Vec<String> {
    let of_one = |name: &str| {
        let elsewhere =
            ["healthy", "with-", "hostile", "wrong-target"].iter().any(|start| name.starts_with(start));
        let expected = lab::expectation(name).unwrap();
        !elsewhere && expected.exit == 1
    };
    lab::scenarios().unwrap().into_iter().map(|it| it.name).filter(|name| of_one(name)).collect()
}

/// What hides: a service and what is wrong with it; none at all, most often.
fn hiding() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let services = ["arm", "graph", "kubernetes", "docker", "database", "registry", "primary"];
    let what = select(vec!["unreachable", "deny-all", "html", "hang"]);
    prop_oneof![
        2 => Just(Vec::new()),
        2 => (select(services.to_vec()), what).prop_map(|one| vec![one]),
    ]
}

async fn observe(names: &[&str], hidden: &[(&str, &str)], reversed: bool) -> Option<Snapshot> {
    let faults: BTreeMap<&str, &str> = hidden.iter().copied().collect();
    let world = lab::combined(names, Timestamp::now(), &json!({"faults": faults})).ok()?;
    let staged = lab::stage(world).await.ok()?;
    let mut settings = staged.settings();
    settings.insert("run.request_timeout".into(), "3s".into());
    let mut clients = Clients::new(Target::staged(settings, "lab").ok()?, Vantage::Operator).ok()?;
    clients.discover().await.ok()?;
    let mut snapshot = Snapshot::new(Timestamp::now(), Vantage::Operator);
    snapshot.target = clients.target.settings().clone();
    let mut probes: Vec<Box<dyn Probe>> = probe::probes();
    if reversed {
        probes.reverse();
    }
    probe::run(&probes, &clients, &mut snapshot, &Silent).await;
    Some(snapshot)
}

fn judged(snapshot: &Snapshot, rules: &RuleTable) -> Diagnosis {
    let mut snapshot = snapshot.clone();
    derive(&mut snapshot);
    diagnose(&snapshot, rules, &policy())
}

fn wrong(diagnosis: &Diagnosis) -> BTreeSet<&str> {
    let is_wrong = diagnosis.findings.iter().filter(|it| it.severity == Severity::Error);
    is_wrong.map(|it| it.id.as_str()).collect()
}

/// Names that the faults come to, and everything that those explain.
fn explained(names: &[&str], rules: &RuleTable) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = BTreeSet::new();
    for name in names {
        let expected = lab::expectation(name).unwrap();
        all.extend(expected.findings.into_iter().map(|finding| finding.id));
        all.extend(expected.inconclusive.unwrap_or_default());
    }
    loop {
        let more: Vec<String> = rules
            .rules
            .values()
            .filter(|rule| !all.contains(&rule.id) && rule.caused_by.iter().any(|cause| all.contains(cause)))
            .map(|rule| rule.id.clone())
            .collect();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// The same document with the members of its objects the other way round.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let rows =
                members.iter().rev().map(|(name, value)| format!("{}:{}", json!(name), reversed(value)));
            format!("{{{}}}", rows.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(reversed).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

fn without(snapshot: &Snapshot, name: &str) -> Snapshot {
    let mut poorer = snapshot.clone();
    if let Some(seen) = poorer.facts.get_mut(name) {
        let reason = Reason::Denied { detail: "403".into(), permission: None };
        *seen = Observation { outcome: Outcome::Unknown(reason), origin: seen.origin.clone() };
    }
    let source = TextSource::ALL.into_iter().find(|source| source.fact_name() == Some(name));
    poorer.text.retain(|line| Some(line.source) != source);
    poorer
}

#[test]
fn faults_in_any_combination_are_told_and_nothing_else_is() {
    install_crypto();
    let rules = rules();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let faults = faults();
    assert!(faults.len() > 50, "{faults:?}");
    let observed: Vec<&str> =
        vocabulary().iter().filter(|spec| !spec.is_derived()).map(|spec| spec.name).collect();
    // The same combinations every time; others, and more of them, where that is asked for.
    let more = std::env::var("MZV_DOCTOR_TEST_COMBINATIONS").ok().and_then(|text| text.parse().ok());
    let config = Config { cases: more.unwrap_or(STAGED), failure_persistence: None, ..Config::default() };
    let mut runner = match more {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let given = (subsequence(faults, 1..=3), hiding(), subsequence(observed, LOSSES));
    let ran = runner.run(&given, |(names, hidden, losses)| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        // Two scenarios may not fit into one world.
        let Some(snapshot) = runtime.block_on(observe(&names, &hidden, false)) else { return Ok(()) };
        let whole = judged(&snapshot, &rules);
        let what = format!("{names:?} behind {hidden:?}");
        prop_assert!(!Summary::of(&whole).healthy, "{what} is healthy");
        if hidden.is_empty() {
            let may = explained(&names, &rules);
            let blamed: Vec<_> = wrong(&whole).into_iter().filter(|id| !may.contains(*id)).collect();
            prop_assert!(blamed.is_empty(), "{what} comes to {blamed:?}");
        }
        // Members in another order are the same document.
        let document = serde_json::to_value(&snapshot).unwrap();
        let again: Snapshot = serde_json::from_str(&reversed(&document)).unwrap();
        let text = |diagnosis: &Diagnosis| serde_json::to_string(diagnosis).unwrap();
        prop_assert_eq!(text(&judged(&again, &rules)), text(&whole));
        // To know less never makes it look better.
        for name in losses {
            let poorer = judged(&without(&snapshot, name), &rules);
            prop_assert!(!Summary::of(&poorer).healthy, "{what} is healthy without {name}");
            let fine: BTreeSet<&str> = poorer.passed.iter().map(|row| row.id.as_str()).collect();
            let lost: Vec<_> = wrong(&whole).into_iter().filter(|id| fine.contains(id)).collect();
            prop_assert!(lost.is_empty(), "{what}: {lost:?} pass without {name}");
        }
        Ok(())
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
}

#[test]
fn the_order_of_probes_changes_nothing() {
    install_crypto();
    let rules = rules();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for names in [&["two-faults"][..], &["arm-forbidden"], &["healthy"], &["tasks-401", "migration-dirty"]] {
        let told = |reversed: bool| {
            let snapshot = runtime.block_on(observe(names, &[], reversed)).unwrap();
            let diagnosis = judged(&snapshot, &rules);
            let findings: Vec<_> = diagnosis
                .findings
                .iter()
                .map(|it| {
                    (it.id.clone(), it.severity, it.subject.clone(), it.caused_by.clone(), it.perhaps.clone())
                })
                .collect();
            let open: Vec<_> = diagnosis
                .inconclusive
                .iter()
                .map(|row| {
                    (
                        row.id.clone(),
                        row.required,
                        row.missing.iter().map(|it| it.fact.clone()).collect::<Vec<_>>(),
                    )
                })
                .collect();
            let passed: Vec<_> = diagnosis.passed.iter().map(|row| row.id.clone()).collect();
            (findings, open, passed, diagnosis.chains)
        };
        assert_eq!(told(false), told(true), "{names:?}");
    }
}
