//! What differs between two snapshots, by fact and by finding.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Diagnosis;
use crate::fact::{Outcome, Snapshot};

/// Version of the form; it rises when an older reader could misread a newer document.
pub const CHANGES_FORMAT: u32 = 1;
/// Changed members of one fact that are listed.
const MEMBERS: usize = 50;

/// How much is known of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// It was not known before and is now.
    Learned,
    /// It was known before and is not any more.
    Lost,
    /// It is another.
    Changed,
}

/// A member of a fact that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Where in the value (`0.image`); empty for the value itself.
    pub path: String,
    /// What it was; none where it was not there.
    pub before: Option<String>,
    /// What it is; none where it is not there.
    pub after: Option<String>,
}

/// A fact that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FactChange {
    /// The fact.
    pub name: String,
    /// How.
    pub turn: Turn,
    /// What of it.
    pub members: Vec<Member>,
    /// Members that are not listed.
    pub more: usize,
}

/// What a name came to in each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NameChange {
    /// The named error.
    pub id: String,
    /// What it came to before: `error`, `warning`, `notice`, `passed`, `inconclusive`, `not-applicable`, `-`.
    pub before: String,
    /// What it comes to now, likewise.
    pub after: String,
    /// What it is about, where it is found in either.
    pub subject: String,
}

/// What differs between two snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// [`CHANGES_FORMAT`] of the writer.
    pub format: u32,
    /// When each was observed.
    pub observed_at: [Timestamp; 2],
    /// Short name of each deployment.
    pub target: [String; 2],
    /// Version of the tool that observed each.
    pub tool_version: [String; 2],
    /// Names that came to something else.
    pub names: Vec<NameChange>,
    /// Facts that differ.
    pub facts: Vec<FactChange>,
    /// Names of facts in which nothing but dates and ages went on.
    pub moved: Vec<String>,
    /// Facts that are the same.
    pub same: usize,
}

/// Compares two snapshots, each with its diagnosis.
pub fn changes(before: (&Snapshot, &Diagnosis), after: (&Snapshot, &Diagnosis)) -> Changes {
    let names: BTreeSet<&String> = before.0.facts.keys().chain(after.0.facts.keys()).collect();
    let count = names.len();
    let facts = names.into_iter().filter_map(|name| fact(name, before.0, after.0));
    let (moved, facts): (Vec<FactChange>, Vec<FactChange>) = facts.partition(FactChange::only_went_on);
    let (old, new) = (verdicts(before.1), verdicts(after.1));
    let ids: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let names = ids
        .into_iter()
        .filter_map(|id| {
            let none = || ("-".to_owned(), String::new());
            let (before, subject) = old.get(id).cloned().unwrap_or_else(none);
            let (after, newer) = new.get(id).cloned().unwrap_or_else(none);
            let subject = if newer.is_empty() { subject } else { newer };
            (before != after).then(|| NameChange { id: id.clone(), before, after, subject })
        })
        .collect();
    Changes {
        format: CHANGES_FORMAT,
        observed_at: [before.0.observed_at, after.0.observed_at],
        target: [before.1.target.clone(), after.1.target.clone()],
        tool_version: [before.0.tool_version.clone(), after.0.tool_version.clone()],
        names,
        same: count - facts.len() - moved.len(),
        moved: moved.into_iter().map(|fact| fact.name).collect(),
        facts,
    }
}

impl FactChange {
    /// Whether nothing differs but when it was, and how long ago.
    fn only_went_on(&self) -> bool {
        self.turn == Turn::Changed && self.more == 0 && self.members.iter().all(Member::is_of_time)
    }
}

impl Member {
    fn is_of_time(&self) -> bool {
        let (Some(before), Some(after)) = (&self.before, &self.after) else { return false };
        let name = self.path.rsplit('.').next().unwrap_or_default();
        let dates = [before, after].iter().all(|text| text.parse::<Timestamp>().is_ok());
        dates || name.ends_with("_s") || name.ends_with("_ms")
    }
}

fn verdicts(diagnosis: &Diagnosis) -> BTreeMap<String, (String, String)> {
    let mut all = BTreeMap::new();
    let mut put = |id: &str, verdict: &str, subject: &str| {
        all.insert(id.to_owned(), (verdict.to_owned(), subject.to_owned()));
    };
    diagnosis.not_applicable.iter().for_each(|row| put(&row.id, "not-applicable", ""));
    diagnosis.passed.iter().for_each(|row| put(&row.id, "passed", ""));
    diagnosis.inconclusive.iter().for_each(|row| put(&row.id, "inconclusive", ""));
    diagnosis.findings.iter().for_each(|row| put(&row.id, row.severity.name(), &row.subject));
    all
}

fn fact(name: &str, before: &Snapshot, after: &Snapshot) -> Option<FactChange> {
    let known = |snapshot: &Snapshot| match snapshot.facts.get(name).map(|seen| &seen.outcome) {
        Some(Outcome::Known(value)) => Some(value.clone()),
        Some(Outcome::Absent) => Some(Value::Null),
        Some(Outcome::Unknown(_)) | None => None,
    };
    let (turn, old, new) = match (known(before), known(after)) {
        (None, None) => return None,
        (None, Some(new)) => (Turn::Learned, None, Some(new)),
        (Some(old), None) => (Turn::Lost, Some(old), None),
        (Some(old), Some(new)) if old == new => return None,
        (Some(old), Some(new)) => (Turn::Changed, Some(old), Some(new)),
    };
    let mut members = Vec::new();
    compare(String::new(), old.as_ref(), new.as_ref(), &mut members);
    let more = members.len().saturating_sub(MEMBERS);
    members.truncate(MEMBERS);
    Some(FactChange { name: name.to_owned(), turn, members, more })
}

/// Elements of lists are told apart by their name, where they have one: an order is no difference.
fn compare(path: String, old: Option<&Value>, new: Option<&Value>, into: &mut Vec<Member>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (old.and_then(members), new.and_then(members)) {
        (Some(one), Some(other)) if old != new => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                compare(below(name), one.get(name).copied(), other.get(name).copied(), into);
            }
        }
        _ if old != new => {
            let told = |value: &Value| match value {
                Value::String(text) => text.clone(),
                Value::Null => "not there".into(),
                other => other.to_string(),
            };
            into.push(Member { path, before: old.map(told), after: new.map(told) });
        }
        _ => {}
    }
}

/// Members of an object, or elements of a list by what names them.
fn members(value: &Value) -> Option<BTreeMap<String, &Value>> {
    match value {
        Value::Object(members) => Some(members.iter().map(|(name, value)| (name.clone(), value)).collect()),
        Value::Array(items) => {
            let named =
                |item: &Value| item.get("name").or(item.get("id")).and_then(Value::as_str).map(str::to_owned);
            let names: BTreeSet<String> = items.iter().filter_map(named).collect();
            let by_name = names.len() == items.len();
            let key = |(at, item): (usize, &Value)| match named(item) {
                Some(name) if by_name => name,
                _ => at.to_string(),
            };
            Some(items.iter().enumerate().map(|(at, item)| (key((at, item)), item)).collect())
        }
        _ => None,
    }
}
