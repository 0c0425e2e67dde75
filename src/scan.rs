//! Named errors in text that a person handed over: which, how often, since when, where, and what mends them.
//!
//! [`Reading`] goes through one stream; [`run`] through many at once; [`Answer`] is what a report may see.

mod answer;
mod reading;
mod run;
mod tally;

pub use answer::{ANSWER_FORMAT, Answer, Captured, Named, Place, Read, Unread, answer};
pub use reading::{Match, Reading};
pub use run::{Each, Handed, Outcome, run};
pub use tally::{Seen, Tally};
