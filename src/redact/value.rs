//! Secret values that a run came across, in every form in which text may hold them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::Removed;
use super::pattern::without;

/// Characters from which on a value is looked for: a shorter one would be found in words that have nothing to do with it.
const SHORTEST: usize = 8;

/// Values to be taken out.
#[derive(Default)]
pub struct Values {
    forms: Option<AhoCorasick>,
}

impl Values {
    /// Takes values that are secret. What is a word of `names` as well stays: it is no secret any more.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>, names: &BTreeSet<String>) -> Self {
        let wanted =
            secrets.into_iter().map(str::trim).filter(|it| it.len() >= SHORTEST && !names.contains(*it));
        let forms: BTreeSet<String> = wanted.flat_map(forms).filter(|form| form.len() >= SHORTEST).collect();
        if forms.is_empty() {
            return Self::default();
        }
        Self { forms: AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(forms).ok() }
    }

    /// The text without them.
    pub fn redact<'a>(&self, text: &'a str, removed: &mut Removed) -> Cow<'a, str> {
        let Some(forms) = &self.forms else { return Cow::Borrowed(text) };
        let spans: Vec<(usize, usize)> =
            forms.find_iter(text).map(|found| (found.start(), found.end())).collect();
        if spans.is_empty() {
            return Cow::Borrowed(text);
        }
        *removed.entry("value").or_default() += spans.len();
        Cow::Owned(without(text, &spans))
    }

    /// Whether the bytes hold one of them.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.forms.as_ref().is_some_and(|forms| forms.is_match(bytes))
    }
}

/// Plain, percent-encoded, as JSON escapes it, in base64 at each of the three places that it can have in a longer text.
fn forms(secret: &str) -> Vec<String> {
    let escaped = serde_json::to_string(secret).unwrap_or_default();
    let mut all = vec![
        secret.to_owned(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        escaped.trim_matches('"').to_owned(),
    ];
    for before in 0..3 {
        let mut shifted = vec![b' '; before];
        shifted.extend(secret.as_bytes());
        for text in [STANDARD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            // The characters at both ends are made of neighbours as well.
            let begin = if before == 0 { 0 } else { before + 1 };
            let end =
                text.trim_end_matches('=').len() - usize::from(!(secret.len() + before).is_multiple_of(3));
            all.extend(text.get(begin..end).map(str::to_owned));
        }
    }
    all
}
