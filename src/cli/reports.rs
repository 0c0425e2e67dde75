//! The reports of a run, each to where it was asked for.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::arguments::{Check, Output, Written};
use super::{Failure, output, record};
use crate::diagnosis::Diagnosis;
use crate::fact::Snapshot;
use crate::report::{Format, Style, azure_summary, render};

/// What GitHub takes as a step's summary, in bytes.
/// <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary>
const SUMMARY: usize = 1 << 20;

/// Where a file really lies, by whatever path it is named.
fn place(file: &Path) -> PathBuf {
    if let Ok(real) = std::fs::canonicalize(file) {
        return real;
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    file.file_name().map_or_else(|| file.to_owned(), |name| folder.join(name))
}

/// Refuses outputs that cannot all be written, before anything is asked.
pub(super) fn acceptable(arguments: &Check) -> Result<(), Failure> {
    let outputs = &arguments.output;
    let on_screen: Vec<Written> =
        outputs.iter().filter(|output| output.file.is_none()).map(|output| output.format).collect();
    let lines = |written: &Written| matches!(written, Written::Diagnosis(format) if format.is_lines());
    if on_screen.len() > 1 && !on_screen.iter().all(lines) {
        let problem = "two reports cannot share standard output, unless both are for reading: give one of them a \
                       file, as in -o json=FILE";
        return Err(Failure::Usage(problem.into()));
    }
    for (at, file) in outputs.iter().enumerate().filter_map(|(at, output)| Some((at, output.file.as_ref()?)))
    {
        let shown = file.display();
        let same = |other: &PathBuf| place(other) == place(file);
        if outputs[..at].iter().filter_map(|other| other.file.as_ref()).any(same) && is_kept(file) {
            return Err(Failure::Usage(format!("{shown}: two reports cannot share a file")));
        }
        if arguments.baseline.as_ref().is_some_and(same) {
            let problem =
                "is the baseline: written over, it would make every finding of this run a known one";
            return Err(Failure::Usage(format!("{shown}: {problem}")));
        }
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        if file.is_dir() || folder.is_some_and(|folder| !folder.is_dir()) {
            return Err(Failure::Usage(format!(
                "{shown}: cannot be written: there is no such folder, or it is one itself"
            )));
        }
    }
    Ok(())
}

/// Whether what is written there stays: a device may take any number of reports.
fn is_kept(file: &Path) -> bool {
    std::fs::metadata(file).map_or(true, |there| there.is_file())
}

/// Writes every report. One that cannot be written keeps no other from being written.
pub(super) fn write(
    arguments: &Check,
    snapshot: &Snapshot,
    diagnosis: &Diagnosis,
    exit: u8,
) -> Result<(), Failure> {
    let style = output::style(arguments.color, arguments.verbose);
    let plain = Style { color: false, ..style };
    let to_screen = [Output { format: Written::Diagnosis(Format::Terminal), file: None }];
    let outputs: &[Output] = if arguments.output.is_empty() { &to_screen } else { &arguments.output };
    let mut failed = None;
    for wanted in outputs {
        let style = if wanted.file.is_some() { plain } else { style };
        let text = match wanted.format {
            Written::Events => continue,
            Written::Snapshot => record::write(snapshot),
            Written::Diagnosis(format) => render(diagnosis, exit, format, style),
        };
        let summary = match wanted.format {
            Written::Diagnosis(Format::Github) => {
                step_summary(diagnosis, exit, plain).map(|()| String::new())
            }
            Written::Diagnosis(Format::AzurePipelines) => attached_summary(diagnosis, exit, plain),
            Written::Diagnosis(_) | Written::Snapshot | Written::Events => Ok(String::new()),
        };
        let further = summary.as_deref().unwrap_or_default();
        let written = match &wanted.file {
            None => output::put(&format!("{text}{further}")),
            Some(path) => output::write(path, &format!("{text}{further}")),
        };
        failed = failed.or(written.err()).or(summary.err());
    }
    failed.map_or(Ok(()), Err)
}

/// Adds the report to the summary of a GitHub workflow's step, where there is one.
fn step_summary(diagnosis: &Diagnosis, exit: u8, style: Style) -> Result<(), Failure> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let path = PathBuf::from(path);
    let refuse = |cause| Failure::Output { file: path.display().to_string(), cause };
    let text = render(diagnosis, exit, Format::Markdown, style);
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&path).map_err(refuse)?;
    // The runner keeps nothing of a summary that is too long.
    let text = if text.len() < SUMMARY { text } else { render(diagnosis, exit, Format::Short, style) };
    file.write_all(text.as_bytes()).map_err(refuse)
}

/// Writes the report where the agent of Azure Pipelines takes it from, and gives the command that says so.
fn attached_summary(diagnosis: &Diagnosis, exit: u8, style: Style) -> Result<String, Failure> {
    let Some(folder) = std::env::var_os("AGENT_TEMPDIRECTORY").filter(|folder| !folder.is_empty()) else {
        return Ok(String::new());
    };
    // The agent shows the file's name as the title.
    let path = PathBuf::from(folder).join("mzv-doctor.md");
    output::write(&path, &render(diagnosis, exit, Format::Markdown, style))?;
    Ok(azure_summary(&path.display().to_string()))
}
