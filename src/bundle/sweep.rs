//! The second look: through the finished bytes of a bundle, for what its first look should have taken out, by other means. The
//! first one knows where secrets stand; this one knows what they look like, and undoes what may hide them.

use std::fmt;
use std::io::{BufRead, BufReader, Read};

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;
use tempfile::NamedTempFile;

use super::member::TEXT;
use super::read::members;
use crate::redact::{GONE, Values};

/// Letters and digits from which on a word is weighed.
const SHORTEST: usize = 28;
/// Bits a character from which on a word of three kinds of characters is no name.
const BITS: f64 = 4.2;
/// Bytes that are unpacked of what is hidden in a word.
const UNPACKED: u64 = 1 << 20;
/// Times that something may be hidden in something.
const DEEPEST: usize = 3;

/// What issuers begin their secrets with.
const BEGINNINGS: &[&str] = &[
    "eyJ",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xoxs-",
    "AKIA",
    "ASIA",
    "AIza",
    "sk_live_",
    "rk_live_",
    "npm_",
    "hvs.",
    "ya29.",
    "dop_v1_",
    "SG.",
];
/// Names that stand before a secret.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "client_secret",
    "clientsecret",
    "accountkey",
    "accesskey",
    "apikey",
    "api_key",
    "sig",
];

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// Something that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The file of the bundle.
    pub member: String,
    /// The place that the text is from; empty where it is no text.
    pub place: String,
    /// What it looks like.
    pub what: &'static str,
}

impl fmt::Display for Hit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} in {}", self.what, self.member)?;
        if self.place.is_empty() { Ok(()) } else { write!(formatter, ", {}", self.place) }
    }
}

/// Looks through a bundle.
pub(super) fn sweep(file: &NamedTempFile, values: &Values) -> std::io::Result<Vec<Hit>> {
    let mut hits = Vec::new();
    let reopened = file.reopen()?;
    members(reopened, &mut |name, bytes| {
        let mut add = |place: String, what| {
            let hit = Hit { member: name.to_owned(), place, what };
            if !hits.contains(&hit) {
                hits.push(hit);
            }
        };
        if name == TEXT {
            let mut lines = BufReader::new(bytes).split(b'\n');
            while let Some(line) = lines.next().transpose()? {
                let value: Value = serde_json::from_slice(&line).unwrap_or_default();
                if let Some(what) = found(&line, values) {
                    let text = |key: &str| {
                        value.get(key).map(|it| it.to_string().replace('"', "")).unwrap_or_default()
                    };
                    add(format!("{} line {}", text("place"), text("line")), what);
                }
            }
        } else {
            let mut whole = Vec::new();
            bytes.read_to_end(&mut whole)?;
            if let Some(what) = found(&whole, values) {
                add(String::new(), what);
            }
        }
        Ok(())
    })
    .map_err(std::io::Error::other)?;
    Ok(hits)
}

fn found(bytes: &[u8], values: &Values) -> Option<&'static str> {
    if values.is_in(bytes) {
        return Some("a secret that this run came across");
    }
    // What cannot be taken apart is looked through as it stands.
    match serde_json::from_slice(bytes) {
        Ok(value) => in_value(&value),
        Err(_) => in_text(&String::from_utf8_lossy(bytes), 0),
    }
}

fn in_value(value: &Value) -> Option<&'static str> {
    match value {
        Value::String(text) => in_text(text, 0),
        Value::Array(items) => items.iter().find_map(in_value),
        Value::Object(members) => {
            members.iter().find_map(|(name, member)| in_text(name, 0).or_else(|| in_value(member)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn in_text(text: &str, depth: usize) -> Option<&'static str> {
    if let Some((_, behind)) = text.split_once("-----BEGIN ")
        && let Some((_, key)) = behind.split_once("PRIVATE KEY")
        && key
            .trim_start_matches([' ', '-', '\n', '\\', 'n', 'B', 'L', 'O', 'C', 'K'])
            .bytes()
            .take_while(u8::is_ascii_alphanumeric)
            .count()
            > 8
    {
        return Some("a private key");
    }
    let of_word = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '_' | '-' | '=' | '.' | '%' | '~' | '$')
    };
    text.split(|c| !of_word(c))
        .filter(|word| word.len() >= 8)
        .find_map(|word| in_word(word, depth))
        .or_else(|| behind_name(text))
}

/// What stands behind a name of a secret, and is neither taken out nor a plain word.
fn behind_name(text: &str) -> Option<&'static str> {
    let low = text.to_ascii_lowercase();
    for name in NAMES {
        for (at, _) in low.match_indices(name) {
            let begins = at == 0 || !low.as_bytes()[at - 1].is_ascii_alphabetic();
            let behind = &text[at + name.len()..];
            let value = behind.trim_start_matches(['"', '\'', '\\', ' ']);
            let Some(value) = value.strip_prefix([':', '=']) else { continue };
            let value = value.trim_start_matches(['"', '\'', '\\', ' ']);
            let word: String = value
                .chars()
                .take_while(|c| !c.is_whitespace() && !matches!(c, '"' | '\'' | ',' | ';' | '&' | '}' | '\\'))
                .collect();
            let made_up =
                word.bytes().any(|b| b.is_ascii_digit()) && word.bytes().any(|b| b.is_ascii_alphabetic());
            if begins && made_up && word.len() >= 6 && !word.starts_with(GONE) && !word.starts_with("AADSTS")
            {
                return Some("a value behind the name of a secret");
            }
        }
    }
    None
}

fn in_word(word: &str, depth: usize) -> Option<&'static str> {
    let bare = word.trim_matches(['.', '=', '-', '/', '%', '$']);
    if BEGINNINGS.iter().any(|begin| bare.len() >= begin.len() + 12 && bare.starts_with(begin))
        && is_mixed(bare)
    {
        return Some("a token of a known form");
    }
    if depth < DEEPEST {
        if word.contains('%') {
            let plain: String =
                url::form_urlencoded::parse(word.replace('&', "%26").replace('=', "%3D").as_bytes())
                    .map(|(name, _)| name.into_owned())
                    .collect();
            if plain != word && plain.len() < word.len() {
                return in_text(&plain, depth + 1);
            }
        }
        if let Some(what) =
            word.split(['=', '.']).filter(|part| part.len() >= 20).find_map(|part| packed(part, depth))
        {
            return Some(what);
        }
    }
    bare.split(['/', '.', '-', '_', '=', '%', '$', '~'])
        .any(is_heavy)
        .then_some("a word of random characters")
}

/// What is packed in a word of base64.
fn packed(word: &str, depth: usize) -> Option<&'static str> {
    let bytes = [&base64::alphabet::STANDARD, &base64::alphabet::URL_SAFE]
        .into_iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, LENIENT).decode(word).ok())?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        let _cut = flate2::read::GzDecoder::new(bytes.as_slice()).take(UNPACKED).read_to_end(&mut plain);
        return in_text(&String::from_utf8_lossy(&plain), depth + 1).or(Some("something packed"));
    }
    let text = std::str::from_utf8(&bytes).ok()?;
    let readable = text.chars().all(|c| !c.is_control() || c.is_whitespace());
    if readable { in_text(text, depth + 1) } else { None }
}

fn is_mixed(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_digit()) && word.bytes().any(|b| b.is_ascii_alphabetic())
}

/// Whether a word is made of words: what is random has few small letters in a row.
fn is_spelled(word: &str) -> bool {
    let runs = word.split(|c: char| !c.is_ascii_lowercase()).filter(|run| run.len() >= 4);
    runs.map(str::len).sum::<usize>() * 5 >= word.len() * 2
}

/// Shannon's measure, in bits a character.
fn is_heavy(word: &str) -> bool {
    let kinds = [u8::is_ascii_lowercase as fn(&u8) -> bool, u8::is_ascii_uppercase, u8::is_ascii_digit];
    let enough = kinds.iter().all(|kind| word.bytes().filter(kind).count() >= 3);
    if word.len() < SHORTEST || !enough || is_spelled(word) {
        return false;
    }
    let mut counts = [0u32; 256];
    for byte in word.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let all = f64::from(u32::try_from(word.len()).unwrap_or(u32::MAX));
    let bits: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / all)
        .map(|p| -p * p.log2())
        .sum();
    bits >= BITS
}
