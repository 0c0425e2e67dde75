//! What a run learned as one file: a tar archive packed with Zstandard, that says what it holds and what it could not get.
//!
//! The manifest comes first, then the snapshot without its text, the text a line each, answers as they came, and what was taken
//! out where. A bundle holds no secret: what is written is looked through once more, by other means than those that took secrets
//! out, and on a find there is no bundle. The same snapshot is the same bytes.

mod manifest;
mod member;
mod read;
mod sweep;
mod write;

pub use manifest::{BUNDLE_FORMAT, Gap, Manifest, Member};
pub use read::{Bundle, Check, ReadError, is_bundle, member, read, read_from};
pub use sweep::Hit;
pub use write::{Contents, WriteError, write};

/// An answer as it came, without secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct Raw {
    /// What was asked of whom.
    pub call: String,
    /// The answer.
    pub body: serde_json::Value,
}
