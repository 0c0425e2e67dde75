//! A diagnosis as SARIF 2.1.0: a rule and a result a name, each with an explicit level.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html>

use serde_json::{Value, json};

use super::inert::inert;
use super::json::document;
use super::rows::{State, lacks, rows, shown};
use super::shell;
use crate::diagnosis::{Accepted, Diagnosis, Finding, Severity};

/// Where the schema of the form is published.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The name under which a fingerprint stands; its number rises when fingerprints are made in another way.
const FINGERPRINT: &str = "mzvDoctor/v1";

pub(super) fn render(diagnosis: &Diagnosis, exit: u8) -> String {
    let mut rules = Vec::new();
    let mut results = Vec::new();
    let mut notifications = Vec::new();
    for (index, row) in rows(diagnosis).into_iter().enumerate() {
        let result = |kind: &str, text: String| {
            json!({
                "ruleId": calm(row.id), "ruleIndex": index, "kind": kind, "level": "none",
                "message": {"text": text},
                "locations": [place(diagnosis, &diagnosis.target)],
            })
        };
        let mut title = row.title.to_owned();
        let mut level = level(Severity::Error);
        let mut further = Vec::new();
        match &row.state {
            State::Found(findings) => {
                results.extend(findings.iter().map(|finding| found(finding, index, diagnosis)));
                if let Some(first) = findings.first() {
                    title.clone_from(&first.title);
                    level = self::level(first.severity);
                    further.clone_from(&first.references);
                }
            }
            State::Passed => results.push(result("pass", "examined, and not so".into())),
            State::NotApplicable => results.push(result("notApplicable", "does not apply here".into())),
            State::Open(open) => {
                let why: Vec<String> = lacks(open).iter().map(|lack| calm(lack)).collect();
                let text = format!("could not be examined: {}", why.join("; "));
                let mut result = result("open", text.clone());
                result["properties"] = json!({"required": open.required});
                results.push(result);
                notifications.push(json!({
                    "level": if open.required { "error" } else { "note" },
                    "message": {"text": text},
                    "associatedRule": {"id": calm(row.id), "index": index},
                }));
            }
        }
        rules.push(json!({
            "id": calm(row.id),
            "shortDescription": {"text": calm(&title)},
            "defaultConfiguration": {"level": level},
            "help": {"text": format!("mzv-doctor explain {}", calm(row.id))},
            "properties": {"references": further.iter().map(|it| calm(it)).collect::<Vec<_>>()},
        }));
    }
    let ended = json!({
        // Nothing found, and something found, are answers; every other status is none.
        "executionSuccessful": exit <= 1,
        "exitCode": exit,
        "exitCodeDescription": calm(&diagnosis.because),
        "startTimeUtc": diagnosis.observed_at.to_string(),
        "toolExecutionNotifications": notifications,
    });
    document(&json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "mzv-doctor",
                "semanticVersion": calm(&diagnosis.tool_version),
                "rules": rules,
            }},
            "automationDetails": {"id": format!("mzv-doctor/{}/", calm(&diagnosis.target))},
            "invocations": [ended],
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    }))
}

fn found(finding: &Finding, index: usize, diagnosis: &Diagnosis) -> Value {
    let mut lines = vec![finding.title.clone()];
    lines.extend(shown(finding));
    lines.push(finding.explanation.clone());
    if let Some(remedy) = &finding.remedy {
        lines.push(remedy.text.clone());
        lines.extend(remedy.commands.iter().map(|command| shell::lines(command, usize::MAX, true).join(" ")));
    }
    lines.retain(|line| !line.is_empty());
    let text: Vec<String> = lines.iter().map(|line| braces(&calm(line))).collect();
    let mut result = json!({
        "ruleId": calm(&finding.id),
        "ruleIndex": index,
        "kind": "fail",
        "level": level(finding.severity),
        "message": {"text": text.join("\n")},
        "locations": [place(diagnosis, &finding.subject)],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "properties": {
            "severity": finding.severity.name(),
            "confidence": finding.confidence.name(),
            "causedBy": finding.caused_by.iter().map(|id| calm(id)).collect::<Vec<_>>(),
        },
    });
    match &finding.accepted {
        Some(accepted @ Accepted::Suppression { .. }) => {
            result["suppressions"] = json!([{
                "kind": "external", "status": "accepted", "justification": calm(&accepted.phrase()),
            }]);
        }
        Some(Accepted::Baseline { .. }) => result["baselineState"] = json!("unchanged"),
        None => {}
    }
    result
}

/// A deployment has no files: what is wrong lies at something with a name.
fn place(diagnosis: &Diagnosis, subject: &str) -> Value {
    let (target, subject) = (calm(&diagnosis.target), calm(subject));
    json!({"logicalLocations": [{
        "name": subject, "fullyQualifiedName": format!("{target}/{subject}"), "kind": "resource",
    }]})
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Notice => "note",
    }
}

fn calm(text: &str) -> String {
    inert(text, true)
}

/// Text in which no placeholder and no embedded link of a message is found (sections 3.11.5 and 3.11.6).
fn braces(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}").replace('[', "\\[").replace(']', "\\]")
}
