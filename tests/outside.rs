//! Every format, read by a reader that is not this project's: published schemas, the parsers of those who collect the
//! reports, and the rules by which runners take lines for commands. `tests/run` installs them.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

#[path = "report/cases.rs"]
mod cases;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use mzv_doctor::diagnosis::{Accepted, Diagnosis, Severity};
use mzv_doctor::report::{Format, Style, render};
use serde_json::Value;

const PLAIN: Style = Style { width: 100, color: false, verbose: false, unicode: true };
/// Formats that list every name, and what they are called by those who read them.
const LISTING: &[(Format, &str)] = &[
    (Format::Junit, "junit"),
    (Format::Sarif, "sarif"),
    (Format::Github, "github"),
    (Format::AzurePipelines, "azure-pipelines"),
    (Format::OpenMetrics, "openmetrics"),
    (Format::Markdown, "markdown"),
];

fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("outside");
    assert!(folder.join("installed").is_file(), "readers are missing: tests/run installs them");
    folder
}

/// The published schema, in the folder of the crate that its types are made from.
fn sarif_schema() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let asked = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&asked.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "serde-sarif").unwrap();
    Path::new(package["manifest_path"].as_str().unwrap()).with_file_name("src").join("schema.json")
}

/// What readers understood of each report of a folder.
fn understood(folder: &Path) -> BTreeMap<String, Value> {
    let installed = installed();
    let read = Command::new(installed.join("bin/python"))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/outside/read.py"))
        .arg(sarif_schema())
        .arg(installed.join("junit-10.xsd"))
        .arg(folder)
        .output()
        .unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    serde_json::from_slice(&read.stdout).unwrap()
}

/// Every name with its state, in the words of a format.
fn states(diagnosis: &Diagnosis, format: Format) -> BTreeMap<String, String> {
    let words = |found: &str, accepted: &str, passed: &str, required: &str, open: &str, elsewhere: &str| {
        let mut all = BTreeMap::new();
        for row in &diagnosis.passed {
            all.insert(row.id.clone(), passed.to_owned());
        }
        for row in &diagnosis.not_applicable {
            all.insert(row.id.clone(), elsewhere.to_owned());
        }
        for row in &diagnosis.inconclusive {
            all.insert(row.id.clone(), if row.required { required } else { open }.to_owned());
        }
        for finding in &diagnosis.findings {
            let state = if finding.accepted.is_some() {
                accepted.to_owned()
            } else {
                found.replace("SEVERITY", finding.severity.name()).replace("LEVEL", level(finding.severity))
            };
            all.insert(finding.id.clone(), state);
        }
        all
    };
    match format {
        Format::Junit => {
            let mut all = words("failure", "skipped", "success", "error", "skipped", "skipped");
            for finding in diagnosis.findings.iter().filter(|it| it.severity < diagnosis.fail_on) {
                all.insert(finding.id.clone(), "success".into());
            }
            all
        }
        Format::Sarif => words("fail LEVEL", "accepted", "pass", "open, required", "open", "notApplicable"),
        Format::Github | Format::AzurePipelines => {
            words("SEVERITY", "accepted", "fine", "not examined, required", "not examined", "does not apply")
        }
        Format::OpenMetrics => {
            words("found", "found", "passed", "inconclusive, required", "inconclusive", "not-applicable")
        }
        other => panic!("{other:?} lists no states"),
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Notice => "note",
    }
}

/// Cases that say everything that a diagnosis can say.
fn diagnoses() -> Vec<(&'static str, Diagnosis, u8)> {
    let mut all = cases::all();
    let accepted = |by: Accepted| {
        let mut diagnosis = cases::subject_mismatch();
        for finding in diagnosis.findings.iter_mut().filter(|it| it.severity == Severity::Error) {
            finding.accepted = Some(by.clone());
        }
        diagnosis
    };
    let (reason, owner) = ("##vso[x] ::error::<b>".to_owned(), "a|b\n@c".to_owned());
    let expires = "2027-01-31".parse().unwrap();
    all.push(("suppressed", accepted(Accepted::Suppression { reason, owner, expires }), 0));
    let observed_at = "2026-11-01T00:00:00Z".parse().unwrap();
    all.push(("baseline", accepted(Accepted::Baseline { observed_at }), 0));
    let because = "required, and could not be examined: ##vso[x]\n::error::y".to_owned();
    all.push(("because", Diagnosis { because, ..cases::azure_unreachable() }, 3));
    all
}

#[test]
fn readers_that_are_not_ours_find_the_same_names_and_states() {
    let folder = tempfile::tempdir().unwrap();
    let diagnoses = diagnoses();
    for (name, diagnosis, exit) in &diagnoses {
        for (format, word) in LISTING {
            let text = render(diagnosis, *exit, *format, PLAIN);
            std::fs::write(folder.path().join(format!("{name}.{word}")), text).unwrap();
        }
    }
    let told = understood(folder.path());
    assert_eq!(told.len(), diagnoses.len() * LISTING.len());
    for (name, diagnosis, exit) in &diagnoses {
        for (format, word) in LISTING {
            let report = &told[&format!("{name}.{word}")];
            assert_eq!(report.get("refused"), None, "{name}.{word}");
            if *format == Format::Markdown {
                let texts = report["texts"].as_array().unwrap();
                let ids = states(diagnosis, Format::Junit).into_keys();
                for id in ids.filter(|id| id.is_ascii()) {
                    assert!(texts.iter().any(|text| text.as_str().unwrap().contains(&id)), "{name}: {id}");
                }
                continue;
            }
            let mut got: BTreeMap<String, String> = serde_json::from_value(report["states"].clone()).unwrap();
            if *format == Format::Junit {
                // What no name's case can show has one of its own.
                let run = got.remove("the run");
                assert_eq!(run.as_deref(), (!diagnosis.because.is_empty()).then_some("error"), "{name}");
            }
            assert_eq!(got, states(diagnosis, *format), "{name}.{word}");
        }
        // A chat message leaves out only what is fine or was not asked for.
        let short = render(diagnosis, *exit, Format::Short, PLAIN);
        let found = diagnosis.findings.iter().filter(|it| it.severity > Severity::Notice).map(|it| &it.id);
        let open = diagnosis.inconclusive.iter().filter(|row| !row.is_by_choice()).map(|row| &row.id);
        for id in found.chain(open).filter(|id| id.chars().all(|c| c.is_alphanumeric() || c == '-')) {
            assert!(short.contains(id.as_str()), "{name}: {id} is not in {short}");
        }
        let sarif = render(diagnosis, *exit, Format::Sarif, PLAIN);
        let typed: serde_sarif::sarif::Sarif = serde_json::from_str(&sarif).unwrap();
        let found = typed.runs[0].results.as_ref().unwrap().iter();
        let marks = found.filter_map(|result| result.partial_fingerprints.as_ref()).count();
        assert_eq!(marks, diagnosis.findings.len(), "{name}");
    }
}

/// The same hostile text in every format: it is there to read, and means nothing.
#[test]
fn hostile_text_is_there_and_means_nothing_in_any_format() {
    let hostile = "::set-output name=a::b ##vso[task.setvariable variable=x]y \u{1b}[31m [link](http://evil) \
                   <script>x</script> ]]> &amp; <!-- %0A::error::z %25 {0} \"q\" \\ `c`\n::error::w";
    let mut diagnosis = cases::subject_mismatch();
    diagnosis.findings.truncate(1);
    let finding = &mut diagnosis.findings[0];
    (finding.title, finding.subject) = (hostile.into(), hostile.into());
    for evidence in &mut finding.evidence {
        (evidence.label, evidence.value) = (hostile.into(), hostile.into());
    }
    diagnosis.target = hostile.into();
    let folder = tempfile::tempdir().unwrap();
    for (format, word) in LISTING {
        let text = render(&diagnosis, 1, *format, PLAIN);
        std::fs::write(folder.path().join(format!("hostile.{word}")), text).unwrap();
    }
    for (name, report) in understood(folder.path()) {
        // The readers refuse a command that is none of this program's.
        assert_eq!(report.get("refused"), None, "{name}");
        let texts: Vec<&str> = report["texts"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        for part in ["set-output name=a", "task.setvariable variable=x", "\\x1b", "script", "%25 "] {
            assert!(texts.iter().any(|text| text.contains(part)), "{name}: {part} is not in {texts:?}");
        }
    }
}
