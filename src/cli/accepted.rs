//! What is known already: the suppressions file and the baseline of a run.

use std::path::Path;

use super::Failure;
use super::arguments::Check;
use super::examination::Examination;
use crate::diagnosis::Diagnosis;
use crate::gate::{Baseline, Suppressions, put_in_order};
use crate::report::DOCUMENT_FORMAT;

/// The longest file that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// What is known already.
pub(super) struct Accepted {
    suppressions: Option<Suppressions>,
    /// The baseline, with its file.
    baseline: Option<(String, Baseline)>,
}

impl Accepted {
    /// Reads both files; what cannot be used is told before anything is asked.
    pub(super) fn read(arguments: &Check, examination: &Examination) -> Result<Self, Failure> {
        let mut suppressions = None;
        if let Some(path) = &arguments.suppressions {
            let refuse = |said: String| Failure::Usage(format!("{}: {said}", path.display()));
            let read = Suppressions::read(&text(path)?).map_err(|error| refuse(error.to_string()))?;
            for entry in &read.suppressions {
                if !examination.rules.rules.contains_key(&entry.name) {
                    let name = &entry.name;
                    return Err(refuse(format!(
                        "there is no rule {name}; `mzv-doctor rules list` names them"
                    )));
                }
            }
            suppressions = Some(read);
        }
        let baseline = match &arguments.baseline {
            Some(path) => {
                let file = path.display().to_string();
                let refuse = |error| Failure::Usage(format!("{file}: {error}"));
                let read = Baseline::read(&text(path)?, DOCUMENT_FORMAT).map_err(refuse)?;
                read.fits(&examination.deployment()).map_err(refuse)?;
                Some((file, read))
            }
            None => None,
        };
        Ok(Self { suppressions, baseline })
    }

    /// Marks what is known. A baseline that turns out to be another deployment's is told, and marks nothing.
    pub(super) fn mark(&self, diagnosis: &mut Diagnosis) -> Option<Failure> {
        if let Some(suppressions) = &self.suppressions {
            suppressions.mark(diagnosis);
        }
        let marked = self.baseline.as_ref().map(|(file, baseline)| {
            baseline.mark(diagnosis).map_err(|error| Failure::Usage(format!("{file}: {error}")))
        });
        put_in_order(diagnosis);
        marked.and_then(Result::err)
    }
}

fn text(path: &Path) -> Result<String, Failure> {
    let refuse = |said: String| Failure::Usage(format!("{}: {said}", path.display()));
    let length = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?.len();
    if length > LONGEST {
        return Err(refuse(format!("is longer than {} MiB", LONGEST >> 20)));
    }
    std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))
}
