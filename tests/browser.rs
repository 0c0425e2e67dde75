//! The page, in a real browser: opened, unfolded, searched, copied, printed, with and without scripts, light, dark and on a
//! phone, and looked through by an accessibility checker that is not this project's.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

#[allow(dead_code, reason = "shared with tests of other formats, which use the rest")]
#[path = "report/cases.rs"]
mod cases;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use mzv_doctor::fact::{Snapshot, TextEvidence, TextSource, Vantage};
use mzv_doctor::lab::scenarios;
use mzv_doctor::report::html;

/// Every so many scenarios one is opened.
const EVERY: usize = 20;
/// Findings of the largest page.
const MANY: usize = 10_000;

const HOSTILE: &str = "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)> \u{202e}x {{ 7 * 7 }} \
                       {% raw %} &amp; \u{1b}[31m \"' javascript:alert(1)";

fn snapshot() -> Snapshot {
    Snapshot::new("2026-11-23T14:02:11Z".parse().unwrap(), Vantage::Operator)
}

/// Text from outside in every place that a page has.
fn hostile() -> String {
    let mut diagnosis = cases::subject_mismatch();
    let mut snapshot = snapshot();
    diagnosis.target = HOSTILE.into();
    diagnosis.because = HOSTILE.into();
    for finding in &mut diagnosis.findings {
        (finding.title, finding.subject, finding.brief) = (HOSTILE.into(), HOSTILE.into(), HOSTILE.into());
        finding.explanation = HOSTILE.into();
        for evidence in &mut finding.evidence {
            (evidence.label, evidence.value) = (HOSTILE.into(), HOSTILE.into());
        }
        for excerpt in &mut finding.text {
            excerpt.text = HOSTILE.into();
            snapshot.text.push(TextEvidence {
                source: TextSource::GatewayLog,
                place: excerpt.place.clone(),
                line: excerpt.line,
                at: None,
                count: 1,
                text: HOSTILE.into(),
            });
        }
        if let Some(remedy) = &mut finding.remedy {
            remedy.text = HOSTILE.into();
            remedy.commands.push(vec!["echo".into(), HOSTILE.into()]);
        }
    }
    snapshot.again = vec![HOSTILE.into()];
    html(&diagnosis, &snapshot, 1).unwrap()
}

/// More than anybody reads.
fn large() -> String {
    let mut diagnosis = cases::subject_mismatch();
    let one = diagnosis.findings[0].clone();
    diagnosis.findings = (0..MANY)
        .map(|number| {
            let mut finding = one.clone();
            finding.subject = format!("identity-{number}");
            finding.caused_by.clear();
            finding
        })
        .collect();
    html(&diagnosis, &snapshot(), 1).unwrap()
}

#[test]
fn the_page_works_in_a_browser() {
    let installed = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("outside");
    assert!(installed.join("installed").is_file(), "the browser's driver is missing: tests/run installs it");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    let _fresh = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let mut expected = 2;
    for scenario in scenarios().unwrap().iter().step_by(EVERY) {
        let page = format!("html={}", folder.join(format!("{}.html", scenario.name)).display());
        let done = Command::new(env!("CARGO_BIN_EXE_mzv-doctor"))
            .args(["check", "--lab", &scenario.name, "-o", &page, "--request-timeout", "5s"])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(done.stderr.is_empty(), "{}: {}", scenario.name, String::from_utf8_lossy(&done.stderr));
        expected += 1;
    }
    let hostile = hostile();
    assert!(!hostile.contains("<script>alert") && !hostile.contains("<img") && !hostile.contains('\u{202e}'));
    std::fs::write(folder.join("hostile.html"), hostile).unwrap();
    std::fs::write(folder.join("many.html"), large()).unwrap();
    let done = Command::new(installed.join("bin/python"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside/browse.py"))
        .arg(&folder)
        .arg("/usr/bin/chromium")
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let found: BTreeMap<String, Vec<String>> = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(found.len(), expected);
    let wrong: Vec<_> = found.iter().filter(|(_, wrong)| !wrong.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
