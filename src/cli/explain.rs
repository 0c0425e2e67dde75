//! `explain`: what a name means, from the embedded catalogue alone.

use std::collections::BTreeSet;
use std::fmt::Write;

use jiff::Timestamp;

use super::arguments::{Explain, ExplainFormat};
use super::{Failure, output};
use crate::diagnosis::{self, Explanation};
use crate::fact::{Snapshot, TextSource, Vantage, vocabulary};
use crate::gate::exit;
use crate::report;
use crate::rule::{self, Entry};
use crate::target::{Kind, Target, table};

/// Names offered where one is unknown.
const NEAREST: usize = 5;
/// Names explained in full where several fit.
const FULL: usize = 3;

pub(super) fn explain(wanted: &Explain) -> Result<u8, Failure> {
    if wanted.list {
        return list(wanted);
    }
    let what = wanted.what.join(" ");
    let what = what.trim();
    if what.is_empty() {
        return Err(Failure::Usage("name a code or an error, or paste a message; --list names all".into()));
    }
    let names = find(what);
    if names.is_empty() {
        return Err(Failure::Usage(unknown(what)));
    }
    if names.len() > FULL && wanted.output == ExplainFormat::Terminal {
        let all = rule::catalogue().iter().filter(|entry| names.contains(&entry.id));
        output::put(&rows(all))?;
        return Ok(exit::FINE);
    }
    print(&explanations(&names)?, wanted, false)
}

fn list(wanted: &Explain) -> Result<u8, Failure> {
    let all = rule::catalogue();
    if let Some(area) = &wanted.area
        && !all.iter().any(|entry| &entry.area == area)
    {
        let areas: BTreeSet<&str> = all.iter().map(|entry| entry.area.as_str()).collect();
        let areas = areas.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Failure::Usage(format!("there is no area {area}; there are {areas}")));
    }
    let fits = |entry: &&Entry| wanted.area.as_ref().is_none_or(|area| &entry.area == area);
    if wanted.output == ExplainFormat::Terminal {
        output::put(&rows(all.iter().filter(fits)))?;
        return Ok(exit::FINE);
    }
    let names = all.iter().filter(fits).map(|entry| entry.id.clone()).collect();
    print(&explanations(&names)?, wanted, true)
}

fn rows<'a>(entries: impl Iterator<Item = &'a Entry> + Clone) -> String {
    let widest = entries.clone().map(|entry| entry.id.len()).max().unwrap_or(0);
    let area = entries.clone().map(|entry| entry.area.len()).max().unwrap_or(0);
    let mut text = String::new();
    for entry in entries {
        // Writing to a string does not fail.
        let _written = writeln!(
            text,
            "{:widest$}   {:area$}   {:7}   {}",
            entry.id, entry.area, entry.severity, entry.title
        );
    }
    text
}

fn print(all: &[Explanation], wanted: &Explain, whole: bool) -> Result<u8, Failure> {
    let style = output::style(wanted.color, false);
    output::put(&match wanted.output {
        ExplainFormat::Terminal => report::explain_on_terminal(all, style),
        ExplainFormat::Markdown => report::explain_in_markdown(all, whole),
        ExplainFormat::Json => report::explain_in_json(all),
    })?;
    Ok(exit::FINE)
}

/// The names that are meant: one of that name, those that a message shows, or those that hold the words.
fn find(what: &str) -> BTreeSet<String> {
    let all = rule::catalogue();
    let is = |name: &str| name.eq_ignore_ascii_case(what);
    let code = format!("AADSTS{what}");
    let exact: BTreeSet<String> = all
        .iter()
        .filter(|entry| {
            is(&entry.id) || entry.also.iter().any(|also| is(also)) || entry.id.eq_ignore_ascii_case(&code)
        })
        .map(|entry| entry.id.clone())
        .collect();
    if !exact.is_empty() {
        return exact;
    }
    // One word is part of a name; only where it is of none could it be a message.
    let part = if what.contains(char::is_whitespace) { BTreeSet::new() } else { holding(what) };
    if !part.is_empty() {
        return part;
    }
    let shown: BTreeSet<String> =
        rule::scanner().scan(TextSource::Text, what).into_iter().map(|hit| hit.rule).collect();
    if shown.is_empty() { holding(what) } else { shown }
}

/// The names that hold all words.
fn holding(what: &str) -> BTreeSet<String> {
    if !is_word(what) {
        return BTreeSet::new();
    }
    let words: Vec<String> = what.split_whitespace().map(str::to_lowercase).collect();
    rule::catalogue()
        .iter()
        .filter(|entry| {
            let told = format!("{} {} {}", entry.id, entry.title, entry.also.join(" ")).to_lowercase();
            words.iter().all(|word| told.contains(word.as_str()))
        })
        .map(|entry| entry.id.clone())
        .collect()
}

fn is_word(what: &str) -> bool {
    what.chars().any(char::is_alphanumeric)
}

fn unknown(what: &str) -> String {
    let shown: String = what.chars().take(80).collect();
    if !is_word(what) {
        return format!(
            "nothing is known of {shown}: give a code, a name or a message (explain --list names all)"
        );
    }
    let lower = shown.to_lowercase();
    let names = rule::catalogue().iter().flat_map(|entry| entry.also.iter().chain([&entry.id]));
    let mut near: Vec<(usize, &str)> = names
        .map(|name| {
            // Nearness to the point: small where little has to be changed.
            let alike = strsim::jaro_winkler(&lower, &name.to_lowercase());
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between none and a thousand"
            )]
            let far = ((1.0 - alike) * 1000.0) as usize;
            (far, name.as_str())
        })
        .collect();
    near.sort_unstable();
    let near: Vec<&str> = near.into_iter().take(NEAREST).map(|(_, name)| name).collect();
    format!(
        "nothing is known of {shown}; the nearest names are {} (explain --list names all)",
        near.join(", ")
    )
}

/// Explains names, in their order.
fn explanations(names: &BTreeSet<String>) -> Result<Vec<Explanation>, Failure> {
    let settings: Vec<_> = table().iter().map(|spec| (spec.name, spec.kind == Kind::List)).collect();
    let rules = rule::load_some(&vocabulary(), &settings, names.clone(), false)?;
    let mut snapshot = Snapshot::new(Timestamp::now(), Vantage::Operator);
    snapshot.target = Target::staged(std::collections::BTreeMap::new(), "default")?.settings().clone();
    let known = names.iter().filter_map(|name| rules.rules.get(name));
    Ok(known.map(|rule| diagnosis::explain(&snapshot, &rules, rule)).collect())
}
