//! A diagnosis as a chat message: a few lines, without any markup.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::inert::inert;
use super::rows::{accepted, verdict, wrong};
use super::terminal::tree;
use crate::diagnosis::Diagnosis;

/// Causes that are told with what they say; of others, the names.
const CAUSES: usize = 5;

pub(super) fn render(diagnosis: &Diagnosis, exit: u8) -> String {
    let summary = super::summary(diagnosis, exit);
    let mut out = String::new();
    let verdict = verdict(&summary);
    // Writing to a string does not fail.
    let _written = writeln!(
        out,
        "{}: {verdict}, {} inconclusive (exit {exit})",
        calm(&diagnosis.target),
        summary.inconclusive
    );
    let wrong = wrong(diagnosis);
    let causes = tree(&wrong);
    for (finding, consequences) in causes.iter().take(CAUSES) {
        let so = if consequences.is_empty() { String::new() } else { format!(" (+{})", consequences.len()) };
        let _written = writeln!(out, "✗ {}: {}{so}", calm(&finding.id), calm(&finding.title));
    }
    let told: BTreeSet<&str> = causes.iter().take(CAUSES).map(|(finding, _)| finding.id.as_str()).collect();
    list(&mut out, "✗ also found: ", wrong.iter().map(|it| it.id.as_str()).filter(|id| !told.contains(id)));
    let open = |required| {
        let rows = diagnosis.inconclusive.iter().filter(move |row| row.required == required);
        rows.filter(|row| !row.is_by_choice()).map(|row| row.id.as_str())
    };
    list(&mut out, "? required, not examined: ", open(true));
    list(&mut out, "? not examined: ", open(false));
    list(&mut out, "i accepted: ", accepted(diagnosis).iter().map(|(finding, _)| finding.id.as_str()));
    if !diagnosis.because.is_empty() {
        let _written = writeln!(out, "! {}", calm(&diagnosis.because));
    }
    if let Some((finding, _)) = causes.iter().find(|(finding, _)| finding.is_of_a_rule()) {
        let _written = writeln!(out, "next: mzv-doctor fix {}", calm(&finding.id));
    }
    out
}

/// A line of names, each once; none where there is no name.
fn list<'a>(out: &mut String, label: &str, names: impl Iterator<Item = &'a str>) {
    let names: BTreeSet<String> = names.map(calm).collect();
    if !names.is_empty() {
        // Writing to a string does not fail.
        let _written = writeln!(out, "{label}{}", names.into_iter().collect::<Vec<_>>().join(", "));
    }
}

/// Text in which a chat finds nobody to call and nothing to format.
fn calm(text: &str) -> String {
    let text = inert(text, true).replace('@', "(at)");
    text.chars().map(|c| if matches!(c, '<' | '>' | '`' | '*' | '~' | '|') { '\'' } else { c }).collect()
}
