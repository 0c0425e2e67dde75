//! Every scenario, live: the real binary against the lab's real servers. Adding a folder to `samples/` adds its
//! test.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::collections::BTreeMap;

use assert_cmd::Command;
use mzv_doctor::lab::{expectation, scenarios};
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

#[test]
fn every_scenario_comes_to_exactly_what_it_says() {
    let schema: Value = serde_json::from_str(include_str!("../schema/diagnosis.v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut wrong = Vec::new();
    for scenario in scenarios().unwrap() {
        let expected = expectation(&scenario.name).unwrap();
        let run = program().args(["check", "--lab", &scenario.name, "-o", "json"]).output().unwrap();
        let mut problem = |what: String| wrong.push(format!("{}: {what}", scenario.name));
        let code = run.status.code().unwrap();
        let Ok(document) = serde_json::from_slice::<Value>(&run.stdout) else {
            problem(format!("exit {code}, no JSON: {}", String::from_utf8_lossy(&run.stderr)));
            continue;
        };
        if code != i32::from(expected.exit) || document["exit_code"] != expected.exit {
            problem(format!("exit {code}, expected {}", expected.exit));
        }
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        if !errors.is_empty() {
            problem(format!("the document does not fit its schema: {errors:?}"));
        }
        let causes = |rows: Vec<(String, Vec<String>)>| -> BTreeMap<String, Vec<String>> {
            rows.into_iter()
                .map(|(id, mut by)| {
                    by.sort();
                    (id, by)
                })
                .collect()
        };
        let got = causes(
            document["findings"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| {
                    let by = row["caused_by"].as_array().unwrap();
                    let by = by.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
                    (row["id"].as_str().unwrap().to_owned(), by)
                })
                .collect(),
        );
        let wanted =
            causes(expected.findings.iter().map(|it| (it.id.clone(), it.caused_by.clone())).collect());
        if got != wanted {
            problem(format!("findings\n  got      {got:?}\n  expected {wanted:?}"));
        }
        if let Some(mut open) = expected.inconclusive {
            open.sort();
            let got = open_ids(&document["inconclusive"]);
            if got != open {
                problem(format!("inconclusive\n  got      {got:?}\n  expected {open:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
