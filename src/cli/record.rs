//! What a run learned, written down and read again.

use std::path::Path;

use super::Failure;
use crate::fact::{Outcome, Reason, SNAPSHOT_FORMAT, Snapshot, vocabulary};

/// The longest record that is read, in bytes.
const LONGEST: u64 = 256 << 20;

/// A snapshot as a document; `schema/snapshot.v1.json` describes it.
pub(super) fn write(snapshot: &Snapshot) -> String {
    // Its types have text keys only, which is all that JSON asks.
    format!("{}\n", serde_json::to_string_pretty(snapshot).unwrap_or_else(|_| "{}".into()))
}

/// What says who wrote a record.
#[derive(serde::Deserialize)]
struct Head {
    format: u32,
    tool_version: String,
}

/// Reads a snapshot.
pub(super) fn read(file: &Path) -> Result<Snapshot, Failure> {
    let shown = file.display();
    let refuse = |what: String| Failure::Usage(format!("{shown}: {what}"));
    let length = std::fs::metadata(file).map_err(|error| refuse(error.to_string()))?.len();
    if length > LONGEST {
        return Err(refuse(format!("is longer than {} MiB, and no record of this program", LONGEST >> 20)));
    }
    let text = std::fs::read_to_string(file).map_err(|error| refuse(error.to_string()))?;
    let head: Head = serde_json::from_str(&text).map_err(|_| {
        refuse("is no record of a run: `mzv-doctor check -o snapshot=FILE` writes one".into())
    })?;
    if head.format != SNAPSHOT_FORMAT {
        return Err(refuse(format!(
            "has form {}, and this release reads form {SNAPSHOT_FORMAT}: use mzv-doctor {}, which wrote it",
            head.format, head.tool_version
        )));
    }
    let mut snapshot: Snapshot =
        serde_json::from_str(&text).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    doubt(&mut snapshot);
    Ok(snapshot)
}

/// Takes for unknown what is not of its fact's type: nothing that is concluded from it would hold.
fn doubt(snapshot: &mut Snapshot) {
    for spec in vocabulary() {
        if let Some(seen) = snapshot.facts.get_mut(spec.name)
            && let Outcome::Known(value) = &seen.outcome
            && !(spec.fits)(value)
        {
            let detail = "the record holds a value of another shape".into();
            seen.outcome = Outcome::Unknown(Reason::Malformed { detail });
        }
    }
}
