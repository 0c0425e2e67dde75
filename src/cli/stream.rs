//! Streams that end when the run is to stop, and those that go on as text is added.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// How often a stream that waits looks whether there is more, or whether it is to stop.
const PAUSE: Duration = Duration::from_millis(100);
/// Bytes that are handed on at once.
const CHUNK: usize = 1 << 16;

/// Whether the run is to stop.
pub(super) type Stop = Arc<AtomicBool>;

/// A stream that ends early when the run is to stop.
pub(super) struct Stoppable<R> {
    pub(super) inner: R,
    pub(super) stop: Stop,
}

impl<R: Read> Read for Stoppable<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) { Ok(0) } else { self.inner.read(into) }
    }
}

/// A stream that somebody else writes, read by a thread of its own: neither opening a pipe nor waiting for what comes out
/// of it can be ended.
pub(super) struct Awaited {
    chunks: Receiver<io::Result<Vec<u8>>>,
    rest: Vec<u8>,
    at: usize,
    stop: Stop,
}

impl Awaited {
    pub(super) fn standard_input(stop: Stop) -> Self {
        Self::start(stop, || Ok(io::stdin()))
    }

    pub(super) fn pipe(path: PathBuf, stop: Stop) -> Self {
        Self::start(stop, move || File::open(path))
    }

    fn start<R: Read>(stop: Stop, open: impl FnOnce() -> io::Result<R> + Send + 'static) -> Self {
        let (sender, chunks) = sync_channel(4);
        std::thread::spawn(move || {
            let mut input = match open() {
                Ok(input) => input,
                // Where nobody waits any more, nobody is told.
                Err(error) => return drop(sender.send(Err(error))),
            };
            loop {
                let mut chunk = vec![0; CHUNK];
                let read = input.read(&mut chunk);
                let ended = !matches!(read, Ok(count) if count > 0);
                let sent = match read {
                    Ok(count) => {
                        chunk.truncate(count);
                        sender.send(Ok(chunk))
                    }
                    Err(error) => sender.send(Err(error)),
                };
                if ended || sent.is_err() {
                    return;
                }
            }
        });
        Self { chunks, rest: Vec::new(), at: 0, stop }
    }
}

impl Read for Awaited {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.rest.len() {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(0);
            }
            match self.chunks.recv_timeout(PAUSE) {
                Ok(Ok(chunk)) if chunk.is_empty() => return Ok(0),
                Ok(chunk) => (self.rest, self.at) = (chunk?, 0),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let count = into.len().min(self.rest.len() - self.at);
        into[..count].copy_from_slice(&self.rest[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// A file that goes on as it grows, also when another takes its name, as a rotated log does.
pub(super) struct Followed {
    path: PathBuf,
    file: File,
    stop: Stop,
}

impl Followed {
    pub(super) fn open(path: &Path, stop: Stop) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut first = [0; 4];
        let count = file.read(&mut first)?;
        if matches!(first[..count], [0x1F, 0x8B, ..] | [0x28, 0xB5, 0x2F, 0xFD]) {
            return Err(io::Error::other("is packed, and nothing is added to it: scan it without --follow"));
        }
        file.rewind()?;
        Ok(Self { path: path.to_owned(), file, stop })
    }

    /// Opens the file anew where its name stands for another one, and goes back where it became shorter.
    fn review(&mut self) -> io::Result<()> {
        let here = self.file.metadata()?;
        if here.len() < self.file.stream_position()? {
            self.file.rewind()?;
        }
        if let Ok(there) = std::fs::metadata(&self.path)
            && is_other(&here, &there)
        {
            self.file = File::open(&self.path)?;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn is_other(one: &std::fs::Metadata, other: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) != (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_other(_: &std::fs::Metadata, _: &std::fs::Metadata) -> bool {
    false
}

impl Read for Followed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.file.read(into)?;
            if count > 0 || self.stop.load(Ordering::Relaxed) {
                return Ok(count);
            }
            std::thread::sleep(PAUSE);
            self.review()?;
        }
    }
}
