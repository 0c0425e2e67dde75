//! A diagnosis for whoever reads a pipeline's log: what is wrong as annotations of the runner, everything else in a
//! group that is folded away.

use super::inert::inert;
use super::rows::{Row, State, lacks, rows, shown};
use super::shell;
use super::terminal::counted;
use crate::diagnosis::{Accepted, Diagnosis, Finding, Severity};

/// How a runner is spoken to.
trait Runner {
    /// A problem with a name.
    fn problem(&self, severe: bool, name: &str, text: &str) -> String;
    /// What is worth a note, where the runner knows notes.
    fn note(&self, name: &str, text: &str) -> String;
    /// The beginning of a group, and its end.
    fn group(&self, title: &str) -> (String, String);
}

/// GitHub's workflow commands.
/// <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>
struct GitHub;

impl Runner for GitHub {
    fn problem(&self, severe: bool, name: &str, text: &str) -> String {
        let level = if severe { "error" } else { "warning" };
        format!("::{level} title={}::{}", github_property(name), github_text(text))
    }

    fn note(&self, name: &str, text: &str) -> String {
        format!("::notice title={}::{}", github_property(name), github_text(text))
    }

    fn group(&self, title: &str) -> (String, String) {
        (format!("::group::{}", github_text(title)), "::endgroup::".into())
    }
}

fn github_text(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn github_property(text: &str) -> String {
    github_text(text).replace(':', "%3A").replace(',', "%2C")
}

/// Azure Pipelines' logging commands.
/// <https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands>
struct AzurePipelines;

impl Runner for AzurePipelines {
    fn problem(&self, severe: bool, name: &str, text: &str) -> String {
        let level = if severe { "error" } else { "warning" };
        format!("##vso[task.logissue type={level}]{}", azure_text(&format!("{name}: {text}")))
    }

    fn note(&self, name: &str, text: &str) -> String {
        let text = text.replace('\n', " ");
        format!("{name}: {text}")
    }

    fn group(&self, title: &str) -> (String, String) {
        (format!("##[group]{}", title.replace('\n', " ")), "##[endgroup]".into())
    }
}

/// Text behind a logging command; the agent reads `%AZP25` as a percent sign.
fn azure_text(text: &str) -> String {
    text.replace('%', "%AZP25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The command that hands a Markdown file to Azure Pipelines as a summary.
pub fn azure_summary(path: &str) -> String {
    format!("##vso[task.uploadsummary]{}\n", azure_text(path))
}

pub(super) fn github(diagnosis: &Diagnosis, exit: u8) -> String {
    render(diagnosis, exit, &GitHub)
}

pub(super) fn azure(diagnosis: &Diagnosis, exit: u8) -> String {
    render(diagnosis, exit, &AzurePipelines)
}

fn render(diagnosis: &Diagnosis, exit: u8, runner: &dyn Runner) -> String {
    let rows = rows(diagnosis);
    let mut lines = Vec::new();
    for finding in &diagnosis.findings {
        let (name, text) = (inert(&finding.id, true), told(finding));
        lines.push(match (finding.severity, &finding.accepted) {
            (Severity::Notice, _) | (_, Some(_)) => runner.note(&name, &text),
            (severity, None) => runner.problem(severity >= diagnosis.fail_on, &name, &text),
        });
    }
    for row in &rows {
        if let State::Open(open) = &row.state
            && open.required
        {
            let why: Vec<String> = lacks(open).iter().map(|lack| inert(lack, true)).collect();
            let text = format!("could not be examined\n{}", why.join("\n"));
            lines.push(runner.problem(true, &inert(row.id, true), &text));
        }
    }
    if !diagnosis.because.is_empty() {
        lines.push(runner.problem(true, &format!("exit {exit}"), &inert(&diagnosis.because, true)));
    }
    let target = inert(&diagnosis.target, true);
    let names = counted(rows.len(), "name", "names");
    let (begin, end) = runner.group(&format!("mzv-doctor: {target}, {names}, exit {exit}"));
    lines.push(begin);
    lines.extend(rows.iter().map(line));
    lines.push(end);
    lines.push(String::new());
    lines.join("\n")
}

/// A name with its state, as a plain line of the log.
fn line(row: &Row<'_>) -> String {
    let state = match &row.state {
        State::Found(findings) => {
            let accepted = findings.iter().all(|finding| finding.accepted.is_some());
            let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Notice);
            if accepted { "accepted" } else { worst.name() }
        }
        State::Passed => "fine",
        State::Open(open) if open.required => "not examined, required",
        State::Open(_) => "not examined",
        State::NotApplicable => "does not apply",
    };
    format!("{}: {state}", inert(row.id, true))
}

/// What a finding says, in a few lines of text that does nothing by itself.
fn told(finding: &Finding) -> String {
    let mut lines = vec![format!("{} ({})", finding.title, finding.subject)];
    lines.extend(shown(finding));
    lines.extend(finding.accepted.as_ref().map(Accepted::phrase));
    if !finding.caused_by.is_empty() {
        lines.push(format!("because of {}", finding.caused_by.join(", ")));
    }
    if let Some(remedy) = &finding.remedy {
        lines.push(format!("fix: {}", remedy.text));
        lines.extend(remedy.commands.iter().map(|command| shell::lines(command, usize::MAX, true).join(" ")));
    }
    lines.retain(|line| !line.is_empty());
    lines.iter().map(|line| inert(line, true)).collect::<Vec<_>>().join("\n")
}
