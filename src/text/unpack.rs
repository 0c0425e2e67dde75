//! What is packed: gzip, Zstandard and tar, in each other, told by their first bytes.

use std::cell::Cell;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::rc::Rc;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;

use super::Problem;

/// Bytes by which a format is told: a tar's first header.
const HEAD: usize = 512;
/// Bytes of a tar's block; one of zeros, or two, are its end.
const BLOCK: usize = 512;
/// Buffer of what is unpacked.
const BUFFER: usize = 1 << 17;
/// Window that a Zstandard frame may ask for, as a power of two; what needs more is refused.
const WINDOW_LOG: u32 = 23;

/// What unpacking may come to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Archives in each other.
    pub depth: usize,
    /// Entries of one archive.
    pub entries: usize,
    /// Bytes that may come out before the ratio counts.
    pub free: u64,
    /// Times that packed bytes may grow by unpacking.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 6, entries: 1_000_000, free: 256 << 20, ratio: 1000 }
    }
}

/// How much went in and came out, of one source.
#[derive(Clone)]
struct Budget {
    limits: Limits,
    packed: Rc<Cell<u64>>,
    unpacked: Rc<Cell<u64>>,
}

/// Counts the packed bytes.
struct Packed<R> {
    inner: R,
    budget: Budget,
}

impl<R: Read> Read for Packed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.budget.packed.set(self.budget.packed.get() + count as u64);
        Ok(count)
    }
}

/// Counts the unpacked bytes and ends a bomb.
struct Unpacked<R> {
    inner: R,
    budget: Budget,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        let Budget { limits, packed, unpacked } = &self.budget;
        unpacked.set(unpacked.get() + count as u64);
        if unpacked.get() > limits.free && unpacked.get() / limits.ratio > packed.get() {
            return Err(io::Error::other(format!(
                "grows by more than {} times when it is unpacked, as an archive bomb does: the rest was not read",
                limits.ratio
            )));
        }
        Ok(count)
    }
}

type Stream<'a> = Box<dyn Read + 'a>;

/// Calls `visit` for each text in a source, with its name. What cannot be unpacked goes to `problems`.
///
/// `visit` answers with an error where reading broke off.
pub fn unpack(
    place: &str,
    source: Stream<'_>,
    limits: Limits,
    visit: &mut dyn FnMut(&str, &mut dyn Read) -> io::Result<()>,
    problems: &mut Vec<Problem>,
) {
    let budget = Budget { limits, packed: Rc::new(Cell::new(0)), unpacked: Rc::new(Cell::new(0)) };
    let counted = Box::new(Packed { inner: source, budget: budget.clone() });
    layer(place, counted, &budget, 0, visit, problems);
}

fn layer<'a>(
    place: &str,
    mut source: Stream<'a>,
    budget: &Budget,
    depth: usize,
    visit: &mut dyn FnMut(&str, &mut dyn Read) -> io::Result<()>,
    problems: &mut Vec<Problem>,
) {
    let mut head = Vec::with_capacity(HEAD);
    if let Err(error) = (&mut source).take(HEAD as u64).read_to_end(&mut head) {
        // What came before the failure is looked at, and the failure is met again behind it.
        if head.is_empty() {
            problems.push(Problem::new(place, broken(&error)));
            return;
        }
    }
    let kind = kind(&head);
    let unmarked = utf16_without_mark(&head);
    let whole: Chain<Cursor<Vec<u8>>, Stream<'a>> = Cursor::new(head).chain(source);
    if depth > budget.limits.depth && !matches!(kind, Kind::Text) {
        problems.push(Problem::new(
            place,
            format!("lies more than {} archives deep and was not read", budget.limits.depth),
        ));
        return;
    }
    let bounded = |inner: Stream<'a>| Box::new(Unpacked { inner, budget: budget.clone() });
    match kind {
        Kind::Gzip => {
            let reader = flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(BUFFER, whole));
            layer(place, bounded(Box::new(reader)), budget, depth + 1, visit, problems);
        }
        Kind::Zstd => match zstd::stream::read::Decoder::new(whole) {
            Ok(mut reader) => {
                if let Err(error) = reader.window_log_max(WINDOW_LOG) {
                    problems.push(Problem::new(place, error));
                    return;
                }
                layer(place, bounded(Box::new(reader)), budget, depth + 1, visit, problems);
            }
            Err(error) => problems.push(Problem::new(place, error)),
        },
        Kind::Tar => entries(place, whole, budget, depth, visit, problems),
        Kind::Other(name) => problems
            .push(Problem::new(place, format!("is packed with {name}, which is not read: unpack it first"))),
        Kind::Text => {
            // A byte order mark says UTF-16, and so do zeros at every other byte; everything else is read as it stands.
            let mut text = DecodeReaderBytesBuilder::new()
                .encoding(unmarked)
                .bom_override(true)
                .utf8_passthru(true)
                .strip_bom(true)
                .build(whole);
            if let Err(error) = visit(place, &mut text) {
                problems.push(Problem::new(place, broken(&error)));
            }
        }
    }
}

/// One after the other, streaming.
fn entries(
    place: &str,
    archive: impl Read,
    budget: &Budget,
    depth: usize,
    visit: &mut dyn FnMut(&str, &mut dyn Read) -> io::Result<()>,
    problems: &mut Vec<Problem>,
) {
    let zeros = Rc::new(Cell::new(0));
    let mut archive = tar::Archive::new(Tail { inner: archive, zeros: Rc::clone(&zeros) });
    // Several archives behind each other, as `cat` makes them, are all read.
    archive.set_ignore_zeros(true);
    let all = match archive.entries() {
        Ok(all) => all,
        Err(error) => return problems.push(Problem::new(place, broken(&error))),
    };
    for (number, entry) in all.enumerate() {
        if number >= budget.limits.entries {
            let what = format!("has more than {} entries; the others were not read", budget.limits.entries);
            return problems.push(Problem::new(place, what));
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return problems.push(Problem::new(place, broken(&error))),
        };
        // Folders, links and devices hold no text of their own.
        let kind = entry.header().entry_type();
        if !kind.is_file() && !kind.is_gnu_sparse() && !kind.is_contiguous() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let inner = format!("{place}!/{}", name.trim_start_matches("./"));
        let before = problems.len();
        let bounded = Unpacked { inner: entry, budget: budget.clone() };
        layer(&inner, Box::new(bounded), budget, depth + 1, visit, problems);
        // What broke inside broke the archive's stream as well, where it was a bomb.
        if problems[before..].iter().any(|problem| problem.what.contains("archive bomb")) {
            return;
        }
    }
    // Cut between two entries, an archive looks whole but for this.
    if zeros.get() < BLOCK {
        problems.push(Problem::new(place, "ends without the mark of an archive's end: it may be cut off"));
    }
}

/// Counts the zeros that a stream ends with.
struct Tail<R> {
    inner: R,
    zeros: Rc<Cell<usize>>,
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        let last = into[..count].iter().rev().take(BLOCK).take_while(|&&byte| byte == 0).count();
        self.zeros.set(if last == count { (self.zeros.get() + last).min(BLOCK) } else { last });
        Ok(count)
    }
}

/// What an error while unpacking means.
fn broken(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "ends too early: the archive is cut off".into(),
        io::ErrorKind::Other => error.to_string(),
        _ => format!("cannot be read to its end: {error}"),
    }
}

enum Kind {
    Gzip,
    Zstd,
    Tar,
    Other(&'static str),
    Text,
}

/// UTF-16 by its look: text in Latin letters has a zero at every other byte.
fn utf16_without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|&&byte| byte == 0).count();
    let half = head.len() / 2;
    let (even, odd) = (zeros(0), zeros(1));
    if half >= 4 && odd * 10 > half * 7 && even * 10 < half {
        Some(UTF_16LE)
    } else if half >= 4 && even * 10 > half * 7 && odd * 10 < half {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Whether the first 512 bytes are a header of tar: their sum stands in them (POSIX pax, 4.2).
fn is_tar(head: &[u8]) -> bool {
    let Some(header) = head.get(..512) else { return false };
    let written = std::str::from_utf8(&header[148..156]).unwrap_or_default();
    let written = u32::from_str_radix(written.trim_matches(['\0', ' ']), 8);
    let sum: u32 = header
        .iter()
        .zip(0..)
        .map(|(&byte, at)| if (148..156).contains(&at) { 32 } else { u32::from(byte) })
        .sum();
    written == Ok(sum)
}

/// The format of a stream by its first bytes (RFC 1952, RFC 8878, POSIX pax, and the others' own marks).
fn kind(head: &[u8]) -> Kind {
    let skippable = head.len() >= 4 && head[0] & 0xF0 == 0x50 && head[1..4] == [0x2A, 0x4D, 0x18];
    match head {
        [0x1F, 0x8B, 8, ..] => Kind::Gzip,
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Kind::Zstd,
        _ if skippable => Kind::Zstd,
        [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Kind::Other("xz"),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Kind::Other("bzip2"),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Kind::Other("zip"),
        [b'7', b'z', 0xBC, 0xAF, ..] => Kind::Other("7-Zip"),
        [0x04, 0x22, 0x4D, 0x18, ..] => Kind::Other("LZ4"),
        [0x1F, 0x9D, ..] => Kind::Other("compress"),
        [0x5D, 0, 0, _, _, ..] => Kind::Other("LZMA"),
        [0x78, 0x01 | 0x9C | 0xDA, ..] => Kind::Other("zlib"),
        _ if is_tar(head) => Kind::Tar,
        _ => Kind::Text,
    }
}
