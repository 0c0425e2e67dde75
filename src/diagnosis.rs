//! What is wrong, what is fine, and what could not be examined.
//!
//! The shapes in `verdict.rs` are the whole of what a report may see. They serialize as the JSON
//! format's document, so that every other format says the same.

mod verdict;

pub use verdict::{
    Confidence, Contrast, DIAGNOSIS_FORMAT, Diagnosis, Evidence, Excerpt, Finding, Inconclusive, Missing,
    NotApplicable, Passed, Remedy, Severity, Side,
};
