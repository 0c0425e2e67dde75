//! Names that stand for identifiers, the same one everywhere, so that what was equal stays equal.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use sha2::{Digest, Sha256};

/// Ids of tenants, subscriptions, identities and objects, and names of accounts.
static IDENTIFIERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?P<guid>[0-9A-Fa-f]{8}(?:[-_][0-9A-Fa-f]{4}){3}[-_][0-9A-Fa-f]{12})|(?P<account>[\p{L}\p{N}._+#'-]+)(?P<at>@|%40)(?P<domain>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)",
    )
    .ok()
});

/// What is the same everywhere and tells nothing: applications of Microsoft's own, and placeholders of one digit.
fn is_known(guid: &str) -> bool {
    let low = guid.to_ascii_lowercase();
    let mut digits = low.bytes().filter(u8::is_ascii_hexdigit);
    let first = digits.next();
    low.ends_with("-0000-c000-000000000000") || digits.all(|digit| Some(digit) == first)
}

/// Makes pseudonyms; the same of the same identifier within one record.
#[derive(Clone, Debug)]
pub struct Pseudonyms {
    key: Vec<u8>,
}

impl Pseudonyms {
    /// Pseudonyms that only somebody with `key` can make again.
    pub fn new(key: &[u8]) -> Self {
        Self { key: key.to_owned() }
    }

    /// The text with its identifiers replaced.
    pub fn put<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(identifiers) = IDENTIFIERS.as_ref() else { return Cow::Borrowed(text) };
        identifiers.replace_all(text, |found: &Captures<'_>| {
            match (found.name("guid"), found.name("domain")) {
                (Some(guid), _) if is_known(guid.as_str()) => guid.as_str().to_owned(),
                (Some(guid), _) => self.guid(guid.as_str()),
                (None, Some(domain)) => {
                    let account = found[0].replace("%40", "@").to_lowercase();
                    format!("user-{}{}{}", &self.digits(&account)[..8], &found["at"], domain.as_str())
                }
                (None, None) => found[0].to_owned(),
            }
        })
    }

    /// A GUID in the same case: what differs in case alone still does.
    fn guid(&self, guid: &str) -> String {
        let digits = self.digits(&guid.to_ascii_lowercase().replace('_', "-"));
        let mut next = digits.chars();
        // The sign of a random one (RFC 9562, section 5.4) is as good as any.
        let made = guid.chars().enumerate().map(|(at, c)| match (at, c) {
            (_, '-' | '_') => c,
            (14, _) => '4',
            (19, _) => 'a',
            _ => next.next().unwrap_or('0'),
        });
        let made: String = made.collect();
        let is_upper =
            guid.chars().any(|c| c.is_ascii_uppercase()) && !guid.chars().any(|c| c.is_ascii_lowercase());
        if is_upper { made.to_ascii_uppercase() } else { made }
    }

    fn digits(&self, text: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.key);
        hash.update([0]);
        hash.update(text.as_bytes());
        hex::encode(hash.finalize())
    }
}
