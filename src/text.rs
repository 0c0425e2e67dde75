//! Sources of text: files, folders, standard input, and what is packed in them, as blocks of whole lines.
//!
//! Everything is streamed: memory does not grow with the size of what is read. What cannot be read is a
//! [`Problem`] of its own; the rest is still read.

mod journal;
mod lines;
mod piece;
mod time;
mod unpack;
mod unwrap;
mod walk;

pub use lines::{Block, Blocks, WINDOW};
pub use time::{Clock, time_of};
pub use unpack::{Limits, unpack};
pub use unwrap::{Unwrapped, unwrap};
pub use walk::{File, open, walk};

/// What could not be read, and why, in one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The source, as it is shown.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
}

impl Problem {
    /// A problem of a place; what is wrong becomes one line, whatever an archive makes a library say.
    pub fn new(place: impl Into<String>, what: impl std::fmt::Display) -> Self {
        let said = what.to_string();
        let words = said.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
        let what = words.collect::<Vec<_>>().join(" ");
        Self { place: place.into(), what: if what.is_empty() { "cannot be read".into() } else { what } }
    }
}
