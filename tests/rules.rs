//! Every rule of the table, by its own examples.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::collections::BTreeMap;

use mzv_doctor::diagnosis::judge_example;
use mzv_doctor::fact::{Layer, Observation, Outcome, Reason, Snapshot, Vantage, vocabulary};
use mzv_doctor::redact::{Values, redact_snapshot};
use mzv_doctor::rule::{self, Expect, RuleTable};
use mzv_doctor::target::{Kind, Target, table};

/// The rules as a folder of somebody's: the program takes its own files for checked, which is what this does.
fn load() -> RuleTable {
    let settings: Vec<_> = table().iter().map(|spec| (spec.name, spec.kind == Kind::List)).collect();
    let folder = tempfile::tempdir().unwrap();
    for area in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/rules")).unwrap() {
        let area = area.unwrap();
        if area.file_type().unwrap().is_dir() {
            std::os::unix::fs::symlink(area.path(), folder.path().join(area.file_name())).unwrap();
        }
    }
    match rule::load(&vocabulary(), &settings, Some(folder.path())) {
        Ok(table) => table,
        Err(error) => panic!("{error}"),
    }
}

fn defaults() -> Snapshot {
    let now = "2026-11-23T14:02:11Z".parse().unwrap();
    let mut snapshot = Snapshot::new(now, Vantage::Operator);
    snapshot.target = Target::staged(BTreeMap::new(), "test").unwrap().settings().clone();
    snapshot
}

#[test]
fn every_example_comes_to_what_it_says() {
    let table = load();
    let mut wrong = Vec::new();
    for rule in table.rules.values() {
        for (number, example) in (1..).zip(&rule.examples) {
            let got = judge_example(&table, rule, &example.snapshot(&defaults()));
            if got != example.expect {
                wrong.push(format!("{} example {number}: {:?}, expected {:?}", rule.id, got, example.expect));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is taken out of text for a secret is nothing that a rule lives by.
#[test]
fn every_example_comes_to_the_same_without_secrets() {
    let table = load();
    let mut wrong = Vec::new();
    for rule in table.rules.values() {
        for (number, example) in (1..).zip(&rule.examples) {
            let mut snapshot = example.snapshot(&defaults());
            redact_snapshot(&mut snapshot, &Values::default(), None);
            let got = judge_example(&table, rule, &snapshot);
            if got != example.expect {
                let text: Vec<&str> = snapshot.text.iter().map(|line| line.text.as_str()).collect();
                wrong.push(format!(
                    "{} example {number}: {got:?}, expected {:?}: {text:?}",
                    rule.id, example.expect
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn losing_a_fact_never_turns_a_failure_into_a_pass() {
    let table = load();
    let mut checked = 0;
    for rule in table.rules.values() {
        for example in &rule.examples {
            let full = example.snapshot(&defaults());
            let before = judge_example(&table, rule, &full);
            for name in full.facts.keys() {
                let mut poorer = full.clone();
                if let Some(seen) = poorer.facts.get_mut(name) {
                    let reason = Reason::TimedOut { layer: Layer::Connect, after_ms: 1 };
                    *seen = Observation { outcome: Outcome::Unknown(reason), origin: seen.origin.clone() };
                }
                let after = judge_example(&table, rule, &poorer);
                let fine = match before {
                    Expect::Fired => matches!(after, Expect::Fired | Expect::Inconclusive),
                    Expect::Inconclusive => after == Expect::Inconclusive,
                    Expect::Passed | Expect::NotApplicable => after != Expect::Fired,
                };
                assert!(fine, "{}: {before:?} became {after:?} without {name}", rule.id);
                checked += 1;
            }
        }
    }
    assert!(checked > 0);
}

/// The embedded ones are not compiled before they are needed.
#[test]
fn every_expression_compiles() {
    assert_eq!(rule::scanner().faulty(), Vec::<&str>::new());
}
