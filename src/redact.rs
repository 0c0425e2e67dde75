//! What may leave the machine: secrets in text are replaced before it is kept.
//!
//! Identifiers (client ids, subjects, issuers, codes) stay: the diagnosis rests on them.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What stands where a secret was.
const GONE: &str = "[redacted]";

/// Each pattern with the group that is the secret.
static SECRETS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // A JWT, whole or cut off.
        r"(?P<secret>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?)",
        r"(?i)\b(?:bearer|basic)\s+(?P<secret>[A-Za-z0-9._~+/=-]{8,})",
        // Credentials in a URL. A password may hold what ends a host; a number up to a slash is a port.
        r#"(?i)\b[a-z][a-z0-9+.-]*://[^\s/:@"'<>]*:(?P<secret>(?:[0-9]{0,5}[^0-9/\s"'<>]|[0-9]{6})[^\s"'<>]*)@"#,
        r#"(?i)\b[a-z][a-z0-9+.-]*://[^\s/:@"'<>]*:(?P<secret>[^\s/@"'<>\[]+)@"#,
        r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(?P<secret>.+?)(?:-----END|$)",
        // name=value, name: value, "name":"value", with the quotes escaped or not.
        r#"(?i)[\w.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|account[_-]?key|shared[_-]?access[_-]?key|client[_-]?assertion|private[_-]?key|master[_-]?key|jwt[_-]?key|pass|passphrase|credentials?|authorization|cookie)(?:["'\\]*\s*[:=]\s*["'\\]*)(?P<secret>[^\s"'\\,;&}]{4,})"#,
        // The same names with a word between, or none: only what looks made up, with letters and digits, is hidden.
        r#"(?i)(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[ _-]?key|(?:master|jwt|private|account|access)[ _-]?key|credentials?)(?:>|%3d|\s+(?:is|was|=|:)?\s*["'\\]*)(?P<secret>(?:[A-Za-z]+[0-9]|[0-9]+[A-Za-z])[^\s"'\\,;&}<]{4,})"#,
        r"(?:^|\s)-p\s+(?P<secret>(?:[A-Za-z]+[0-9]|[0-9]+[A-Za-z])\S{4,})",
        r"(?i)(?:[?&;]code|\bsig|\bsv_sig)=(?P<secret>[^\s&;]+)",
        // A quoted value, whole.
        r#"(?i)[\w.-]*(?:password|passwd|pwd|secret|passphrase)(?:["'\\]*\s*[:=]\s*\\*["'])(?P<secret>[^"'\n\\]{1,200})"#,
        r"(?i)\b[\w-]*-(?:key|token|secret):\s*(?P<secret>[A-Za-z0-9+/=_-]{8,})",
        r"(?i)<(?:password|secret|token)>(?P<secret>[^<\n]+)",
        // What is left of a key whose beginning is elsewhere.
        r"(?s)(?P<secret>[A-Za-z0-9+/=\s]{40,})-----END [A-Z ]*PRIVATE KEY",
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// Words that stand where a secret might and are none.
const HARMLESS: &[&str] = &[
    "true",
    "false",
    "null",
    "none",
    "missing",
    "expired",
    "invalid",
    "required",
    "unset",
    "empty",
    "[redacted]",
    "bearer",
    "basic",
];

/// The text without secrets and without control characters other than newline and tab.
pub fn redact_line(text: &str) -> Cow<'_, str> {
    let mut line = if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        Cow::Owned(strip(text))
    } else {
        Cow::Borrowed(text)
    };
    for pattern in SECRETS.iter() {
        if pattern.is_match(&line) {
            let replaced = pattern.replace_all(&line, |found: &Captures<'_>| hide(found)).into_owned();
            line = Cow::Owned(replaced);
        }
    }
    line
}

fn hide(found: &Captures<'_>) -> String {
    let whole = &found[0];
    let Some(secret) = found.name("secret") else { return whole.to_owned() };
    let is_code = secret.as_str().starts_with("AADSTS");
    if is_code || HARMLESS.iter().any(|word| secret.as_str().eq_ignore_ascii_case(word)) {
        return whole.to_owned();
    }
    let start = found.get(0).map_or(0, |all| all.start());
    let (from, to) = (secret.start() - start, secret.end() - start);
    format!("{}{GONE}{}", &whole[..from], &whole[to..])
}

/// Terminal escapes and other control characters taken away.
fn strip(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if c == '\u{1b}' && characters.peek() == Some(&'[') {
            characters.next();
            for inner in characters.by_ref() {
                if ('\u{40}'..='\u{7e}').contains(&inner) {
                    break;
                }
            }
        } else if !c.is_control() || c == '\n' || c == '\t' {
            clean.push(c);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::redact_line;

    #[test]
    fn secrets_go_and_what_the_diagnosis_needs_stays() {
        for (given, kept) in [
            ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer [redacted]"),
            ("token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln ends", "token [redacted] ends"),
            (
                "postgres://mazevault:hunter2@db:5432/mazevault",
                "postgres://mazevault:[redacted]@db:5432/mazevault",
            ),
            ("postgres://mazevault:a,b/c@d@db:5432/x", "postgres://mazevault:[redacted]@db:5432/x"),
            ("https://gw:8443/x?to=a@b", "https://gw:8443/x?to=a@b"),
            (
                r#"{"client_secret":"s3cr3t~value","client_id":"c"}"#,
                r#"{"client_secret":"[redacted]","client_id":"c"}"#,
            ),
            (r#"{\"password\":\"hunter22\"}"#, r#"{\"password\":\"[redacted]\"}"#),
            ("MAZEVAULT_MASTER_KEY=abcd1234== set", "MAZEVAULT_MASTER_KEY=[redacted] set"),
            (
                "https://x.blob.core.windows.net/c?sv=1&sig=abc%2B",
                "https://x.blob.core.windows.net/c?sv=1&sig=[redacted]",
            ),
            ("token: expired", "token: expired"),
            ("failed to get token: AADSTS700213: No", "failed to get token: AADSTS700213: No"),
            ("the token expired", "the token expired"),
            ("login with password hunter2SECRET45 failed", "login with password [redacted] failed"),
            ("client secret is hunter2SECRET45", "client secret is [redacted]"),
            ("mysql --password hunter2SECRET -p hunter2SECRET", "mysql --password [redacted] -p [redacted]"),
            ("passphrase=correct-horse", "passphrase=[redacted]"),
            ("secret database-url not found", "secret database-url not found"),
            (
                "presented assertion subject 'system:serviceaccount:mazevault:mazevault-gateway-sa'",
                "presented assertion subject 'system:serviceaccount:mazevault:mazevault-gateway-sa'",
            ),
            ("\u{1b}[31mred\u{1b}[0m\u{7}", "red"),
        ] {
            assert_eq!(redact_line(given), kept, "{given}");
        }
    }
}
