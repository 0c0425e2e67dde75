//! What an operator can ask of a diagnosis: why, how to mend it, whether it is mended, and what changed.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

#[path = "trust/doubt.rs"]
mod doubt;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

struct Run {
    code: i32,
    out: String,
    err: String,
}

fn run(arguments: &[&str]) -> Run {
    let mut command = Command::cargo_bin("mzv-doctor").unwrap();
    command.env_clear().env("LANG", "C.UTF-8").env("PATH", "/usr/bin:/bin");
    let output = command.current_dir(std::env::temp_dir()).args(arguments).output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A document that fits its published schema.
fn document(arguments: &[&str], schema: &str) -> Value {
    let run = run(arguments);
    let document: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}{}", run.out, run.err));
    let path = format!("{}/schema/{schema}", env!("CARGO_MANIFEST_DIR"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    document
}

#[test]
fn why_shows_the_clause_that_decided_whatever_it_came_to() {
    for (scenario, name, verdict, decisive) in [
        ("subject-mismatch", "AADSTS700213", "fired", "federation.mismatch == \"subject\""),
        ("healthy", "AADSTS700213", "passed", "federation.mismatch == \"subject\""),
        ("arm-forbidden", "AADSTS700213", "inconclusive", "federation.presented != null"),
        ("healthy", "tls-cert-expired", "passed", ""),
        ("healthy", "migration-dirty", "passed", ""),
        ("dr-standby-stopped", "tasks-failing", "not-applicable", "tasks.outcome != null"),
    ] {
        let all = document(&["why", name, "--lab", scenario, "-o", "json"], "why.v1.json");
        let one = &all[0];
        assert_eq!(one["verdict"], verdict, "{scenario} {name}: {one}");
        assert!(!one["decided"].as_str().unwrap().is_empty());
        let mut deciding = Vec::new();
        gather(one["conditions"].as_array().unwrap().iter().map(|it| &it["clause"]), &mut deciding);
        assert!(
            decisive.is_empty() || deciding.iter().any(|source| source == decisive),
            "{scenario} {name}: {deciding:?}"
        );
        if verdict == "fired" {
            let fact = &one["facts"]["identity.credentials"];
            assert!(fact["origin"]["call"].as_str().unwrap().starts_with("GET "), "{fact}");
        }
        assert_eq!(verdict == "inconclusive", !one["missing"].as_array().unwrap().is_empty());
        let screen = run(&["why", name, "--lab", scenario]);
        assert!(screen.out.contains(name) && screen.code == 0, "{}", screen.out);
    }
    assert_eq!(run(&["why", "no-such-name", "--lab", "healthy"]).code, 2);
}

fn gather<'a>(clauses: impl Iterator<Item = &'a Value>, into: &mut Vec<String>) {
    for clause in clauses {
        let parts = clause["parts"].as_array().unwrap();
        if clause["decides"] == true && parts.is_empty() {
            into.push(clause["source"].as_str().unwrap().to_owned());
        }
        gather(parts.iter(), into);
    }
}

#[test]
fn a_record_answers_as_the_run_did() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.json");
    let file = path.to_str().unwrap();
    let live = run(&["check", "--lab", "two-faults", "-o", &format!("snapshot={file}"), "-o", "terminal"]);
    let again = run(&["check", "--bundle", file]);
    assert_eq!((live.code, &live.out), (again.code, &again.out));
    let why = run(&["why", "AADSTS700213", "--bundle", file]);
    assert!(why.out.contains("which decides"), "{}", why.out);
    assert!(run(&["fix", "--bundle", file]).out.contains("federated-credential update"));
    // A record that lacks what a rule reads, as one of an older release may, is not healthy for that.
    run(&["check", "--lab", "healthy", "-o", &format!("snapshot={file}")]);
    let mut poorer: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(run(&["check", "--bundle", file]).code, 0);
    poorer["facts"].as_object_mut().unwrap().remove("identity.credentials").unwrap();
    std::fs::write(&path, poorer.to_string()).unwrap();
    let lacking = run(&["check", "--bundle", file]);
    assert_eq!(lacking.code, 3, "{}", lacking.out);
    assert!(lacking.out.contains("nothing that was run provides it"), "{}", lacking.out);
    for (text, says) in [
        ("{}", "is no record"),
        ("nonsense", "is no record"),
        (r#"{"format": 99, "tool_version": "7.0.0"}"#, "7.0.0"),
    ] {
        std::fs::write(&path, text).unwrap();
        let refused = run(&["check", "--bundle", file]);
        assert_eq!((refused.code, refused.err.lines().count()), (2, 1), "{}", refused.err);
        assert!(refused.err.contains(says), "{}", refused.err);
    }
    assert_eq!(run(&["check", "--bundle", "/no/such/file"]).code, 2);
    assert_eq!(run(&["check", "--bundle", file, "--lab", "healthy"]).code, 2);
    assert_eq!(run(&["check", "--bundle", file, "--wait", "1s"]).code, 2);
}

#[test]
fn what_changed_between_two_runs_is_told_by_name_and_by_fact() {
    let folder = tempfile::tempdir().unwrap();
    let record = |scenario: &str| {
        let path = folder.path().join(scenario);
        run(&["check", "--lab", scenario, "-o", &format!("snapshot={}", path.display())]);
        path.to_str().unwrap().to_owned()
    };
    let (broken, well, blind) = (record("subject-mismatch"), record("healthy"), record("arm-forbidden"));
    let changes = document(&["diff", &broken, &well, "-o", "json"], "changes.v1.json");
    let name = |id: &str| changes["names"].as_array().unwrap().iter().find(|it| it["id"] == id).unwrap();
    assert_eq!(
        (&name("AADSTS700213")["before"], &name("AADSTS700213")["after"]),
        (&"error".into(), &"passed".into())
    );
    let fact = |changes: &Value, name: &str| {
        changes["facts"].as_array().unwrap().iter().find(|it| it["name"] == name).cloned().unwrap()
    };
    let nearest = fact(&changes, "identity.credentials");
    assert_eq!(nearest["turn"], "changed");
    let member = &nearest["members"][0];
    assert_eq!(member["path"], "fic-mazevault-gateway-sa.subject");
    assert!(member["after"].as_str().unwrap().ends_with("mazevault-gateway-sa"));
    let lost = document(&["diff", &well, &blind, "-o", "json"], "changes.v1.json");
    assert_eq!(fact(&lost, "identity.credentials")["turn"], "lost");
    let learned = document(&["diff", &blind, &well, "-o", "json"], "changes.v1.json");
    assert_eq!(fact(&learned, "identity.credentials")["turn"], "learned");
    let same = run(&["diff", &well, &well]);
    assert!(same.code == 0 && same.out.contains("no difference"), "{}", same.out);
}

#[test]
fn verify_asks_what_the_name_depends_on_and_says_how_it_stands() {
    for (scenario, name, standing, code) in [
        ("healthy", "AADSTS700213", "fixed", 0),
        ("subject-mismatch", "AADSTS700213", "unchanged", 1),
        ("federation-settling", "federation-settling", "not-yet", 3),
        ("arm-forbidden", "AADSTS700213", "unknown", 3),
    ] {
        let arguments = ["verify", name, "--lab", scenario, "-o", "json"];
        let document = document(&arguments, "diagnosis.v1.json");
        assert_eq!(
            (&document["only"]["standing"], &document["exit_code"]),
            (&standing.into(), &code.into()),
            "{scenario}"
        );
        let asked = document["probes"].as_array().unwrap().len();
        assert!(asked < 12, "{asked} probes asked for {name}");
    }
    // What spreads within the time is waited for; what does not is no success.
    let soon = run(&["verify", "federation-settling", "--lab", "federation-settled-soon", "--wait", "1m"]);
    assert_eq!(soon.code, 0, "{}{}", soon.out, soon.err);
    assert!(soon.err.contains("waiting for federation-settling"), "{}", soon.err);
    assert!(soon.out.contains("fixed: federation-settling"), "{}", soon.out);
    let late = run(&["verify", "federation-settling", "--lab", "federation-settling", "--wait", "1s"]);
    assert_eq!(late.code, 4, "{}{}", late.out, late.err);
    assert!(late.out.contains("not yet") && late.out.contains("s left"), "{}", late.out);
}

#[test]
fn check_waits_for_what_spreads_and_not_for_what_is_broken() {
    assert_eq!(run(&["check", "--lab", "federation-settled-soon"]).code, 3);
    let soon = run(&["check", "--lab", "federation-settled-soon", "--wait", "1m"]);
    assert_eq!(soon.code, 0, "{}{}", soon.out, soon.err);
    assert!(soon.out.contains("healthy"), "{}", soon.out);
    let late = run(&["check", "--lab", "federation-settling", "--wait", "1s"]);
    assert_eq!(late.code, 4, "{}{}", late.out, late.err);
    let broken = run(&["check", "--lab", "subject-mismatch", "--wait", "5m"]);
    assert_eq!((broken.code, broken.err.as_str()), (1, ""));
    for wrong in ["5", "soon", "-1s", ""] {
        assert_eq!(run(&["check", "--lab", "healthy", &format!("--wait={wrong}")]).code, 2, "{wrong}");
    }
}

/// Runs a script with programs that only write down what they were called with; `fails` is one that fails.
fn play(script: &str, fails: &str, variables: &[(&str, &str)]) -> (i32, Vec<Vec<String>>, String) {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    for program in ["az", "kubectl", "docker", "mzv-doctor", "psql", "curl", "helm"] {
        let path = folder.path().join(program);
        let end = if program == fails { "exit 1" } else { "exit 0" };
        let text = format!(
            "#!/bin/sh\nprintf '%s\\0' {program} \"$@\" >> '{0}'\nprintf '\\n\\0' >> '{0}'\n{end}\n",
            journal.display()
        );
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let file = folder.path().join("fix.sh");
    std::fs::write(&file, script).unwrap();
    let mut command = std::process::Command::new("sh");
    command.arg(&file).env_clear().env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
    command.envs(variables.iter().copied()).current_dir(folder.path());
    let output = command.output().unwrap();
    let calls = std::fs::read_to_string(&journal).unwrap_or_default();
    let calls = calls
        .split("\n\0")
        .filter(|call| !call.is_empty())
        .map(|call| call.split_terminator('\0').map(str::to_owned).collect())
        .collect();
    assert!(!folder.path().join("x").exists() && !Path::new("x").exists(), "a name was run as an order");
    (output.status.code().unwrap_or(-1), calls, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_script_hands_over_exactly_what_is_meant_and_stops_at_the_first_failure() {
    let script = run(&["fix", "--lab", "two-faults", "-o", "sh"]).out;
    let (code, calls, _) = play(&script, "", &[]);
    assert_eq!(code, 0, "{script}");
    let programs: Vec<&str> = calls.iter().map(|call| call[0].as_str()).collect();
    assert_eq!(programs, ["az", "mzv-doctor", "docker", "docker", "mzv-doctor"]);
    let at = calls[0].iter().position(|word| word == "--subject").unwrap();
    assert_eq!(calls[0][at + 1], "system:serviceaccount:mazevault:mazevault-gateway-sa");
    assert_eq!(calls[1][1..3], ["verify", "AADSTS700213"]);
    let (code, calls, _) = play(&script, "az", &[]);
    assert_eq!((code, calls.len()), (1, 1), "{script}");
    let steps = document(&["fix", "--lab", "two-faults", "-o", "json"], "steps.v1.json");
    let effects: Vec<&str> = steps["steps"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|step| step["commands"].as_array().unwrap())
        .map(|command| command["effect"].as_str().unwrap())
        .collect();
    assert_eq!(effects, ["changes", "changes", "reads"]);
}

#[test]
fn names_that_mean_harm_stay_names() {
    for scenario in ["hostile-credential", "hostile-record", "hostile-condition", "hostile-url"] {
        let json = run(&["fix", "--lab", scenario, "-o", "json"]).out;
        let steps: Value = serde_json::from_str(&json).unwrap_or(Value::Null);
        let wanted: Vec<Vec<String>> = steps["steps"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|step| step["commands"].as_array().unwrap())
            .map(|command| serde_json::from_value(command["arguments"].clone()).unwrap())
            .collect();
        let script = run(&["fix", "--lab", scenario, "-o", "sh"]).out;
        let open: Vec<(String, String)> = steps["steps"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|step| step["open"].as_array().unwrap())
            .map(|open| {
                (
                    open["variable"].as_str().unwrap().to_owned(),
                    format!("<{}>", open["name"].as_str().unwrap()),
                )
            })
            .collect();
        let open: Vec<(&str, &str)> =
            open.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (code, calls, err) = play(&script, "", &open);
        if script.contains("has to be done by hand") {
            assert_eq!(code, 2, "{scenario}: {script}");
            continue;
        }
        assert_eq!(code, 0, "{scenario}: {err}\n{script}");
        let calls: Vec<_> = calls.into_iter().filter(|call| call[0] != "mzv-doctor").collect();
        assert_eq!(calls, wanted, "{scenario}: {script}");
        let power = run(&["fix", "--lab", scenario, "-o", "powershell"]).out;
        assert!(power.lines().all(|line| !line.contains('\u{1b}')));
    }
}

#[test]
fn a_script_refuses_to_run_until_every_value_is_set() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("identity")).unwrap();
    let rule = r#"
id: mine
title: t
area: identity
severity: error
confidence: likely
when: run.vantage != "nowhere"
subject: s
brief: b
explanation: e
remedy:
  - text: Do it.
    commands:
      - [az, thing, update, --id, "{{ identity.resource.client_id }}", --name, "it's {{ identity.resource.client_id }}; rm x"]
examples:
  - {expect: fired, facts: {run.vantage: operator}}
  - {expect: passed, facts: {run.vantage: nowhere}}
  - {expect: inconclusive, unknown: [run.vantage]}
"#;
    std::fs::write(folder.path().join("identity/mine.yaml"), rule.trim_start()).unwrap();
    let rules = folder.path().to_str().unwrap();
    let fix = |scenario: &str, format: &str| {
        run(&["fix", "mine", "--lab", scenario, "--rules", rules, "-o", format]).out
    };
    let steps: Value = serde_json::from_str(&fix("arm-forbidden", "json")).unwrap();
    let open = &steps["steps"][0]["open"];
    assert_eq!(open.as_array().unwrap().len(), 1, "{steps}");
    assert!(open[0]["how"].as_str().unwrap().contains("denied"), "{open}");
    let variable = open[0]["variable"].as_str().unwrap();
    let script = fix("arm-forbidden", "sh");
    let (code, calls, err) = play(&script, "", &[]);
    assert_eq!((code, calls.len()), (2, 0), "{script}");
    assert!(err.contains(&format!("{variable} is not set")), "{err}");
    let (code, calls, _) = play(&script, "", &[(variable, "a b$(touch x)")]);
    assert_eq!(code, 0, "{script}");
    assert_eq!(calls[0][4..7], ["a b$(touch x)", "--name", "it's a b$(touch x); rm x"]);
    assert!(fix("arm-forbidden", "powershell").contains(&format!("if (-not $env:{variable})")));
    assert!(fix("arm-forbidden", "text").contains("fill in"));
    // Where it was learned, nothing is left to fill in.
    let (code, calls, _) = play(&fix("healthy", "sh"), "", &[]);
    assert_eq!((code, calls[0].len()), (0, 9));
}

#[test]
fn what_a_remedy_must_never_propose_it_does_not() {
    for (scenario, never) in [
        // Trust pointed at another account than the one expected.
        (
            "wrong-service-account",
            &["federated-credential update", "federated-credential create", ":default"][..],
        ),
        // A credential that serves another cluster overwritten.
        ("issuer-mismatch", &["federated-credential update"]),
        ("stale-gateways", &["DELETE", "delete "]),
        ("several-active-gateways", &["DELETE", "delete "]),
        ("primary-placeholder-secret", &["MAZEVAULT_MASTER_KEY="]),
    ] {
        assert!(mzv_doctor::lab::expectation(scenario).is_ok(), "there is no scenario {scenario}");
        let told = run(&["fix", "--lab", scenario]);
        for word in never {
            assert!(!told.out.contains(word), "{scenario} proposes {word}: {}", told.out);
        }
    }
}

#[test]
fn nothing_to_mend_is_said_and_no_script_is_written() {
    let well = run(&["fix", "--lab", "healthy", "-o", "sh"]);
    assert_eq!((well.code, well.out.as_str()), (0, ""));
    assert!(well.err.contains("nothing was found"), "{}", well.err);
    let blind = run(&["fix", "--lab", "azure-unreachable", "AADSTS700213"]);
    assert_eq!(blind.code, 3, "{}", blind.out);
    let well = run(&["fix", "--lab", "healthy", "AADSTS700213"]);
    assert!(well.code == 0 && well.err.contains("not found"), "{}", well.err);
}

#[test]
fn what_is_less_sure_than_asked_for_fails_no_run_and_makes_none_healthy() {
    let sure = run(&["check", "--lab", "keyvault-forbidden-connection", "--min-confidence", "certain"]);
    let any = run(&["check", "--lab", "keyvault-forbidden-connection"]);
    assert_eq!(any.code, 1);
    assert!([1, 3].contains(&sure.code), "{}", sure.out);
    assert!(!sure.out.contains("healthy"));
}

#[test]
fn the_links_are_drawn_and_the_first_break_stands_out_without_colour() {
    let screen = run(&["check", "--lab", "subject-mismatch"]).out;
    assert!(screen.contains("issuer ──✗ credential ·· identity"), "{screen}");
    let blind = run(&["check", "--lab", "azure-unreachable"]).out;
    assert!(blind.contains("──? "), "{blind}");
    let document = document(&["check", "--lab", "subject-mismatch", "-o", "json"], "diagnosis.v1.json");
    let links = document["chains"][0]["links"].as_array().unwrap();
    let states: Vec<&str> = links.iter().map(|link| link["state"].as_str().unwrap()).collect();
    assert_eq!(states[..5], ["whole", "whole", "whole", "whole", "broken"], "{links:?}");
    assert!(states[5..].iter().all(|state| *state == "not-reached"));
    let picture = run(&["check", "--lab", "subject-mismatch", "-o", "svg"]).out;
    let parsed = roxmltree::Document::parse(&picture).unwrap();
    let texts: Vec<&str> = parsed.descendants().filter_map(|node| node.text()).collect();
    for wanted in ["✓ issuer", "✗ credential", "· identity", "AADSTS700213"] {
        assert!(texts.contains(&wanted), "{wanted}: {texts:?}");
    }
    let well = run(&["check", "--lab", "healthy", "-o", "json"]).out;
    let well: Value = serde_json::from_str(&well).unwrap();
    for chain in well["chains"].as_array().unwrap() {
        for link in chain["links"].as_array().unwrap() {
            assert_eq!(link["state"], "whole", "{chain}");
        }
    }
}

/// A name that breaks a link and stands in none would leave the picture whole.
#[test]
fn every_examined_error_has_its_link_or_is_said_to_have_none() {
    let chains = mzv_doctor::rule::chains();
    let of_links: Vec<&String> =
        chains.chains.iter().flat_map(|it| &it.links).flat_map(|it| &it.rules).collect();
    let catalogue = mzv_doctor::rule::catalogue();
    let unknown: Vec<_> = of_links
        .iter()
        .copied()
        .chain(&chains.beside)
        .filter(|id| !catalogue.iter().any(|it| it.id == **id))
        .collect();
    assert!(unknown.is_empty() && !of_links.is_empty(), "there is no rule {unknown:?}");
    let lost: Vec<&str> = catalogue
        .iter()
        .filter(|it| !it.text_only && it.severity == "error")
        .filter(|it| !of_links.contains(&&it.id) && !chains.beside.contains(&it.id))
        .map(|it| it.id.as_str())
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
}
