//! What mends a deployment, step by step, causes before their consequences.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::effect::{Effect, effect};
use super::{Confidence, Diagnosis, Finding, Severity};
use crate::fact::{Outcome, Snapshot, vocabulary};

/// Version of the form; it rises when an older reader could misread a newer document.
pub const STEPS_FORMAT: u32 = 1;

/// A command of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Its arguments, the program first; unquoted.
    pub arguments: Vec<String>,
    /// Whether it only reads.
    pub effect: Effect,
}

/// A value that could not be learned and stands in commands as `<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// Its name, without the brackets.
    pub name: String,
    /// The shell variable that a script takes it from.
    pub variable: String,
    /// What it is, why it is not known, and how to find it.
    pub how: String,
}

/// What mends one named error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The named error.
    pub id: String,
    /// One line.
    pub title: String,
    /// What it is about.
    pub subject: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// What to do, one sentence; may be empty.
    pub text: String,
    /// Commands in order.
    pub commands: Vec<Command>,
    /// Values that have to be filled in first.
    pub open: Vec<Open>,
    /// What a person has to do or to look at before a command changes anything; empty where nothing.
    pub first: String,
    /// The command that says whether it is mended.
    pub verify: Vec<String>,
    /// What to know when verifying.
    pub hint: String,
    /// Names of findings that go away with it.
    pub mends: Vec<String>,
}

/// All steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// [`STEPS_FORMAT`] of the writer.
    pub format: u32,
    /// Version of the tool.
    pub tool_version: String,
    /// When it was examined.
    pub observed_at: Timestamp,
    /// Short name of the deployment.
    pub target: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// Facts through which one is computed from what was asked, at most.
const DEEPEST: usize = 16;

/// The steps for what was found; with `only`, for that name and what explains it.
pub fn steps(diagnosis: &Diagnosis, snapshot: &Snapshot, only: Option<&str>) -> Steps {
    let wanted = only.map(|name| with_causes(diagnosis, name));
    let wrong: Vec<&Finding> = diagnosis
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Notice)
        .filter(|finding| match &wanted {
            // A cause mends what follows from it; a consequence that was named has steps of its own behind it.
            None => finding.caused_by.is_empty(),
            Some(wanted) => wanted.contains(finding.id.as_str()),
        })
        .collect();
    let mut variables = BTreeMap::new();
    let mut steps: Vec<Step> = Vec::new();
    for finding in ordered(&wrong) {
        steps.push(step(finding, diagnosis, snapshot, &mut variables));
    }
    Steps {
        format: STEPS_FORMAT,
        tool_version: diagnosis.tool_version.clone(),
        observed_at: diagnosis.observed_at,
        target: diagnosis.target.clone(),
        steps,
    }
}

fn with_causes<'a>(diagnosis: &'a Diagnosis, name: &'a str) -> BTreeSet<&'a str> {
    let mut all = BTreeSet::new();
    let mut open = vec![name];
    while let Some(next) = open.pop() {
        if all.insert(next) {
            let of = diagnosis.findings.iter().filter(|finding| finding.id == next);
            open.extend(of.flat_map(|finding| &finding.caused_by).map(String::as_str));
        }
    }
    all
}

/// Each behind all that explain it; otherwise in the order in which they came.
fn ordered<'a>(findings: &[&'a Finding]) -> Vec<&'a Finding> {
    let mut left: Vec<&Finding> = findings.to_vec();
    let mut done: Vec<&'a Finding> = Vec::new();
    while !left.is_empty() {
        let waits =
            |one: &Finding| left.iter().any(|other| other.id != one.id && one.caused_by.contains(&other.id));
        let at = left.iter().position(|one| !waits(one)).unwrap_or(0);
        done.push(left.remove(at));
    }
    done
}

fn step(
    finding: &Finding,
    diagnosis: &Diagnosis,
    snapshot: &Snapshot,
    variables: &mut BTreeMap<String, String>,
) -> Step {
    let remedy = finding.remedy.as_ref();
    let commands = remedy.map(|it| it.commands.as_slice()).unwrap_or_default();
    let open = remedy.map(|it| it.open.as_slice()).unwrap_or_default();
    let mut verify = ["mzv-doctor", "verify", &finding.id].map(str::to_owned).to_vec();
    verify.extend(diagnosis.again.iter().cloned());
    Step {
        id: finding.id.clone(),
        title: finding.title.clone(),
        subject: finding.subject.clone(),
        confidence: finding.confidence,
        text: remedy.map(|it| it.text.clone()).unwrap_or_default(),
        commands: commands
            .iter()
            .map(|arguments| Command { arguments: arguments.clone(), effect: effect(arguments) })
            .collect(),
        open: open
            .iter()
            .map(|name| Open {
                name: name.clone(),
                variable: variable(name, variables),
                how: how(name, snapshot),
            })
            .collect(),
        first: remedy.map(|it| it.first.clone()).unwrap_or_default(),
        verify,
        hint: finding.verify.clone(),
        mends: diagnosis
            .findings
            .iter()
            .filter(|other| {
                other.id != finding.id && with_causes(diagnosis, &other.id).contains(finding.id.as_str())
            })
            .map(|other| other.id.clone())
            .collect(),
    }
}

/// A shell variable for a name, no other name's.
fn variable(name: &str, taken: &mut BTreeMap<String, String>) -> String {
    if let Some((variable, _)) = taken.iter().find(|(_, of)| *of == name) {
        return variable.clone();
    }
    let mut base: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    base = format!("MZV_{}", base.trim_matches('_'));
    let mut variable = base.clone();
    let mut number = 2;
    while taken.contains_key(&variable) {
        variable = format!("{base}_{number}");
        number += 1;
    }
    taken.insert(variable.clone(), name.to_owned());
    variable
}

/// What an unknown value is, why it is not known, and how to find it.
fn how(name: &str, snapshot: &Snapshot) -> String {
    if let Some(setting) = name.strip_prefix("target.") {
        return format!(
            "the setting {setting}, which is not set: give it in the settings file, or find it by hand"
        );
    }
    let of = |spec: &crate::fact::FactSpec| {
        name.strip_prefix(spec.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let Some(spec) = vocabulary().into_iter().find(|spec| of(spec)) else {
        return "neither what was learned nor the text that shows the error holds it: find it by hand".into();
    };
    let doc = spec.doc.trim().split(". ").next().unwrap_or_default().trim_end_matches('.').to_owned();
    let mut fact = spec.name.to_owned();
    // What it is computed from, down to what was asked.
    for _ in 0..DEEPEST {
        match snapshot.facts.get(&fact).filter(|seen| !matches!(seen.outcome, Outcome::Known(_))) {
            Some(seen) if !seen.origin.from.is_empty() => fact.clone_from(&seen.origin.from[0]),
            _ => break,
        }
    }
    let why = match snapshot.facts.get(&fact) {
        None => "was not asked for".into(),
        Some(seen) => match &seen.outcome {
            Outcome::Known(_) => "does not hold it".into(),
            Outcome::Absent => "is not there".into(),
            Outcome::Unknown(reason) => format!("is not known: {} {}", reason.label(), reason.detail()),
        },
    };
    let call = snapshot.facts.get(&fact).map(|seen| seen.origin.call.as_str()).unwrap_or_default();
    let asked = if call.is_empty() { String::new() } else { format!("; asked by {call}") };
    format!("{doc} ({fact} {}{asked})", why.trim_end())
}
