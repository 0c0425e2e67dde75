//! What a run learned, written down and read again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Failure;
use crate::bundle::{self, Check, Manifest};
use crate::fact::{Outcome, Reason, SNAPSHOT_FORMAT, Snapshot, vocabulary};
use crate::redact::{Values, redact_snapshot};

/// The longest record that is read, in bytes.
const LONGEST: u64 = 256 << 20;

/// A snapshot as a document; `schema/snapshot.v1.json` describes it.
pub(super) fn write(snapshot: &Snapshot) -> String {
    // Its types have text keys only, which is all that JSON asks.
    format!("{}\n", serde_json::to_string_pretty(snapshot).unwrap_or_else(|_| "{}".into()))
}

/// What only a snapshot has.
#[derive(serde::Deserialize)]
struct Recorded {
    #[serde(rename = "format")]
    _format: u32,
    #[serde(rename = "facts")]
    _facts: serde::de::IgnoredAny,
    #[serde(rename = "text")]
    _text: serde::de::IgnoredAny,
    #[serde(rename = "vantage")]
    _vantage: serde::de::IgnoredAny,
}

/// What says who wrote a record.
#[derive(serde::Deserialize)]
struct Head {
    format: u32,
    tool_version: String,
}

/// Whether a file begins as a snapshot does.
pub(super) fn is_snapshot(file: &Path) -> bool {
    let short = std::fs::metadata(file).is_ok_and(|there| there.len() <= LONGEST);
    let text = if short { std::fs::read_to_string(file).unwrap_or_default() } else { String::new() };
    serde_json::from_str::<Recorded>(&text).is_ok()
}

/// Reads a snapshot, or a bundle with what it says of itself.
pub(super) fn read(file: &Path) -> Result<(Snapshot, Option<Manifest>), Failure> {
    let shown = file.display();
    let refuse = |what: String| Failure::Usage(format!("{shown}: {what}"));
    if bundle::is_bundle(file).map_err(|error| refuse(error.to_string()))? {
        let mut read = bundle::read(file, Check::Strict).map_err(|error| refuse(error.to_string()))?;
        settle(&mut read.snapshot);
        return Ok((read.snapshot, Some(read.manifest)));
    }
    let length = std::fs::metadata(file).map_err(|error| refuse(error.to_string()))?.len();
    if length > LONGEST {
        return Err(refuse(format!("is longer than {} MiB, and no record of this program", LONGEST >> 20)));
    }
    let text = std::fs::read_to_string(file).map_err(|error| refuse(error.to_string()))?;
    let head: Head = serde_json::from_str(&text)
        .map_err(|_| refuse("is no record of a run: `mzv-doctor bundle create` writes one".into()))?;
    if head.format != SNAPSHOT_FORMAT {
        return Err(refuse(format!(
            "has form {}, and this release reads form {SNAPSHOT_FORMAT}: use mzv-doctor {}, which wrote it",
            head.format, head.tool_version
        )));
    }
    let mut snapshot: Snapshot =
        serde_json::from_str(&text).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    settle(&mut snapshot);
    Ok((snapshot, None))
}

/// What a bundle comes to with other rules than those of its writer, and why; none where they are the same.
pub(super) fn compared(
    manifest: &Manifest,
    marks: &BTreeMap<String, String>,
    found: &BTreeSet<&str>,
) -> Option<String> {
    if manifest.rules == *marks && manifest.tool_version == env!("CARGO_PKG_VERSION") {
        return None;
    }
    let why = |name: &str| match (manifest.rules.get(name), marks.get(name)) {
        (None, Some(_)) => "its rule is new".to_owned(),
        (Some(_), None) => "its rule is gone".to_owned(),
        (Some(then), Some(now)) if then != now => "its rule changed".to_owned(),
        _ if manifest.tool_version != env!("CARGO_PKG_VERSION") => {
            format!("mzv-doctor {} worked facts out in another way", manifest.tool_version)
        }
        _ => "a rule that it depends on changed".to_owned(),
    };
    let then: BTreeSet<&str> = manifest.found.iter().map(String::as_str).collect();
    let told = |names: Vec<&str>| {
        names.iter().map(|name| format!("{name} ({})", why(name))).collect::<Vec<_>>().join(", ")
    };
    let gained = told(found.difference(&then).copied().collect());
    let lost = told(then.difference(found).copied().collect());
    let parts: Vec<String> = [("found now and not then", gained), ("found then and not now", lost)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(label, names)| format!("{label}: {names}"))
        .collect();
    let changed = if parts.is_empty() { "the same names are found".to_owned() } else { parts.join("; ") };
    Some(format!(
        "judged by other rules than those of mzv-doctor {}, which wrote it: {changed}",
        manifest.tool_version
    ))
}

/// What anybody may have written is looked through as if it had just been learned.
fn settle(snapshot: &mut Snapshot) {
    doubt(snapshot);
    redact_snapshot(snapshot, &Values::default(), None);
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
