//! Finding symptoms in text: every pattern of the table in one pass over each record.

use std::collections::BTreeMap;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use crate::fact::TextSource;

/// Memory that the combined automaton may use, in bytes.
const CACHE: usize = 64 << 20;

pub(super) struct Pattern {
    pub(super) rule: String,
    pub(super) source: String,
    pub(super) sources: Vec<TextSource>,
    pub(super) unless: Option<String>,
}

struct Compiled {
    rule: String,
    sources: Vec<TextSource>,
    pattern: Regex,
    unless: Option<Regex>,
}

/// A symptom found in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The rule whose symptom it is.
    pub rule: String,
    /// Bytes of the record from the match's beginning to its end.
    pub span: (usize, usize),
    /// Named captures that took part.
    pub captures: BTreeMap<String, String>,
}

/// All symptoms of a table.
pub struct Scanner {
    set: RegexSet,
    patterns: Vec<Compiled>,
}

/// Compiles one pattern: bytes and ASCII classes, since logs are not always UTF-8, and records may hold newlines.
pub(super) fn compile(source: &str) -> Result<Regex, String> {
    RegexBuilder::new(source)
        .unicode(false)
        .dot_matches_new_line(true)
        .build()
        .map_err(|error| error.to_string().lines().last().unwrap_or("is no regular expression").to_owned())
}

impl Scanner {
    pub(super) fn new(patterns: Vec<Pattern>) -> Result<Self, String> {
        let set = RegexSetBuilder::new(patterns.iter().map(|pattern| &pattern.source))
            .unicode(false)
            .dot_matches_new_line(true)
            .size_limit(CACHE)
            .dfa_size_limit(CACHE)
            .build()
            .map_err(|error| error.to_string())?;
        let patterns = patterns
            .into_iter()
            .map(|pattern| {
                Ok(Compiled {
                    pattern: compile(&pattern.source)?,
                    unless: pattern.unless.as_deref().map(compile).transpose()?,
                    sources: pattern.sources,
                    rule: pattern.rule,
                })
            })
            .collect::<Result<_, String>>()?;
        Ok(Self { set, patterns })
    }

    /// Names of all captures of a rule's symptoms.
    pub fn captures_of(&self, rule: &str) -> Vec<String> {
        let of_rule = self.patterns.iter().filter(|one| one.rule == rule);
        of_rule.flat_map(|one| one.pattern.capture_names().flatten()).map(str::to_owned).collect()
    }

    /// Symptoms of one record, at most one a rule.
    pub fn scan(&self, source: TextSource, record: &str) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        for at in self.set.matches(record.as_bytes()) {
            let one = &self.patterns[at];
            let excepted = || one.unless.as_ref().is_some_and(|unless| unless.is_match(record.as_bytes()));
            if !one.sources.contains(&source) || excepted() {
                continue;
            }
            let Some(found) = one.pattern.captures(record.as_bytes()) else { continue };
            let captures: BTreeMap<String, String> = one
                .pattern
                .capture_names()
                .flatten()
                .filter_map(|name| {
                    let text = String::from_utf8_lossy(found.name(name)?.as_bytes()).into_owned();
                    Some((name.to_owned(), text))
                })
                .collect();
            let span = found.get(0).map_or((0, 0), |all| (all.start(), all.end()));
            match hits.iter_mut().find(|hit| hit.rule == one.rule) {
                // Another wording of the same error in the same record: what it captured is added.
                Some(hit) => hit.captures.extend(captures),
                None => hits.push(Hit { rule: one.rule.clone(), span, captures }),
            }
        }
        hits
    }
}
