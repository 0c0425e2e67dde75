//! Where reports go, and the forms of single values.

use std::path::PathBuf;
use std::time::Duration;

use crate::report::{Format, ScanFormat};

/// Where a report goes.
#[derive(Clone)]
pub(in crate::cli) struct Output {
    pub(in crate::cli) format: Written,
    pub(in crate::cli) file: Option<PathBuf>,
}

/// What a run writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Written {
    /// The diagnosis, in a format.
    Diagnosis(Format),
    /// What was learned.
    Snapshot,
    /// The same with all that goes with it, for a ticket.
    Bundle,
    /// The diagnosis with everything behind it, as a page.
    Html,
    /// Events, as they happen.
    Events,
}

pub(super) fn parse_output(text: &str) -> Result<Output, String> {
    let mut all: Vec<(&str, Written)> =
        Format::ALL.iter().map(|(name, format)| (*name, Written::Diagnosis(*format))).collect();
    all.extend([
        ("html", Written::Html),
        ("snapshot", Written::Snapshot),
        ("bundle", Written::Bundle),
        ("ndjson", Written::Events),
    ]);
    let (format, file) = format_and_file(text, &all)?;
    if format == Written::Bundle && file.is_none() {
        return Err("a bundle needs a file, as in bundle=ticket.tar.zst".into());
    }
    Ok(Output { format, file })
}

pub(super) fn parse_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() { Err("a name is missing".into()) } else { Ok(name.to_owned()) }
}

pub(super) fn parse_percent(text: &str) -> Result<u8, String> {
    let number = text.trim_end_matches('%').parse().ok().filter(|percent| *percent <= 100);
    number.ok_or_else(|| "give a whole number from 0 to 100".to_owned())
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    crate::target::parse_duration(text).ok_or_else(|| "give a time such as 90s, 5m or 1h".to_owned())
}

/// Where the report of a scan goes.
#[derive(Clone)]
pub(in crate::cli) struct ScanOutput {
    pub(in crate::cli) format: ScanFormat,
    pub(in crate::cli) file: Option<PathBuf>,
}

pub(super) fn parse_scan_output(text: &str) -> Result<ScanOutput, String> {
    let (format, file) = format_and_file(text, ScanFormat::ALL)?;
    Ok(ScanOutput { format, file })
}

fn format_and_file<T: Copy>(text: &str, all: &[(&str, T)]) -> Result<(T, Option<PathBuf>), String> {
    let (name, file) = match text.split_once('=') {
        Some((_, "")) => return Err("a file name is missing behind =".into()),
        Some((name, file)) => (name, Some(PathBuf::from(file))),
        None => (text, None),
    };
    if let Some((_, format)) = all.iter().find(|(known, _)| *known == name) {
        Ok((*format, file))
    } else {
        let known: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        Err(format!("there is no format {name}; there are {}", known.join(", ")))
    }
}
