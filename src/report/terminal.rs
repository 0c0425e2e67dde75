//! The screen: what is wrong first, causes before consequences, then what could not be looked at, then the rest.

mod accepted;
mod cause;
mod chain;
mod contrast;
mod federation;
mod open;
mod rest;
mod scanned;
mod why;

use jiff::Timestamp;
use owo_colors::{OwoColorize, Style as Paint};

use super::Style;
use super::inert::{columns, inert, no_order, wrap};
use super::rows::verdict;
use crate::diagnosis::{Diagnosis, Excerpt, Standing, Summary, Verified, WRONG_TARGET};

/// Column at which details begin.
const INDENT: usize = 4;
/// Width of the labels of details.
const LABEL: usize = 13;
/// Less room than this for a value is not worth keeping to.
const LEAST: usize = 20;

pub(super) use cause::tree;
pub(super) use scanned::{match_row, scanned};
pub(super) use why::why;

pub(super) fn render(diagnosis: &Diagnosis, exit: u8, style: Style) -> String {
    let mut screen = Screen { out: String::new(), style, now: diagnosis.observed_at };
    let summary = super::summary(diagnosis, exit);
    screen.header(diagnosis);
    screen.causes(diagnosis);
    screen.chains(diagnosis);
    screen.federation(diagnosis);
    screen.accepted(diagnosis);
    screen.open_questions(&diagnosis.inconclusive);
    screen.expected(diagnosis);
    screen.history(diagnosis);
    screen.not_asked(&diagnosis.inconclusive);
    screen.fine(diagnosis, &summary);
    screen.last_line(diagnosis, &summary, exit);
    screen.out
}

/// What stands before a row, in characters that every terminal has.
#[derive(Clone, Copy)]
enum Mark {
    Error,
    Warning,
    Open,
    Notice,
    Fine,
}

/// A report as it grows, line by line.
struct Screen {
    out: String,
    style: Style,
    now: Timestamp,
}

fn when(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

pub(super) fn counted(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

impl Screen {
    fn paint(&self, text: &str, paint: Paint) -> String {
        if self.style.color && !text.is_empty() { text.style(paint).to_string() } else { text.to_owned() }
    }

    /// Foreign text, made harmless.
    fn inert(&self, text: &str) -> String {
        inert(text, self.style.unicode)
    }

    /// A mark and what stands beside it, in the mark's colour.
    fn marked(&self, mark: Mark, text: &str) -> String {
        let (beautiful, plain, paint) = match mark {
            Mark::Error => ("✗", "x", Paint::new().red().bold()),
            Mark::Warning => ("!", "!", Paint::new().yellow().bold()),
            Mark::Open => ("?", "?", Paint::new().yellow().bold()),
            Mark::Notice => ("i", "i", Paint::new().cyan().bold()),
            Mark::Fine => ("✓", "+", Paint::new().green().bold()),
        };
        let mark = if self.style.unicode { beautiful } else { plain };
        self.paint(&format!("{mark} {text}"), paint)
    }

    /// A time; without its date where that is the run's own.
    fn when(&self, at: Timestamp) -> String {
        let text = when(at);
        match when(self.now).get(..11).and_then(|today| text.strip_prefix(today)) {
            Some(time) => time.to_owned(),
            None => text,
        }
    }

    /// How often and when a text was seen.
    fn times(&self, excerpt: &Excerpt) -> String {
        match (excerpt.count, excerpt.first, excerpt.last) {
            (0 | 1, _, Some(last)) => format!("at {}", self.when(last)),
            (0 | 1, ..) => "once".into(),
            (n, Some(first), Some(last)) if first < last => {
                format!("{n} times since {}, last at {}", self.when(first), self.when(last))
            }
            (n, _, Some(last)) => format!("{n} times, last at {}", self.when(last)),
            (n, _, None) => format!("{n} times"),
        }
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(no_order(text).trim_end());
        self.out.push('\n');
    }

    fn header(&mut self, diagnosis: &Diagnosis) {
        let dot = if self.style.unicode { "·" } else { "-" };
        let seconds = diagnosis.took_ms / 1000;
        let tenths = diagnosis.took_ms % 1000 / 100;
        let parts = [
            format!("mzv-doctor {}", self.inert(&diagnosis.tool_version)),
            self.inert(&diagnosis.target),
            format!("from {}", diagnosis.vantage.phrase()),
            when(diagnosis.observed_at),
            format!("{} asked in {seconds}.{tenths} s", counted(diagnosis.facts_asked, "fact", "facts")),
        ];
        let text = parts.map(|part| part.replace(' ', "\u{a0}")).join(&format!(" {dot} "));
        // A part stays together where it can; the header itself has ordinary spaces.
        for line in wrap(&text, self.style.width) {
            self.line(&line.replace('\u{a0}', " "));
        }
        self.line("");
    }

    /// Columns for a value beside a label.
    fn room(&self) -> usize {
        self.style.width.saturating_sub(INDENT + LABEL).max(LEAST)
    }

    /// A row of the details: a label in its column, and what stands beside it as it is.
    fn row(&mut self, label: &str, text: &str) {
        let label = self.inert(label);
        let wide = columns(&label);
        let indent = " ".repeat(INDENT);
        if wide + 2 > LABEL && wide > 0 {
            for line in wrap(&label, self.style.width.saturating_sub(INDENT).max(LEAST)) {
                let line = self.paint(&line, Paint::new().dimmed());
                self.line(&format!("{indent}{line}"));
            }
            self.line(&format!("{indent}{:LABEL$}{text}", ""));
        } else {
            let gap = " ".repeat(LABEL - wide);
            let label = self.paint(&label, Paint::new().dimmed());
            self.line(&format!("{indent}{label}{gap}{text}"));
        }
    }

    /// A label and a value that wraps beside it, in at most so many lines.
    fn detail(&mut self, label: &str, value: &str, most: usize) {
        for (at, line) in self.wrapped(value, self.room(), most).iter().enumerate() {
            self.row(if at == 0 { label } else { "" }, line);
        }
    }

    /// Foreign text in lines, at most so many; what is left out shows.
    fn wrapped(&self, text: &str, room: usize, most: usize) -> Vec<String> {
        let mut lines = wrap(&self.inert(text), room);
        if lines.len() > most {
            let more = if self.style.unicode { " …" } else { " ..." };
            lines.truncate(most);
            if let Some(last) = lines.pop() {
                let kept = wrap(&last, room - columns(more)).into_iter().next().unwrap_or_default();
                lines.push(format!("{kept}{more}"));
            }
        }
        lines
    }

    /// What one name came to, where only that one was asked about.
    fn only(&self, verified: &Verified, diagnosis: &Diagnosis) -> String {
        let name = self.inert(&verified.name);
        match verified.standing {
            Standing::Fixed if diagnosis.not_applicable.iter().any(|row| row.id == verified.name) => {
                format!("fixed: {name} does not apply here; nothing else was looked at")
            }
            Standing::Fixed => format!("fixed: {name} is not found any more; nothing else was looked at"),
            Standing::NotYet => {
                let left = verified.settling.iter().map(|one| one.left_s).max().unwrap_or(0);
                format!("not yet: {name} is settling, about {left} s left")
            }
            Standing::Unchanged => format!("unchanged: {name} still stands"),
            Standing::Behind => {
                let first = diagnosis.findings.first().map(|it| self.inert(&it.id)).unwrap_or_default();
                format!("not fixed: {name} cannot show while {first} is found")
            }
            Standing::Unknown if diagnosis.findings.iter().any(|it| it.id == WRONG_TARGET) => {
                format!("{name} was not looked at: this is another deployment than the one that was meant")
            }
            Standing::Unknown => format!("{name} could not be examined"),
        }
    }

    fn last_line(&mut self, diagnosis: &Diagnosis, summary: &Summary, exit: u8) {
        let (decided, all) = summary.examined();
        let text = if let Some(verified) = &diagnosis.only {
            self.only(verified, diagnosis)
        } else if summary.causes + summary.consequences > 0 {
            format!("{}, {} inconclusive", verdict(summary), summary.inconclusive)
        } else if summary.healthy {
            format!("healthy: nothing wrong, {decided} of {all} examined")
        } else {
            format!("{} ({decided} of {all})", verdict(summary))
        };
        for line in self.wrapped(&diagnosis.because, self.style.width, usize::MAX) {
            self.line(&line);
        }
        self.ending(&text, exit);
    }

    /// What a run comes to, and its exit status at the other end of the line.
    fn ending(&mut self, text: &str, exit: u8) {
        let end = format!("exit {exit}");
        let gap = self.style.width.saturating_sub(columns(text) + columns(&end)).max(2);
        let paint = match exit {
            0 => Paint::new().green().bold(),
            1 => Paint::new().red().bold(),
            _ => Paint::new().yellow().bold(),
        };
        let text = self.paint(text, paint);
        self.line(&format!("{text}{:gap$}{end}", ""));
    }
}
