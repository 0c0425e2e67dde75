//! The reports of a run, each to where it was asked for.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::arguments::{Check, Output, Written};
use super::events::Events;
use super::examination::Examination;
use super::{Failure, bundle, output, record};
use crate::diagnosis::Diagnosis;
use crate::fact::Snapshot;
use crate::gate::exit;
use crate::report::{Format, Style, azure_summary, html, render};
use crate::target::SETTINGS_FILE;

/// What GitHub takes as a step's summary, in bytes.
/// <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary>
const SUMMARY: usize = 1 << 20;

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
    let is_wanted = |format| outputs.iter().any(|output| output.format == Written::Diagnosis(format));
    if let Some(path) = summary_file().filter(|_| is_wanted(Format::Github)) {
        std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .map_err(|cause| refused(&path, cause))?;
    }
    if let Some(folder) = summary_folder().filter(|_| is_wanted(Format::AzurePipelines)) {
        tempfile::tempfile_in(&folder).map_err(|cause| refused(&folder, cause))?;
    }
    let inputs = inputs(arguments);
    for (at, file) in outputs.iter().enumerate().filter_map(|(at, output)| Some((at, output.file.as_ref()?)))
    {
        let refuse = |what: &str| Err(Failure::Usage(format!("{}: {what}", file.display())));
        let same = |other: &PathBuf| output::place(other) == output::place(file);
        if is_kept(file) {
            if outputs[..at].iter().filter_map(|other| other.file.as_ref()).any(same) {
                return refuse("two reports cannot share a file");
            }
            if let Some((_, what)) = inputs.iter().find(|(input, _)| same(input)) {
                return refuse(&format!("is {what}, and would be written over"));
            }
        }
        if output::is_screen(file) && !on_screen.is_empty() {
            return refuse("is standard output, which holds a report already");
        }
        if file.is_dir() || !output::folder(&output::place(file)).is_dir() {
            return refuse("cannot be written: there is no such folder, or it is one itself");
        }
    }
    Ok(())
}

/// Files that the run reads, each with what it is.
fn inputs(arguments: &Check) -> Vec<(PathBuf, &'static str)> {
    let examine = &arguments.examine;
    let settings = examine.target.settings_file().or_else(|| Some(PathBuf::from(SETTINGS_FILE)));
    [
        (arguments.baseline.clone(), "the baseline"),
        (arguments.suppressions.clone(), "the suppressions file"),
        (examine.bundle.clone(), "the record that is judged"),
        (settings, "the settings file"),
        (examine.target.kubeconfig.clone(), "the kubeconfig"),
        (examine.target.ca_file.clone(), "the file of authorities"),
    ]
    .into_iter()
    .filter_map(|(file, what)| Some((file?, what)))
    .collect()
}

/// Whether what is written there stays: a device may take any number of reports.
fn is_kept(file: &Path) -> bool {
    std::fs::metadata(file).map_or(true, |there| there.is_file())
}

/// Writes every report. One that cannot be written keeps no other from being written, and the others say so.
pub(super) fn write(
    arguments: &Check,
    examination: &mut Examination,
    diagnosis: Diagnosis,
    exit: u8,
    events: &Events,
    misfit: Option<Failure>,
) -> Result<(), Failure> {
    let to_screen = [Output { format: Written::Diagnosis(Format::Terminal), file: None }];
    let outputs: &[Output] = if arguments.output.is_empty() { &to_screen } else { &arguments.output };
    let style = output::style(arguments.color, arguments.verbose);
    let bundles: Vec<Result<(), Failure>> = outputs
        .iter()
        .filter(|output| output.format == Written::Bundle)
        .filter_map(|output| output.file.as_deref())
        .map(|file| bundle::of_examination(examination, arguments.examine.rules.as_deref(), file))
        .collect();
    let snapshot = &examination.snapshot;
    let mut reports = Reports { outputs, snapshot, diagnosis, exit, style, failed: None };
    for written in bundles {
        reports.note(written);
    }
    reports.note(misfit.map_or(Ok(()), Err));
    reports.note(events.broken().map_or(Ok(()), Err));
    // What can be written once more comes first, and what cannot last: each says what became of those before it.
    reports.files();
    reports.all(|output| output.file.is_some() && !output.is_file());
    reports.all(|output| output.file.is_none());
    if outputs.iter().any(|output| output.format == Written::Diagnosis(Format::Github)) {
        let summarised = step_summary(&reports.diagnosis, reports.exit, reports.plain());
        reports.note(summarised);
    }
    let ended = events.end(&reports.diagnosis, reports.exit);
    reports.note(ended);
    reports.failed.map_or(Ok(()), Err)
}

/// Reports of a run, on their way out.
struct Reports<'a> {
    outputs: &'a [Output],
    snapshot: &'a Snapshot,
    diagnosis: Diagnosis,
    exit: u8,
    style: Style,
    failed: Option<Failure>,
}

impl Output {
    /// Whether it is a file that can be written once more.
    fn is_file(&self) -> bool {
        self.file.as_deref().is_some_and(|file| is_kept(file) && !output::is_screen(file))
    }
}

impl Reports<'_> {
    fn plain(&self) -> Style {
        Style { color: false, ..self.style }
    }

    /// Takes note of what could not be written. From the first such on, it is what the run comes to.
    fn note(&mut self, written: Result<(), Failure>) {
        let Err(failure) = written else { return };
        if self.failed.is_none() {
            self.exit = exit::USAGE;
            self.diagnosis.because = failure.to_string();
            self.failed = Some(failure);
            self.files();
        }
    }

    /// Writes the files; where one of them cannot be, all of them again.
    fn files(&mut self) {
        self.all(Output::is_file);
    }

    fn all(&mut self, which: impl Fn(&Output) -> bool) {
        for wanted in self.outputs.iter().filter(|output| which(output)) {
            let written = self.one(wanted);
            self.note(written);
        }
    }

    fn one(&self, wanted: &Output) -> Result<(), Failure> {
        let style = if wanted.file.is_some() { self.plain() } else { self.style };
        let mut text = match wanted.format {
            Written::Events | Written::Bundle => return Ok(()),
            Written::Snapshot => record::write(self.snapshot),
            Written::Html => html(&self.diagnosis, self.snapshot, self.exit)
                .map_err(|error| Failure::Usage(format!("html: {error}")))?,
            Written::Diagnosis(format) => render(&self.diagnosis, self.exit, format, style),
        };
        let summarised = match wanted.format {
            Written::Diagnosis(Format::AzurePipelines) => {
                attached_summary(&self.diagnosis, self.exit, self.plain())
            }
            Written::Diagnosis(_) | Written::Snapshot | Written::Html | Written::Bundle | Written::Events => {
                Ok(String::new())
            }
        };
        text.push_str(summarised.as_deref().unwrap_or_default());
        let written = match &wanted.file {
            None => output::put(&text),
            Some(path) => output::write(path, &text),
        };
        written.and(summarised.map(drop))
    }
}

/// Where GitHub takes a step's summary from.
fn summary_file() -> Option<PathBuf> {
    std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The folder of an agent of Azure Pipelines for files of a job.
fn summary_folder() -> Option<PathBuf> {
    std::env::var_os("AGENT_TEMPDIRECTORY").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

fn refused(path: &Path, cause: std::io::Error) -> Failure {
    Failure::Output { file: path.display().to_string(), cause }
}

/// Adds the report to the summary of a GitHub workflow's step, where there is one.
fn step_summary(diagnosis: &Diagnosis, exit: u8, style: Style) -> Result<(), Failure> {
    let Some(path) = summary_file() else { return Ok(()) };
    let refuse = |cause| refused(&path, cause);
    let text = render(diagnosis, exit, Format::Markdown, style);
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&path).map_err(refuse)?;
    // The runner keeps nothing of a summary that is too long.
    let text = if text.len() < SUMMARY { text } else { render(diagnosis, exit, Format::Short, style) };
    file.write_all(text.as_bytes()).map_err(refuse)
}

/// Writes the report where the agent of Azure Pipelines takes it from, and gives the command that says so.
fn attached_summary(diagnosis: &Diagnosis, exit: u8, style: Style) -> Result<String, Failure> {
    let Some(folder) = summary_folder() else { return Ok(String::new()) };
    // The agent shows the file's name as the title.
    let path = folder.join("mzv-doctor.md");
    output::write(&path, &render(diagnosis, exit, Format::Markdown, style))?;
    Ok(azure_summary(&path.display().to_string()))
}
