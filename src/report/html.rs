//! A diagnosis with everything behind it as one page that needs nothing else: no network, no font, no script from elsewhere.
//!
//! A template engine escapes whatever comes from outside; a policy in the page allows its own style and script only, by their
//! hashes. Without scripts everything can still be read.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::inert::inert;
use super::rows::{State, accepted, lacks, rows, shown, verdict, wrong};
use super::terminal::{counted, tree};
use super::{shell, svg};
use crate::diagnosis::{Diagnosis, Excerpt, Finding, LinkState, Severity};
use crate::fact::{Outcome, Snapshot, TextEvidence};

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// Lines shown before and behind the one that shows a symptom.
const AROUND: usize = 6;
/// Characters of one line.
const LONGEST_LINE: usize = 2000;
/// Characters of one value.
const LONGEST_VALUE: usize = 20_000;
/// Calls that are listed.
const CALLS: usize = 2000;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    // It is part of the program, and a test renders it.
    let _parsed = templates.add_template("page.html", PAGE);
    templates
});

/// Why a report cannot be made: a defect of the template.
pub type HtmlError = minijinja::Error;

/// The page.
pub fn html(diagnosis: &Diagnosis, snapshot: &Snapshot, exit: u8) -> Result<String, HtmlError> {
    let summary = super::summary(diagnosis, exit);
    let (decided, all) = summary.examined();
    let places = Places::new(snapshot);
    let wrong = wrong(diagnosis);
    let causes: Vec<Cause> =
        tree(&wrong).into_iter().map(|(finding, so)| cause(finding, &so, diagnosis, &places)).collect();
    let named = |wanted: fn(&State<'_>) -> bool| -> Vec<String> {
        rows(diagnosis).iter().filter(|row| wanted(&row.state)).map(|row| calm(row.id)).collect()
    };
    let expected =
        diagnosis.findings.iter().filter(|it| it.severity == Severity::Notice && it.accepted.is_none());
    let open = diagnosis.inconclusive.iter().filter(|row| !row.is_by_choice());
    TEMPLATES.get_template("page.html")?.render(context! {
        policy => policy(),
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        target => calm(&diagnosis.target),
        verdict => verdict(&summary),
        mood => if summary.healthy { "fine" } else if exit == 1 { "wrong" } else { "open" },
        because => calm(&diagnosis.because),
        exit => exit,
        about => [
            ("from", diagnosis.vantage.phrase().to_owned()),
            ("at", when(diagnosis.observed_at)),
            ("examined", format!("{decided} of {all}")),
            ("not examined", summary.inconclusive.to_string()),
            ("facts asked", diagnosis.facts_asked.to_string()),
            ("mzv-doctor", calm(&diagnosis.tool_version)),
        ],
        causes => Serde(&causes),
        chains => (!diagnosis.chains.is_empty()).then(|| Value::from_safe_string(svg::render(diagnosis))),
        links => links(diagnosis),
        timeline => Serde(timeline(diagnosis)),
        open => open.map(|row| (calm(&row.id), calm(&row.title), row.required, lacks(row).iter().map(|it| calm(it)).collect::<Vec<_>>())).collect::<Vec<_>>(),
        accepted => accepted(diagnosis).iter().map(|(it, why)| (calm(&it.id), calm(&it.subject), calm(why))).collect::<Vec<_>>(),
        expected => expected.map(|it| (calm(&it.id), calm(&it.title), calm(&it.explanation))).collect::<Vec<_>>(),
        fine => named(|state| matches!(state, State::Passed)),
        elsewhere => named(|state| matches!(state, State::NotApplicable)),
        not_asked => named(|state| matches!(state, State::Open(row) if row.is_by_choice())),
        facts => Serde(facts(snapshot)),
        settings => snapshot.target.iter().map(|(name, it)| (calm(name), calm(&plain(&it.value)), calm(&it.origin))).collect::<Vec<_>>(),
        calls => snapshot.calls.iter().take(CALLS).map(|it| {
            let status = it.status.map(|status| status.to_string()).or_else(|| it.failure.clone()).unwrap_or_default();
            (calm(&it.api), calm(&it.what), calm(&it.against), calm(&status), it.took_ms)
        }).collect::<Vec<_>>(),
        more_calls => snapshot.calls.len().saturating_sub(CALLS),
        logs => places.summary(),
    })
}

/// What the page may use: its own style and script, by their hashes, and nothing from anywhere.
/// <https://www.w3.org/TR/CSP3/>
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

#[derive(Serialize)]
struct Cause {
    id: String,
    title: String,
    severity: &'static str,
    confidence: &'static str,
    subject: String,
    evidence: Vec<(String, String)>,
    contrast: Option<[(String, String); 2]>,
    consequences: Vec<Consequence>,
    behind: Vec<String>,
    perhaps: Vec<String>,
    explanation: String,
    remedy: String,
    first: String,
    commands: String,
    verify: String,
    verify_note: String,
    excerpts: Vec<Shown>,
    facts: Vec<(String, String)>,
    references: Vec<String>,
}

#[derive(Serialize)]
struct Consequence {
    id: String,
    title: String,
    brief: String,
    shown: Vec<String>,
}

/// A symptom in its log.
#[derive(Serialize)]
struct Shown {
    place: String,
    line: u64,
    times: String,
    text: String,
    around: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    number: u64,
    text: String,
    is_it: bool,
}

fn cause(finding: &Finding, so: &[&Finding], diagnosis: &Diagnosis, places: &Places<'_>) -> Cause {
    let side = |side: &crate::diagnosis::Side| (calm(&side.label), super::inert::exact(&side.value));
    let named =
        |id: &&String| !diagnosis.findings.iter().any(|other| other.id == **id && other.accepted.is_none());
    let commands = |remedy: &crate::diagnosis::Remedy| -> Vec<String> {
        remedy.commands.iter().map(|command| shell::lines(command, 88, true).join("\n")).collect()
    };
    let mut verify = ["mzv-doctor", "verify", &finding.id].map(str::to_owned).to_vec();
    verify.extend_from_slice(&diagnosis.again);
    Cause {
        id: calm(&finding.id),
        title: calm(&finding.title),
        severity: finding.severity.name(),
        confidence: finding.confidence.name(),
        subject: calm(&finding.subject),
        evidence: finding.evidence.iter().map(|it| (calm(&it.label), calm(&it.value))).collect(),
        contrast: finding.contrast.as_ref().map(|it| [side(&it.has), side(&it.wants)]),
        consequences: so
            .iter()
            .map(|it| Consequence {
                id: calm(&it.id),
                title: calm(&it.title),
                brief: calm(&it.brief),
                shown: shown(it).iter().map(|line| calm(line)).collect(),
            })
            .collect(),
        behind: finding.caused_by.iter().filter(named).map(|id| calm(id)).collect(),
        perhaps: finding.perhaps.iter().map(|id| calm(id)).collect(),
        explanation: calm(&finding.explanation),
        remedy: finding.remedy.as_ref().map(|it| calm(&it.text)).unwrap_or_default(),
        first: finding.remedy.as_ref().map(|it| calm(&it.first)).unwrap_or_default(),
        commands: finding.remedy.as_ref().map(|it| commands(it).join("\n")).unwrap_or_default(),
        verify: if finding.is_of_a_rule() {
            shell::lines(&verify, usize::MAX, true).join(" ")
        } else {
            String::new()
        },
        verify_note: calm(&finding.verify),
        excerpts: finding.text.iter().map(|it| places.around(it)).collect(),
        facts: finding
            .facts
            .iter()
            .map(|(name, from)| (calm(name), calm(&format!("{} {}", from.call, from.against))))
            .collect(),
        references: finding.references.iter().map(|it| calm(it)).collect(),
    }
}

/// The text that was read, by place, in order of its lines.
struct Places<'a>(BTreeMap<&'a str, Vec<&'a TextEvidence>>);

impl<'a> Places<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        let mut places: BTreeMap<&str, Vec<&TextEvidence>> = BTreeMap::new();
        for line in &snapshot.text {
            places.entry(&line.place).or_default().push(line);
        }
        for lines in places.values_mut() {
            lines.sort_by_key(|line| line.line);
        }
        Self(places)
    }

    fn around(&self, excerpt: &Excerpt) -> Shown {
        let lines = self.0.get(excerpt.place.as_str()).map(Vec::as_slice).unwrap_or_default();
        let at = lines.partition_point(|line| line.line < excerpt.line);
        let near = &lines[at.saturating_sub(AROUND)..(at + AROUND + 1).min(lines.len())];
        Shown {
            place: calm(&excerpt.place),
            line: excerpt.line,
            times: times(excerpt),
            text: calm(&excerpt.text),
            around: near
                .iter()
                .map(|line| Line {
                    number: line.line,
                    text: format!(
                        "{}{}",
                        line.at.map(|at| format!("{} ", when(at))).unwrap_or_default(),
                        cut(&line.text, LONGEST_LINE)
                    ),
                    is_it: line.line == excerpt.line,
                })
                .collect(),
        }
    }

    fn summary(&self) -> Vec<(String, usize)> {
        self.0.iter().map(|(place, lines)| (calm(place), lines.len())).collect()
    }
}

fn times(excerpt: &Excerpt) -> String {
    let often = counted(usize::try_from(excerpt.count.max(1)).unwrap_or(1), "time", "times");
    match (excerpt.first, excerpt.last) {
        (Some(first), Some(last)) if first < last => {
            format!("{often}, from {} to {}", when(first), when(last))
        }
        (_, Some(last)) => format!("{often}, at {}", when(last)),
        _ => often,
    }
}

/// A symptom on the line of time; positions are percent of its length.
#[derive(Serialize)]
struct Seen {
    id: String,
    place: String,
    first: String,
    last: String,
    times: u32,
    begin: f64,
    length: f64,
}

/// Symptoms that carry a time, in its order.
fn timeline(diagnosis: &Diagnosis) -> Vec<Seen> {
    let mut seen: Vec<(Timestamp, Timestamp, &Finding, &Excerpt)> = diagnosis
        .findings
        .iter()
        .flat_map(|finding| finding.text.iter().map(move |excerpt| (finding, excerpt)))
        .filter_map(|(finding, excerpt)| {
            let last = excerpt.last.or(excerpt.first)?;
            Some((excerpt.first.unwrap_or(last), last, finding, excerpt))
        })
        .collect();
    seen.sort_by_key(|(first, last, ..)| (*first, *last));
    let begin = seen.iter().map(|(first, ..)| first.as_second()).min().unwrap_or(0);
    let end = seen.iter().map(|(_, last, ..)| last.as_second()).max().unwrap_or(0);
    let percent = |seconds: i64| {
        let share = i32::try_from(seconds * 1000 / (end - begin).max(1)).unwrap_or(0);
        f64::from(share) / 10.0
    };
    seen.into_iter()
        .map(|(first, last, finding, excerpt)| Seen {
            id: calm(&finding.id),
            place: calm(&format!("{} line {}", excerpt.place, excerpt.line)),
            first: when(first),
            last: when(last),
            times: excerpt.count.max(1),
            begin: percent(first.as_second() - begin).min(99.0),
            length: percent(last.as_second() - first.as_second()).max(1.0),
        })
        .collect()
}

/// A link, how it stands, and the names that say so.
type InWords = (String, &'static str, Vec<String>);

/// Each chain in words, for whoever does not see the picture.
fn links(diagnosis: &Diagnosis) -> Vec<(String, Vec<InWords>)> {
    let state = |state| match state {
        LinkState::Whole => "whole",
        LinkState::Broken => "broken",
        LinkState::Unknown => "not examined",
        LinkState::NotReached => "not reached",
    };
    let of = |link: &crate::diagnosis::Link| {
        (calm(&link.name), state(link.state), link.by.iter().map(|id| calm(id)).collect())
    };
    diagnosis.chains.iter().map(|chain| (calm(&chain.name), chain.links.iter().map(of).collect())).collect()
}

#[derive(Serialize)]
struct Known {
    name: String,
    state: &'static str,
    value: String,
    from: String,
}

fn facts(snapshot: &Snapshot) -> Vec<Known> {
    let all = snapshot.facts.iter().map(|(name, seen)| {
        let (state, value) = match &seen.outcome {
            Outcome::Known(value) => ("known", plain(value)),
            Outcome::Absent => ("absent", String::new()),
            Outcome::Unknown(reason) => ("unknown", format!("{}: {}", reason.label(), reason.detail())),
        };
        let origin = &seen.origin;
        let from = if origin.from.is_empty() {
            format!("{} {}", origin.call, origin.against)
        } else {
            format!("worked out from {}", origin.from.join(", "))
        };
        Known { name: calm(name), state, value: cut(&value, LONGEST_VALUE), from: calm(from.trim()) }
    });
    all.collect()
}

/// A value as somebody would write it down.
fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
            serde_json::to_string_pretty(value).unwrap_or_default()
        }
        other => other.to_string(),
    }
}

fn when(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Text of several lines, harmless, with at most so many characters.
fn cut(text: &str, longest: usize) -> String {
    let calm = text.lines().map(calm).collect::<Vec<_>>().join("\n");
    match calm.char_indices().nth(longest) {
        None => calm,
        Some((end, _)) => format!("{}… ({} characters in all)", &calm[..end], calm.chars().count()),
    }
}

fn calm(text: &str) -> String {
    inert(text, true)
}
