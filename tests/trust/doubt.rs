//! What is right and still spreads, what stands before a name, what nobody looked at, and records that lie.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{document, play, run};

/// A record of a scenario, changed.
fn record(folder: &tempfile::TempDir, scenario: &str, change: impl FnOnce(&str) -> String) -> String {
    let path: PathBuf = folder.path().join("record.json");
    run(&["check", "--lab", scenario, "-o", &format!("snapshot={}", path.display())]);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, change(&text)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn with_fact(text: &str, name: &str, outcome: &Value) -> String {
    let mut snapshot: Value = serde_json::from_str(text).unwrap();
    let seen = snapshot["facts"].get_mut(name).unwrap_or_else(|| panic!("there is no {name}"));
    seen["outcome"] = outcome.clone();
    snapshot.to_string()
}

#[test]
fn what_was_corrected_is_not_called_fixed_before_it_has_spread() {
    for (scenario, name) in
        [("federation-settling", "AADSTS700213"), ("role-assignment-settling", "keyvault-role-missing")]
    {
        let verified = run(&["verify", name, "--lab", scenario]);
        assert_eq!(verified.code, 3, "{}", verified.out);
        assert!(verified.out.contains(&format!("not yet: {name} is settling")), "{}", verified.out);
        let late = run(&["verify", name, "--lab", scenario, "--wait", "1s"]);
        assert_eq!(late.code, 4, "{}", late.out);
        let fix = run(&["fix", name, "--lab", scenario]);
        assert_eq!((fix.code, fix.out.as_str()), (3, ""));
        assert!(fix.err.contains("still spreads"), "{}", fix.err);
    }
}

#[test]
fn a_refusal_from_before_a_correction_has_spread_is_waited_for_and_not_mended_again() {
    for scenario in ["with-role-settling-and-mount-refused", "with-newer-pod-refused-while-role-settles"] {
        let now = document(&["check", "--lab", scenario, "-o", "json"], "diagnosis.v1.json");
        assert_eq!(now["exit_code"], 1);
        let finding = &now["findings"][0];
        assert_eq!(finding["id"], "keyvault-forbidden-rbac");
        assert_eq!(finding["perhaps"], json!(["role-assignment-settling"]));
        assert!(finding["remedy"]["text"].as_str().unwrap().starts_with("Change nothing yet"), "{finding}");
        assert_eq!(finding["remedy"]["commands"], json!([]));
        let late = run(&["check", "--lab", scenario, "--wait", "1s"]);
        assert_eq!(late.code, 4, "{}{}", late.out, late.err);
        assert!(late.out.contains("perhaps      because of role-assignment-settling: still spreading"));
    }
    let top = run(&["check", "--lab", "with-subject-corrected-after-the-last-refusal", "--wait", "1s"]);
    assert_eq!(top.code, 4, "{}", top.out);
    assert!(top.out.contains("because of federation-settling: still spreading"), "{}", top.out);
    // A fault of its own is final, whatever else spreads.
    let other = run(&["check", "--lab", "with-role-settling-and-wrong-subject", "--wait", "5m"]);
    assert_eq!((other.code, other.err.as_str()), (1, ""));
}

#[test]
fn a_name_that_cannot_show_is_not_fixed() {
    for (scenario, name, before) in [
        ("cluster-stopped", "csi-mount-failed", "cluster-stopped"),
        ("cluster-stopped", "gateway-not-ready", "cluster-stopped"),
    ] {
        let verified = run(&["verify", name, "--lab", scenario]);
        assert_ne!(verified.code, 0, "{scenario} {name}: {}", verified.out);
        assert!(!verified.out.lines().any(|line| line.starts_with("fixed: ")), "{}", verified.out);
        assert!(verified.out.contains(before), "{}", verified.out);
    }
}

#[test]
fn on_the_wrong_deployment_nothing_is_verified_and_nothing_mended() {
    let verified = run(&["verify", "AADSTS700213", "--lab", "wrong-target"]);
    assert_eq!(verified.code, 3);
    assert!(
        verified.out.contains("wrong-target") && verified.out.contains("was not looked at"),
        "{}",
        verified.out
    );
    let fix = run(&["fix", "AADSTS700213", "--lab", "wrong-target"]);
    assert_eq!((fix.code, fix.out.as_str()), (3, ""));
    assert!(fix.err.contains("another deployment"), "{}", fix.err);
}

#[test]
fn verify_fails_on_what_is_unchanged_however_bad_and_on_what_is_required() {
    let warning = run(&["verify", "app-secret-expiring", "--lab", "app-secret-expiring"]);
    assert!(warning.code == 1 && warning.out.contains("unchanged"), "{}", warning.out);
    let required = run(&["verify", "AADSTS700213", "--lab", "healthy", "--require", "secret-key-empty"]);
    assert_eq!(required.code, 3, "{}", required.out);
    assert!(required.out.contains("secret-key-empty"), "{}", required.out);
}

#[test]
fn no_steps_is_said_with_what_was_not_seen() {
    let unseen = run(&["fix", "--lab", "azure-unreachable"]);
    assert_eq!(unseen.code, 3);
    assert!(unseen.err.contains("could not be examined"), "{}", unseen.err);
    let steps = document(&["fix", "--lab", "healthy", "-o", "json"], "steps.v1.json");
    assert_eq!(steps["steps"], json!([]));
    let notice = run(&["fix", "imds-expected-on-local-primary", "--lab", "healthy"]);
    assert!(notice.code == 0 && notice.err.contains("as it should be"), "{}", notice.err);
}

#[test]
fn a_script_ends_where_only_a_person_can_go_on() {
    for (scenario, changes) in [
        // Values that the rule cannot know.
        ("bootstrap-token-expired", 0),
        ("migration-dirty", 0),
        // Something is to be written into a file first.
        ("app-secret-expired", 0),
        ("primary-placeholder-secret", 0),
    ] {
        let script = run(&["fix", "--lab", scenario, "--secret-keys", "-o", "sh"]);
        let script =
            if script.code == 2 { run(&["fix", "--lab", scenario, "-o", "sh"]).out } else { script.out };
        let (code, calls, _) = play(&script, "", &[]);
        assert_ne!(code, 0, "{scenario}: {script}");
        let changed = calls.iter().filter(|call| {
            let read = ["list", "show", "ps", "version", "get", "logs"];
            !call.iter().any(|word| read.contains(&word.as_str()))
        });
        assert_eq!(changed.count(), changes, "{scenario}: {calls:?}\n{script}");
        assert!(!script.contains("'<"), "{scenario}: {script}");
    }
}

#[test]
fn what_only_a_log_line_says_is_not_given_rights_without_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let other = "99999999-9999-4999-8999-999999999999";
    let known = "oid=44444444-4444-4444-8444-444444444444";
    let scenario = "with-role-missing-behind-block-page";
    let hostile = record(&folder, scenario, |text| text.replace(known, &format!("oid={other}")));
    let script = run(&["fix", "--bundle", &hostile, "-o", "sh"]).out;
    assert!(script.contains(other), "{script}");
    let (code, calls, err) = play(&script, "", &[("MZV_ID_OF_THE_VAULT", "of the vault")]);
    assert_ne!(code, 0);
    assert!(err.contains("By hand first"), "{err}");
    assert!(!calls.iter().any(|call| call.contains(&"create".to_owned())), "{calls:?}");
    let text = run(&["fix", "--bundle", &hostile]).out;
    assert!(text.contains("nothing else confirms"), "{text}");
}

#[test]
fn the_account_that_every_pod_has_is_never_trusted() {
    for scenario in ["subject-mismatch", "no-credential", "issuer-mismatch", "annotation-missing"] {
        let folder = tempfile::tempdir().unwrap();
        let default = record(&folder, scenario, |text| text.replace("mazevault-gateway-sa", "default"));
        for format in ["text", "sh", "json"] {
            let fix = run(&["fix", "--bundle", &default, "-o", format]).out;
            let orders: Vec<&str> = fix.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
            let trusts = |line: &&&str| line.contains(":default") && line.contains("--subject");
            assert!(!orders.iter().any(|line| trusts(&line)), "{scenario} {format}: {fix}");
            assert!(!fix.contains("annotate serviceaccount default"), "{scenario}: {fix}");
        }
    }
}

#[test]
fn a_record_that_lies_is_doubted() {
    let folder = tempfile::tempdir().unwrap();
    // A fact that is said to be computed from itself.
    let circle = record(&folder, "arm-forbidden", |text| {
        let mut snapshot: Value = serde_json::from_str(text).unwrap();
        snapshot["facts"]["identity.resource"]["origin"]["from"] = json!(["identity.credentials"]);
        snapshot["facts"]["identity.credentials"]["origin"]["from"] = json!(["identity.resource"]);
        snapshot.to_string()
    });
    for verb in [&["check"][..], &["why", "AADSTS700213"], &["fix"], &["verify", "AADSTS700213"]] {
        let ended = run(&[verb, &["--bundle", &circle]].concat());
        assert!([1, 0, 3].contains(&ended.code), "{verb:?}: {} {}", ended.code, ended.err);
    }
    // A value of another shape is unknown, and what is unknown is not healthy.
    for name in
        ["text.events", "cluster.csi_driver", "primary_db.write_queues", "vault.secrets", "registry.tag"]
    {
        let folder = tempfile::tempdir().unwrap();
        let odd = json!({"state": "known", "value": [{"name": 7, "x": []}]});
        let path = record(&folder, "healthy", |text| {
            let state = serde_json::from_str::<Value>(text).unwrap()["facts"][name]["outcome"].clone();
            let mut odd = odd.clone();
            if state.get("known").is_some() {
                odd = json!({"known": [{"name": 7, "x": []}]});
            }
            with_fact(text, name, &odd)
        });
        let ended = run(&["check", "--bundle", &path]);
        assert_ne!(ended.code, 0, "{name}: {}{}", ended.out, ended.err);
        assert!(!ended.out.contains("healthy:"), "{name}: {}", ended.out);
    }
}

#[test]
fn a_break_is_drawn_where_it_is_and_the_way_up_to_it_is_whole() {
    let states = |scenario: &str, chain: &str| -> Vec<(String, String)> {
        let document = document(&["check", "--lab", scenario, "-o", "json"], "diagnosis.v1.json");
        let chains = document["chains"].as_array().unwrap().clone();
        let chain = chains.into_iter().find(|it| it["name"] == chain).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let links = chain["links"].as_array().unwrap().iter();
        links.map(|link| (text(&link["name"]), text(&link["state"]))).collect()
    };
    for (scenario, broken) in [("primary-cert-expired", "TLS"), ("with-primary-gone-and-no-docker", "TCP")] {
        let links = states(scenario, "gateway to Primary");
        let at = links.iter().position(|(_, state)| state == "broken").unwrap();
        assert_eq!(links[at].0, broken, "{scenario}: {links:?}");
        assert!(links[..at].iter().all(|(_, state)| state != "not-reached"), "{scenario}: {links:?}");
        assert!(links[at + 1..].iter().all(|(_, state)| state != "broken"), "{scenario}: {links:?}");
    }
}

#[test]
fn time_that_went_on_is_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    let before = record(&folder, "healthy", str::to_owned);
    let later = folder.path().join("later.json");
    let text = std::fs::read_to_string(&before).unwrap();
    let mut snapshot: Value = serde_json::from_str(&text).unwrap();
    let certificate = snapshot["facts"].get_mut("primary.certificate").unwrap();
    let text = certificate.to_string();
    assert!(text.contains("not_before"), "{text}");
    let year = regex::Regex::new(r#""not_before":"20\d\d"#).unwrap();
    *certificate = serde_json::from_str(&year.replace(&text, r#""not_before":"2019"#)).unwrap();
    std::fs::write(&later, snapshot.to_string()).unwrap();
    let later = later.to_str().unwrap();
    let moved = run(&["diff", &before, later, "-v"]);
    assert_eq!(moved.code, 0, "{}", moved.out);
    assert!(moved.out.contains("only dates and ages went on: primary.certificate"), "{}", moved.out);
}
