//! Finding symptoms in text.
//!
//! A pattern is looked for in each line together with the few that follow it ([`FOLLOWING`]), since messages wrap; a
//! symptom counts for the line in which it begins. [`Search`] comes to exactly that, without trying every
//! pattern on every line: a [`Filter`] says where one could match.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use memchr::{memchr, memrchr};
use regex::bytes::{Regex, RegexBuilder};

use super::filter::{Filter, Sample};
use super::literal::{Need, SHORTEST, read};
use super::wording::spelled;
use crate::fact::{FOLLOWING, TextSource};

/// Bytes that the automaton of one expression may keep: many expressions stand side by side.
const CACHE: usize = 1 << 18;
/// Lines of a deployment in which all is well. What stands in them is no good piece to look for.
const USUAL: &[u8] = include_bytes!("../../rules/usual.txt");

/// Compiles an expression: bytes and ASCII classes, since logs are not always UTF-8, and records may hold newlines.
pub(super) fn compile(source: &str) -> Result<Regex, String> {
    RegexBuilder::new(source)
        .unicode(false)
        .dot_matches_new_line(true)
        .multi_line(true)
        .dfa_size_limit(CACHE)
        .build()
        .map_err(|error| error.to_string().lines().last().unwrap_or("is no regular expression").to_owned())
}

/// One expression of a rule, or of a recovery.
pub(super) struct Pattern {
    /// Position of the rule's or recovery's name.
    pub(super) of: usize,
    /// As it is written; [`spelled`] makes an expression of it.
    pub(super) written: String,
    pub(super) captures: Vec<String>,
    pub(super) sources: Vec<TextSource>,
    pub(super) unless: Option<String>,
    pub(super) need: Option<Need>,
}

/// An expression that is compiled when it is first needed.
struct Lazy {
    pattern: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Lazy {
    fn new(pattern: String) -> Self {
        Self { pattern, compiled: OnceLock::new() }
    }

    /// The compiled expression. One that does not compile has kept the table from loading.
    fn get(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| compile(&spelled(&self.pattern)).ok()).as_ref()
    }

    fn is_in(&self, text: &[u8]) -> bool {
        self.get().is_some_and(|regex| regex.is_match(text))
    }
}

pub(super) struct Compiled {
    pub(super) of: usize,
    captures: Vec<String>,
    sources: Vec<TextSource>,
    pattern: Lazy,
    unless: Option<Lazy>,
    need: Option<Need>,
}

impl From<Pattern> for Compiled {
    fn from(pattern: Pattern) -> Self {
        Self {
            of: pattern.of,
            sources: pattern.sources,
            captures: pattern.captures,
            pattern: Lazy::new(pattern.written),
            unless: pattern.unless.map(Lazy::new),
            need: pattern.need,
        }
    }
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

/// A symptom found in a block of text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Where the line begins in which the symptom does.
    pub line: usize,
    /// Position of the rule among [`Scanner::rules`].
    pub rule: usize,
    /// Bytes of the block from the match's beginning to its end.
    pub span: (usize, usize),
    /// Named captures that took part.
    pub captures: BTreeMap<String, String>,
}

/// What a table's rules have for text.
#[derive(Default)]
pub(super) struct Symptoms {
    /// Names of rules that have symptoms, in order.
    pub(super) rules: Vec<String>,
    pub(super) patterns: Vec<Pattern>,
    /// Lines that only speak of an error.
    pub(super) mentions: Vec<String>,
    /// Stretches that do.
    pub(super) within: Vec<String>,
    /// Lines that a program has logged; none where empty.
    pub(super) logged: String,
    pub(super) recovery_patterns: Vec<Pattern>,
    /// For each rule, its recoveries by position.
    pub(super) recovered_by: Vec<Vec<usize>>,
}

/// All symptoms of a table.
pub struct Scanner {
    rules: Vec<String>,
    pub(super) patterns: Vec<Compiled>,
    mentions: Vec<Lazy>,
    within: Vec<Lazy>,
    logged: Option<Lazy>,
    pub(super) recoveries: Vec<Compiled>,
    pub(super) recovered_by: Vec<Vec<usize>>,
    untuned: OnceLock<Arc<Filter>>,
    pub(super) untuned_recoveries: OnceLock<Arc<Filter>>,
}

impl Scanner {
    pub(super) fn new(symptoms: Symptoms) -> Self {
        Self {
            rules: symptoms.rules,
            patterns: symptoms.patterns.into_iter().map(Compiled::from).collect(),
            mentions: symptoms.mentions.into_iter().map(Lazy::new).collect(),
            within: symptoms.within.into_iter().map(Lazy::new).collect(),
            logged: (!symptoms.logged.is_empty()).then(|| Lazy::new(symptoms.logged)),
            recoveries: symptoms.recovery_patterns.into_iter().map(Compiled::from).collect(),
            recovered_by: symptoms.recovered_by,
            untuned: OnceLock::new(),
            untuned_recoveries: OnceLock::new(),
        }
    }

    /// A scanner for patterns of one's own, each under a name. Fails where one has no valid syntax.
    pub fn for_patterns<'a>(named: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        let mut symptoms = Symptoms::default();
        for (name, pattern) in named {
            compile(&spelled(pattern))?;
            let of = if let Some(known) = symptoms.rules.iter().position(|known| known == name) {
                known
            } else {
                symptoms.rules.push(name.to_owned());
                symptoms.recovered_by.push(Vec::new());
                symptoms.rules.len() - 1
            };
            symptoms.patterns.push(Pattern {
                of,
                sources: TextSource::ALL.to_vec(),
                unless: None,
                need: read(&spelled(pattern), SHORTEST)?.need,
                captures: Vec::new(),
                written: pattern.to_owned(),
            });
        }
        Ok(Self::new(symptoms))
    }

    /// Names of rules of which an expression does not compile; a table that was loaded has none.
    pub fn faulty(&self) -> Vec<&str> {
        let all = self.patterns.iter().chain(&self.recoveries);
        let broken = all.filter(|one| {
            one.pattern.get().is_none() || one.unless.as_ref().is_some_and(|unless| unless.get().is_none())
        });
        let mut names: Vec<&str> = broken.map(|one| self.rules[one.of].as_str()).collect();
        names.extend(
            self.mentions
                .iter()
                .chain(&self.within)
                .chain(&self.logged)
                .filter(|one| one.get().is_none())
                .map(|one| one.pattern.as_str()),
        );
        names
    }

    /// Names of all rules with symptoms; a [`Found`] names one by its position.
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    /// Names of all captures of a rule's symptoms.
    pub fn captures_of(&self, rule: &str) -> Vec<String> {
        let of_rule = self.patterns.iter().filter(|one| self.rules[one.of] == rule);
        of_rule.flat_map(|one| one.captures.iter().cloned()).collect()
    }

    /// Symptoms of one record, at most one a rule: the first.
    pub fn scan(&self, source: TextSource, record: &str) -> Vec<Hit> {
        let mut found = Vec::new();
        let mut done = vec![0; self.patterns.len()];
        let all = Block { text: record.as_bytes(), owned: record.len().max(1), source };
        all.search(self, &self.patterns, &self.untuned(), &mut done, &mut found);
        let mut hits: Vec<Hit> = Vec::new();
        for one in merged(found) {
            let rule = &self.rules[one.rule];
            match hits.iter_mut().find(|hit| &hit.rule == rule) {
                // Another wording of the same error in the same record: what it captured is added.
                Some(hit) => {
                    for (name, text) in one.captures {
                        hit.captures.entry(name).or_insert(text);
                    }
                }
                None => hits.push(Hit { rule: rule.clone(), span: one.span, captures: one.captures }),
            }
        }
        hits
    }

    /// Whether lines only speak of the error that stands at `at` in them.
    fn only_speaks(&self, lines: &[u8], at: usize) -> bool {
        let within = |stretch: &Lazy| {
            let mut found = stretch.get().into_iter().flat_map(|regex| regex.find_iter(lines));
            found.any(|found| found.range().contains(&at))
        };
        self.within.iter().any(within)
            || !self.logged.as_ref().is_some_and(|logged| logged.is_in(lines))
                && self.mentions.iter().any(|mention| mention.is_in(lines))
    }

    /// A filter that is tuned to what logs usually say: for texts so short that tuning to them would take longer than
    /// looking.
    pub(super) fn untuned(&self) -> Arc<Filter> {
        let made = || Arc::new(filter_of(&self.patterns, &Sample::of(USUAL)));
        Arc::clone(self.untuned.get_or_init(made))
    }

    /// The plain way: every pattern on every line. For tests of the other one.
    pub fn plainly(&self, source: TextSource, text: &[u8]) -> Vec<Found> {
        let block = Block { text, owned: text.len().max(1), source };
        let mut found = Vec::new();
        for pattern in &self.patterns {
            let mut line = 0;
            while line < text.len() {
                block.line(self, pattern, line, &mut found);
                line = next(text, line);
            }
        }
        merged(found)
    }
}

pub(super) fn filter_of(patterns: &[Compiled], sample: &Sample) -> Filter {
    Filter::new(patterns.iter().map(|one| one.need.as_ref()), sample)
}

/// One symptom a rule and line, in order: the first, with what the others captured.
pub(super) fn merged(mut found: Vec<Found>) -> Vec<Found> {
    found.sort();
    let mut all: Vec<Found> = Vec::with_capacity(found.len());
    for one in found {
        match all.last_mut() {
            Some(last) if last.line == one.line && last.rule == one.rule => {
                for (name, text) in one.captures {
                    last.captures.entry(name).or_insert(text);
                }
            }
            _ => all.push(one),
        }
    }
    all
}

/// Begin of the line that holds a byte.
pub(super) fn begin(text: &[u8], at: usize) -> usize {
    memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1)
}

/// End of a line, without its line break.
pub(super) fn end(text: &[u8], at: usize) -> usize {
    memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length)
}

/// Begin of the next line.
fn next(text: &[u8], at: usize) -> usize {
    end(text, at) + 1
}

/// End of the last line that may belong to a symptom which begins in the line at `at`.
fn reach(text: &[u8], at: usize) -> usize {
    let mut last = end(text, at);
    for _ in 0..FOLLOWING {
        if last >= text.len() {
            break;
        }
        last = end(text, last + 1);
    }
    last
}

/// Whole lines of text. Symptoms are looked for in those that begin before `owned`; the others only follow them.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) text: &'a [u8],
    pub(super) owned: usize,
    pub(super) source: TextSource,
}

impl Block<'_> {
    /// Finds the symptoms of patterns, each line at most once a pattern. `done` holds for each pattern where the lines
    /// begin that were not looked at yet. Answers how often the filter stopped.
    pub(super) fn search(
        &self,
        scanner: &Scanner,
        patterns: &[Compiled],
        filter: &Filter,
        done: &mut [usize],
        found: &mut Vec<Found>,
    ) -> usize {
        let mut stops = 0;
        done.fill(0);
        // A long line that holds many pieces is gone through once, not once a piece.
        let mut line = (0, 0);
        let compared = filter.run(self.text, |pattern, at| {
            stops += 1;
            if !(line.0..line.1).contains(&at) {
                line = (begin(self.text, at), end(self.text, at) + 1);
            }
            if line.0 >= done[pattern] {
                self.place(scanner, &patterns[pattern], line.0, &mut done[pattern], found);
            }
        });
        for pattern in patterns.iter().filter(|one| one.need.is_none()) {
            let mut line = 0;
            while line < self.owned.min(self.text.len()) {
                self.line(scanner, pattern, line, found);
                line = next(self.text, line);
            }
        }
        // A stop at a real piece costs far more than a comparison that fails.
        compared + 4 * stops
    }

    /// Looks at the lines to which a piece of the line that begins at `own` may belong.
    fn place(
        &self,
        scanner: &Scanner,
        pattern: &Compiled,
        own: usize,
        done: &mut usize,
        found: &mut Vec<Found>,
    ) {
        let text = self.text;
        let mut first = own;
        for _ in 0..FOLLOWING {
            if first <= *done {
                break;
            }
            first = begin(text, first - 1);
        }
        let mut line = first.max(*done);
        *done = own + 1;
        let Some(regex) = pattern.pattern.get() else { return };
        let last = reach(text, own);
        while line <= own && line < self.owned {
            // No line before the leftmost match has one.
            let Some(leftmost) = regex.find(&text[line..last]) else { return };
            line = begin(text, line + leftmost.start());
            if line > own || line >= self.owned {
                return;
            }
            self.line(scanner, pattern, line, found);
            line = next(text, line);
            if line > last {
                return;
            }
        }
    }

    /// Looks at one line and those that follow it.
    pub(super) fn line(&self, scanner: &Scanner, pattern: &Compiled, line: usize, found: &mut Vec<Found>) {
        let text = self.text;
        if !pattern.sources.contains(&self.source) {
            return;
        }
        let Some(regex) = pattern.pattern.get() else { return };
        let reached = &text[line..reach(text, line)];
        let Some(matched) = regex.find(reached) else { return };
        if line + matched.start() > end(text, line)
            || (matched.start() > 0 && begin(text, line + matched.start()) != line)
        {
            return;
        }
        let span = (line + matched.start(), line + matched.end());
        let whole = &text[line..end(text, span.1)];
        if pattern.unless.as_ref().is_some_and(|unless| unless.is_in(whole))
            || scanner.only_speaks(whole, matched.start())
        {
            return;
        }
        let mut captures = BTreeMap::new();
        if regex.captures_len() > 1
            && let Some(all) = regex.captures(reached)
        {
            for name in regex.capture_names().flatten() {
                if let Some(part) = all.name(name) {
                    captures.insert(name.to_owned(), String::from_utf8_lossy(part.as_bytes()).into_owned());
                }
            }
        }
        found.push(Found { line, rule: pattern.of, span, captures });
    }
}
