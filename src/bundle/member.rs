//! Names and sizes that a bundle may have.

/// The manifest, always first.
pub(super) const MANIFEST: &str = "manifest.json";
/// The snapshot, without its text.
pub(super) const SNAPSHOT: &str = "snapshot.json";
/// The text, one JSON object a line.
pub(super) const TEXT: &str = "text.ndjson";
/// What was taken out where.
pub(super) const REDACTIONS: &str = "redactions.json";
/// SHA-256 of the manifest, always last.
pub(super) const SEAL: &str = "manifest.sha256";
/// Folder of answers as they came.
const RAW: &str = "raw/";

/// The most files that a bundle holds.
pub(super) const MOST: usize = 1000;
/// The most bytes that a bundle comes to when it is unpacked.
pub(super) const LARGEST: u64 = 160 << 20;

/// Name of the answer with a number.
pub(super) fn raw(number: usize) -> String {
    format!("{RAW}{number:04}.json")
}

/// The most bytes that a file of this name may have; none where no bundle holds one.
pub(super) fn limit(name: &str) -> Option<u64> {
    match name {
        MANIFEST => Some(4 << 20),
        SNAPSHOT | TEXT => Some(64 << 20),
        REDACTIONS => Some(16 << 20),
        SEAL => Some(64),
        _ => {
            let number = name.strip_prefix(RAW)?.strip_suffix(".json")?;
            (number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit())).then_some(4 << 20)
        }
    }
}
