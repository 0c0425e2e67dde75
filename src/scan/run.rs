//! Many sources at once, in the order in which they were given.

use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Match, Reading, Seen};
use crate::fact::TextSource;
use crate::text::{self, File, Limits, Problem};

/// Threads at most: each has a buffer of its own.
const THREADS: usize = 8;

/// A source that was handed over.
pub enum Handed {
    /// A file, which may be packed.
    File(File),
    /// A stream, which may be packed, with its name.
    Stream(String, Box<dyn Read + Send>),
    /// A stream that is opened when its turn comes.
    Later(Box<Opening>),
    /// Text that was read already: its kind, its name, and the text.
    Text(TextSource, String, String),
}

/// Opens a stream: its name, and the stream.
type Opening = dyn FnOnce() -> Result<(String, Box<dyn Read + Send>), Problem> + Send;

/// Who is told of each occurrence, with the name of its text.
pub enum Each<'a> {
    /// Nobody.
    Silent,
    /// This, in the order of the sources, which are read one after the other.
    InOrder(&'a mut (dyn FnMut(&str, &Match) + Send)),
    /// This, as they are found; every source is read at once, however many there are.
    Together(&'a mut (dyn FnMut(&str, &Match) + Send)),
}

/// What all sources show.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Each text by its name, in order.
    pub seen: Vec<(String, Seen)>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Reads sources, several at a time; the outcome is in their order.
pub fn run(sources: Vec<Handed>, reading: Reading<'_>, each: Each<'_>) -> Outcome {
    let count = sources.len();
    let open: Vec<Mutex<Option<Handed>>> = sources.into_iter().map(|one| Mutex::new(Some(one))).collect();
    let done: Vec<Mutex<Outcome>> = (0..count).map(|_| Mutex::new(Outcome::default())).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
    let (threads, told) = match each {
        Each::Silent => (cores, None),
        Each::InOrder(told) => (1, Some(Mutex::new(told))),
        Each::Together(told) => (count, Some(Mutex::new(told))),
    };
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                break;
            }
            let Some(source) = open[number].lock().ok().and_then(|mut slot| slot.take()) else { continue };
            let outcome = one(source, reading, &mut |place, found| {
                if let Some(Ok(mut told)) = told.as_ref().map(Mutex::lock) {
                    told(place, found);
                }
            });
            if let Ok(mut slot) = done[number].lock() {
                *slot = outcome;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(count) {
            scope.spawn(work);
        }
        work();
    });
    let mut whole = Outcome::default();
    for slot in done {
        let outcome = slot.into_inner().unwrap_or_default();
        whole.seen.extend(outcome.seen);
        whole.problems.extend(outcome.problems);
    }
    whole
}

fn one(source: Handed, reading: Reading<'_>, each: &mut dyn FnMut(&str, &Match)) -> Outcome {
    let mut outcome = Outcome::default();
    let (place, stream) = match source {
        Handed::Text(kind, place, text) => {
            let mut seen = Seen::default();
            let told = &mut |found: &Match| each(&place, found);
            // Text in memory does not break off.
            let _read = Reading { source: kind, ..reading }.read(&mut text.as_bytes(), &mut seen, told);
            outcome.seen.push((place, seen));
            return outcome;
        }
        Handed::Stream(place, stream) => (place, stream),
        Handed::Later(open) => match open() {
            Ok(opened) => opened,
            Err(problem) => {
                outcome.problems.push(problem);
                return outcome;
            }
        },
        Handed::File(file) => match text::open(&file) {
            Ok(stream) => (file.place, stream),
            Err(problem) => {
                outcome.problems.push(problem);
                return outcome;
            }
        },
    };
    let Outcome { seen, problems } = &mut outcome;
    let mut visit = |name: &str, stream: &mut dyn Read| -> io::Result<()> {
        let mut shown = Seen::default();
        let ended = reading.read(stream, &mut shown, &mut |found| each(name, found));
        seen.push((name.to_owned(), shown));
        ended
    };
    if reading.eager {
        // To tell a format by its first bytes would be to wait for them.
        let mut stream = stream;
        if let Err(error) = visit(&place, &mut stream) {
            problems.push(Problem::new(&place, error));
        }
    } else {
        text::unpack(&place, stream, Limits::default(), &mut visit, problems);
    }
    outcome
}
