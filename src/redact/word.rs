//! Words that nobody would think up: keys, tokens, and what is packed in base64.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::pattern::without;
use super::{GONE, Removed, Within};

/// Letters and digits from which on a word is judged.
const SHORTEST: usize = 20;
/// The same of a word of two kinds of characters, which names of machines have as well.
const SHORTEST_PLAIN: usize = 24;
/// Digits of a hexadecimal number from which on it may be a key.
const SHORTEST_HEX: usize = 32;
/// Characters of base64 from which on it is unpacked.
const SHORTEST_PACKED: usize = 16;
/// Changes from one kind of character to another, of all neighbours, from which on a word of three kinds is made up: a
/// random one has two thirds, a name in camel case less than a third.
const CHANGES: f64 = 0.36;
/// The same of a word without digits, as names of types are.
const CHANGES_OF_LETTERS: f64 = 0.42;
/// The same of small letters and digits, and of capitals and digits.
const CHANGES_PLAIN: f64 = 0.25;
/// Words before a hexadecimal number that say that it is no key.
const NUMBERS: &[&str] = &[
    "sha1",
    "sha256",
    "sha512",
    "sha384",
    "md5",
    "digest",
    "trace",
    "span",
    "correlation",
    "request",
    "commit",
    "revision",
    "thumbprint",
    "fingerprint",
    "etag",
    "uid",
    "image",
    "container",
    "containerd",
    "docker",
    "checksum",
    "serial",
    "operation",
    "version",
    "hash",
    "id",
    "activity",
    "tracking",
    "kid",
    "x5t",
    "network",
    "layer",
    "sandbox",
    "sha",
    "build",
];

/// Both alphabets of base64, padded or not (RFC 4648, sections 4 and 5).
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT);

/// The text with what looks made up taken out.
pub(super) fn redact<'a>(text: &'a str, within: Within, removed: &mut Removed) -> Cow<'a, str> {
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for (from, to) in runs(text) {
        let run = &text[from..to];
        if run.len() < SHORTEST_PACKED {
            continue;
        }
        if run.contains('%') && hides(run) {
            spans.push((from, to));
        } else {
            spans.extend(judge(text, from, to, within));
        }
    }
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    *removed.entry("made-up-word").or_default() += spans.len();
    Cow::Owned(without(text, &spans))
}

/// Stretches of characters that base64, URLs and names are made of.
fn runs(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let of_run = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-' | '~' | '%');
    let mut rest = 0;
    std::iter::from_fn(move || {
        let from = rest + text[rest..].find(of_run)?;
        let to = text[from..].find(|c| !of_run(c)).map_or(text.len(), |end| from + end);
        rest = to;
        Some((from, to))
    })
}

/// Whether a secret shows once the escapes of a URL are undone.
fn hides(run: &str) -> bool {
    let plain = url::form_urlencoded::parse(run.replace('=', "%3D").replace('&', "%26").as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect::<String>();
    plain != run
        && plain.len() < run.len()
        && super::redact(&plain, Within::Text, &mut Removed::new()).contains(GONE)
}

/// Spans of a run that look made up.
fn judge(text: &str, from: usize, to: usize, within: Within) -> Vec<(usize, usize)> {
    let run = &text[from..to];
    let mut spans = Vec::new();
    // `name=` in front of a value is no part of it; the padding behind base64 is.
    let parts = pieces(run, |c| c == '=' || c == '~');
    for (begin, end) in parts {
        let piece = &run[begin..end];
        let padded = if run[end..].bytes().all(|b| b == b'=') { run.len() } else { end };
        if is_guid(piece) {
            continue;
        }
        // Base64 may hold slashes, and so do paths: one whose parts are names is a path.
        let whole = !piece.contains('/') || (is_random(piece) && !is_path(piece));
        if whole {
            if is_secret(text, from + begin, piece, within) {
                spans.push((from + begin, from + padded));
            }
            continue;
        }
        for (inner, inner_end) in pieces(piece, |c| c == '/') {
            if is_secret(text, from + begin + inner, &piece[inner..inner_end], within) {
                let last = if begin + inner_end == end { padded } else { begin + inner_end };
                spans.push((from + begin + inner, from + last));
            }
        }
    }
    spans
}

fn pieces(text: &str, splits: impl Fn(char) -> bool) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut begin = 0;
    for (at, c) in text.char_indices().filter(|(_, c)| splits(*c)) {
        found.push((begin, at));
        begin = at + c.len_utf8();
    }
    found.push((begin, text.len()));
    found.retain(|(begin, end)| end > begin);
    found
}

fn is_secret(text: &str, at: usize, word: &str, within: Within) -> bool {
    if is_guid(word) {
        return false;
    }
    if word.bytes().all(|b| b.is_ascii_hexdigit()) {
        let mixed = word.bytes().any(|b| b.is_ascii_digit()) && word.bytes().any(|b| b.is_ascii_alphabetic());
        return mixed && word.len() >= SHORTEST_HEX && within == Within::Text && !is_numbered(&text[..at]);
    }
    // The id of a signing key is public, and looks like one.
    let before = text[..at].trim_end_matches(['"', '\'', '=', ':', ' ', '\\', '-']);
    if before.ends_with("kid") || before.ends_with("x5t") {
        return false;
    }
    is_packed_text(word) || is_random(word) || words(word).any(is_random_plain)
}

/// Whether what stands before a hexadecimal number says what it counts.
fn is_numbered(before: &str) -> bool {
    let mut end = before.len().saturating_sub(24);
    while !before.is_char_boundary(end) {
        end += 1;
    }
    let near = before[end..].to_ascii_lowercase();
    // A digest, an image's tag, and the version of something in a vault.
    if near.ends_with("://") || near.ends_with('@') || near.ends_with('/') || is_tag(before) {
        return true;
    }
    near.split(|c: char| !c.is_ascii_alphanumeric())
        .rev()
        .filter(|word| !word.is_empty())
        .take(2)
        .any(|word| NUMBERS.iter().any(|number| word.ends_with(number)))
}

/// Whether what stands before a colon is an image's name.
fn is_tag(before: &str) -> bool {
    let word = before.rsplit([' ', '"', '\'', '=', '(']).next().unwrap_or_default();
    word.ends_with(':') && word.contains('/') && !word.contains("//")
}

/// Whether the parts of a path are names.
fn is_path(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').filter(|part| part.len() > 2).collect();
    let names = parts.iter().filter(|part| is_guid(part) || changes(part).0 < 0.3).count();
    names * 2 > parts.len()
}

/// Parts of a name, as its hyphens show them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(['-', '_'])
}

/// The share of neighbours of different kinds, and how many letters and digits there are of each kind.
fn changes(word: &str) -> (f64, [u32; 3]) {
    let mut kinds = [0u32; 3];
    let (mut changed, mut last) = (0u32, None);
    for byte in word.bytes() {
        let kind = match byte {
            b'a'..=b'z' => 0,
            b'A'..=b'Z' => 1,
            b'0'..=b'9' => 2,
            _ => continue,
        };
        kinds[kind] += 1;
        changed += u32::from(last.is_some_and(|last| last != kind));
        last = Some(kind);
    }
    let neighbours = kinds.iter().sum::<u32>().saturating_sub(1);
    (f64::from(changed) / f64::from(neighbours.max(1)), kinds)
}

/// Capitals, small letters and digits in no order.
fn is_random(word: &str) -> bool {
    let (share, [small, capitals, digits]) = changes(word);
    let all = (small + capitals + digits) as usize;
    let (least, shortest) =
        if digits > 1 { (CHANGES, SHORTEST) } else { (CHANGES_OF_LETTERS, SHORTEST_PLAIN) };
    small > 0 && capitals > 0 && all >= shortest && share >= least && !is_spelled(word)
}

/// Whether most of a word is syllables: what is random has few small letters in a row.
fn is_spelled(word: &str) -> bool {
    let runs = word.split(|c: char| !c.is_ascii_lowercase()).filter(|run| run.len() >= 3);
    runs.map(str::len).sum::<usize>() * 2 >= word.len()
}

/// Letters of one case and digits in no order.
fn is_random_plain(word: &str) -> bool {
    let (share, [small, capitals, digits]) = changes(word);
    let all = (small + capitals + digits) as usize;
    let one_case = (small == 0) != (capitals == 0);
    one_case
        && digits > 0
        && all >= SHORTEST_PLAIN
        && share >= CHANGES_PLAIN
        && !word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Base64 of something to read, or of what is compressed.
fn is_packed_text(word: &str) -> bool {
    if word.len() < SHORTEST_PACKED {
        return false;
    }
    let Ok(bytes) = STANDARD.decode(word).or_else(|_| URL_SAFE.decode(word)) else { return false };
    if bytes.starts_with(&[0x1f, 0x8b, 8]) || bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return true;
    }
    let readable = |b: &u8| matches!(b, 0x20..=0x7e | b'\n' | b'\r' | b'\t');
    bytes.len() >= 12 && bytes.iter().all(readable)
}

/// RFC 9562.
fn is_guid(word: &str) -> bool {
    word.len() == 36
        && word.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
