//! Why a name came to what it did, for a person at a terminal.

use owo_colors::Style as Paint;

use super::{Mark, Screen};
use crate::diagnosis::{ClauseRead, Holds, Verdict, Why};
use crate::report::Style;

/// Lines of a value without `-v`.
const VALUE: usize = 3;

pub(in crate::report) fn why(all: &[Why], style: Style, now: jiff::Timestamp) -> String {
    let mut screen = Screen { out: String::new(), style, now };
    for (at, one) in all.iter().enumerate() {
        if at > 0 {
            screen.line("");
        }
        screen.why(one);
    }
    screen.out
}

impl Screen {
    fn why(&mut self, why: &Why) {
        let (mark, word) = match why.verdict {
            Verdict::Fired => (Mark::Error, "found"),
            Verdict::Passed => (Mark::Fine, "not found"),
            Verdict::Inconclusive => (Mark::Open, "undecided"),
            Verdict::NotApplicable => (Mark::Notice, "does not apply"),
        };
        let head = self.marked(mark, &why.id);
        let title = self.inert(&why.title);
        self.line(&format!("{head}   {title}"));
        let about = why.about.as_ref().map(|about| format!(" for {about}")).unwrap_or_default();
        self.detail("", &format!("{word}{about}: {}", why.decided), usize::MAX);
        self.line("");
        for condition in &why.conditions {
            self.clause(&condition.part, &condition.clause, 0);
        }
        for text in &why.text {
            let read = match &text.unread {
                Some(missing) => {
                    format!("not read: {} {}", missing.reason.label(), missing.reason.detail())
                }
                None => format!("{} lines read", text.lines),
            };
            self.detail("text", &format!("{}: {read}", text.source.name()), usize::MAX);
        }
        for excerpt in &why.seen {
            self.excerpt(excerpt);
        }
        if !why.federation.is_empty() {
            self.line("");
            self.fields(&why.federation);
        }
        self.line("");
        let decisive = why.decisive();
        let (shown, all) = (why.behind(&decisive), self.style.verbose);
        for (name, seen) in why.facts.iter().filter(|(name, _)| all || shown.contains(*name)) {
            let most = if self.style.verbose { usize::MAX } else { VALUE };
            let deciding = if decisive.contains(name) { " (decides)" } else { "" };
            self.detail("fact", &format!("{name}{deciding}"), usize::MAX);
            self.detail("", &Why::told(seen), most);
            let from = if seen.origin.from.is_empty() {
                let at = self.when(seen.origin.at);
                let (call, against) = (&seen.origin.call, &seen.origin.against);
                let from = seen.origin.vantage.phrase();
                format!("{call} {against} from {from}, {at}, {} ms", seen.origin.took_ms)
            } else {
                format!("computed from {}", seen.origin.from.join(", "))
            };
            let from = self.inert(from.trim());
            let from = self.paint(&from, Paint::new().dimmed());
            self.row("", &from);
        }
        for missing in &why.missing {
            let reason = format!("{}: {} {}", missing.fact, missing.reason.label(), missing.reason.detail());
            self.detail("lacks", &reason, usize::MAX);
            self.detail("", format!("{} {}", missing.call, missing.against).trim(), usize::MAX);
        }
        for (at, other) in why.explained_by.iter().enumerate() {
            let verdict = match other.verdict {
                Verdict::Fired => "found",
                Verdict::Passed => "not found",
                Verdict::Inconclusive => "undecided",
                Verdict::NotApplicable => "does not apply",
            };
            self.detail(if at == 0 { "because of" } else { "" }, &format!("{}: {verdict}", other.id), 1);
        }
    }

    /// A clause with its parts below it.
    fn clause(&mut self, label: &str, clause: &ClauseRead, depth: usize) {
        let holds = match clause.holds {
            Holds::Yes => "holds",
            Holds::No => "does not hold",
            Holds::Unknown => "cannot be told",
        };
        let decides = if clause.decides && clause.parts.is_empty() { ", which decides" } else { "" };
        let indent = "  ".repeat(depth);
        if clause.parts.is_empty() {
            let room = self.room().saturating_sub(indent.len());
            for (at, line) in self.wrapped(&clause.source, room, usize::MAX).iter().enumerate() {
                self.row(if at == 0 { label } else { "" }, &format!("{indent}{line}"));
            }
            let told = self.paint(&format!("{indent}  -> {holds}{decides}"), Paint::new().bold());
            self.row("", &told);
            return;
        }
        let joined = if clause.joined.as_deref() == Some("all") { "all of" } else { "one of" };
        let told = format!("{indent}{joined} these -> {holds}");
        self.row(label, &told);
        for part in &clause.parts {
            self.clause("", part, depth + 1);
        }
    }
}
