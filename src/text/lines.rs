//! A stream in blocks of whole lines, each with the lines that follow its own.

use std::io::{self, Read};

use memchr::memrchr;

use crate::fact::FOLLOWING;

/// Bytes of a block at first.
const BLOCK: usize = 1 << 18;
/// The longest stretch of text that is looked at in one piece; a longer line is looked at in windows of this length.
pub const WINDOW: usize = 1 << 20;
/// Bytes that two windows of one line share.
const SHARED: usize = 1 << 14;

/// Whole lines.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The block's own lines, and those that follow them.
    pub text: &'a [u8],
    /// Where the lines begin that only follow.
    pub owned: usize,
    /// Number of the first line, from 1.
    pub line: u64,
    /// Bytes of the first line before this block: it is too long for one window.
    pub column: u64,
}

/// The blocks of one stream.
pub struct Blocks<R> {
    reader: R,
    buffer: Vec<u8>,
    filled: usize,
    /// What the last block owned.
    used: usize,
    line: u64,
    column: u64,
    ended: bool,
    windows: bool,
    /// Give out what is there, without waiting for the lines that follow.
    eager: bool,
    read: u64,
    failure: Option<io::Error>,
}

impl<R: Read> Blocks<R> {
    /// Blocks of a stream; `eager` gives out every line as soon as it is whole.
    pub fn new(reader: R, eager: bool) -> Self {
        Self {
            reader,
            buffer: vec![0; BLOCK],
            filled: 0,
            used: 0,
            line: 1,
            column: 0,
            ended: false,
            windows: false,
            eager,
            read: 0,
            failure: None,
        }
    }

    /// Whether a line was too long to be looked at in one piece.
    pub fn windows(&self) -> bool {
        self.windows
    }

    /// Bytes read so far.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Lines given out so far; a last one without a line break counts.
    pub fn lines(&self) -> u64 {
        self.line - 1 + u64::from(self.column > 0)
    }

    /// The next block; none at the end. A failure is given once everything read before it was given.
    pub fn next_block(&mut self) -> io::Result<Option<Block<'_>>> {
        self.advance();
        loop {
            let wanted = if self.eager { 1 } else { self.buffer.len() };
            self.fill(wanted);
            if self.filled == 0 && self.ended {
                return match self.failure.take() {
                    Some(failure) => Err(failure),
                    None => Ok(None),
                };
            }
            if let Some((end, owned)) = self.cut() {
                self.used = owned;
                let text = &self.buffer[..end];
                return Ok(Some(Block { text, owned, line: self.line, column: self.column }));
            }
            if self.buffer.len() < WINDOW {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
            if self.eager {
                self.fill(self.filled + 1);
            }
        }
    }

    /// Leaves the last block's own lines behind.
    fn advance(&mut self) {
        let used = std::mem::take(&mut self.used);
        if used == 0 {
            return;
        }
        let own = &self.buffer[..used];
        let breaks = memchr::memchr_iter(b'\n', own).count() as u64;
        self.line += breaks;
        match memrchr(b'\n', own) {
            Some(at) => self.column = (used - at - 1) as u64,
            None => self.column += used as u64,
        }
        self.buffer.copy_within(used..self.filled, 0);
        self.filled -= used;
    }

    /// Reads until so many bytes are there.
    fn fill(&mut self, wanted: usize) {
        while !self.ended && self.filled < wanted.min(self.buffer.len()) {
            match self.reader.read(&mut self.buffer[self.filled..]) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    self.filled += count;
                    self.read += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error);
                    self.ended = true;
                }
            }
        }
    }

    /// Ends of the next block and of what it owns; none where more has to be read first.
    fn cut(&mut self) -> Option<(usize, usize)> {
        let there = &self.buffer[..self.filled];
        if self.ended {
            return Some((self.filled, self.filled));
        }
        let full = self.filled >= WINDOW;
        let Some(whole) = memrchr(b'\n', there).map(|at| at + 1) else {
            if !full {
                return None;
            }
            // One endless line: what lies across the end of this window is whole in the next one.
            self.windows = true;
            return Some((self.filled, self.filled - SHARED));
        };
        if self.eager {
            return Some((whole, whole));
        }
        let mut owned = whole;
        for _ in 0..FOLLOWING {
            match memrchr(b'\n', &there[..owned - 1]) {
                Some(at) => owned = at + 1,
                None => return full.then_some((whole, whole)),
            }
        }
        Some((whole, owned))
    }
}

#[cfg(test)]
mod tests {
    use super::{Blocks, WINDOW};

    #[test]
    fn every_line_is_owned_once_with_its_number() {
        let lines: Vec<String> = (1..=50_000).map(|number| format!("line {number}\n")).collect();
        let text = lines.concat();
        let mut blocks = Blocks::new(text.as_bytes(), false);
        let mut seen = Vec::new();
        while let Some(block) = blocks.next_block().unwrap_or_default() {
            seen.extend_from_slice(&block.text[..block.owned]);
            let first =
                std::str::from_utf8(block.text).unwrap_or_default().lines().next().unwrap_or_default();
            assert_eq!(first, format!("line {}", block.line));
        }
        assert!(seen == text.as_bytes());
        assert_eq!(blocks.lines(), 50_000);
        assert!(!blocks.windows());
    }

    #[test]
    fn an_endless_line_comes_in_windows_that_overlap() {
        let text = vec![b'x'; 5 * WINDOW];
        let mut blocks = Blocks::new(text.as_slice(), false);
        let mut owned = 0;
        while let Some(block) = blocks.next_block().unwrap_or_default() {
            assert_eq!(block.line, 1);
            assert_eq!(block.column, owned);
            assert!(block.text.len() <= WINDOW);
            owned += block.owned as u64;
        }
        assert_eq!(owned, text.len() as u64);
        assert!(blocks.windows());
    }
}
