//! The embedded rules as a search needs them, ready from the start.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::prepare::{Entry, Prepared, Shared};
use super::symptom::{Pattern, Scanner, Symptoms};
use crate::fact::TextSource;

/// Written by the build script from the same types: it is valid.
static PREPARED: LazyLock<Prepared> = LazyLock::new(|| {
    serde_json::from_slice(include_bytes!(concat!(env!("OUT_DIR"), "/prepared.json")))
        .unwrap_or_else(|_| Prepared { entries: Vec::new(), shared: Shared::default() })
});

/// The embedded rules, without what only a diagnosis needs, by id.
pub fn catalogue() -> &'static [Entry] {
    &PREPARED.entries
}

/// One embedded rule.
pub(super) fn entry(id: &str) -> Option<&'static Entry> {
    let at = PREPARED.entries.binary_search_by(|entry| entry.id.as_str().cmp(id)).ok()?;
    PREPARED.entries.get(at)
}

/// All symptoms of the embedded rules.
pub fn scanner() -> Scanner {
    of(&PREPARED.entries, &PREPARED.shared)
}

/// What holds for every embedded rule.
pub(super) fn shared() -> &'static Shared {
    &PREPARED.shared
}

/// A scanner for rules.
pub(super) fn of(entries: &[Entry], shared: &Shared) -> Scanner {
    let mut symptoms = Symptoms {
        mentions: shared.mentions.clone(),
        within: shared.within.clone(),
        logged: shared.logged.clone(),
        ..Symptoms::default()
    };
    let names: BTreeMap<&str, usize> = shared.recoveries.keys().map(String::as_str).zip(0..).collect();
    for (number, expressions) in shared.recoveries.values().enumerate() {
        symptoms.recovery_patterns.extend(expressions.iter().map(|one| pattern(number, one)));
    }
    for entry in entries.iter().filter(|entry| !entry.symptoms.is_empty()) {
        let number = symptoms.rules.len();
        symptoms.rules.push(entry.id.clone());
        symptoms.patterns.extend(entry.symptoms.iter().map(|one| pattern(number, one)));
        let by = entry.recovered_by.iter().filter_map(|name| names.get(name.as_str()).copied());
        symptoms.recovered_by.push(by.collect());
    }
    Scanner::new(symptoms)
}

fn pattern(of: usize, one: &super::prepare::Expression) -> Pattern {
    let named = |name: &String| TextSource::from_name(name);
    Pattern {
        of,
        written: one.pattern.clone(),
        captures: one.captures.clone(),
        sources: if one.sources.is_empty() {
            TextSource::ALL.to_vec()
        } else {
            one.sources.iter().filter_map(named).collect()
        },
        unless: one.unless.clone(),
        need: one.need.clone(),
    }
}
