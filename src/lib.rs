//! Finds what is broken in a `MazeVault` hybrid deployment, names it, proves it and prints the fix.
//!
//! Probes observe facts into a [`fact::Snapshot`]; rules turn a snapshot into a diagnosis; a format
//! renders the diagnosis. Modules sit on floors and import downwards only (`tests/floors.rs`).

pub mod bundle;
pub mod cli;
pub mod client;
pub mod derive;
pub mod diagnosis;
pub mod fact;
pub mod gate;
pub mod lab;
pub mod probe;
pub mod redact;
pub mod report;
pub mod rule;
pub mod scan;
pub mod target;
pub mod text;
