//! Why a name came to what it did: each clause of its conditions, the facts that they read, and where those are from.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::federation::{Field, compare};
use super::judge::{Judged, World, judge};
use super::{Excerpt, Missing};
use crate::fact::{Observation, Outcome, Snapshot, TextSource};
use crate::rule::{Clause, Joined, Rule, RuleTable, Truth};

/// What a rule came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is so.
    Fired,
    /// It was examined and is not so.
    Passed,
    /// It could not be decided.
    Inconclusive,
    /// It does not apply.
    NotApplicable,
}

/// What a clause comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// It cannot be told.
    Unknown,
}

/// A clause of a condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClauseRead {
    /// As it is written, in CEL.
    pub source: String,
    /// What it comes to.
    pub holds: Holds,
    /// Whether it decides what the whole condition comes to.
    pub decides: bool,
    /// Facts that it reads.
    pub facts: BTreeSet<String>,
    /// `all` or `any` of its parts; none where it has no parts.
    pub joined: Option<String>,
    /// Its parts.
    pub parts: Vec<ClauseRead>,
}

/// A condition of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionRead {
    /// `applies`, `when` or `notice_when`.
    pub part: String,
    /// The condition.
    pub clause: ClauseRead,
}

/// A kind of text that a rule looks in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextLooked {
    /// The kind.
    pub source: TextSource,
    /// Lines that were looked through.
    pub lines: u64,
    /// Why it was not read; none where it was, or has no fact of its own.
    pub unread: Option<Missing>,
}

/// A name that would explain this one, and what it came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explains {
    /// The name.
    pub id: String,
    /// What it came to.
    pub verdict: Verdict,
}

/// Why a name came to what it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// The named error.
    pub id: String,
    /// One line.
    pub title: String,
    /// The area that it was judged for, where it is judged for several.
    pub about: Option<String>,
    /// What it came to.
    pub verdict: Verdict,
    /// What decided that, one sentence.
    pub decided: String,
    /// Its conditions.
    pub conditions: Vec<ConditionRead>,
    /// Facts that they read, and those behind them, with what came of asking.
    pub facts: BTreeMap<String, Observation<Value>>,
    /// Text that it looks in; empty for a rule of facts alone.
    pub text: Vec<TextLooked>,
    /// Text that shows it.
    pub seen: Vec<Excerpt>,
    /// What it lacks.
    pub missing: Vec<Missing>,
    /// For a rule about federation: its fields side by side.
    pub federation: Vec<Field>,
    /// Names that would explain it.
    pub explained_by: Vec<Explains>,
}

/// Why a rule came to what it did, for each of its subjects.
pub fn why(snapshot: &Snapshot, table: &RuleTable, rule: &Rule) -> Vec<Why> {
    let world = World::new(snapshot, table);
    let bindings = rule.bindings().into_iter().enumerate();
    bindings.map(|(number, binding)| one(&world, rule, binding, number == 0)).collect()
}

fn one(world: &World<'_>, rule: &Rule, binding: Option<(&str, &str)>, takes_text: bool) -> Why {
    let scope = world.scope(binding);
    let parts = [("applies", &rule.applies), ("when", &rule.when), ("notice_when", &rule.notice_when)];
    let mut conditions = Vec::new();
    let mut names = BTreeSet::new();
    for (part, expression) in parts {
        if let Some(expression) = expression {
            names.extend(expression.facts(binding));
            let clause = read(expression.clauses(&scope, binding));
            conditions.push(ConditionRead { part: part.to_owned(), clause });
        }
    }
    let text = if takes_text { looked(world, rule) } else { Vec::new() };
    let judged = judge(world, rule, binding, takes_text);
    let verdict = verdict(&judged);
    let decided = sentence(&judged, &conditions, rule);
    let (seen, missing) = match judged {
        Judged::Fired(fired) => (fired.excerpts.clone(), Vec::new()),
        Judged::Passed(history) => (history, Vec::new()),
        Judged::Inconclusive(missing) => (Vec::new(), missing),
        Judged::NotApplicable => (Vec::new(), Vec::new()),
    };
    let others = rule.caused_by.iter().filter_map(|id| world.table.rules.get(id));
    Why {
        id: rule.id.clone(),
        title: rule.title.clone(),
        about: binding.map(|(_, area)| area.to_owned()),
        verdict,
        decided,
        conditions,
        facts: behind(world.snapshot, names),
        text,
        seen,
        missing,
        federation: if rule.area == "federation" { compare(world.snapshot) } else { Vec::new() },
        explained_by: others
            .map(|other| Explains { id: other.id.clone(), verdict: worst(world, other) })
            .collect(),
    }
}

fn read(clause: Clause) -> ClauseRead {
    ClauseRead {
        source: clause.source,
        holds: match clause.truth {
            Truth::True => Holds::Yes,
            Truth::False => Holds::No,
            Truth::Unknown => Holds::Unknown,
        },
        decides: clause.decides,
        facts: clause.facts,
        joined: clause.joined.map(|joined| if joined == Joined::All { "all".into() } else { "any".into() }),
        parts: clause.parts.into_iter().map(read).collect(),
    }
}

fn looked(world: &World<'_>, rule: &Rule) -> Vec<TextLooked> {
    let of_deployment = rule.sources.iter().filter_map(|source| Some((*source, source.fact_name()?)));
    of_deployment
        .map(|(source, fact)| {
            let lines = world.snapshot.text.iter().filter(|line| line.source == source).count() as u64;
            TextLooked { source, lines, unread: world.missing(fact) }
        })
        .collect()
}

fn verdict(judged: &Judged) -> Verdict {
    match judged {
        Judged::Fired(_) => Verdict::Fired,
        Judged::Passed(_) => Verdict::Passed,
        Judged::Inconclusive(_) => Verdict::Inconclusive,
        Judged::NotApplicable => Verdict::NotApplicable,
    }
}

/// For several subjects, what says most.
fn worst(world: &World<'_>, rule: &Rule) -> Verdict {
    let bindings = rule.bindings().into_iter().enumerate();
    let all: Vec<Verdict> =
        bindings.map(|(number, binding)| verdict(&judge(world, rule, binding, number == 0))).collect();
    let order = [Verdict::Fired, Verdict::Inconclusive, Verdict::Passed];
    order.into_iter().find(|one| all.contains(one)).unwrap_or(Verdict::NotApplicable)
}

fn sentence(judged: &Judged, conditions: &[ConditionRead], rule: &Rule) -> String {
    let holds = |part: &str| conditions.iter().find(|it| it.part == part).map(|it| it.clause.holds);
    match (judged, holds("applies"), holds("when")) {
        (Judged::NotApplicable, Some(Holds::No), _) => "what it applies to is not here (applies)".into(),
        (Judged::NotApplicable, ..) => "something that it reads is known not to be there".into(),
        (Judged::Fired(fired), _, Some(Holds::Yes)) if fired.excerpts.is_empty() => {
            "its condition holds (when)".into()
        }
        (Judged::Fired(_), _, Some(Holds::Yes)) => "its condition holds (when), and text shows it".into(),
        (Judged::Fired(_), _, Some(_)) => {
            "text shows it; the facts that would decide it are not known (when)".into()
        }
        (Judged::Fired(_), ..) => "text shows it".into(),
        (Judged::Passed(history), _, Some(Holds::No)) if !history.is_empty() => {
            "its condition does not hold (when); text that names it is history".into()
        }
        (Judged::Passed(_), _, Some(_)) => "its condition does not hold (when)".into(),
        (Judged::Passed(history), ..) if !history.is_empty() => {
            "text that names it is long before the newest, or a retry ended it".into()
        }
        (Judged::Passed(_), ..) => "everything that would show it was read, and nothing does".into(),
        (Judged::Inconclusive(_), Some(Holds::Unknown), _) => {
            "whether it applies cannot be told (applies)".into()
        }
        (Judged::Inconclusive(_), _, Some(Holds::Yes)) => {
            "whether it is an error or expected cannot be told (notice_when)".into()
        }
        (Judged::Inconclusive(_), _, Some(_)) => "its condition cannot be told (when)".into(),
        (Judged::Inconclusive(_), ..) if rule.text_only => {
            "nothing shows it in the text that was read, and not all of it was".into()
        }
        (Judged::Inconclusive(_), ..) => "the text that would show it was not read".into(),
    }
}

/// Facts with those that they are computed from.
fn behind(snapshot: &Snapshot, names: BTreeSet<String>) -> BTreeMap<String, Observation<Value>> {
    let mut found = BTreeMap::new();
    let mut open: Vec<String> = names.into_iter().collect();
    while let Some(name) = open.pop() {
        let Some(seen) = snapshot.facts.get(&name) else { continue };
        if found.insert(name, seen.clone()).is_none() {
            open.extend(seen.origin.from.iter().cloned());
        }
    }
    found
}

impl Why {
    /// Facts that a clause which decides something reads.
    pub fn decisive(&self) -> BTreeSet<String> {
        fn gather(clause: &ClauseRead, into: &mut BTreeSet<String>) {
            if clause.decides && clause.parts.is_empty() {
                into.extend(clause.facts.iter().cloned());
            }
            clause.parts.iter().for_each(|part| gather(part, into));
        }
        let mut facts = BTreeSet::new();
        self.conditions.iter().for_each(|condition| gather(&condition.clause, &mut facts));
        facts
    }

    /// Facts with those that they are computed from.
    pub fn behind(&self, names: &BTreeSet<String>) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        let mut open: Vec<String> = names.iter().cloned().collect();
        while let Some(name) = open.pop() {
            let from = self.facts.get(&name).map(|seen| seen.origin.from.clone()).unwrap_or_default();
            if all.insert(name) {
                open.extend(from);
            }
        }
        all
    }

    /// A fact's outcome in a word or two, and why it is unknown.
    pub fn told(seen: &Observation<Value>) -> String {
        match &seen.outcome {
            Outcome::Known(value) => value.to_string(),
            Outcome::Absent => "is not there".into(),
            Outcome::Unknown(reason) => format!("unknown: {} {}", reason.label(), reason.detail()),
        }
    }
}
