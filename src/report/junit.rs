//! A diagnosis as `JUnit`: one test case a name. What could not be decided never counts as passed.

use std::collections::BTreeSet;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::inert::{inert, no_order};
use super::rows::{Row, State, lacks, rows, shown};
use super::shell;
use crate::diagnosis::{Diagnosis, Finding};

pub(super) fn render(diagnosis: &Diagnosis, exit: u8) -> String {
    let mut suite = TestSuite::new(format!("mzv-doctor {}", calm(&diagnosis.target)));
    suite.set_time(Duration::from_millis(diagnosis.took_ms));
    for (name, value) in [
        ("exit_code", exit.to_string()),
        ("tool_version", diagnosis.tool_version.clone()),
        ("observed_at", diagnosis.observed_at.to_string()),
        ("vantage", diagnosis.vantage.phrase().to_owned()),
        ("because", diagnosis.because.clone()),
    ] {
        suite.add_property((name, calm(&value).as_str()));
    }
    for row in rows(diagnosis) {
        suite.add_test_case(case(&row, diagnosis));
    }
    if !diagnosis.because.is_empty() {
        suite.add_test_case(run(diagnosis, exit));
    }
    let mut report = Report::new("mzv-doctor");
    report.add_test_suite(suite);
    // Its texts are valid characters of XML by then.
    without_sum(&report.to_string().unwrap_or_default())
}

/// The root without its sum of skipped cases: the library writes one, and the schema that Jenkins publishes has none.
fn without_sum(xml: &str) -> String {
    let Some(begin) = xml.find("<testsuites") else { return xml.to_owned() };
    let end = xml[begin..].find('>').map_or(xml.len(), |at| begin + at);
    let root = xml[begin..end].split(' ').filter(|part| !part.starts_with("skipped=")).collect::<Vec<_>>();
    format!("{}{}{}", &xml[..begin], root.join(" "), &xml[end..])
}

/// The run itself, where it ends in a status that no name's case shows.
fn run(diagnosis: &Diagnosis, exit: u8) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(calm(&format!("exit {exit}: {}", diagnosis.because)));
    let mut case = TestCase::new("the run", status);
    case.set_classname("mzv-doctor");
    case
}

fn case(row: &Row<'_>, diagnosis: &Diagnosis) -> TestCase {
    let fails = |finding: &Finding| finding.severity >= diagnosis.fail_on && finding.accepted.is_none();
    let status = match &row.state {
        State::Passed => TestCaseStatus::success(),
        State::NotApplicable => {
            let mut status = TestCaseStatus::skipped();
            status.set_message("does not apply here");
            status
        }
        State::Open(open) => {
            let mut status = if open.required {
                TestCaseStatus::non_success(NonSuccessKind::Error)
            } else {
                TestCaseStatus::skipped()
            };
            status.set_message("could not be examined");
            status.set_description(calm(&lacks(open).join("\n")));
            status
        }
        State::Found(findings) => match findings.iter().find(|it| fails(it)) {
            None => {
                let accepted: BTreeSet<String> =
                    findings.iter().filter_map(|it| Some(it.accepted.as_ref()?.phrase())).collect();
                if accepted.is_empty() {
                    TestCaseStatus::success()
                } else {
                    let mut status = TestCaseStatus::skipped();
                    status.set_message(calm(&accepted.into_iter().collect::<Vec<_>>().join("; ")));
                    status
                }
            }
            Some(worst) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_type(worst.severity.name());
                status.set_message(calm(&format!("{}: {}", worst.title, worst.subject)));
                status.set_description(calm(
                    &findings.iter().map(|it| told(it)).collect::<Vec<_>>().join("\n\n"),
                ));
                status
            }
        },
    };
    let mut case = TestCase::new(calm(row.id), status);
    case.set_classname("mzv-doctor");
    if let State::Found(findings) = &row.state
        && !findings.iter().any(|it| fails(it))
    {
        case.set_system_out(calm(&findings.iter().map(|it| told(it)).collect::<Vec<_>>().join("\n\n")));
    }
    case
}

fn told(finding: &Finding) -> String {
    let mut lines =
        vec![format!("{}, {}: {}", finding.severity.name(), finding.confidence.name(), finding.title)];
    lines.extend(shown(finding));
    if !finding.caused_by.is_empty() {
        lines.push(format!("because of {}", finding.caused_by.join(", ")));
    }
    lines.push(finding.explanation.clone());
    if let Some(remedy) = &finding.remedy {
        lines.push(remedy.text.clone());
        lines.extend(remedy.commands.iter().map(|command| shell::lines(command, usize::MAX, true).join(" ")));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// Text that is harmless and that XML can hold, line by line.
fn calm(text: &str) -> String {
    text.lines().map(|line| no_order(&inert(line, true))).collect::<Vec<_>>().join("\n")
}
