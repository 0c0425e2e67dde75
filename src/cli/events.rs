//! A run as it happens: a line for each event, to whoever follows it.

use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::Failure;
use super::arguments::{Output, Written};
use super::output::is_screen;
use crate::diagnosis::Diagnosis;
use crate::fact::{Observation, ProbeRun};
use crate::probe::Watch;
use crate::report::{Event, event_line, events_of};

/// Where events go. A stream that broke is left alone, and told of when the run ends.
pub(super) struct Events(Vec<Mutex<Stream>>);

struct Stream {
    file: String,
    into: Box<dyn Write + Send>,
    broken: Option<std::io::Error>,
}

impl Events {
    /// Opens the streams that were asked for.
    pub(super) fn open(outputs: &[Output]) -> Result<Self, Failure> {
        let wanted = outputs.iter().filter(|output| output.format == Written::Events);
        let streams: Result<Vec<_>, Failure> = wanted
            .map(|output| {
                let (file, into): (String, Box<dyn Write + Send>) = match &output.file {
                    None => ("standard output".to_owned(), Box::new(std::io::stdout())),
                    Some(path) if is_screen(path) => {
                        (path.display().to_string(), Box::new(std::io::stdout()))
                    }
                    Some(path) => (path.display().to_string(), create(path)?),
                };
                Ok(Mutex::new(Stream { file, into, broken: None }))
            })
            .collect();
        Ok(Self(streams?))
    }

    /// Tells of an event.
    pub(super) fn tell(&self, event: &Event<'_>) {
        if self.0.is_empty() {
            return;
        }
        let line = event_line(event);
        for stream in &self.0 {
            let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
            if stream.broken.is_none() {
                let told = stream.into.write_all(line.as_bytes()).and_then(|()| stream.into.flush());
                // A reader that went away is no error.
                stream.broken = told.err();
            }
        }
    }

    /// The first stream that broke by now.
    pub(super) fn broken(&self) -> Option<Failure> {
        self.0.iter().find_map(|stream| {
            let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
            let cause = stream.broken.take_if(|cause| cause.kind() != std::io::ErrorKind::BrokenPipe)?;
            let said = std::io::Error::new(cause.kind(), cause.to_string());
            stream.broken = Some(cause);
            Some(Failure::Output { file: stream.file.clone(), cause: said })
        })
    }

    /// Tells what the run came to, and ends.
    pub(super) fn end(&self, diagnosis: &Diagnosis, exit: u8) -> Result<(), Failure> {
        for event in events_of(diagnosis, exit) {
            self.tell(&event);
        }
        self.broken().map_or(Ok(()), Err)
    }
}

fn create(path: &Path) -> Result<Box<dyn Write + Send>, Failure> {
    let refuse = |cause| Failure::Output { file: path.display().to_string(), cause };
    Ok(Box::new(std::fs::File::create(path).map_err(refuse)?))
}

impl Watch for Events {
    fn begins(&self, probe: &str) {
        self.tell(&Event::Asking { probe });
    }

    fn ends(&self, run: &ProbeRun, facts: &[(&'static str, Observation<Value>)]) {
        self.tell(&Event::asked(run, facts));
    }
}
