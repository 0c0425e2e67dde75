//! One rule over one world: fired, passed, inconclusive, or not applicable. Losing knowledge may turn a verdict
//! into inconclusive, never a failure into a pass.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::symptoms::symptoms;
use super::{Confidence, Excerpt, Missing, Severity};
use crate::fact::{Observation, Origin, Outcome, Reason, Snapshot, TextEvidence};
use crate::rule::{Areas, Example, Expect, Expression, Ground, Hit, Rule, RuleTable, Scope, Truth, Values};

/// Seconds before the newest line of a log within which a line counts as present.
const RECENT_S: i64 = 3600;
/// The same for a rule that rests on text alone: no fact speaks against it once what it names has passed.
const PRESENT_S: i64 = 600;
/// Facts through which one is computed from what was asked, at most.
const DEEPEST: usize = 16;
/// Longest excerpt, in characters.
const EXCERPT: usize = 320;

/// What conditions read, by what an `each` variable stands for.
type Scopes = BTreeMap<Option<(String, String)>, Rc<Scope>>;

/// A snapshot as rules see it.
pub(super) struct World<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) table: &'a RuleTable,
    pub(super) areas: Areas,
    pub(super) target: Value,
    hits: BTreeMap<String, Vec<(usize, Hit)>>,
    /// Rules with the pieces of text whose symptom a retry has ended.
    over: BTreeSet<(String, usize)>,
    /// Time of the newest line of each place.
    newest: BTreeMap<&'a str, Timestamp>,
    values: OnceCell<Values>,
    ground: OnceCell<Ground>,
    /// Made once for each thing that rules are judged for.
    scopes: RefCell<Scopes>,
}

/// What one rule comes to for one subject.
pub enum Judged {
    /// It fired.
    Fired(Box<Fired>),
    /// It was decided and is quiet; text that names it although facts contradict it is history.
    Passed(Vec<Excerpt>),
    /// It cannot be decided without these.
    Inconclusive(Vec<Missing>),
    /// It does not apply.
    NotApplicable,
}

/// How a rule fired.
pub struct Fired {
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    pub(super) excerpts: Vec<Excerpt>,
    pub(super) captures: BTreeMap<String, Value>,
    pub(super) facts: BTreeMap<String, Origin>,
}

impl Fired {
    /// As if it had fired, with nothing that shows it.
    pub(super) fn unseen(rule: &Rule) -> Self {
        Self {
            severity: super::compose::severity(rule.severity),
            confidence: super::compose::confidence(rule.confidence),
            excerpts: Vec::new(),
            captures: BTreeMap::new(),
            facts: BTreeMap::new(),
        }
    }
}

impl<'a> World<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, table: &'a RuleTable) -> Self {
        let mut areas: Areas = table.shapes.keys().map(|area| (area.clone(), BTreeMap::new())).collect();
        for (name, seen) in &snapshot.facts {
            let Some((area, fact)) = name.split_once('.') else { continue };
            let value = match &seen.outcome {
                Outcome::Known(value) => value.clone(),
                Outcome::Absent => Value::Null,
                Outcome::Unknown(_) => continue,
            };
            areas.entry(area.into()).or_default().insert(fact.into(), value);
        }
        let (hits, over) = symptoms(snapshot, &table.scanner);
        let mut newest: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for evidence in &snapshot.text {
            if let Some(at) = evidence.at {
                let known = newest.entry(&evidence.place).or_insert(at);
                *known = at.max(*known);
            }
        }
        Self {
            snapshot,
            table,
            areas,
            target: nested(snapshot),
            hits,
            over,
            newest,
            values: OnceCell::new(),
            ground: OnceCell::new(),
            scopes: RefCell::default(),
        }
    }

    /// What templates are filled in with; made once, where something has to be filled in at all.
    pub(super) fn values(&self) -> &Values {
        self.values.get_or_init(|| Values::new(&self.areas, &self.table.shapes, &self.target))
    }

    /// What conditions read.
    pub(super) fn scope(&self, binding: Option<(&str, &str)>) -> Rc<Scope> {
        let ground = self.ground.get_or_init(|| Ground::new(&self.areas, &self.target));
        let key = binding.map(|(variable, area)| (variable.to_owned(), area.to_owned()));
        let mut scopes = self.scopes.borrow_mut();
        Rc::clone(scopes.entry(key).or_insert_with(|| Rc::new(Scope::new(ground, binding))))
    }

    /// Whether a line is near the newest of its place, or of no known time.
    fn is_recent(&self, evidence: &TextEvidence, rule: &Rule) -> bool {
        let recent = if rule.text_only { PRESENT_S } else { RECENT_S };
        match (evidence.at, self.newest.get(evidence.place.as_str())) {
            (Some(at), Some(newest)) => newest.as_second() - at.as_second() <= recent,
            _ => true,
        }
    }

    fn observation(&self, name: &str) -> Option<&Observation<Value>> {
        self.snapshot.facts.get(name)
    }

    /// Which observed fact is missing behind a fact, why, and what would have told.
    pub(super) fn missing(&self, name: &str) -> Option<Missing> {
        self.missing_behind(name, self.snapshot.facts.len())
    }

    /// A record may say of a fact that it is computed from itself: the way back has an end.
    fn missing_behind(&self, name: &str, most: usize) -> Option<Missing> {
        let Some(seen) = self.observation(name) else {
            return Some(Missing {
                fact: name.to_owned(),
                // Not the same as left out by choice: a run of an older release, or a part of one.
                reason: Reason::Malformed { detail: "nothing that was run provides it".into() },
                call: String::new(),
                against: String::new(),
            });
        };
        let Outcome::Unknown(reason) = &seen.outcome else { return None };
        if let Some(base) = seen.origin.from.first()
            && most > 0
            && let Some(missing) = self.missing_behind(base, most.min(DEEPEST) - 1)
        {
            return Some(missing);
        }
        Some(Missing {
            fact: name.to_owned(),
            reason: reason.clone(),
            call: seen.origin.call.clone(),
            against: seen.origin.against.clone(),
        })
    }

    fn lacks(&self, facts: &BTreeSet<String>) -> Vec<Missing> {
        let mut missing: Vec<Missing> = Vec::new();
        for lack in facts.iter().filter_map(|name| self.missing(name)) {
            if !missing.contains(&lack) {
                missing.push(lack);
            }
        }
        missing
    }
}

/// Settings as nested members; one that is not set is null.
fn nested(snapshot: &Snapshot) -> Value {
    fn put(members: &mut Map<String, Value>, parts: &[&str], leaf: Value) {
        match parts {
            [] => {}
            [last] => {
                members.insert((*last).to_owned(), leaf);
            }
            [first, rest @ ..] => {
                let inner = members.entry((*first).to_owned()).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(inner) = inner {
                    put(inner, rest, leaf);
                }
            }
        }
    }
    let mut members = Map::new();
    for (name, setting) in &snapshot.target {
        let value = match &setting.value {
            scalar @ (Value::Number(_) | Value::Bool(_)) => Value::String(scalar.to_string()),
            other => other.clone(),
        };
        put(&mut members, &name.split('.').collect::<Vec<_>>(), value);
    }
    Value::Object(members)
}

/// Judges a rule for one subject. Symptoms of a rule with several subjects count for the first.
pub(super) fn judge(
    world: &World<'_>,
    rule: &Rule,
    binding: Option<(&str, &str)>,
    takes_text: bool,
) -> Judged {
    let scope = world.scope(binding);
    if let Some(applies) = &rule.applies {
        match applies.truth(&scope) {
            Truth::True => {}
            Truth::False => return Judged::NotApplicable,
            Truth::Unknown => match undecided(world, applies, binding) {
                Undecided::Lacks(missing) if world.hits.get(&rule.id).is_none_or(Vec::is_empty) => {
                    return Judged::Inconclusive(missing);
                }
                // Text shows it: whether the rule applies is answered by that.
                Undecided::Lacks(_) => {}
                Undecided::Absent => return Judged::NotApplicable,
            },
        }
    }
    let all: &[(usize, Hit)] =
        if takes_text { world.hits.get(&rule.id).map_or(&[], Vec::as_slice) } else { &[] };
    // What a log said long before its newest line is over, as far as the log can tell.
    let (recent, old): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|(at, _)| {
        world.is_recent(&world.snapshot.text[*at], rule) && !world.over.contains(&(rule.id.clone(), *at))
    });
    let hits = recent.as_slice();
    let decided = rule.when.as_ref().map(|when| (when, when.truth(&scope)));
    match decided {
        Some((_, Truth::True)) => fired(world, rule, binding, &scope, hits, false),
        Some((_, Truth::False)) => Judged::Passed(excerpts(world, all)),
        Some((when, Truth::Unknown)) => match undecided(world, when, binding) {
            _ if !hits.is_empty() => fired(world, rule, binding, &scope, hits, true),
            Undecided::Lacks(missing) => Judged::Inconclusive(missing),
            Undecided::Absent => Judged::NotApplicable,
        },
        None if !hits.is_empty() => fired(world, rule, binding, &scope, hits, false),
        None => {
            let sources = rule.sources.iter().filter_map(|source| source.fact_name()).map(str::to_owned);
            let missing = world.lacks(&sources.collect());
            if missing.is_empty() {
                Judged::Passed(excerpts(world, &old))
            } else {
                Judged::Inconclusive(missing)
            }
        }
    }
}

enum Undecided {
    Lacks(Vec<Missing>),
    /// Everything is known; something that the expression reads into is not there.
    Absent,
}

fn undecided(world: &World<'_>, expression: &Expression, binding: Option<(&str, &str)>) -> Undecided {
    let facts = expression.facts(binding);
    let missing = world.lacks(&facts);
    if !missing.is_empty() {
        return Undecided::Lacks(missing);
    }
    let absent =
        |name: &String| world.observation(name).is_some_and(|seen| matches!(seen.outcome, Outcome::Absent));
    if facts.iter().any(absent) {
        return Undecided::Absent;
    }
    let detail = format!("the condition cannot be evaluated: {}", expression.source());
    Undecided::Lacks(vec![Missing {
        fact: facts.into_iter().next().unwrap_or_default(),
        reason: Reason::Malformed { detail },
        call: String::new(),
        against: String::new(),
    }])
}

fn fired(
    world: &World<'_>,
    rule: &Rule,
    binding: Option<(&str, &str)>,
    scope: &Scope,
    hits: &[(usize, Hit)],
    by_text_only: bool,
) -> Judged {
    let notice = match &rule.notice_when {
        None => false,
        Some(notice) => match notice.truth(scope) {
            Truth::True => true,
            Truth::False => false,
            // The deployment's own words show that it is broken.
            Truth::Unknown if !hits.is_empty() => false,
            // Whether it is expected or broken cannot be told: neither is claimed.
            Truth::Unknown => match undecided(world, notice, binding) {
                Undecided::Lacks(missing) => return Judged::Inconclusive(missing),
                Undecided::Absent => false,
            },
        },
    };
    let severity = if notice { Severity::Notice } else { super::compose::severity(rule.severity) };
    let confidence = match (super::compose::confidence(rule.confidence), by_text_only) {
        (given, false) => given,
        (Confidence::Certain, true) => Confidence::Likely,
        (Confidence::Likely | Confidence::Possible, true) => Confidence::Possible,
    };
    let mut captures = BTreeMap::new();
    for (_, hit) in hits {
        for (name, text) in &hit.captures {
            captures.insert(name.clone(), Value::String(text.clone()));
        }
    }
    let mut facts = BTreeMap::new();
    for expression in [&rule.applies, &rule.when].into_iter().flatten() {
        for name in expression.facts(binding) {
            if let Some(seen) = world.observation(&name)
                && !matches!(seen.outcome, Outcome::Unknown(_))
            {
                facts.insert(name, seen.origin.clone());
            }
        }
    }
    Judged::Fired(Box::new(Fired { severity, confidence, excerpts: excerpts(world, hits), captures, facts }))
}

/// Hits of one place as one excerpt: how often, when first and last, and the text of the last.
fn excerpts(world: &World<'_>, hits: &[(usize, Hit)]) -> Vec<Excerpt> {
    let mut by_place: BTreeMap<&str, Excerpt> = BTreeMap::new();
    for (at, hit) in hits {
        let evidence = &world.snapshot.text[*at];
        let new = Excerpt {
            source: evidence.source,
            place: evidence.place.clone(),
            line: evidence.line,
            column: Some(hit.span.0 as u64 + 1),
            count: 0,
            first: evidence.at,
            last: evidence.at,
            text: cut(evidence, hit.span),
            decisive: decisive(evidence, hit.span),
        };
        let excerpt = by_place.entry(&evidence.place).or_insert(new);
        excerpt.count = excerpt.count.saturating_add(evidence.count);
        excerpt.first = [excerpt.first, evidence.at].into_iter().flatten().min();
        if evidence.at >= excerpt.last {
            excerpt.last = evidence.at;
            excerpt.line = evidence.line;
            excerpt.column = Some(hit.span.0 as u64 + 1);
            excerpt.text = cut(evidence, hit.span);
            excerpt.decisive = decisive(evidence, hit.span);
        }
    }
    by_place.into_values().collect()
}

/// The match itself, where the text around it shows it whole.
fn decisive(evidence: &TextEvidence, span: (usize, usize)) -> String {
    let matched = evidence.text.get(span.0..span.1).unwrap_or_default();
    if cut(evidence, span).contains(matched) { matched.to_owned() } else { String::new() }
}

/// The text around a match.
fn cut(evidence: &TextEvidence, (from, _): (usize, usize)) -> String {
    let text = &evidence.text;
    if text.chars().count() <= EXCERPT {
        return text.clone();
    }
    let start = (0..=from).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let end = start + EXCERPT;
    let end = (start..=end.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(start);
    let before = if start > 0 { "…" } else { "" };
    let after = if end < text.len() { "…" } else { "" };
    format!("{before}{}{after}", &text[start..end])
}

/// What a rule comes to in one of its examples; with several subjects, the worst.
pub fn judge_example(table: &RuleTable, rule: &Rule, snapshot: &Snapshot) -> Expect {
    let world = World::new(snapshot, table);
    let rows: Vec<Expect> = rule
        .bindings()
        .into_iter()
        .enumerate()
        .map(|(number, binding)| match judge(&world, rule, binding, number == 0) {
            Judged::Fired(_) => Expect::Fired,
            Judged::Passed(_) => Expect::Passed,
            // Its examples hand over text and say nothing of whether a deployment's logs were read.
            Judged::Inconclusive(_) if rule.text_only => Expect::Passed,
            Judged::Inconclusive(_) => Expect::Inconclusive,
            Judged::NotApplicable => Expect::NotApplicable,
        })
        .collect();
    for worst in [Expect::Fired, Expect::Inconclusive, Expect::Passed] {
        if rows.contains(&worst) {
            return worst;
        }
    }
    Expect::NotApplicable
}

impl Example {
    /// The example's world, over the settings of a deployment that is left at its defaults.
    pub fn snapshot(&self, defaults: &Snapshot) -> Snapshot {
        let mut snapshot = defaults.clone();
        let origin = Origin {
            call: "example".into(),
            against: String::new(),
            vantage: snapshot.vantage,
            at: snapshot.observed_at,
            took_ms: 0,
            from: Vec::new(),
        };
        for (name, value) in &self.facts {
            let outcome = if value.is_null() { Outcome::Absent } else { Outcome::Known(value.clone()) };
            snapshot.facts.insert(name.clone(), Observation { outcome, origin: origin.clone() });
        }
        for name in &self.unknown {
            let reason = Reason::TimedOut { layer: crate::fact::Layer::Connect, after_ms: 1000 };
            snapshot.facts.insert(name.clone(), Observation::unknown(reason, origin.clone()));
        }
        for (name, value) in &self.settings {
            if let Some(setting) = snapshot.target.get_mut(name) {
                setting.value = value.clone();
            }
        }
        for (line, text) in (1..).zip(&self.text) {
            snapshot.text.push(TextEvidence {
                source: text.source,
                place: "example".into(),
                line,
                at: None,
                count: 1,
                text: text.line.clone(),
            });
        }
        snapshot
    }
}
