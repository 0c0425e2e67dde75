//! Findings that an earlier run has told already.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;

use crate::diagnosis::{Accepted, DIAGNOSIS_FORMAT, Diagnosis, SUPPRESSIONS_AREA, Severity, WRONG_TARGET};

/// What an earlier run found.
#[derive(Debug)]
pub struct Baseline {
    observed_at: Timestamp,
    deployment: BTreeMap<String, String>,
    known: BTreeSet<String>,
}

/// Why a file is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is something else.
    #[error("is no report of a run: `mzv-doctor check -o json=FILE` writes one ({0})")]
    NotAReport(String),
    /// It was written by another release.
    #[error("has form {found}, and this release reads form {read}: write it again")]
    Form {
        /// The form it has.
        found: u32,
        /// The form that is read.
        read: u32,
    },
    /// It is about another deployment.
    #[error("is about another deployment: {name} is {found} there, and {here} here")]
    Elsewhere {
        /// The setting that differs.
        name: String,
        /// Its value there.
        found: String,
        /// Its value here.
        here: String,
    },
}

#[derive(Deserialize)]
struct Report {
    document_format: u32,
    format: u32,
    observed_at: Timestamp,
    target: String,
    #[serde(default)]
    deployment: BTreeMap<String, String>,
    findings: Vec<Known>,
}

#[derive(Deserialize)]
struct Known {
    id: String,
    area: String,
    fingerprint: String,
    #[serde(default)]
    accepted: Option<Accepted>,
}

impl Baseline {
    /// Reads a report in JSON, as a document of this form.
    pub fn read(text: &str, document_format: u32) -> Result<Self, BaselineError> {
        let report: Report = serde_json::from_str(text).map_err(|error| {
            // Its words may repeat what stands in the file.
            BaselineError::NotAReport(format!("line {}, column {}", error.line(), error.column()))
        })?;
        for (found, read) in [(report.document_format, document_format), (report.format, DIAGNOSIS_FORMAT)] {
            if found != read {
                return Err(BaselineError::Form { found, read });
            }
        }
        // What somebody answered for until a day is not known for longer, and neither is that the day is over.
        let stays = |finding: &Known| {
            finding.id != WRONG_TARGET
                && finding.area != SUPPRESSIONS_AREA
                && !matches!(finding.accepted, Some(Accepted::Suppression { .. }))
        };
        let known = report.findings.into_iter().filter(stays);
        Ok(Self {
            observed_at: report.observed_at,
            deployment: report
                .deployment
                .into_iter()
                .chain([("environment".to_owned(), report.target)])
                .collect(),
            known: known.map(|finding| finding.fingerprint).collect(),
        })
    }

    /// Refuses a baseline of another deployment, by what is known of both.
    pub fn fits(&self, deployment: &BTreeMap<String, String>) -> Result<(), BaselineError> {
        let differs = |(name, here): (&String, &String)| {
            let found = self.deployment.get(name).filter(|found| !found.eq_ignore_ascii_case(here))?;
            Some(BaselineError::Elsewhere { name: name.clone(), found: found.clone(), here: here.clone() })
        };
        deployment.iter().find_map(differs).map_or(Ok(()), Err)
    }

    /// Marks what was found before, of the same deployment.
    pub fn mark(&self, diagnosis: &mut Diagnosis) -> Result<(), BaselineError> {
        self.fits(&diagnosis.deployment)?;
        for finding in &mut diagnosis.findings {
            // What is as expected fails nothing, and need not be accepted.
            if finding.severity > Severity::Notice
                && finding.accepted.is_none()
                && self.known.contains(&finding.fingerprint)
            {
                finding.accepted = Some(Accepted::Baseline { observed_at: self.observed_at });
            }
        }
        Ok(())
    }
}
