//! Sources of text: files, folders, standard input, and what is packed in them, as blocks of whole lines.
//!
//! Everything is streamed: memory does not grow with the size of what is read. What cannot be read is a
//! [`Problem`] of its own; the rest is still read.

mod lines;
mod time;
mod unpack;
mod unwrap;
mod walk;

pub use lines::{Block, Blocks, WINDOW};
pub use time::{Clock, time_of};
pub use unpack::{Limits, unpack};
pub use unwrap::{Numbering, Unwrapped, unwrap};
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
    /// A problem of a place.
    pub fn new(place: impl Into<String>, what: impl ToString) -> Self {
        Self { place: place.into(), what: what.to_string() }
    }
}
