//! What a person and a pipeline see of the program: exit statuses, streams, settings, and the lies that other tools
//! were caught in.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

#[allow(dead_code, reason = "each test uses a part of it")]
mod program;

use std::time::{Duration, Instant};

use program::{run, run_with};
use serde_json::Value;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn the_first_command_of_the_readme_shows_the_whole_story() {
    let folder = folder();
    let run = run(folder.path(), &["check", "--lab", "subject-mismatch"]);
    assert_eq!(run.code, 1);
    assert_eq!(run.err, "");
    for part in [
        "✗ AADSTS700213",
        "it has       system:serviceaccount:mazevault:mazevault-gateway\n",
        "pods send    system:serviceaccount:mazevault:mazevault-gateway-sa\n",
        "^^^ missing",
        "csi-mount-failed",
        "gateway-not-ready        0 of 1 pods",
        "tasks-not-polling",
        "az identity federated-credential update --resource-group rg-mazevault-npr",
        "--subject system:serviceaccount:mazevault:mazevault-gateway-sa",
        "--audiences api://AzureADTokenExchange",
        "mzv-doctor verify AADSTS700213",
        "1 cause, 5 consequences, 0 inconclusive",
        "exit 1",
    ] {
        assert!(run.out.contains(part), "{part} is not in\n{}", run.out);
    }
    assert!(run.out.lines().count() <= 50, "more than one screen");
}

/// A document of a scenario, as text.
fn document_of(scenario: &str) -> String {
    let folder = folder();
    run(folder.path(), &["check", "--lab", scenario, "-o", "json"]).out
}

#[test]
fn hostile_names_give_no_orders_and_secrets_in_objects_stay_there() {
    let quoted = document_of("hostile-record");
    assert!(quoted.contains("'x''); DROP TABLE gateways; --'"), "{quoted}");
    let option = document_of("hostile-credential");
    assert!(option.contains("AADSTS700213"), "{option}");
    let parsed: Value = serde_json::from_str(&option).unwrap();
    for command in parsed["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["remedy"]["commands"].as_array())
        .flatten()
    {
        let arguments = command.as_array().unwrap();
        assert!(!arguments.iter().any(|it| it == "--debug"), "a name became an option: {command}");
    }
    for scenario in ["hostile-condition", "hostile-url"] {
        let text = document_of(scenario);
        assert!(!text.contains("hunter2"), "{scenario} shows a secret: {text}");
    }
}

#[test]
fn every_format_ends_in_the_same_status_and_stdout_holds_the_report_only() {
    let folder = folder();
    for (scenario, code) in [("healthy", 0), ("subject-mismatch", 1), ("arm-forbidden", 3)] {
        let screen = run(folder.path(), &["check", "--lab", scenario]);
        let json = run(folder.path(), &["check", "--lab", scenario, "-o", "json"]);
        assert_eq!((screen.code, json.code), (code, code), "{scenario}");
        assert!(json.out.starts_with('{') && json.err.is_empty(), "{}", json.err);
        let document: Value = serde_json::from_str(&json.out).unwrap();
        assert_eq!(document["exit_code"], code);
        assert_eq!(document["summary"]["healthy"], scenario == "healthy");
        for finding in document["findings"].as_array().unwrap() {
            assert!(screen.out.contains(finding["id"].as_str().unwrap()), "{scenario}: {finding}");
        }
    }
}

#[test]
fn healthy_is_said_only_where_everything_that_matters_was_seen() {
    let folder = folder();
    assert!(run(folder.path(), &["check", "--lab", "healthy"]).out.contains("healthy: nothing wrong"));
    for scenario in ["arm-forbidden", "azure-unreachable"] {
        let run = run(folder.path(), &["check", "--lab", scenario]);
        assert!(!run.out.contains("healthy"), "{}", run.out);
        assert!(run.out.contains("nothing wrong in what was examined"), "{}", run.out);
    }
}

#[test]
fn several_outputs_are_written_whole_or_not_at_all() {
    let folder = folder();
    let done = run(folder.path(), &["check", "--lab", "healthy", "-o", "terminal", "-o", "json=report.json"]);
    assert_eq!(done.code, 0);
    assert!(done.out.contains("healthy"));
    let text = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["exit_code"], 0);
    let refused = run(folder.path(), &["check", "--lab", "healthy", "-o", "json=no/such/folder/report.json"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("no/such/folder/report.json: cannot be written"), "{}", refused.err);
}

#[test]
fn mistakes_on_the_command_line_are_told_in_one_line() {
    let folder = folder();
    for (arguments, words) in [
        (&["check", "--lab", "no-such-scenario"][..], "there is no scenario \"no-such-scenario\""),
        (&["check", "--lab", "healthy", "-o", "json", "-o", "terminal"], "two reports cannot share"),
        (&["check", "--lab", "healthy", "-o", "yaml"], "there is no format yaml"),
        (&["check", "--lab", "healthy", "--require", "no-such-name"], "there is no rule no-such-name"),
        (&["check", "--lab", "healthy", "--context", "x"], "--context has no meaning with --lab"),
        (&["check", "--config", "missing.yaml"], "missing.yaml: cannot be read"),
        (&["check", "--timeout", "soon"], "run.timeout is \"soon\", and takes a length of time"),
        (&["check", "--primary-url", "mazevault"], "primary.url is \"mazevault\", and takes a URL"),
        (&["verify", "no-such-name", "--lab", "healthy"], "there is no rule no-such-name"),
        (&["check", "--lab", "healthy", "--rules", "nowhere"], "nowhere"),
    ] {
        let run = run(folder.path(), arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.err.contains(words), "{arguments:?}: {}", run.err);
        assert_eq!(run.out, "", "{arguments:?}");
        assert!(!run.err.contains("panicked"), "{}", run.err);
    }
}

#[test]
fn an_unknown_key_names_its_line() {
    let folder = folder();
    let file = folder.path().join("mzv-doctor.yaml");
    std::fs::write(&file, "environment: npr\nazure:\n  tenant: t\n  subscripton: s\n").unwrap();
    let run = run(folder.path(), &["config", "show"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("mzv-doctor.yaml: line 4") && run.err.contains("subscripton"), "{}", run.err);
}

#[test]
fn settings_come_from_defaults_file_environment_and_flags_in_that_order() {
    let folder = folder();
    let show = |arguments: &[&str], variables: &[(&str, &str)], name: &str| {
        let mut all = vec!["config", "show"];
        all.extend(arguments);
        let run = run_with(folder.path(), &all, variables);
        assert_eq!(run.code, 0, "{}", run.err);
        let row = run.out.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        row.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(show(&[], &[], "kubernetes.namespace"), "default mazevault");
    assert_eq!(show(&[], &[], "azure.cluster"), "default aks-mazevault-npr");
    assert_eq!(show(&["--environment", "pro"], &[], "azure.cluster"), "default aks-mazevault-pro");
    std::fs::write(folder.path().join("mzv-doctor.yaml"), "kubernetes:\n  namespace: from-file\n").unwrap();
    assert_eq!(show(&[], &[], "kubernetes.namespace"), "file mzv-doctor.yaml:2 from-file");
    let variable = [("MZV_DOCTOR_KUBERNETES_NAMESPACE", "from-variable")];
    assert_eq!(
        show(&[], &variable, "kubernetes.namespace"),
        "environment MZV_DOCTOR_KUBERNETES_NAMESPACE from-variable"
    );
    assert_eq!(
        show(&["--namespace", "from-flag"], &variable, "kubernetes.namespace"),
        "flag --namespace from-flag"
    );
}

#[test]
fn with_nothing_configured_nothing_is_called_healthy() {
    let folder = folder();
    let run = run_with(
        folder.path(),
        &["check", "-o", "json", "--timeout", "20s"],
        &[
            ("MZV_DOCTOR_DOCKER_SOCKET", "/nonexistent.sock"),
            ("MZV_DOCTOR_IMDS_ENDPOINT", "http://127.0.0.1:9"),
        ],
    );
    assert_eq!(run.code, 3, "{}", run.err);
    let document: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(document["summary"]["healthy"], false);
    let open = document["inconclusive"].as_array().unwrap();
    let reasons: Vec<&str> = open
        .iter()
        .flat_map(|row| row["missing"].as_array().unwrap())
        .filter_map(|missing| missing["reason"]["setting"].as_str())
        .collect();
    for setting in ["azure.subscription", "primary.url", "database.url_file", "kubernetes.kubeconfig"] {
        assert!(reasons.contains(&setting), "{setting} is not among {reasons:?}");
    }
}

#[test]
fn a_run_ends_by_its_deadline_and_says_which_layer_hung() {
    let folder = folder();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let began = Instant::now();
    let run = run_with(
        folder.path(),
        &["check", "-o", "json", "--primary-url", &url, "--timeout", "4s", "--request-timeout", "1s"],
        &[
            ("MZV_DOCTOR_DOCKER_SOCKET", "/nonexistent.sock"),
            ("MZV_DOCTOR_IMDS_ENDPOINT", "http://127.0.0.1:9"),
        ],
    );
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(run.code, 3);
    let document: Value = serde_json::from_str(&run.out).unwrap();
    let row =
        document["inconclusive"].as_array().unwrap().iter().find(|row| row["id"] == "primary-unhealthy");
    let reason = &row.unwrap()["missing"][0]["reason"];
    assert_eq!((reason["kind"].as_str(), reason["layer"].as_str()), (Some("timed-out"), Some("tls")));
}

#[test]
fn an_interrupted_run_still_reports() {
    let folder = folder();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_mzv-doctor"))
        .args(["check", "-o", "json", "--primary-url", &url])
        .env_clear()
        .env("MZV_DOCTOR_DOCKER_SOCKET", "/nonexistent.sock")
        .env("MZV_DOCTOR_IMDS_ENDPOINT", "http://127.0.0.1:9")
        .current_dir(folder.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(130));
    let document: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(document["exit_code"], 130);
}

#[test]
fn verify_reports_on_one_name() {
    let folder = folder();
    for (scenario, code) in
        [("healthy", 0), ("subject-mismatch", 1), ("arm-forbidden", 3), ("migration-missing", 0)]
    {
        let run = run(folder.path(), &["verify", "AADSTS700213", "--lab", scenario, "-o", "json"]);
        assert_eq!(run.code, code, "{scenario}: {}", run.out);
        let document: Value = serde_json::from_str(&run.out).unwrap();
        for rows in ["findings", "inconclusive", "passed"] {
            for row in document[rows].as_array().unwrap() {
                assert_eq!(row["id"], "AADSTS700213", "{scenario}");
            }
        }
    }
}

#[test]
fn warnings_fail_a_run_only_when_asked() {
    let folder = folder();
    assert_eq!(run(folder.path(), &["check", "--lab", "stale-gateways"]).code, 0);
    assert_eq!(run(folder.path(), &["check", "--lab", "stale-gateways", "--fail-on", "warning"]).code, 1);
    // What is as expected fails nothing: no such threshold is known.
    assert_eq!(run(folder.path(), &["check", "--lab", "healthy", "--fail-on", "notice"]).code, 2);
}

#[test]
fn no_secret_of_the_lab_reaches_a_report() {
    let folder = folder();
    for scenario in ["healthy", "subject-mismatch", "tasks-401", "azure-unreachable"] {
        for format in ["json", "terminal"] {
            let run = run(folder.path(), &["check", "--lab", scenario, "-o", format, "-v"]);
            for secret in ["known-to-the-lab-only", "lab-canary-never-shown", "eyJ"] {
                assert!(
                    !run.out.contains(secret) && !run.err.contains(secret),
                    "{scenario} {format}: {secret}"
                );
            }
        }
    }
}

#[test]
fn a_rule_table_laid_over_is_strict() {
    let folder = folder();
    let rules = folder.path().join("rules/federation");
    std::fs::create_dir_all(&rules).unwrap();
    let good = "id: mine\ntitle: t\narea: federation\nseverity: error\nconfidence: likely\nwhen: federation.mismatch == \"x\"\nsubject: s\nbrief: b\nexplanation: e\nexamples:\n  - {expect: fired, facts: {federation.mismatch: x}}\n  - {expect: passed, facts: {federation.mismatch: other}}\n  - {expect: inconclusive, unknown: [federation.mismatch]}\n";
    for (text, words) in [
        (good.to_owned(), ""),
        (
            good.replace("when: federation.mismatch", "when: federation.mismach"),
            "mine.yaml:6: when: there is no fact federation.mismach",
        ),
        (good.replace("== \"x\"", "== 3"), "mine.yaml:6: when: a text or null is never the same as a number"),
        (good.replace("== \"x\"", "!= \"x\" && exsts(1)"), "mine.yaml:6: when: exsts cannot be used here"),
        (
            good.replace("federation.mismatch == \"x\"", "has(federation.mismatch)"),
            "mine.yaml:6: when: has() would turn",
        ),
        (
            good.replace("brief: b", "brief: \"{{ federation.nope }}\""),
            "mine.yaml:8: brief: federation.nope is neither",
        ),
        (good.replace("severity: error", "severty: error"), "mine.yaml:4"),
        (
            good.replace("brief: b", "brief: b\ncaused_by: [nobody]"),
            "mine.yaml:9: caused_by: there is no rule nobody",
        ),
        (good.replace("brief: b", "brief: b\ncaused_by: [mine]"), "caused_by: the rule would explain itself"),
        (good.replace("id: mine", "id: other"), "mine.yaml:1: the id is other"),
        (
            good.replace("brief: b", "brief: b\nsymptoms: [{pattern: 'not here(?P<left>y)left over'}]"),
            "the capture left is used nowhere",
        ),
        (good.replace("brief: b", "brief: b\nsymptoms: [{pattern: 'x('}]"), "mine.yaml:9: pattern:"),
        (
            good.replace("brief: b", "brief: b\nsymptoms: [{pattern: 'too|short'}]"),
            "mine.yaml:9: pattern: every alternative needs a fixed piece",
        ),
        (
            good.replace("brief: b", "brief: b\nsymptoms: [{entra: 1, pattern: longer}]"),
            "a symptom has either a pattern or a code of Entra",
        ),
        (
            good.replace("brief: b", "brief: b\nrecovered_by: [sunshine]"),
            "text.yaml has no recovery sunshine",
        ),
        (good.replace("brief: b", "brief: b\ntext_only: true"), "a rule of text only has no condition"),
        (
            good.replace("  - {expect: passed, facts: {federation.mismatch: other}}\n", ""),
            "no example that stays quiet",
        ),
    ] {
        std::fs::write(rules.join("mine.yaml"), text).unwrap();
        let run = run(folder.path(), &["rules", "list", "--rules", "rules"]);
        if words.is_empty() {
            assert_eq!(run.code, 0, "{}", run.err);
            assert!(run.out.contains("mine"), "{}", run.out);
        } else {
            assert_eq!(run.code, 2, "{words}");
            assert!(run.err.contains(words), "{words} is not in {}", run.err);
        }
    }
}

#[test]
fn a_settings_file_made_of_what_was_found_can_be_used() {
    let folder = folder();
    let made = run(folder.path(), &["config", "init", "--lab", "healthy"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let text = std::fs::read_to_string(folder.path().join("mzv-doctor.yaml")).unwrap();
    assert!(text.contains("  vault: \"kv-mazevault-gw-npr\""), "{text}");
    let shown = run(folder.path(), &["config", "show"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(shown.out.contains("kv-mazevault-gw-npr"), "{}", shown.out);
    let again = run(folder.path(), &["config", "init", "--lab", "healthy"]);
    assert_eq!(again.code, 2);
    assert!(again.err.contains("is there already"), "{}", again.err);
}

#[test]
fn rights_are_printed_ready_to_apply() {
    let folder = folder();
    let role = run(folder.path(), &["permissions", "azure"]);
    let role: Value = serde_json::from_str(&role.out).unwrap();
    let actions: Vec<&str> =
        role["Actions"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert!(actions.contains(&"Microsoft.Authorization/roleAssignments/read"));
    assert!(actions.iter().all(|action| action.ends_with("/read")), "{actions:?}");
    assert_eq!(role["DataActions"].as_array().unwrap().len(), 0);

    let manifest = run(folder.path(), &["permissions", "kubernetes"]).out;
    let mut kinds = Vec::new();
    for document in manifest.split("---\n").filter(|text| !text.trim().is_empty()) {
        let document: Value = serde_saphyr::from_str(document).unwrap();
        kinds.push(document["kind"].as_str().unwrap().to_owned());
        for rule in document["rules"].as_array().into_iter().flatten() {
            let verbs: Vec<&str> =
                rule["verbs"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
            assert!(verbs.iter().all(|verb| ["get", "list"].contains(verb)), "{rule}");
            let resources = rule["resources"].as_array().into_iter().flatten();
            assert!(resources.clone().all(|it| it != "secrets"), "{rule}");
        }
    }
    assert_eq!(kinds, ["Role", "RoleBinding", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]);
    let asked = run(folder.path(), &["permissions", "kubernetes", "--secret-keys", "--exchange-token"]).out;
    assert!(asked.contains("resources: [secrets], verbs: [get]"), "{asked}");
    assert!(asked.contains("resources: [serviceaccounts/token], verbs: [create]"), "{asked}");

    let one = run(folder.path(), &["permissions", "names", "--probe", "migration"]).out;
    assert!(one.contains("database.migrations_table") && !one.contains("gateway:admin"), "{one}");
    let none = run(folder.path(), &["permissions", "--probe", "nope"]);
    assert_eq!(none.code, 2);
    assert!(none.err.contains("there is no probe nope; there are"), "{}", none.err);
}

#[test]
fn a_plan_names_every_service_and_touches_none() {
    let folder = folder();
    let plan = run(folder.path(), &["plan", "--json", "--primary-url", "https://mazevault.example.com:8443"]);
    assert_eq!(plan.code, 0, "{}", plan.err);
    let plan: Value = serde_json::from_str(&plan.out).unwrap();
    let services: std::collections::BTreeSet<&str> =
        plan["calls"].as_array().unwrap().iter().map(|call| call["service"].as_str().unwrap()).collect();
    for service in
        ["arm", "graph", "kubernetes", "primary", "docker", "sql", "registry", "dns", "tls", "imds"]
    {
        assert!(services.contains(service), "{service} is not in {services:?}");
    }
    let writes = plan["calls"].as_array().unwrap().iter().filter(|call| call["method"] == "POST");
    for call in writes {
        assert!(["login", "registry"].contains(&call["service"].as_str().unwrap()), "{call}");
    }
}
