//! Text as the pieces that it stands for: what is taken as it is written, the character of an escape, and nothing for
//! what only colours a terminal. From the pieces comes the text, and from a place in the text the one it was written at.

use memchr::memchr;

/// What some written bytes stand for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Themselves.
    Written(&'a [u8]),
    /// One character.
    Stands(char),
    /// Nothing.
    Nothing,
}

impl Piece<'_> {
    fn length(&self) -> usize {
        match self {
            Piece::Written(bytes) => bytes.len(),
            Piece::Stands(c) => c.len_utf8(),
            Piece::Nothing => 0,
        }
    }
}

/// Adds what pieces stand for.
pub(super) fn write<'a>(pieces: impl Iterator<Item = (usize, Piece<'a>)>, out: &mut Vec<u8>) {
    for (_, piece) in pieces {
        match piece {
            Piece::Written(bytes) => out.extend_from_slice(bytes),
            Piece::Stands(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Piece::Nothing => {}
        }
    }
}

/// Where the byte was written that is the text's at `at`.
pub(super) fn written_at<'a>(pieces: impl Iterator<Item = (usize, Piece<'a>)>, at: usize) -> usize {
    let (mut text, mut behind) = (0, 0);
    for (written, piece) in pieces {
        let length = piece.length();
        if at < text + length {
            return match piece {
                Piece::Written(_) => written + at - text,
                _ => written,
            };
        }
        text += length;
        behind = written + length;
    }
    behind
}

/// Pieces of the inside of JSON strings (RFC 8259, 7), each with where it is written. What is no escape stands as it is.
pub(super) fn escapes(text: &[u8]) -> impl Iterator<Item = (usize, Piece<'_>)> {
    pieces(text, b'\\', |rest| match rest.get(1) {
        Some(b'n') => (2, Piece::Stands('\n')),
        Some(b't') => (2, Piece::Stands('\t')),
        Some(b'r') => (2, Piece::Stands('\r')),
        Some(b'b' | b'f') => (2, Piece::Nothing),
        Some(b'"' | b'\\' | b'/') => (2, Piece::Written(&rest[1..2])),
        Some(b'u') => match character(rest) {
            Some(('\u{1b}', length)) => (length + sequence(&rest[length..]), Piece::Nothing),
            Some((c, length)) => (length, Piece::Stands(c)),
            None => (2, Piece::Written(&rest[..2])),
        },
        _ => (1, Piece::Written(&rest[..1])),
    })
}

/// Pieces of text that colours a terminal (ECMA-48, 5.4): the sequences would stand within words.
pub(super) fn colours(text: &[u8]) -> impl Iterator<Item = (usize, Piece<'_>)> {
    pieces(text, 0x1B, |rest| (1 + sequence(&rest[1..]), Piece::Nothing))
}

/// Stretches up to a byte, and what `special` makes of the text that begins with it: its length, and its piece.
fn pieces<'a>(
    text: &'a [u8],
    byte: u8,
    special: impl Fn(&'a [u8]) -> (usize, Piece<'a>),
) -> impl Iterator<Item = (usize, Piece<'a>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &text[at..];
        if rest.is_empty() {
            return None;
        }
        let (length, piece) = match memchr(byte, rest) {
            Some(0) => special(rest),
            Some(length) => (length, Piece::Written(&rest[..length])),
            None => (rest.len(), Piece::Written(rest)),
        };
        let begun = at;
        at = (at + length).min(text.len());
        Some((begun, piece))
    })
}

/// Length of what follows an escape character and belongs to it. A line's end ends it.
fn sequence(rest: &[u8]) -> usize {
    let Some(inner) = rest.strip_prefix(b"[") else { return 0 };
    match inner.iter().position(|byte| (0x40..=0x7E).contains(byte) || *byte == b'\n') {
        Some(end) => 1 + end + usize::from(inner[end] != b'\n'),
        None => rest.len(),
    }
}

/// The character of `\uXXXX`, or of two that are a pair, and the length of what stands for it.
fn character(text: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = std::str::from_utf8(text.get(at..at + 6)?.strip_prefix(b"\\u")?).ok()?;
        u16::from_str_radix(digits, 16).ok()
    };
    let first = unit(0)?;
    if let Some(c) = char::from_u32(u32::from(first)) {
        return Some((c, 6));
    }
    let pair = char::decode_utf16([first, unit(6)?]).next()?.ok()?;
    Some((pair, 12))
}
