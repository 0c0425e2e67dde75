//! A diagnosis as a chat message: a few lines, without any markup.

use std::fmt::Write;

use super::inert::inert;
use super::rows::{accepted, verdict, wrong};
use super::terminal::tree;
use crate::diagnosis::{Diagnosis, Inconclusive};

/// Causes that are told.
const CAUSES: usize = 5;
/// Names of what was not examined that are told.
const NAMES: usize = 4;

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
    if causes.len() > CAUSES {
        let _written = writeln!(out, "✗ and {} more", causes.len() - CAUSES);
    }
    let open: Vec<&Inconclusive> = diagnosis.inconclusive.iter().filter(|row| row.required).collect();
    if !open.is_empty() {
        let names: Vec<String> = open.iter().take(NAMES).map(|row| calm(&row.id)).collect();
        let more =
            if open.len() > NAMES { format!(" and {} more", open.len() - NAMES) } else { String::new() };
        let _written = writeln!(out, "? required, not examined: {}{more}", names.join(", "));
    }
    let accepted: Vec<String> = accepted(diagnosis).iter().map(|(finding, _)| calm(&finding.id)).collect();
    if !accepted.is_empty() {
        let more = accepted.len().saturating_sub(NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let names = accepted.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
        let _written = writeln!(out, "i accepted: {names}{more}");
    }
    if !diagnosis.because.is_empty() {
        let _written = writeln!(out, "! {}", calm(&diagnosis.because));
    }
    if let Some((finding, _)) = causes.iter().find(|(finding, _)| finding.is_of_a_rule()) {
        let _written = writeln!(out, "next: mzv-doctor fix {}", calm(&finding.id));
    }
    out
}

/// Text in which a chat finds nobody to call and nothing to format.
fn calm(text: &str) -> String {
    let text = inert(text, true).replace('@', "(at)");
    text.chars().map(|c| if matches!(c, '<' | '>' | '`' | '*' | '~' | '|') { '\'' } else { c }).collect()
}
