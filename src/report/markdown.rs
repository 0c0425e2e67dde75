//! A diagnosis as Markdown, for a summary or a ticket.

use std::fmt::Write;

use super::explained::{self, fenced};
use super::inert::inert;
use super::rows::{State, accepted, lacks, rows, shown, verdict, wrong};
use super::shell;
use super::terminal::tree;
use crate::diagnosis::{Chain, Diagnosis, Finding, Inconclusive, LinkState, Severity};

pub(super) fn render(diagnosis: &Diagnosis, exit: u8) -> String {
    let mut out = String::new();
    let summary = super::summary(diagnosis, exit);
    // Writing to a string does not fail.
    let mut put = |text: String| {
        let _written = writeln!(out, "{text}");
    };
    let verdict = verdict(&summary);
    put(format!("# mzv-doctor: {}\n", plain(&diagnosis.target)));
    put(format!(
        "**{verdict}**, {} inconclusive, exit {exit}. {}, from {}, {} facts asked, version {}.\n",
        summary.inconclusive,
        diagnosis.observed_at,
        diagnosis.vantage.phrase(),
        diagnosis.facts_asked,
        plain(&diagnosis.tool_version)
    ));
    if !diagnosis.because.is_empty() {
        put(format!("Exit {exit}: {}.\n", plain(&diagnosis.because)));
    }
    let wrong = wrong(diagnosis);
    for (finding, consequences) in tree(&wrong) {
        cause(finding, &consequences, &diagnosis.again, &mut put);
    }
    if diagnosis.chains.iter().any(Chain::is_in_doubt) {
        put("## Links\n".into());
        put(fenced(&diagnosis.chains.iter().map(line).collect::<Vec<_>>().join("\n")));
    }
    let accepted = accepted(diagnosis);
    if !accepted.is_empty() {
        put("## Accepted\n".into());
        for (finding, why) in accepted {
            put(format!("- {} about {}: {}", code(&finding.id), code(&finding.subject), plain(&why)));
        }
        put(String::new());
    }
    open_questions(&diagnosis.inconclusive, &mut put);
    let expected: Vec<&Finding> = diagnosis
        .findings
        .iter()
        .filter(|it| it.severity == Severity::Notice && it.accepted.is_none())
        .collect();
    if !expected.is_empty() {
        put("## Expected\n".into());
        for finding in expected {
            put(format!("- {}: {}", code(&finding.id), plain(&finding.title)));
        }
        put(String::new());
    }
    let named = |wanted: fn(&State<'_>) -> bool| {
        let rows = rows(diagnosis).into_iter().filter(|row| wanted(&row.state));
        rows.map(|row| code(row.id)).collect::<Vec<_>>().join(", ")
    };
    for (title, names) in [
        ("Fine", named(|state| matches!(state, State::Passed))),
        ("Does not apply here", named(|state| matches!(state, State::NotApplicable))),
        ("Not asked for", named(|state| matches!(state, State::Open(row) if row.is_by_choice()))),
    ] {
        if !names.is_empty() {
            put(format!("**{title}:** {names}\n"));
        }
    }
    out
}

/// What could not be examined, as a table.
fn open_questions(rows: &[Inconclusive], put: &mut impl FnMut(String)) {
    let open: Vec<&Inconclusive> = rows.iter().filter(|row| !row.is_by_choice()).collect();
    if open.is_empty() {
        return;
    }
    put("## Not examined\n".into());
    put("| name | required | why |\n|---|---|---|".into());
    for row in open {
        let required = if row.required { "yes" } else { "no" };
        let why: Vec<String> = lacks(row).iter().map(|lack| plain(lack)).collect();
        let name = code(&row.id).replace('|', "\\|");
        put(format!("| {name} | {required} | {} |", why.join("; ")));
    }
    put(String::new());
}

fn cause(finding: &Finding, consequences: &[&Finding], again: &[String], put: &mut impl FnMut(String)) {
    put(format!("## {} {}\n", code(&finding.id), plain(&finding.title)));
    put(format!(
        "*{}, {}*, about {}\n",
        finding.severity.name(),
        finding.confidence.name(),
        code(&finding.subject)
    ));
    let values: Vec<String> = shown(finding);
    if !values.is_empty() {
        put(fenced(&values.join("\n")));
    }
    if !consequences.is_empty() {
        let names: Vec<String> =
            consequences.iter().map(|it| format!("{} ({})", code(&it.id), plain(&it.brief))).collect();
        put(format!("So: {}\n", names.join(", ")));
    }
    if !finding.perhaps.is_empty() {
        let names: Vec<String> = finding.perhaps.iter().map(|id| code(id)).collect();
        put(format!(
            "Perhaps because of {}, which could not be examined or still spreads.\n",
            names.join(", ")
        ));
    }
    put(format!("{}\n", plain(&finding.explanation)));
    if let Some(remedy) = &finding.remedy {
        if !remedy.text.is_empty() {
            put(format!("**Fix:** {}\n", plain(&remedy.text)));
        }
        let commands: Vec<String> =
            remedy.commands.iter().map(|command| shell::lines(command, 100, true).join("\n")).collect();
        if !commands.is_empty() {
            put(fenced(&commands.join("\n")));
        }
    }
    if !finding.is_of_a_rule() {
        return;
    }
    let mut verify = ["mzv-doctor", "verify", &finding.id].map(str::to_owned).to_vec();
    verify.extend_from_slice(again);
    put(format!(
        "**Then:** {} {}\n",
        explained::code(&shell::lines(&verify, usize::MAX, true).join(" ")),
        plain(&finding.verify)
    ));
}

/// A chain on one line.
fn line(chain: &Chain) -> String {
    let links: Vec<String> = chain
        .links
        .iter()
        .map(|link| {
            let mark = match link.state {
                LinkState::Whole => "",
                LinkState::Broken => "✗ ",
                LinkState::Unknown => "? ",
                LinkState::NotReached => "· ",
            };
            format!("{mark}{}", link.name)
        })
        .collect();
    format!("{}: {}", chain.name, links.join(" → "))
}

/// Text from outside in which Markdown finds nothing: no markup, no link, nobody to call.
fn plain(text: &str) -> String {
    explained::plain(&inert(text, true))
        .replace('@', "&#64;")
        .replace("://", ":&#47;&#47;")
        .replace("www.", "www&#46;")
}

/// Text from outside as code.
fn code(text: &str) -> String {
    explained::code(&inert(text, true))
}
