//! The gate: what a pipeline gets, on its screen, in its files and as exit status.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

#[allow(dead_code, reason = "each test uses a part of it")]
mod program;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use program::{program, run};
use serde_json::Value;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn document(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

fn ids(document: &Value, accepted: bool) -> BTreeSet<&str> {
    let findings = document["findings"].as_array().unwrap().iter();
    let wanted = findings.filter(|it| it["severity"] != "notice" && it["accepted"].is_object() == accepted);
    wanted.map(|it| it["id"].as_str().unwrap()).collect()
}

/// Everything that the scenario of the README comes to.
const FOUND: [(&str, &str); 6] = [
    ("AADSTS700213", "id-mazevault-npr-gwc"),
    ("csi-mount-failed", "deployment/mazevault-gateway-*"),
    ("gateway-not-ready", "deployment/mazevault-gateway-npr"),
    ("secret-not-synced", "mazevault-gateway-config"),
    ("tasks-not-polling", "*-gwc-01"),
    ("gateway-heartbeat-lost", "azure-gateway-gwc-01"),
];

fn entries(rows: &[(&str, &str)], expires: &str) -> String {
    let row = |(name, subject): &(&str, &str)| {
        format!(
            "- {{name: {name}, subject: \"{subject}\", reason: being rebuilt, owner: platform, expires: {expires}}}\n"
        )
    };
    format!("suppressions:\n{}", rows.iter().map(row).collect::<String>())
}

/// A day that is so many days ahead.
fn day(ahead: i64) -> String {
    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * ahead);
    now.strftime("%Y-%m-%d").to_string()
}

#[test]
fn what_somebody_answers_for_fails_nothing_and_is_listed() {
    let folder = folder();
    let here = folder.path();
    std::fs::write(here.join("known.yaml"), entries(&FOUND, &day(30))).unwrap();
    let check = ["check", "--lab", "subject-mismatch", "--suppressions", "known.yaml", "-o", "terminal"];
    let all = run(here, &[&check[..], &["-o", "json=a.json", "-o", "short=a.txt"]].concat());
    assert_eq!(all.code, 0, "{}", all.out);
    let document = document(here, "a.json");
    assert_eq!(ids(&document, true), FOUND.map(|(id, _)| id).into());
    assert_eq!(ids(&document, false), BTreeSet::new());
    assert_eq!(
        (&document["summary"]["healthy"], &document["summary"]["accepted"]),
        (&false.into(), &6.into())
    );
    for (id, _) in FOUND {
        assert!(all.out.contains(id), "{}", all.out);
    }
    assert!(all.out.contains("being rebuilt") && all.out.contains("by platform"), "{}", all.out);
    assert!(all.out.contains("nothing wrong in what was examined but 6 accepted findings"), "{}", all.out);
    assert!(!all.out.contains("healthy:"), "{}", all.out);
    assert!(std::fs::read_to_string(here.join("a.txt")).unwrap().contains("accepted: AADSTS700213"));

    // What follows from an accepted cause has to be accepted by name as well.
    std::fs::write(here.join("known.yaml"), entries(&FOUND[..1], &day(30))).unwrap();
    let one = run(here, &[&check[..], &["-o", "json=b.json"]].concat());
    assert_eq!(one.code, 1);
    assert!(one.out.contains("because      of AADSTS700213: accepted"), "{}", one.out);
    assert_eq!(ids(&self::document(here, "b.json"), true), ["AADSTS700213"].into());
}

#[test]
fn an_entry_that_should_not_stand_is_a_finding_and_has_no_effect() {
    let folder = folder();
    let here = folder.path();
    for (rows, expires, finding) in [
        (&FOUND[..1], day(-1), "suppression-expired"),
        (&[("AADSTS700213", "*")][..], day(30), "suppression-too-broad"),
        (&[("AADSTS700213", "i*")][..], day(30), "suppression-too-broad"),
        (&[("AADSTS700213", "*a*e*u*")][..], day(30), "suppression-too-broad"),
        (&[("csi-mount-failed", "deployment/*")][..], day(30), "suppression-too-broad"),
        (&[("AADSTS700213", "*maz*")][..], day(30), "suppression-too-broad"),
        (&FOUND[..1], day(400), "suppression-too-broad"),
        (&[("AADSTS700213", "id-of-another")][..], day(30), "suppression-unused"),
        (&[("migration-dirty", "mazevault")][..], day(30), "suppression-unused"),
    ] {
        std::fs::write(here.join("known.yaml"), entries(rows, &expires)).unwrap();
        let check =
            ["check", "--lab", "subject-mismatch", "--suppressions", "known.yaml", "-o", "json=a.json"];
        assert_eq!(run(here, &check).code, 1);
        let document = document(here, "a.json");
        assert_eq!(ids(&document, true), BTreeSet::new(), "{rows:?}");
        assert!(ids(&document, false).contains(finding), "{rows:?} {finding}");
        let found = document["findings"].as_array().unwrap().iter().find(|it| it["id"] == finding).unwrap();
        assert_eq!(found["severity"], "warning");
    }
    // What another entry accepts already would go on unseen when that one ends.
    let twice = [FOUND[0], ("AADSTS700213", "id-mazevault*")];
    std::fs::write(here.join("known.yaml"), entries(&twice, &day(30))).unwrap();
    let check = ["check", "--lab", "subject-mismatch", "--suppressions", "known.yaml", "-o", "json=a.json"];
    assert_eq!(run(here, &check).code, 1);
    assert!(ids(&document(here, "a.json"), false).contains("suppression-unused"));
    // On its last day it still stands. What could not be examined is not called unused.
    std::fs::write(here.join("known.yaml"), entries(&FOUND[..1], &day(0))).unwrap();
    let unseen = ["check", "--lab", "azure-unreachable", "--suppressions", "known.yaml", "-o", "json=a.json"];
    assert_eq!(run(here, &unseen).code, 3);
    assert_eq!(ids(&document(here, "a.json"), false), BTreeSet::new());
    // As a warning it fails who asks for that.
    std::fs::write(here.join("known.yaml"), entries(&[("migration-dirty", "mazevault")], &day(30))).unwrap();
    let healthy = ["check", "--lab", "healthy", "--suppressions", "known.yaml"];
    assert_eq!(run(here, &healthy).code, 0);
    assert_eq!(run(here, &[&healthy[..], &["--fail-on", "warning"]].concat()).code, 1);
}

#[test]
fn a_file_that_cannot_be_used_is_told_in_one_line_before_anything_is_asked() {
    let folder = folder();
    let here = folder.path();
    let good = entries(&FOUND[..1], &day(30));
    for (text, said) in [
        (good.replace("AADSTS700213", "no-such-rule"), "there is no rule no-such-rule"),
        (good.replace("AADSTS700213", "wrong-target"), "cannot be suppressed"),
        (good.replace("owner: platform, ", ""), "owner"),
        (good.replace("expires", "until"), "until"),
        (good.replace("suppressions", "known"), "known"),
        ("\u{0}".into(), ""),
    ] {
        std::fs::write(here.join("known.yaml"), text).unwrap();
        let refused = run(here, &["check", "--lab", "healthy", "--suppressions", "known.yaml"]);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{said}");
        assert_eq!(refused.err.lines().count(), 1, "{}", refused.err);
        assert!(refused.err.contains("known.yaml") && refused.err.contains(said), "{}", refused.err);
    }
    let missing = run(here, &["check", "--lab", "healthy", "--baseline", "none.json"]);
    assert!(missing.code == 2 && missing.err.contains("none.json"), "{}", missing.err);
    std::fs::write(here.join("other.json"), "{}").unwrap();
    let other = run(here, &["check", "--lab", "healthy", "--baseline", "other.json"]);
    assert!(other.code == 2 && other.err.contains("other.json: is no report of a run"), "{}", other.err);
}

#[test]
fn a_baseline_fails_on_what_is_new_only() {
    let folder = folder();
    let here = folder.path();
    assert_eq!(run(here, &["check", "--lab", "subject-mismatch", "-o", "json=before.json"]).code, 1);
    let again = ["check", "--baseline", "before.json", "-o", "json=now.json", "--lab"];
    assert_eq!(run(here, &[&again[..], &["subject-mismatch"]].concat()).code, 0);
    let known = document(here, "now.json");
    assert_eq!(ids(&known, true).len(), 6);
    // Not wording or order, but name and subject make it the same.
    let mut before = document(here, "before.json");
    let findings = before["findings"].as_array_mut().unwrap();
    findings.reverse();
    for finding in findings {
        finding["title"] = "said otherwise".into();
        finding["evidence"] = Value::Array(vec![]);
    }
    std::fs::write(here.join("before.json"), before.to_string()).unwrap();
    let more = run(here, &[&again[..], &["two-faults"]].concat());
    assert_eq!(more.code, 1);
    let now = document(here, "now.json");
    assert!(ids(&now, false).contains("migration-missing-gateway-write-queues"));
    assert!(ids(&now, true).contains("AADSTS700213"));
    // What is to be mended stands before what is known.
    assert!(now["findings"][0]["accepted"].is_null());
    before["target"] = "prod".into();
    std::fs::write(here.join("before.json"), before.to_string()).unwrap();
    let elsewhere = run(here, &[&again[..], &["subject-mismatch"]].concat());
    assert!(
        elsewhere.code == 2 && elsewhere.err.contains("environment is prod there, and npr here"),
        "{}",
        elsewhere.err
    );
}

/// The record of a scenario, changed by hand.
fn record(here: &Path, name: &str, scenario: &str, change: impl FnOnce(&mut Value)) {
    let done = run(here, &["check", "--lab", scenario, "-o", &format!("snapshot={name}"), "-o", "short"]);
    assert!(done.err.is_empty(), "{}", done.err);
    let mut snapshot = document(here, name);
    change(&mut snapshot);
    std::fs::write(here.join(name), snapshot.to_string()).unwrap();
}

/// Who accepts that one thing is broken has not accepted the next one of its kind.
#[test]
fn a_known_fault_that_grows_is_a_new_one() {
    let folder = folder();
    let here = folder.path();
    let down = |services: &'static [&'static str]| {
        move |snapshot: &mut Value| {
            let all = snapshot["facts"]["primary.services"]["outcome"]["known"].as_array_mut().unwrap();
            for service in all.iter_mut().filter(|it| services.iter().any(|name| it["service"] == **name)) {
                service["state"] = "exited".into();
                service["exit_code"] = 1.into();
            }
        }
    };
    record(here, "one.json", "healthy", down(&["frontend"]));
    record(here, "two.json", "healthy", down(&["frontend", "redis"]));
    assert_eq!(run(here, &["check", "--bundle", "one.json", "-o", "json=base.json", "-o", "short"]).code, 1);
    assert_eq!(run(here, &["check", "--bundle", "one.json", "--baseline", "base.json"]).code, 0);
    let grown = run(here, &["check", "--bundle", "two.json", "--baseline", "base.json"]);
    assert_eq!(grown.code, 1, "{}", grown.out);
    let accepted = [("primary-container-down", "mazevault: frontend")];
    std::fs::write(here.join("a.yaml"), entries(&accepted, &day(30))).unwrap();
    let options = ["check", "--suppressions", "a.yaml", "-o", "short", "--bundle"];
    let one = run(here, &[&options[..], &["one.json"]].concat());
    assert!(one.code == 0 && one.out.contains("accepted: primary-container-down"), "{}", one.out);
    assert_eq!(run(here, &[&options[..], &["two.json"]].concat()).code, 1);
}

/// A baseline of another deployment of the same name, and one that turns out to be another's.
#[test]
fn a_baseline_belongs_to_its_deployment() {
    let folder = folder();
    let here = folder.path();
    assert_eq!(
        run(here, &["check", "--lab", "subject-mismatch", "-o", "json=a.json", "-o", "short"]).code,
        1
    );
    let mut other = document(here, "a.json");
    other["deployment"]["azure.subscription"] = "99999999-9999-4999-8999-999999999999".into();
    std::fs::write(here.join("b.json"), other.to_string()).unwrap();
    std::fs::write(here.join("old.json"), "an earlier report").unwrap();
    let refused =
        run(here, &["check", "--lab", "subject-mismatch", "--baseline", "b.json", "-o", "json=old.json"]);
    assert!(refused.code == 2 && refused.err.contains("azure.subscription is 9999"), "{}", refused.err);
    // Nothing of a file that is no report is repeated.
    std::fs::write(here.join("secret.json"), "\"a-secret-of-somebody\"").unwrap();
    let refused = run(here, &["check", "--lab", "healthy", "--baseline", "secret.json"]);
    assert!(refused.code == 2 && !refused.err.contains("a-secret"), "{}", refused.err);
    // What is as expected need not be accepted, and takes nothing from a healthy deployment.
    assert_eq!(run(here, &["check", "--lab", "healthy", "-o", "json=h.json", "-o", "short"]).code, 0);
    let healthy = run(here, &["check", "--lab", "healthy", "--baseline", "h.json", "-o", "short"]);
    assert!(healthy.code == 0 && healthy.out.contains("npr: healthy"), "{}", healthy.out);
}

/// What would fail a run has to be looked at.
#[test]
fn a_warning_that_could_not_be_looked_at_is_no_success_where_warnings_fail() {
    let folder = folder();
    let here = folder.path();
    record(here, "r.json", "healthy", |snapshot| {
        snapshot["facts"]["primary.samples"] = serde_json::json!({
            "outcome": {"unknown": {"kind": "timed-out", "layer": "connect", "after_ms": 5000}},
            "origin": snapshot["facts"]["primary.samples"]["origin"],
        });
    });
    assert_eq!(run(here, &["check", "--bundle", "r.json", "-o", "short"]).code, 0);
    let strict = run(here, &["check", "--bundle", "r.json", "-o", "short", "--fail-on", "warning"]);
    assert_eq!(strict.code, 3, "{}", strict.out);
    assert!(strict.out.contains("required, not examined: primary-intermittent"), "{}", strict.out);
}

/// Older pods that work say nothing of those that take their place.
#[test]
fn a_rollout_is_waited_for() {
    let folder = folder();
    let here = folder.path();
    let going = run(here, &["check", "--lab", "rollout-progressing", "--wait", "2s", "-o", "short"]);
    assert_eq!(going.code, 4, "{}", going.out);
    assert!(
        going.out.contains("rollout-settling") && going.err.contains("waiting for rollout-settling"),
        "{}",
        going.out
    );
    record(here, "applied.json", "healthy", |snapshot| {
        snapshot["facts"]["gateway.deployment"]["outcome"]["known"]["observed"] = false.into();
        snapshot["facts"]["gateway.deployment"]["outcome"]["known"]["updated"] = 0.into();
    });
    let applied = run(here, &["check", "--bundle", "applied.json", "-o", "short"]);
    assert!(applied.out.contains("not examined: rollout-settling"), "{}", applied.out);
}

#[test]
fn nothing_accepted_is_called_healthy_and_no_entry_counts_as_examined() {
    let folder = folder();
    let here = folder.path();
    std::fs::write(
        here.join("a.yaml"),
        entries(&[("imds-expected-on-local-primary", "local Primary")], &day(30)),
    )
    .unwrap();
    let check = ["check", "--lab", "healthy", "--fail-on", "warning", "--suppressions", "a.yaml"];
    let notice = run(here, &check);
    assert_eq!(notice.code, 0, "{}", notice.out);
    assert!(!notice.out.contains("healthy:") && notice.out.contains("being rebuilt"), "{}", notice.out);
    let none: Vec<(String, String)> =
        (0..200).map(|number| ("migration-dirty".to_owned(), format!("none-{number}"))).collect();
    let none: Vec<(&str, &str)> = none.iter().map(|(name, of)| (name.as_str(), of.as_str())).collect();
    std::fs::write(here.join("b.yaml"), entries(&none, &day(30))).unwrap();
    let covered = ["check", "--lab", "healthy", "--suppressions", "b.yaml", "--min-coverage", "99"];
    assert_eq!(run(here, &covered).code, 3);
}

#[test]
fn a_baseline_does_not_outlive_a_suppression() {
    let folder = folder();
    let here = folder.path();
    let check = ["check", "--lab", "subject-mismatch", "--suppressions"];
    std::fs::write(here.join("live.yaml"), entries(&FOUND, &day(30))).unwrap();
    std::fs::write(here.join("dead.yaml"), entries(&FOUND, &day(-1))).unwrap();
    assert_eq!(run(here, &[&check[..], &["live.yaml", "-o", "json=base.json"]].concat()).code, 0);
    let over = run(here, &[&check[..], &["dead.yaml", "--baseline", "base.json"]].concat());
    assert_eq!(over.code, 1, "{}", over.out);
    assert_eq!(run(here, &[&check[..], &["dead.yaml", "-o", "json=later.json"]].concat()).code, 1);
    let warned = [&check[..], &["dead.yaml", "--baseline", "later.json", "--fail-on", "warning"]].concat();
    assert_eq!(run(here, &warned).code, 1);
}

#[test]
fn too_little_is_no_success() {
    let folder = folder();
    let here = folder.path();
    let healthy = ["check", "--lab", "healthy"];
    assert_eq!(run(here, &[&healthy[..], &["--min-coverage", "90%"]].concat()).code, 0);
    let all = run(here, &[&healthy[..], &["--min-coverage", "100"]].concat());
    assert_eq!(all.code, 3);
    assert!(all.out.contains("less than the 100 % of --min-coverage"), "{}", all.out);
    assert!(!all.out.contains("healthy:"), "{}", all.out);
    let required = run(here, &[&healthy[..], &["--require", "secret-key-empty,tasks-unauthorized"]].concat());
    assert_eq!(required.code, 3);
    assert!(
        required.out.contains("required, and could not be examined: secret-key-empty"),
        "{}",
        required.out
    );
    for wrong in ["101", "-1", "some"] {
        assert_eq!(
            run(here, &[&healthy[..], &[&format!("--min-coverage={wrong}")]].concat()).code,
            2,
            "{wrong}"
        );
    }
}

#[test]
fn outputs_that_cannot_all_be_written_are_told() {
    let folder = folder();
    let here = folder.path();
    let healthy = ["check", "--lab", "healthy"];
    std::os::unix::fs::symlink("nowhere-yet", here.join("leads-on")).unwrap();
    for (outputs, said) in [
        (&["-o", "json", "-o", "terminal"][..], "two reports cannot share standard output"),
        (&["-o", "ndjson", "-o", "github"], "two reports cannot share standard output"),
        (&["-o", "json=a", "-o", "sarif=a"], "two reports cannot share a file"),
        (&["-o", "json=a", "-o", "sarif=./a"], "two reports cannot share a file"),
        (&["-o", "json=a", "--baseline", "./a"], "is the baseline"),
        (&["-o", "json=a", "--suppressions", "./a"], "is the suppressions file"),
        (&["-o", "json=a", "--bundle", "./a"], "is the record that is judged"),
        (&["-o", "json=./mzv-doctor.yaml"], "is the settings file"),
        (&["-o", "json=leads-on", "-o", "sarif=nowhere-yet"], "two reports cannot share a file"),
        (&["-o", "json", "-o", "junit=/dev/stdout"], "is standard output"),
        (&["-o", "json=."], "cannot be written"),
        (&["-o", "ndjson=no/such/folder"], "cannot be written"),
        (&["-o", "pdf"], "there is no format pdf"),
    ] {
        let refused = run(here, &[&healthy[..], outputs].concat());
        assert!(refused.code == 2 && refused.err.contains(said), "{outputs:?}: {}", refused.err);
    }
    // Where a runner's summary cannot be written, nothing is asked.
    for (variable, format) in [("GITHUB_STEP_SUMMARY", "github"), ("AGENT_TEMPDIRECTORY", "azure-pipelines")]
    {
        let mut command = program(here, &["check", "--lab", "healthy", "-o", format, "-o", "ndjson=n"]);
        let done = command.env(variable, "/no/such/place/x").output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.code() == Some(2) && said.contains("cannot be written"), "{said}");
        assert!(done.stdout.is_empty() && !here.join("n").exists());
    }
    // A stream's last word is what the run comes to.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let arguments = ["check", "--lab", "healthy", "-o", "terminal", "-o", "ndjson=n", "-o", "json=j"];
    assert_eq!(
        program(here, &arguments).stdout(full).stderr(Stdio::null()).status().unwrap().code(),
        Some(2)
    );
    let last = std::fs::read_to_string(here.join("n")).unwrap();
    assert_eq!(lines(&last).last().unwrap()["exit_code"], 2);
    assert_eq!(document(here, "j")["exit_code"], 2);
    // A device that is full keeps no other report from being written, and is an error of the run.
    for full in ["json=/dev/full", "ndjson=/dev/full", "sarif=/dev/full"] {
        let run = run(here, &[&healthy[..], &["-o", "terminal", "-o", full, "-o", "junit=j.xml"]].concat());
        assert_eq!(run.code, 2, "{full}");
        assert!(run.err.contains("/dev/full: cannot be written"), "{}", run.err);
        // The other reports do not say that all is well.
        assert!(!run.out.contains("healthy:") && run.out.contains("exit 2"), "{}", run.out);
        let tests = std::fs::read_to_string(here.join("j.xml")).unwrap();
        let tests = quick_junit::Report::deserialize_from_str(&tests).unwrap();
        assert_eq!(tests.errors, 1);
        std::fs::remove_file(here.join("j.xml")).unwrap();
    }
}

/// A link leads to its file, and what names standard output is it.
#[test]
fn a_report_goes_to_where_its_name_leads() {
    let folder = folder();
    let here = folder.path();
    std::os::unix::fs::symlink("later", here.join("link")).unwrap();
    let done = run(here, &["check", "--lab", "healthy", "-o", "short=link"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(here.join("link").is_symlink());
    assert!(std::fs::read_to_string(here.join("later")).unwrap().contains("healthy"));
    let screen = std::fs::File::create(here.join("screen")).unwrap();
    let arguments = ["check", "--lab", "healthy", "-o", "short=/dev/stdout", "-o", "junit=j.xml"];
    let status = program(here, &arguments).stdout(screen).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(std::fs::read_to_string(here.join("screen")).unwrap().contains("healthy"));
}

/// Whatever a run waits for, who interrupts it twice is rid of it.
#[test]
fn a_second_interrupt_ends_a_run_that_hangs_on_a_pipe() {
    let folder = folder();
    let here = folder.path();
    assert!(Command::new("mkfifo").arg(here.join("pipe")).status().unwrap().success());
    for arguments in [
        &["check", "--lab", "healthy", "-o", "ndjson=pipe"][..],
        &["check", "--lab", "healthy", "-o", "json=pipe"],
        &["check", "--lab", "healthy", "--baseline", "pipe"],
    ] {
        let mut child =
            program(here, arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < Duration::from_mins(2), "{arguments:?}");
            std::thread::sleep(Duration::from_millis(3500));
            stop(&child, "-INT");
        };
        assert!(began.elapsed() < Duration::from_secs(30), "{arguments:?}");
        // Where the first one comes before anybody listens it ends the program by itself.
        assert!(matches!(status.code(), Some(130) | None), "{arguments:?}: {status}");
    }
}

/// What is said on standard error is read by pipelines as well.
#[test]
fn a_complaint_gives_no_orders() {
    let folder = folder();
    let here = folder.path();
    let text = r###"{"format":1,"tool_version":"x","observed_at":"2026-11-25T12:51:53Z","vantage":"##vso[task.x]y \u202e\n::error::z"}"###;
    std::fs::write(here.join("record.json"), text).unwrap();
    for arguments in [
        &["check", "--bundle", "record.json"][..],
        &["check", "--lab", "healthy", "--require", "##vso[task.x]y\n::error::z"],
    ] {
        let refused = run(here, arguments);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{arguments:?}");
        assert_eq!(refused.err.lines().count(), 1, "{}", refused.err);
        assert!(!refused.err.contains("##vso[") && !refused.err.contains('\u{202e}'), "{}", refused.err);
    }
}

#[test]
fn runners_get_annotations_and_a_summary() {
    let folder = folder();
    let here = folder.path();
    let check = ["check", "--lab", "subject-mismatch", "-o", "terminal", "-o"];
    let summary = here.join("summary.md");
    std::fs::write(&summary, "from an earlier step\n").unwrap();
    let done = program(here, &[&check[..], &["github"]].concat())
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(out.contains("✗ AADSTS700213") && out.contains("\n::error title=AADSTS700213::"), "{out}");
    let text = std::fs::read_to_string(&summary).unwrap();
    assert!(text.starts_with("from an earlier step\n# mzv-doctor: npr\n"), "{text}");

    let done = program(here, &[&check[..], &["azure-pipelines"]].concat())
        .env("AGENT_TEMPDIRECTORY", here)
        .output()
        .unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    assert!(out.contains("\n##vso[task.logissue type=error]AADSTS700213: "), "{out}");
    let named = out.lines().find_map(|line| line.strip_prefix("##vso[task.uploadsummary]")).unwrap();
    assert!(std::fs::read_to_string(named).unwrap().starts_with("# mzv-doctor: npr\n"));
    // A summary that cannot be written is an error of the run.
    let done = program(here, &[&check[..], &["github"]].concat())
        .env("GITHUB_STEP_SUMMARY", here.join("none/at/all"))
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(2));
}

fn schema(name: &str) -> jsonschema::Validator {
    let text = std::fs::read_to_string(format!("{}/schema/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    let validator = schema("event.v1.json");
    let read = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        let errors: Vec<String> = validator.iter_errors(&event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{line}: {errors:?}");
        event
    };
    text.lines().map(read).collect()
}

#[test]
fn events_say_what_the_document_says() {
    let folder = folder();
    let here = folder.path();
    let done = run(here, &["check", "--lab", "two-faults", "-o", "ndjson", "-o", "json=a.json"]);
    let events = lines(&done.out);
    let document = document(here, "a.json");
    let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).collect::<Vec<_>>();
    assert_eq!(of("begin").len(), 1);
    assert_eq!(of("asking").len(), document["probes"].as_array().unwrap().len());
    assert_eq!(of("asked").len(), of("asking").len());
    let found: Vec<&Value> = of("finding").into_iter().map(|event| &event["finding"]).collect();
    assert_eq!(found, document["findings"].as_array().unwrap().iter().collect::<Vec<_>>());
    for (event, list) in
        [("passed", "passed"), ("inconclusive", "inconclusive"), ("not-applicable", "not_applicable")]
    {
        assert_eq!(of(event).len(), document[list].as_array().unwrap().len(), "{event}");
    }
    let end = events.last().unwrap();
    assert_eq!((&end["event"], &end["exit_code"]), (&"end".into(), &done.code.into()));
    assert_eq!(end["summary"], document["summary"]);
}

/// A probe that hangs keeps nobody from seeing what the others learned.
#[test]
fn what_others_learned_is_told_while_one_hangs() {
    let folder = folder();
    let scenario = "with-silent-primary-and-refused-connections";
    let began = Instant::now();
    let mut child =
        program(folder.path(), &["check", "--lab", scenario, "-o", "ndjson", "--request-timeout", "8s"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
    let mut told = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        told.push((began.elapsed(), serde_json::from_str::<Value>(&line.unwrap()).unwrap()));
    }
    child.wait().unwrap();
    let asked: Vec<&(Duration, Value)> = told.iter().filter(|(_, event)| event["event"] == "asked").collect();
    let (last, _) = asked.last().unwrap();
    let before = asked.iter().filter(|(at, _)| *at + Duration::from_secs(4) < *last).count();
    // The others wait for what the silent one would have said.
    assert!(before >= 10, "{before} of {}", asked.len());
}

fn stop(child: &Child, signal: &str) {
    let done = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(done.success());
}

#[test]
fn an_interrupted_run_leaves_valid_reports_in_every_format() {
    for signal in ["-INT", "-TERM"] {
        let folder = folder();
        let here = folder.path();
        let formats = [
            "json",
            "ndjson",
            "short",
            "markdown",
            "junit",
            "sarif",
            "github",
            "azure-pipelines",
            "openmetrics",
            "svg",
            "snapshot",
        ];
        let outputs: Vec<String> = formats.iter().map(|format| format!("{format}=report.{format}")).collect();
        let mut arguments =
            vec!["check", "--lab", "with-silent-primary-and-refused-connections", "--request-timeout", "30s"];
        for output in &outputs {
            arguments.extend(["-o", output]);
        }
        let child = program(here, &arguments).stderr(Stdio::null()).spawn().unwrap();
        // The stream tells when the run is under way.
        let began = Instant::now();
        let under_way = || {
            std::fs::read_to_string(here.join("report.ndjson")).is_ok_and(|text| text.contains("\"asked\""))
        };
        while !under_way() && began.elapsed() < Duration::from_mins(1) {
            std::thread::sleep(Duration::from_millis(50));
        }
        stop(&child, signal);
        let done = child.wait_with_output().unwrap();
        assert_eq!(done.status.code(), Some(130), "{signal}");
        assert!(began.elapsed() < Duration::from_secs(90));
        let text = |format: &str| std::fs::read_to_string(here.join(format!("report.{format}"))).unwrap();
        let document = document(here, "report.json");
        assert_eq!((&document["exit_code"], &document["summary"]["healthy"]), (&130.into(), &false.into()));
        assert!(schema("diagnosis.v1.json").is_valid(&document));
        assert_eq!(lines(&text("ndjson")).last().unwrap()["exit_code"], 130);
        assert!(quick_junit::Report::deserialize_from_str(&text("junit")).unwrap().errors > 0);
        let sarif: Value = serde_json::from_str(&text("sarif")).unwrap();
        assert_eq!(sarif["runs"][0]["invocations"][0]["executionSuccessful"], false);
        assert!(text("openmetrics").ends_with("# EOF\n"));
        assert!(roxmltree::Document::parse(&text("svg")).is_ok());
        for format in ["short", "markdown", "github", "azure-pipelines"] {
            assert!(
                text(format).contains("exit 130") && text(format).contains("interrupted"),
                "{format}: {}",
                text(format)
            );
        }
        let replayed = run(here, &["check", "--bundle", "report.snapshot", "-o", "short"]);
        assert_ne!(replayed.code, 0, "{}", replayed.out);
    }
}

#[test]
fn to_wait_ends_with_what_was_still_moving_or_at_once_where_time_mends_nothing() {
    let folder = folder();
    let here = folder.path();
    let moving = run(
        here,
        &["check", "--lab", "federation-settling", "--wait", "3s", "-o", "terminal", "-o", "ndjson=e"],
    );
    assert_eq!(moving.code, 4, "{}", moving.out);
    assert!(
        moving.out.contains("still settling when the time to wait was over: federation-settling"),
        "{}",
        moving.out
    );
    assert!(moving.err.contains("waiting for federation-settling"), "{}", moving.err);
    let events = lines(&std::fs::read_to_string(here.join("e")).unwrap());
    assert!(events.iter().any(|event| event["event"] == "waiting"));
    let began = Instant::now();
    let broken = run(here, &["check", "--lab", "subject-mismatch", "--wait", "5m"]);
    assert_eq!((broken.code, broken.err.as_str()), (1, ""));
    assert!(began.elapsed() < Duration::from_mins(1));
}
