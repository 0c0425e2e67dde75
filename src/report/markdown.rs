//! A diagnosis as Markdown, for a summary or a ticket.

use std::fmt::Write;

use super::explained::{self, fenced};
use super::inert::inert;
use super::rows::{lacks, shown, wrong};
use super::shell;
use super::terminal::{counted, tree};
use crate::diagnosis::{Chain, Diagnosis, Finding, Inconclusive, LinkState};

pub(super) fn render(diagnosis: &Diagnosis, exit: u8) -> String {
    let mut out = String::new();
    let summary = super::summary(diagnosis, exit);
    // Writing to a string does not fail.
    let mut put = |text: String| {
        let _written = writeln!(out, "{text}");
    };
    let verdict = match (summary.causes + summary.consequences, summary.healthy) {
        (0, true) => "healthy".to_owned(),
        (0, false) => "nothing wrong in what was examined".to_owned(),
        _ => format!(
            "{}, {}",
            counted(summary.causes, "cause", "causes"),
            counted(summary.consequences, "consequence", "consequences")
        ),
    };
    put(format!("# mzv-doctor: {}\n", plain(&diagnosis.target)));
    put(format!(
        "**{verdict}**, {} inconclusive, exit {exit}. {}, from {}, {} facts asked, version {}.\n",
        summary.inconclusive,
        diagnosis.observed_at,
        diagnosis.vantage.phrase(),
        diagnosis.facts_asked,
        plain(&diagnosis.tool_version)
    ));
    let wrong = wrong(diagnosis);
    for (finding, consequences) in tree(&wrong) {
        cause(finding, &consequences, &diagnosis.again, &mut put);
    }
    if diagnosis.chains.iter().any(Chain::is_in_doubt) {
        put("## Links\n".into());
        put(fenced(&diagnosis.chains.iter().map(line).collect::<Vec<_>>().join("\n")));
    }
    let open: Vec<&Inconclusive> = diagnosis.inconclusive.iter().filter(|row| !row.is_by_choice()).collect();
    if !open.is_empty() {
        put("## Not examined\n".into());
        put("| name | required | why |\n|---|---|---|".into());
        for row in open {
            let required = if row.required { "yes" } else { "no" };
            let why: Vec<String> = lacks(row).iter().map(|lack| plain(lack)).collect();
            put(format!("| {} | {required} | {} |", code(&row.id), why.join("; ")));
        }
        put(String::new());
    }
    let expected: Vec<&Finding> =
        diagnosis.findings.iter().filter(|it| !wrong.iter().any(|one| one.id == it.id)).collect();
    if !expected.is_empty() {
        put("## Expected\n".into());
        for finding in expected {
            put(format!("- {}: {}", code(&finding.id), plain(&finding.title)));
        }
        put(String::new());
    }
    put(format!("{} fine, {} do not apply here.", summary.passed, summary.not_applicable));
    out
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
        put(format!("Perhaps because of {}, which could not be examined.\n", names.join(", ")));
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

/// Text from outside as code; in a table as well.
fn code(text: &str) -> String {
    explained::code(&inert(text, true)).replace('|', "\\|")
}
