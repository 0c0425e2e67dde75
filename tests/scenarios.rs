//! Every scenario, live: the real binary against the lab's real servers. Adding a folder to `samples/` adds its
//! test.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use assert_cmd::Command;
use mzv_doctor::lab::{expectation, scenarios};
use mzv_doctor::rule::catalogue;
use serde_json::Value;

/// The program with nothing of this machine's surroundings.
fn program() -> Command {
    let mut command = Command::cargo_bin("mzv-doctor").unwrap();
    command.env_clear().env("LANG", "C.UTF-8").env("PATH", "/usr/bin:/bin");
    command.current_dir(std::env::temp_dir());
    command
}

/// What could not be examined, without what nobody asked for: that is the same for every scenario.
fn open_ids(rows: &Value) -> Vec<String> {
    let asked = |row: &&Value| {
        row["missing"].as_array().unwrap().iter().any(|it| it["reason"]["kind"] != "not-asked")
    };
    let mut ids: Vec<String> = rows
        .as_array()
        .unwrap()
        .iter()
        .filter(asked)
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

/// Why what could not be examined could not, each reason once.
fn reasons(rows: &Value) -> BTreeSet<String> {
    let missing = rows.as_array().unwrap().iter().flat_map(|row| row["missing"].as_array().unwrap());
    missing.map(|one| one["reason"].to_string()).filter(|reason| !reason.contains("not-asked")).collect()
}

/// A machine under load stalls for seconds; only what is staged to be silent is to run into this deadline.
const REQUEST_TIMEOUT: &str = "15s";

/// What is not as the scenario says.
fn problems(name: &str, validator: &jsonschema::Validator) -> Vec<String> {
    let expected = expectation(name).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let recorded = folder.path().join("run.tar.zst");
    let bundle = format!("bundle={}", recorded.display());
    let mut check = program();
    check.args(["check", "--lab", name, "-o", "json", "-o", &bundle, "--request-timeout", REQUEST_TIMEOUT]);
    let run = check.output().unwrap();
    let mut wrong = Vec::new();
    let mut problem = |what: String| wrong.push(format!("{name}: {what}"));
    let code = run.status.code().unwrap();
    let Ok(document) = serde_json::from_slice::<Value>(&run.stdout) else {
        problem(format!("exit {code}, no JSON: {}", String::from_utf8_lossy(&run.stderr)));
        return wrong;
    };
    if code != i32::from(expected.exit) || document["exit_code"] != expected.exit {
        problem(format!("exit {code}, expected {}", expected.exit));
    }
    let replayed = program().args(["check", "-o", "json", "--bundle"]).arg(&recorded).output().unwrap();
    if replayed.stdout != run.stdout {
        problem("judged again from its record, it comes to something else".into());
    }
    let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    if !errors.is_empty() {
        problem(format!("the document does not fit its schema: {errors:?}"));
    }
    let sorted = |rows: Vec<(String, Vec<String>)>| -> BTreeMap<String, Vec<String>> {
        rows.into_iter()
            .map(|(id, mut by)| {
                by.sort();
                (id, by)
            })
            .collect()
    };
    let rows = document["findings"].as_array().unwrap().iter().map(|row| {
        let by = row["caused_by"].as_array().unwrap();
        let by = by.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
        (row["id"].as_str().unwrap().to_owned(), by)
    });
    let got = sorted(rows.collect());
    let wanted = sorted(expected.findings.iter().map(|it| (it.id.clone(), it.caused_by.clone())).collect());
    if got != wanted {
        problem(format!("findings\n  got      {got:?}\n  expected {wanted:?}"));
    }
    if let Some(top) = &expected.top
        && document["findings"][0]["id"] != **top
    {
        problem(format!("on top is {}, expected {top}", document["findings"][0]["id"]));
    }
    if let Some(mut open) = expected.inconclusive {
        open.sort();
        let got = open_ids(&document["inconclusive"]);
        if got != open {
            let why = reasons(&document["inconclusive"]);
            problem(format!("inconclusive\n  got      {got:?}\n  expected {open:?}\n  because  {why:?}"));
        }
    }
    wrong
}

#[test]
fn every_scenario_comes_to_exactly_what_it_says() {
    let schema: Value = serde_json::from_str(include_str!("../schema/diagnosis.v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let scenarios = scenarios().unwrap();
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    // A run mostly waits: several at once take no more than the machine has.
    let at_once = std::thread::available_parallelism().map_or(2, usize::from) * 2;
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Not while the list is held: the others would wait.
                    let found = problems(&scenario.name, &validator);
                    wrong.lock().unwrap().extend(found);
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A name that is examined and that no scenario shows could be broken unseen.
#[test]
fn every_rule_is_shown_by_a_scenario() {
    let mut shown = BTreeSet::new();
    for scenario in scenarios().unwrap() {
        let expected = expectation(&scenario.name).unwrap();
        shown.extend(expected.findings.into_iter().map(|finding| finding.id));
        // What is settling shows as open.
        let open = expected.inconclusive.unwrap_or_default().into_iter();
        shown.extend(open.filter(|name| name.ends_with("-settling")));
    }
    // What only text shows has its own examples, and hangs on what these rules find.
    let rules: Vec<&str> =
        catalogue().iter().filter(|entry| !entry.text_only).map(|entry| entry.id.as_str()).collect();
    assert!(!rules.is_empty());
    let unseen: Vec<_> = rules.into_iter().filter(|rule| !shown.contains(*rule)).collect();
    assert!(unseen.is_empty(), "no scenario shows {unseen:?}");
}
