//! Every name of a diagnosis with its state, once: what formats that list them all have in common.

use std::collections::BTreeMap;

use super::terminal::counted;
use crate::diagnosis::{Diagnosis, Finding, Inconclusive, Severity, Summary};

/// What a name came to.
pub(super) enum State<'a> {
    /// It was found, once or for several subjects.
    Found(Vec<&'a Finding>),
    /// It was examined and is not so.
    Passed,
    /// It could not be decided.
    Open(&'a Inconclusive),
    /// It does not apply here.
    NotApplicable,
}

/// A name.
pub(super) struct Row<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) state: State<'a>,
}

/// Every name, in order of the alphabet.
pub(super) fn rows(diagnosis: &Diagnosis) -> Vec<Row<'_>> {
    let mut rows: BTreeMap<&str, Row<'_>> = BTreeMap::new();
    for row in &diagnosis.not_applicable {
        rows.insert(&row.id, Row { id: &row.id, title: &row.title, state: State::NotApplicable });
    }
    for row in &diagnosis.passed {
        rows.insert(&row.id, Row { id: &row.id, title: &row.title, state: State::Passed });
    }
    for row in &diagnosis.inconclusive {
        rows.insert(&row.id, Row { id: &row.id, title: &row.title, state: State::Open(row) });
    }
    for finding in &diagnosis.findings {
        if let Some(Row { state: State::Found(all), .. }) = rows.get_mut(finding.id.as_str()) {
            all.push(finding);
        } else {
            let state = State::Found(vec![finding]);
            rows.insert(&finding.id, Row { id: &finding.id, title: &finding.title, state });
        }
    }
    rows.into_values().collect()
}

/// Why a name could not be decided, one line a lack.
pub(super) fn lacks(row: &Inconclusive) -> Vec<String> {
    row.missing
        .iter()
        .map(|lack| {
            let detail = lack.reason.detail();
            let reason = lack.reason.label();
            format!("{}: {reason} {detail}", lack.fact).trim_end().to_owned()
        })
        .collect()
}

/// What shows a finding, one line a value.
pub(super) fn shown(finding: &Finding) -> Vec<String> {
    let mut lines: Vec<String> =
        finding.evidence.iter().map(|it| format!("{}: {}", it.label, it.value)).collect();
    if let Some(contrast) = &finding.contrast {
        lines.push(format!("{}: {}", contrast.has.label, contrast.has.value));
        lines.push(format!("{}: {}", contrast.wants.label, contrast.wants.value));
    }
    lines.extend(finding.text.iter().map(|it| format!("{}:{}: {}", it.place, it.line, it.text)));
    lines
}

/// Findings that something is to be done about.
pub(super) fn wrong(diagnosis: &Diagnosis) -> Vec<Finding> {
    let is_wrong = |it: &&Finding| it.severity != Severity::Notice && it.accepted.is_none();
    diagnosis.findings.iter().filter(is_wrong).cloned().collect()
}

/// Findings that stand and fail nothing since somebody accepted them, each with why.
pub(super) fn accepted(diagnosis: &Diagnosis) -> Vec<(&Finding, String)> {
    diagnosis.findings.iter().filter_map(|it| Some((it, it.accepted.as_ref()?.phrase()))).collect()
}

/// What a diagnosis comes to, in a few words.
pub(super) fn verdict(summary: &Summary) -> String {
    let accepted = counted(summary.accepted, "accepted finding", "accepted findings");
    match (summary.causes + summary.consequences, summary.accepted) {
        (0, _) if summary.healthy => "healthy".to_owned(),
        (0, 0) => "nothing wrong in what was examined".to_owned(),
        (0, _) => format!("nothing wrong in what was examined but {accepted}"),
        (_, more) => {
            let mut parts = vec![
                counted(summary.causes, "cause", "causes"),
                counted(summary.consequences, "consequence", "consequences"),
            ];
            parts.extend((more > 0).then_some(accepted));
            parts.join(", ")
        }
    }
}
