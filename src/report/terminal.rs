//! The screen: what is wrong first, causes before consequences, then what could not be looked at, then the rest.

use std::collections::BTreeMap;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width};
use jiff::Timestamp;
use owo_colors::{OwoColorize, Style as Paint};

use super::Style;
use super::difference::difference;
use super::inert::{columns, inert, wrap};
use super::shell;
use crate::diagnosis::{
    Confidence, Contrast, Diagnosis, Excerpt, Finding, Inconclusive, Missing, Severity, Summary,
};
use crate::fact::Reason;

/// Column at which details begin.
const INDENT: usize = 4;
/// Width of the labels of details.
const LABEL: usize = 13;
/// Lines of explanation without `-v`.
const EXPLAINED: usize = 4;
/// Lines of a quoted text without `-v`.
const QUOTED: usize = 2;

struct Screen {
    out: String,
    style: Style,
}

struct Marks {
    wrong: &'static str,
    warn: &'static str,
    open: &'static str,
    info: &'static str,
    fine: &'static str,
    dot: &'static str,
}

const UNICODE: Marks = Marks { wrong: "✗", warn: "!", open: "?", info: "i", fine: "✓", dot: "·" };
const ASCII: Marks = Marks { wrong: "x", warn: "!", open: "?", info: "i", fine: "+", dot: "-" };

pub(super) fn render(diagnosis: &Diagnosis, exit: u8, style: Style) -> String {
    let mut screen = Screen { out: String::new(), style };
    let summary = Summary::of(diagnosis);
    screen.header(diagnosis);
    let wrong: Vec<&Finding> =
        diagnosis.findings.iter().filter(|finding| finding.severity != Severity::Notice).collect();
    for cause in wrong.iter().filter(|finding| finding.caused_by.is_empty()) {
        screen.cause(cause, &consequences(cause, &wrong));
    }
    screen.open_questions(&diagnosis.inconclusive);
    screen.expected(diagnosis);
    screen.history(diagnosis);
    screen.fine(diagnosis, &summary);
    screen.last_line(&summary, exit);
    screen.out
}

/// What a cause explains, near things first.
fn consequences<'a>(cause: &Finding, wrong: &[&'a Finding]) -> Vec<&'a Finding> {
    let mut found: Vec<&'a Finding> = Vec::new();
    let mut reached = vec![cause.id.as_str()];
    loop {
        let next: Vec<&'a Finding> = wrong
            .iter()
            .copied()
            .filter(|finding| {
                finding.caused_by.iter().any(|id| reached.contains(&id.as_str()))
                    && !found.iter().any(|known| known.id == finding.id && known.subject == finding.subject)
            })
            .collect();
        if next.is_empty() {
            return found;
        }
        reached.extend(next.iter().map(|finding| finding.id.as_str()));
        found.extend(next);
    }
}

fn when(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn counted(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

impl Screen {
    fn marks(&self) -> &'static Marks {
        if self.style.unicode { &UNICODE } else { &ASCII }
    }

    fn paint(&self, text: &str, paint: Paint) -> String {
        if self.style.color { text.style(paint).to_string() } else { text.to_owned() }
    }

    fn line(&mut self, text: &str) {
        let text = text.trim_end();
        if self.style.unicode {
            self.out.push_str(text);
        } else {
            self.out.push_str(&text.replace('…', "..."));
        }
        self.out.push('\n');
    }

    fn header(&mut self, diagnosis: &Diagnosis) {
        let dot = self.marks().dot;
        let seconds = diagnosis.took_ms / 1000;
        let tenths = diagnosis.took_ms % 1000 / 100;
        let parts = [
            format!("mzv-doctor {}", diagnosis.tool_version),
            inert(&diagnosis.target),
            format!("from {}", diagnosis.vantage.phrase()),
            when(diagnosis.observed_at),
            format!("{} facts asked in {seconds}.{tenths} s", diagnosis.facts_asked),
        ];
        let text = parts.join(&format!(" {dot} "));
        for line in wrap(&text, self.style.width) {
            self.line(&line);
        }
        self.line("");
    }

    /// A label and a value that wraps beside it.
    fn detail(&mut self, label: &str, value: &str, most: usize) {
        let room = self.style.width.saturating_sub(INDENT + LABEL).max(20);
        let lines = wrap(&inert(value), room);
        let cut = lines.len() > most;
        for (at, line) in lines.into_iter().take(most).enumerate() {
            let label = if at == 0 { label } else { "" };
            let end = if cut && at + 1 == most { " …" } else { "" };
            let label = self.paint(&format!("{label:LABEL$}"), Paint::new().dimmed());
            self.line(&format!("{:INDENT$}{label}{line}{end}", ""));
        }
    }

    fn cause(&mut self, cause: &Finding, consequences: &[&Finding]) {
        let marks = self.marks();
        let (mark, paint, severity) = match cause.severity {
            Severity::Error => (marks.wrong, Paint::new().red().bold(), "error"),
            Severity::Warning => (marks.warn, Paint::new().yellow().bold(), "warning"),
            Severity::Notice => (marks.info, Paint::new(), "notice"),
        };
        let sure = match cause.confidence {
            Confidence::Certain => "certain",
            Confidence::Likely => "likely",
            Confidence::Possible => "possible",
        };
        let head = format!("{mark} {}   ", cause.id);
        let room = self.style.width.saturating_sub(columns(&head)).max(20);
        let mut titles = wrap(&inert(&cause.title), room).into_iter();
        let first = titles.next().unwrap_or_default();
        let painted = self.paint(&format!("{mark} {}", cause.id), paint);
        self.line(&format!("{painted}   {first}"));
        for rest in titles {
            self.line(&format!("{:1$}{rest}", "", columns(&head)));
        }
        self.line(&format!("{:1$}{severity}, {sure}", "", columns(&head)));
        self.line("");
        for evidence in &cause.evidence {
            self.detail(&evidence.label, &evidence.value, usize::MAX);
        }
        if let Some(contrast) = &cause.contrast {
            self.contrast(contrast);
        }
        for excerpt in &cause.text {
            self.excerpt(excerpt);
        }
        for (at, one) in consequences.iter().enumerate() {
            let label = if at == 0 { "so" } else { "" };
            let label = self.paint(&format!("{label:LABEL$}"), Paint::new().dimmed());
            let widest = consequences.iter().map(|it| columns(&it.id)).max().unwrap_or(0);
            let room = self.style.width.saturating_sub(INDENT + LABEL + widest + 3).max(20);
            let brief = wrap(&inert(&one.brief), room);
            let id = format!("{:widest$}", one.id);
            self.line(&format!("{:INDENT$}{label}{id}   {}", "", brief.first().map_or("", String::as_str)));
        }
        self.line("");
        let most = if self.style.verbose { usize::MAX } else { EXPLAINED };
        self.detail("why", &cause.explanation, most);
        if let Some(remedy) = &cause.remedy {
            self.line("");
            if !remedy.text.is_empty() {
                self.detail("fix", &remedy.text, usize::MAX);
            }
            let room = self.style.width.saturating_sub(INDENT + LABEL);
            for (at, command) in remedy.commands.iter().enumerate() {
                let label = if at == 0 && remedy.text.is_empty() { "fix" } else { "" };
                for (row, line) in shell::lines(command, room).iter().enumerate() {
                    let label = if row == 0 { label } else { "" };
                    let line = self.paint(&inert(line), Paint::new().bold());
                    self.line(&format!("{:INDENT$}{label:LABEL$}{line}", ""));
                }
            }
            if !remedy.open.is_empty() {
                let names: Vec<String> = remedy.open.iter().map(|name| format!("<{name}>")).collect();
                self.detail("fill in", &names.join(", "), usize::MAX);
            }
        }
        let verify = format!("mzv-doctor verify {}", cause.id);
        let label = self.paint(&format!("{:LABEL$}", "then"), Paint::new().dimmed());
        let room = self.style.width.saturating_sub(INDENT + LABEL + columns(&verify) + 4);
        if columns(&cause.verify) <= room {
            self.line(&format!("{:INDENT$}{label}{verify}    {}", "", cause.verify));
        } else {
            self.line(&format!("{:INDENT$}{label}{verify}", ""));
            self.detail("", &cause.verify, usize::MAX);
        }
        if self.style.verbose {
            for reference in &cause.references {
                self.detail("read", reference, usize::MAX);
            }
            for (fact, origin) in &cause.facts {
                let from = if origin.from.is_empty() {
                    format!("{} {}", origin.call, origin.against)
                } else {
                    format!("from {}", origin.from.join(", "))
                };
                self.detail("fact", &format!("{fact}: {from}"), usize::MAX);
            }
        }
        self.line("");
    }

    /// Two values under each other, with a mark where they part. Long values break at the same place.
    fn contrast(&mut self, contrast: &Contrast) {
        let has = inert(&contrast.has.value);
        let wants = inert(&contrast.wants.value);
        let room = self.style.width.saturating_sub(INDENT + LABEL).max(20);
        let found = difference(&has, &wants);
        let one: Vec<char> = has.chars().collect();
        let two: Vec<char> = wants.chars().collect();
        let length = one.len().max(two.len()).max(1);
        for start in (0..length).step_by(room) {
            let part = |all: &[char]| -> String { all.iter().skip(start).take(room).collect() };
            let (label_has, label_wants) = if start == 0 {
                (contrast.has.label.as_str(), contrast.wants.label.as_str())
            } else {
                ("", "")
            };
            let shown = self.paint(&part(&one), Paint::new().red());
            let label = self.paint(&format!("{label_has:LABEL$}"), Paint::new().dimmed());
            self.line(&format!("{:INDENT$}{label}{shown}", ""));
            let shown = self.paint(&part(&two), Paint::new().green());
            let label = self.paint(&format!("{label_wants:LABEL$}"), Paint::new().dimmed());
            self.line(&format!("{:INDENT$}{label}{shown}", ""));
            if let Some(found) = &found {
                let from = found.from.max(start);
                let to = (found.from + found.length).min(start + room);
                if from < to {
                    let carets = "^".repeat(to - from);
                    let at = from - start;
                    let fits = at + carets.len() + 1 + found.word.len() <= room;
                    // The word stands where there is room for it: behind the mark, else before it.
                    let text = if fits {
                        format!("{:at$}{carets} {}", "", found.word)
                    } else if at > found.word.len() {
                        format!("{:>1$} {carets}", found.word, at - 1)
                    } else {
                        format!("{:at$}{carets}", "")
                    };
                    self.line(&format!("{:1$}{text}", "", INDENT + LABEL));
                }
            }
        }
    }

    fn excerpt(&mut self, excerpt: &Excerpt) {
        let times = match (excerpt.count, excerpt.first, excerpt.last) {
            (1, _, Some(last)) => format!("at {}", when(last)),
            (n, Some(first), Some(last)) if first < last => {
                format!("{n} times since {}, last at {}", when(first), when(last))
            }
            (n, _, Some(last)) => format!("{n} times, last at {}", when(last)),
            (1, ..) => "once".into(),
            (n, ..) => format!("{n} times"),
        };
        self.detail("seen in", &format!("{}:{}, {times}", excerpt.place, excerpt.line), usize::MAX);
        let most = if self.style.verbose { usize::MAX } else { QUOTED };
        self.detail("", &excerpt.text, most);
    }

    /// What could not be examined, one row for each thing that is missing.
    fn open_questions(&mut self, open: &[Inconclusive]) {
        if open.is_empty() {
            return;
        }
        let mark = self.paint(self.marks().open, Paint::new().yellow().bold());
        let names = counted(open.len(), "could not be examined", "could not be examined");
        self.line(&format!("{mark} {names}"));
        let mut rows: BTreeMap<(String, String), (Vec<&str>, &Missing)> = BTreeMap::new();
        for row in open {
            if let Some(missing) = row.missing.iter().find(|it| weighs(it)).or_else(|| row.missing.first()) {
                let key = (missing.reason.label(), shown_reason(missing, self.style.verbose));
                rows.entry(key).or_insert_with(|| (Vec::new(), missing)).0.push(&row.id);
            }
        }
        let mut table = grid(self.style.width);
        for ((_, reason), (ids, missing)) in &rows {
            let names = if self.style.verbose || ids.len() <= 3 {
                ids.join(", ")
            } else {
                format!("{}, {} and {} more", ids[0], ids[1], ids.len() - 2)
            };
            let way_out = way_out(missing, self.style.verbose);
            let text = if way_out.is_empty() { reason.clone() } else { format!("{reason}\n{way_out}") };
            table.add_row([names, text]);
        }
        let text = table.to_string();
        for line in text.lines() {
            self.line(&format!("  {}", line.trim_end()));
        }
    }

    fn expected(&mut self, diagnosis: &Diagnosis) {
        let notices: Vec<&Finding> =
            diagnosis.findings.iter().filter(|finding| finding.severity == Severity::Notice).collect();
        if notices.is_empty() {
            return;
        }
        let mark = self.paint(self.marks().info, Paint::new().cyan().bold());
        self.line(&format!("{mark} {} expected, nothing to mend", notices.len()));
        let mut table = grid(self.style.width);
        for notice in notices {
            table.add_row([inert(&notice.id), inert(&notice.brief)]);
        }
        let text = table.to_string();
        for line in text.lines() {
            self.line(&format!("  {}", line.trim_end()));
        }
    }

    /// Text that names an error which the facts contradict.
    fn history(&mut self, diagnosis: &Diagnosis) {
        let old: Vec<_> = diagnosis.passed.iter().filter(|row| !row.history.is_empty()).collect();
        if old.is_empty() {
            return;
        }
        let mark = self.paint(self.marks().info, Paint::new().cyan().bold());
        self.line(&format!("{mark} {} named in text, and contradicted by the facts", old.len()));
        for row in old {
            let last = row.history.iter().filter_map(|excerpt| excerpt.last).max();
            let last = last.map(|at| format!(", last at {}", when(at))).unwrap_or_default();
            let places: Vec<String> = row.history.iter().map(|excerpt| inert(&excerpt.place)).collect();
            let text = format!("{}   in {}{last}", row.id, places.join(", "));
            for line in wrap(&text, self.style.width.saturating_sub(INDENT)) {
                self.line(&format!("{:INDENT$}{line}", ""));
            }
        }
    }

    fn fine(&mut self, diagnosis: &Diagnosis, summary: &Summary) {
        let mark = self.paint(self.marks().fine, Paint::new().green().bold());
        let hint = if self.style.verbose || summary.passed == 0 { "" } else { "   -v lists them" };
        self.line(&format!("{mark} {} fine{hint}", summary.passed));
        if self.style.verbose {
            let list = |names: Vec<&str>| names.join(", ");
            for line in wrap(
                &list(diagnosis.passed.iter().map(|row| row.id.as_str()).collect()),
                self.style.width.saturating_sub(INDENT),
            ) {
                self.line(&format!("{:INDENT$}{line}", ""));
            }
            if !diagnosis.not_applicable.is_empty() {
                self.line(&format!("  {} not applicable here", summary.not_applicable));
                for line in wrap(
                    &list(diagnosis.not_applicable.iter().map(|row| row.id.as_str()).collect()),
                    self.style.width.saturating_sub(INDENT),
                ) {
                    self.line(&format!("{:INDENT$}{line}", ""));
                }
            }
        }
        self.line("");
    }

    fn last_line(&mut self, summary: &Summary, exit: u8) {
        let (decided, all) = summary.examined();
        let text = if summary.healthy {
            format!("healthy: nothing wrong, {decided} of {all} examined")
        } else if summary.causes == 0 {
            format!("nothing wrong in what was examined ({decided} of {all})")
        } else {
            [
                counted(summary.causes, "cause", "causes"),
                counted(summary.consequences, "consequence", "consequences"),
                format!("{} inconclusive", summary.inconclusive),
            ]
            .join(", ")
        };
        let end = format!("exit {exit}");
        let gap = self.style.width.saturating_sub(columns(&text) + columns(&end)).max(2);
        let paint = match exit {
            0 => Paint::new().green().bold(),
            1 => Paint::new().red().bold(),
            _ => Paint::new().yellow().bold(),
        };
        let text = self.paint(&text, paint);
        self.line(&format!("{text}{:gap$}{end}", ""));
    }
}

/// Two columns without lines: names, and what is to be said of them.
fn grid(width: usize) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::TableStyle::new());
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.force_no_tty();
    table.set_width(u16::try_from(width.saturating_sub(2)).unwrap_or(u16::MAX));
    let first = u16::try_from((width * 2 / 5).clamp(24, 44)).unwrap_or(40);
    table.set_constraints([
        ColumnConstraint::Absolute(Width::Fixed(first)),
        ColumnConstraint::UpperBoundary(Width::Percentage(100)),
    ]);
    table
}

/// Whether a lack is one that was asked and not learned.
fn weighs(missing: &Missing) -> bool {
    !matches!(missing.reason, Reason::NotAsked { .. } | Reason::NotConfigured { .. })
}

/// Why it is missing. What a refusal says at length is the right that it names.
fn shown_reason(missing: &Missing, verbose: bool) -> String {
    let label = missing.reason.label();
    let detail = inert(&missing.reason.detail());
    let against =
        if missing.against.is_empty() { String::new() } else { format!(" ({})", inert(&missing.against)) };
    match &missing.reason {
        Reason::Denied { permission: Some(permission), .. } if !verbose => {
            format!("{label}: needs {}", inert(permission))
        }
        Reason::NotConfigured { setting } => format!("{label}: {}", inert(setting)),
        Reason::NotAsked { option } => format!("{label}: {}", inert(option)),
        Reason::TimedOut { .. } => format!("{label} {detail}{against}"),
        Reason::Denied { .. } | Reason::Unreachable { .. } | Reason::Malformed { .. } => {
            format!("{label}: {detail}{against}")
        }
    }
}

/// What would make it known.
fn way_out(missing: &Missing, verbose: bool) -> String {
    let asked =
        || if missing.call.is_empty() { String::new() } else { format!("asked: {}", inert(&missing.call)) };
    match &missing.reason {
        Reason::NotConfigured { setting } => format!("set {} in mzv-doctor.yaml", inert(setting)),
        Reason::Denied { permission: Some(permission), .. } if verbose => {
            format!("needs {}; {}", inert(permission), asked())
        }
        _ if verbose => asked(),
        _ => String::new(),
    }
}
