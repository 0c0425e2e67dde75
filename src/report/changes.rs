//! What differs between two runs, for a person at a terminal.

use std::fmt::Write;

use super::Style;
use super::inert::{inert, wrap};
use crate::diagnosis::{Changes, Member, Turn};

/// Members of one fact without `-v`.
const MEMBERS: usize = 6;

pub(super) fn terminal(changes: &Changes, style: Style) -> String {
    let mut out = String::new();
    let show = |text: &str| inert(text, style.unicode);
    let mut line = |text: &str| {
        // Writing to a string does not fail.
        let _written = writeln!(out, "{}", text.trim_end());
    };
    let [before, after] = &changes.observed_at;
    line(&format!("{} at {before}  ->  {} at {after}", show(&changes.target[0]), show(&changes.target[1])));
    let [old, new] = &changes.tool_version;
    if old != new {
        line(&format!("recorded by {} and {}", show(old), show(new)));
    }
    line("");
    if !changes.names.is_empty() {
        line(&format!("{} names came to something else", changes.names.len()));
        let widest = changes.names.iter().map(|name| name.id.len()).max().unwrap_or(0);
        for name in &changes.names {
            let sign = match (is_wrong(&name.before), is_wrong(&name.after)) {
                (false, true) => "+",
                (true, false) => "-",
                _ => "~",
            };
            let about =
                if name.subject.is_empty() { String::new() } else { format!("   {}", show(&name.subject)) };
            line(&format!("  {sign} {:widest$}   {} -> {}{about}", show(&name.id), name.before, name.after));
        }
        line("");
    }
    if !changes.facts.is_empty() {
        line(&format!("{} facts differ", changes.facts.len()));
        for fact in &changes.facts {
            let word = match fact.turn {
                Turn::Learned => "learned",
                Turn::Lost => "lost",
                Turn::Changed => "changed",
            };
            line(&format!("  {} {word}", show(&fact.name)));
            let most = if style.verbose { usize::MAX } else { MEMBERS };
            for member in fact.members.iter().take(most) {
                for text in member_lines(member, style) {
                    line(&format!("      {text}"));
                }
            }
            let more = fact.members.len().saturating_sub(most) + fact.more;
            if more > 0 {
                line(&format!("      and {more} more"));
            }
        }
        line("");
    }
    if !changes.moved.is_empty() {
        let names = if style.verbose { format!(": {}", changes.moved.join(", ")) } else { String::new() };
        line(&format!("in {} facts only dates and ages went on{}", changes.moved.len(), show(&names)));
    }
    line(&match (changes.names.len(), changes.facts.len()) {
        (0, 0) if changes.moved.is_empty() => format!("no difference in {} facts", changes.same),
        (0, 0) => format!("no other difference; {} facts are the same", changes.same),
        _ => format!("{} facts are the same", changes.same),
    });
    out
}

fn is_wrong(verdict: &str) -> bool {
    matches!(verdict, "error" | "warning")
}

fn member_lines(member: &Member, style: Style) -> Vec<String> {
    let side = |value: &Option<String>| value.as_deref().map_or_else(|| "-".to_owned(), str::to_owned);
    let path = if member.path.is_empty() { String::new() } else { format!("{}: ", member.path) };
    let text = format!("{path}{} -> {}", side(&member.before), side(&member.after));
    let mut lines = wrap(&inert(&text, style.unicode), style.width.saturating_sub(8).max(30));
    if !style.verbose && lines.len() > 3 {
        lines.truncate(3);
        lines.push("(cut; -v shows it whole)".into());
    }
    lines
}
