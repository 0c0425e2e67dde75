//! A line on standard error that says what is being asked; on a terminal only.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::fact::{Observation, ProbeRun};
use crate::probe::Watch;

/// How often the line moves.
const TICK: Duration = Duration::from_millis(120);

/// Nobody follows the run.
pub(super) struct Unwatched;

impl Watch for Unwatched {}

pub(super) struct Progress<'a> {
    bar: ProgressBar,
    running: Mutex<Vec<String>>,
    /// Who is told as well.
    follower: &'a dyn Watch,
}

impl<'a> Progress<'a> {
    /// Starts, where standard error is a terminal.
    pub(super) fn start(probes: usize, follower: &'a dyn Watch) -> Self {
        let bar = ProgressBar::new(u64::try_from(probes).unwrap_or(0));
        if std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(TICK);
        } else {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self { bar, running: Mutex::default(), follower }
    }

    /// Takes the line away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn change(&self, change: impl FnOnce(&mut Vec<String>)) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut running);
        self.bar.set_message(format!("asking: {}", running.join(", ")));
    }
}

impl Watch for Progress<'_> {
    fn begins(&self, probe: &str) {
        self.change(|running| running.push(probe.to_owned()));
        self.follower.begins(probe);
    }

    fn ends(&self, run: &ProbeRun, facts: &[(&'static str, Observation<Value>)]) {
        self.change(|running| running.retain(|name| *name != run.name));
        self.bar.inc(1);
        self.follower.ends(run, facts);
    }
}
