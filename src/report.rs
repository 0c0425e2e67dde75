//! A diagnosis for people and for machines. One file a format; a format sees a diagnosis and nothing else.
//!
//! Whatever comes from outside (evidence, log lines, names) is hostile: each format makes it inert.

mod brief;
mod changes;
mod difference;
mod events;
mod explained;
mod fix;
mod html;
mod inert;
mod json;
mod junit;
mod markdown;
mod openmetrics;
mod overview;
mod rows;
mod runner;
mod sarif;
mod scanned;
mod shell;
mod svg;
mod terminal;

use crate::diagnosis::{Changes, Diagnosis, Explanation, Steps, Summary, Why};
use crate::scan::{Answer, Match};

pub use events::{EVENT_FORMAT, Event, Learned, event_line, events_of};
pub use html::{HtmlError, html};
pub use json::{DOCUMENT_FORMAT, Document};
pub use overview::{
    OVERVIEW_FORMAT, Overview, Spread, Tally, Unread, overview_in_json, overview_on_terminal,
};
pub use runner::azure_summary;
pub use scanned::{MatchLine, SCAN_FORMAT, ScanDocument, ScanLine, match_line};

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a person at a terminal.
    Terminal,
    /// For a machine; `schema/diagnosis.v1.json` describes it.
    Json,
    /// A chat message of a few lines.
    Short,
    /// For a summary or a ticket.
    Markdown,
    /// For whatever collects test results; one case a name.
    Junit,
    /// SARIF 2.1.0, for whatever collects results of analyses.
    Sarif,
    /// Annotations of a GitHub workflow.
    Github,
    /// Logging commands of Azure Pipelines.
    AzurePipelines,
    /// Figures, for whatever collects them.
    OpenMetrics,
    /// The links of the deployment as a picture.
    Svg,
}

impl Format {
    /// Every format with its name on the command line.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("terminal", Self::Terminal),
        ("json", Self::Json),
        ("short", Self::Short),
        ("markdown", Self::Markdown),
        ("junit", Self::Junit),
        ("sarif", Self::Sarif),
        ("github", Self::Github),
        ("azure-pipelines", Self::AzurePipelines),
        ("openmetrics", Self::OpenMetrics),
        ("svg", Self::Svg),
    ];

    /// Whether it is lines of a log, so that others may stand on the same screen.
    pub fn is_lines(self) -> bool {
        matches!(self, Self::Terminal | Self::Short | Self::Github | Self::AzurePipelines)
    }
}

/// The formats of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanFormat {
    /// For a person at a terminal.
    Terminal,
    /// For a machine; `schema/scan.v1.json` describes it.
    Json,
    /// A line for each occurrence, and the document as the last one; `schema/scan-line.v1.json` describes a line.
    Ndjson,
}

impl ScanFormat {
    /// Every format with its name on the command line.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("terminal", Self::Terminal), ("json", Self::Json), ("ndjson", Self::Ndjson)];
}

/// Renders what a scan comes to; of a stream, the last line.
pub fn render_scan(answer: &Answer, exit: u8, format: ScanFormat, style: Style) -> String {
    match format {
        ScanFormat::Terminal => terminal::scanned(answer, exit, style),
        ScanFormat::Json => scanned::json(answer, exit),
        ScanFormat::Ndjson => scanned::last_line(answer, exit),
    }
}

/// Explanations for a person at a terminal.
pub fn explain_on_terminal(all: &[Explanation], style: Style) -> String {
    let texts: Vec<String> =
        all.iter().map(|one| explained::terminal(one, style.width, style.unicode)).collect();
    texts.join("\n")
}

/// Explanations as Markdown; the whole catalogue with a table of its names.
pub fn explain_in_markdown(all: &[Explanation], whole: bool) -> String {
    if whole {
        return explained::catalogue(all);
    }
    all.iter().map(|one| explained::markdown(one, 1)).collect()
}

/// Explanations for a machine; `schema/explain.v1.json` describes them.
pub fn explain_in_json(all: &[Explanation]) -> String {
    json::document(&all)
}

/// Why names came to what they did, for a person at a terminal; `now` is the time of the run.
pub fn why_on_terminal(all: &[Why], now: jiff::Timestamp, style: Style) -> String {
    terminal::why(all, style, now)
}

/// The same for a machine; `schema/why.v1.json` describes it.
pub fn why_in_json(all: &[Why]) -> String {
    json::document(&all)
}

/// Steps for a person at a terminal.
pub fn steps_on_terminal(steps: &Steps, style: Style) -> String {
    fix::terminal(steps, style)
}

/// Steps as a script of a POSIX shell.
pub fn steps_as_posix_script(steps: &Steps) -> String {
    fix::posix(steps)
}

/// Steps as a script of PowerShell 7.3 or newer.
pub fn steps_as_powershell_script(steps: &Steps) -> String {
    fix::power(steps)
}

/// Steps for a machine; `schema/steps.v1.json` describes them.
pub fn steps_in_json(steps: &Steps) -> String {
    json::document(steps)
}

/// Changes for a person at a terminal.
pub fn changes_on_terminal(changes: &Changes, style: Style) -> String {
    changes::terminal(changes, style)
}

/// Changes for a machine; `schema/changes.v1.json` describes them.
pub fn changes_in_json(changes: &Changes) -> String {
    json::document(changes)
}

/// An occurrence as a row on a terminal.
pub fn match_row(id: &str, place: &str, one: &Match, style: Style) -> String {
    terminal::match_row(id, place, one, style)
}

/// How the terminal format looks.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Columns.
    pub width: usize,
    /// Whether colours may be used. They never carry meaning alone.
    pub color: bool,
    /// Whether everything is listed.
    pub verbose: bool,
    /// Whether characters beyond ASCII may be used.
    pub unicode: bool,
}

/// Characters of one line to standard error.
const LONGEST_WORD: usize = 2000;

/// A line for standard error, which pipelines read as well: harmless, and of a bounded length.
pub fn one_line(text: &str) -> String {
    let text = inert::no_order(&inert::inert(text, true));
    match text.char_indices().nth(LONGEST_WORD) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A line of a document for a person's terminal: harmless, and otherwise as it is.
pub fn calm_line(text: &str) -> String {
    inert::inert(text, true)
}

/// Renders a diagnosis, with the exit status that the run ends in.
pub fn render(diagnosis: &Diagnosis, exit: u8, format: Format, style: Style) -> String {
    match format {
        Format::Terminal => terminal::render(diagnosis, exit, style),
        Format::Json => json::render(diagnosis, exit),
        Format::Short => brief::render(diagnosis, exit),
        Format::Markdown => markdown::render(diagnosis, exit),
        Format::Junit => junit::render(diagnosis, exit),
        Format::Sarif => sarif::render(diagnosis, exit),
        Format::Github => runner::github(diagnosis, exit),
        Format::AzurePipelines => runner::azure(diagnosis, exit),
        Format::OpenMetrics => openmetrics::render(diagnosis, exit),
        Format::Svg => svg::render(diagnosis),
    }
}

/// The diagnosis in numbers. A run that did not end well is not called healthy: it may have been stopped early.
fn summary(diagnosis: &Diagnosis, exit: u8) -> Summary {
    let summary = Summary::of(diagnosis);
    Summary { healthy: summary.healthy && exit == 0, ..summary }
}
