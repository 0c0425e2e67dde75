//! The screen of a scan: each named error with where it stands and what mends it, then what is over, what could not be
//! read, and how much was.

use jiff::Timestamp;
use owo_colors::Style as Paint;

use super::cause::{EXPLAINED, tree};
use super::{INDENT, Mark, Screen, Style, columns, counted};
use crate::diagnosis::{Excerpt, Finding, Severity};
use crate::report::inert::wrap;
use crate::scan::{Answer, Match, Named, Place};

/// Lines of a quoted text without `-v`.
const QUOTED: usize = 4;
/// Places listed without `-v`.
const LISTED: usize = 3;
/// Rows of what is over, or could not be read, without `-v`.
const ROWS: usize = 10;

pub(in crate::report) fn scanned(answer: &Answer, exit: u8, style: Style) -> String {
    // Times keep their dates: text is of any day.
    let mut screen = Screen { out: String::new(), style, now: Timestamp::MIN };
    let causes = screen.found(answer);
    screen.expected_in_text(answer);
    screen.over(&answer.recovered);
    screen.unread(answer);
    screen.end(answer, causes, exit);
    screen.out
}

/// One occurrence, as it is found.
pub(in crate::report) fn match_row(id: &str, place: &str, one: &Match, style: Style) -> String {
    let mut screen = Screen { out: String::new(), style, now: Timestamp::MIN };
    let at = one.at.map(|at| format!("{} ", screen.when(at))).unwrap_or_default();
    let id = screen.marked(Mark::Error, &screen.inert(id));
    let text = screen.inert(&format!("{at}{place}:{}:{}  {}", one.line, one.column, one.text));
    screen.line(&format!("{id}  {text}"));
    screen.out
}

impl Screen {
    /// What is wrong; answers how many causes and consequences.
    fn found(&mut self, answer: &Answer) -> (usize, usize) {
        let wrong: Vec<Finding> = answer
            .findings
            .iter()
            .filter(|named| named.finding.severity != Severity::Notice)
            .map(|named| named.finding.clone())
            .collect();
        let named = |id: &str| answer.findings.iter().find(|named| named.finding.id == id);
        let tree = tree(&wrong);
        for (cause, consequences) in &tree {
            let Some(whole) = named(&cause.id) else { continue };
            self.title(cause, false);
            self.stands(whole);
            for evidence in &cause.evidence {
                self.detail(&evidence.label, &evidence.value, usize::MAX);
            }
            self.consequences(consequences);
            self.line("");
            let most = if self.style.verbose { usize::MAX } else { EXPLAINED };
            self.detail("why", &cause.explanation, most);
            if let Some(remedy) = &cause.remedy {
                self.line("");
                self.remedy(remedy);
            }
            self.detail("then", &cause.verify, usize::MAX);
            if self.style.verbose {
                self.background(cause);
                for consequence in consequences {
                    if let Some(whole) = named(&consequence.id) {
                        self.line("");
                        let id = self.inert(&consequence.id);
                        self.row("so", &id);
                        self.stands(whole);
                    }
                }
            }
            self.line("");
        }
        (tree.len(), wrong.len() - tree.len())
    }

    /// Where and how often, with the first occurrence and the last.
    fn stands(&mut self, named: &Named) {
        let often = self.often(named.count, named.first, named.last);
        self.detail("seen", &often, usize::MAX);
        let mut shown: Vec<&Excerpt> = named.finding.text.iter().collect();
        shown.dedup_by(|one, other| one.text == other.text && !self.style.verbose);
        for (at, excerpt) in shown.iter().enumerate() {
            let place = format!("{}:{}:{}", excerpt.place, excerpt.line, excerpt.column.unwrap_or(1));
            let label = match (at, shown.len()) {
                (0, 1) => "in",
                (0, _) => "first in",
                _ => "last in",
            };
            self.detail(label, &place, usize::MAX);
            self.quoted(excerpt);
        }
        let others: Vec<&Place> = named
            .places
            .iter()
            .filter(|place| !named.finding.text.iter().any(|shown| shown.place == place.source))
            .collect();
        let most = if self.style.verbose { usize::MAX } else { LISTED };
        for place in others.iter().take(most) {
            let often = self.often(place.count, place.first, place.last);
            self.detail("and in", &format!("{}:{}:{}, {often}", place.source, place.line, place.column), 2);
        }
        let more = others.len().saturating_sub(most) as u64 + named.more_places;
        if more > 0 {
            let more = counted(usize::try_from(more).unwrap_or(usize::MAX), "more place", "more places");
            self.detail("", &format!("and in {more}"), 1);
        }
        for captured in named.captured.iter().filter(|captured| captured.values.len() > 1) {
            self.detail(&captured.name.replace('_', " "), &captured.values.join(", "), QUOTED);
        }
    }

    /// The text with its decisive part marked under it.
    fn quoted(&mut self, excerpt: &Excerpt) {
        let most = if self.style.verbose { usize::MAX } else { QUOTED };
        let text = self.inert(&excerpt.text);
        let decisive = self.inert(&excerpt.decisive);
        let lines = self.wrapped(&excerpt.text, self.room(), most);
        // Where the marked part begins and ends among the characters that are no space: wrapping moves only those.
        let solid = |text: &str| text.chars().filter(|c| *c != ' ').count();
        let from = if decisive.is_empty() { None } else { text.find(&decisive).map(|at| solid(&text[..at])) };
        let to = from.map_or(0, |from| from + solid(&decisive));
        let mut passed = 0;
        for line in lines {
            self.row("", &line);
            let mut mark = String::new();
            for c in line.chars() {
                let within = from.is_some_and(|from| passed >= from && passed < to);
                let wide = columns(&c.to_string());
                mark.push_str(&(if within { "^" } else { " " }).repeat(wide));
                passed += usize::from(c != ' ');
            }
            // A line that is marked as a whole needs no mark.
            let mark = mark.trim_end();
            if !mark.is_empty() && columns(mark) < self.room() {
                let mark = self.paint(mark, Paint::new().red().bold());
                self.row("", &mark);
            }
        }
    }

    fn often(&self, count: u64, first: Option<Timestamp>, last: Option<Timestamp>) -> String {
        let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        match (first, last) {
            (Some(first), Some(last)) if first < last => {
                format!("{times}, from {} to {}", self.when(first), self.when(last))
            }
            (_, Some(last)) => format!("{times}, at {}", self.when(last)),
            _ => times,
        }
    }

    /// What is expected or a known limitation.
    fn expected_in_text(&mut self, answer: &Answer) {
        let rows: Vec<&Named> =
            answer.findings.iter().filter(|named| named.finding.severity == Severity::Notice).collect();
        if rows.is_empty() {
            return;
        }
        let head = self.marked(Mark::Notice, &format!("{} expected, or harmless", rows.len()));
        self.line(&head);
        self.rows(&rows, |screen, named| {
            format!("{} ({})", named.finding.title, screen.often(named.count, named.first, named.last))
        });
        self.line("");
    }

    /// What later text shows to be over.
    fn over(&mut self, recovered: &[Named]) {
        if recovered.is_empty() {
            return;
        }
        let text = format!("{} over: later text shows that it works again", recovered.len());
        let head = self.marked(Mark::Notice, &text);
        self.line(&head);
        let rows: Vec<&Named> = recovered.iter().collect();
        self.rows(&rows, |screen, named| {
            let places = counted(named.places.len(), "source", "sources");
            format!("{} in {places}", screen.often(named.count, named.first, named.last))
        });
        self.line("");
    }

    fn rows(&mut self, rows: &[&Named], says: impl Fn(&Self, &Named) -> String) {
        let most = if self.style.verbose { usize::MAX } else { ROWS };
        let widest = rows.iter().map(|named| columns(&named.finding.id)).max().unwrap_or(0);
        for named in rows.iter().take(most) {
            let said = self.inert(&says(self, named));
            let id = self.inert(&named.finding.id);
            let room = self.style.width.saturating_sub(INDENT + widest + 3).max(20);
            for (at, line) in wrap(&said, room).iter().enumerate() {
                let id = if at == 0 { id.as_str() } else { "" };
                self.line(&format!("{:INDENT$}{id:widest$}   {line}", ""));
            }
        }
        if rows.len() > most {
            self.line(&format!("{:INDENT$}and {} more (-v)", "", rows.len() - most));
        }
    }

    fn unread(&mut self, answer: &Answer) {
        if answer.unread.is_empty() {
            return;
        }
        let head = self.marked(Mark::Open, &format!("{} could not be read", answer.unread.len()));
        self.line(&head);
        let most = if self.style.verbose { usize::MAX } else { ROWS };
        for row in answer.unread.iter().take(most) {
            let said = self.inert(&format!("{} {}", row.source, row.problem));
            for line in wrap(&said, self.style.width - INDENT) {
                self.line(&format!("{:INDENT$}{line}", ""));
            }
        }
        if answer.unread.len() > most {
            self.line(&format!("{:INDENT$}and {} more (-v)", "", answer.unread.len() - most));
        }
        self.line("");
    }

    fn end(&mut self, answer: &Answer, (causes, consequences): (usize, usize), exit: u8) {
        let read = &answer.read;
        for place in &read.windows {
            let said = format!("{place} has a line of more than 1 MiB, which was looked at in windows");
            self.remark(&said);
        }
        if read.older > 0 {
            self.remark(&format!("{} older than was asked for were left out", read.older));
        }
        let count = |number: u64, one: &str, many: &str| {
            counted(usize::try_from(number).unwrap_or(usize::MAX), one, many)
        };
        let amount = format!(
            "{} ({}) of {}",
            count(read.lines, "line", "lines"),
            bytes(read.bytes),
            count(read.sources, "source", "sources")
        );
        let text = if read.bytes == 0 {
            "nothing was read".to_owned()
        } else if causes + consequences > 0 {
            let follow = match consequences {
                0 => String::new(),
                more => format!(", {}", counted(more, "consequence", "consequences")),
            };
            format!("{}{follow} in {amount}", counted(causes, "cause", "causes"))
        } else {
            let over = if answer.recovered.is_empty() { "" } else { " that are not over" };
            format!("none of {} known errors{over} in {amount}", read.names)
        };
        self.ending(&text, exit);
    }

    fn remark(&mut self, text: &str) {
        let head = self.marked(Mark::Notice, &self.inert(text));
        self.line(&head);
        self.line("");
    }
}

/// A size for people.
fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut tenths = number * 10;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    match unit {
        0 => format!("{number} B"),
        _ => format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]),
    }
}
