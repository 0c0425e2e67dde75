//! What stands where secrets do: behind a name, in a header, in a URL, in a known form.

use std::borrow::Cow;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::{Regex, RegexBuilder};

use super::{GONE, Removed};

/// A pattern, with the group `secret`.
struct Pattern {
    kind: &'static str,
    /// It can match only where one of these stands, in letters of either case.
    near: &'static [&'static str],
    written: &'static str,
}

/// Names of what is secret.
macro_rules! names {
    () => {
        "(?:password|passwd|passwort|pwd|passphrase|(?:\\b|_)pass|secret|token|api[_-]?key|apikey|access[_-]?key|account[_-]?key|\
         shared[_-]?access[_-]?key|shared[_-]?secret|client[_-]?assertion|private[_-]?key|master[_-]?key|jwt[_-]?key|\
         encryption[_-]?key|signing[_-]?key|secret[_-]?key|hmac[_-]?key|key[_-]?data|storage[_-]?key|(?:\\b|_)credentials?|\
         authorization|cookie|session[_-]?id|sessionid|(?:\\b|_)auth|(?:\\b|_)otp|nonce[_-]?key|unseal[_-]?key)"
    };
}

const NAMES: &[&str] =
    &["pass", "pwd", "secret", "token", "key", "credential", "auth", "cookie", "session", "otp"];

const PATTERNS: &[Pattern] = &[
    // A JWT, whole or cut off.
    Pattern {
        kind: "jwt",
        near: &["eyj"],
        written: r"(?P<secret>eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4})",
    },
    Pattern {
        kind: "private-key",
        near: &["-----begin"],
        written: r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?P<secret>.+?)(?:-----END|$)",
    },
    // What is left of a key whose beginning is elsewhere.
    Pattern {
        kind: "private-key",
        near: &["-----end"],
        written: r"(?P<secret>[A-Za-z0-9+/=\s]{4,})-----END [A-Z0-9 ]*PRIVATE KEY",
    },
    Pattern {
        kind: "authorization",
        near: &["bearer", "basic", "negotiate", "sharedkey", "token"],
        written: r"\b(?:bearer|basic|negotiate|sharedkey(?:lite)?)(?:\s|%20|\+)+(?P<secret>[A-Za-z0-9._~+/=:%-]{8,})",
    },
    // Credentials in a URL. A password may hold what ends a host; a number up to a slash is a port.
    Pattern {
        kind: "url-password",
        near: &["://"],
        written: r#"\b[a-z][a-z0-9+.-]*://[^\s/:@"'<>]*:(?P<secret>(?:[0-9]{0,5}[^0-9/\s"'<>]|[0-9]{6})[^\s"'<>]*)@"#,
    },
    Pattern {
        kind: "url-password",
        near: &["://"],
        written: r#"\b[a-z][a-z0-9+.-]*://[^\s/:@"'<>]*:(?P<secret>[^\s/@"'<>\[]+)@"#,
    },
    Pattern {
        kind: "url-password",
        near: &["%3a%2f%2f"],
        written: r#"\b[a-z][a-z0-9+.-]*%3a%2f%2f[a-z0-9._~-]*%3a(?P<secret>[^\s"'<>&]+?)%40"#,
    },
    // A whole line of cookies.
    Pattern {
        kind: "cookie",
        near: &["cookie"],
        written: r#"\b(?:set-)?cookie["'\\]*\s*[:=]\s*["'\\]*(?P<secret>[^"'\\\n]{4,})"#,
    },
    // name=value, name: value, "name":"value", with the quotes escaped or not.
    Pattern {
        kind: "named",
        near: NAMES,
        written: concat!(
            r"[\w.-]*",
            names!(),
            r#"(?:["'\\]*\s*(?:[:=]|=>|:=|%3d|%3a)\s*["'\\]*)(?P<secret>[^\s"'\\,;&}]{4,})"#
        ),
    },
    // A quoted value, whole.
    Pattern {
        kind: "named",
        near: NAMES,
        written: concat!(
            r"[\w.-]*",
            names!(),
            r#"(?:["'\\]*\s*(?:[:=]|=>|:=)\s*\\*")(?P<secret>[^"\n\\]{1,400})"#
        ),
    },
    Pattern {
        kind: "named",
        near: NAMES,
        written: concat!(
            r"[\w.-]*",
            names!(),
            r#"(?:["'\\]*\s*(?:[:=]|=>|:=)\s*\\*')(?P<secret>[^'\n\\]{1,400})"#
        ),
    },
    // The two halves of an entry of an environment: "name":"X_TOKEN","value":"…".
    Pattern {
        kind: "named",
        near: &["value"],
        written: concat!(
            r#"name\\*["']?\s*[:=]\s*\\*["']?[\w.-]*"#,
            names!(),
            r#"[\w.-]*\\*["']?\s*[,;]?\s*(?:-\s*)?\\*["']?value\\*["']?\s*[:=]\s*(?:\\*"(?P<quoted>[^"\n\\]{1,400})|(?P<secret>[^\s"'\\,;&}\]]{1,400}))"#
        ),
    },
    // The same names with a word between, or none: only what looks made up, with letters and digits, is hidden.
    Pattern {
        kind: "named",
        near: NAMES,
        written: concat!(
            "(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[ _-]?key|(?:master|jwt|private|account|access|storage)[ _-]?key|",
            r#"credentials?)(?:>|%3d|\s+(?:is|was|=|:)?\s*["'\\]*)(?P<secret>(?:[A-Za-z]+[0-9]|[0-9]+[A-Za-z])[^\s"'\\,;&}<]{4,})"#
        ),
    },
    Pattern {
        kind: "option",
        near: &["-p "],
        written: r"(?:^|\s)-p\s+(?P<secret>(?:[A-Za-z]+[0-9]|[0-9]+[A-Za-z])\S{4,})",
    },
    Pattern {
        kind: "option",
        near: &["-u ", "--user"],
        written: r"(?:^|\s)(?:-u|--user)[\s=]+[^\s:]+:(?P<secret>\S{4,})",
    },
    Pattern {
        kind: "query",
        near: &["code", "sig", "assertion", "ticket"],
        written: r#"(?:[?&;]code|\bsig|\bsv_sig|\bsignature|\bassertion|\bticket)(?:=|%3d)(?P<secret>[^\s&;"'\\]+)"#,
    },
    Pattern {
        kind: "header",
        near: &["-key", "-token", "-secret", "-auth"],
        written: r#"\b[\w-]*-(?:key|token|secret|auth)["'\\]*:\s*["'\\]*(?P<secret>[A-Za-z0-9+/=_.~-]{8,})"#,
    },
    Pattern {
        kind: "xml",
        near: &["<"],
        written: r"<(?:[a-z]+:)?[\w-]*(?:password|secret|token|apikey|key)>(?P<secret>[^<\n]+)",
    },
    // A line of .pgpass, of .netrc, and of an htpasswd file.
    Pattern {
        kind: "password-file",
        near: &[":5432:", ":*:"],
        written: r"\b[\w.*-]+:(?:\d+|\*):[\w.*-]+:[\w.*-]+:(?P<secret>\S{4,})",
    },
    Pattern {
        kind: "password-file",
        near: &["login "],
        written: r"\blogin\s+\S+\s+password\s+(?P<secret>\S+)",
    },
    Pattern {
        kind: "password-hash",
        near: &["$"],
        written: r"(?P<secret>\$(?:2[aby]?|5|6|y|argon2(?:id|i|d)|scrypt|pbkdf2[\w-]*)\$[^\s:,]{8,})",
    },
    // Forms that their issuers gave a beginning of their own, so that they can be found.
    Pattern {
        kind: "known-form",
        near: &[
            "gh",
            "github_pat_",
            "glpat-",
            "xox",
            "akia",
            "asia",
            "aiza",
            "sk_",
            "rk_",
            "pk_",
            "sk-",
            "sg.",
            "npm_",
            "pypi-",
            "dop_v1_",
            "hvs.",
            "hvb.",
            "s.",
            "ya29.",
            "age-secret-key-",
            "8q~",
            "7q~",
            "q~",
        ],
        written: r"(?P<secret>\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{12,}|xox[abeprs]-[A-Za-z0-9-]{8,}|(?:AKIA|ASIA)[A-Z0-9]{12,}|AIza[A-Za-z0-9_-]{30,}|[srp]k_(?:live|test)_[A-Za-z0-9]{8,}|sk-[A-Za-z0-9_-]{16,}|SG\.[A-Za-z0-9_-]{12,}\.[A-Za-z0-9_-]{12,}|npm_[A-Za-z0-9]{20,}|pypi-[A-Za-z0-9_-]{16,}|dop_v1_[a-f0-9]{32,}|hv[sb]\.[A-Za-z0-9_-]{16,}|ya29\.[A-Za-z0-9_-]{16,}|AGE-SECRET-KEY-[A-Z0-9]{16,}|[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{20,}))",
    },
    Pattern { kind: "vault-text", near: &["$ansible_vault"], written: r"\$ANSIBLE_VAULT;(?P<secret>.+)" },
];

/// Words that stand where a secret might and are none.
const HARMLESS: &[&str] = &[
    "true", "false", "null", "none", "missing", "expired", "invalid", "required", "unset", "empty", "bearer",
    "basic", "redacted", "failed", "denied", "error", "not", "unknown",
];

static NEAR: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .build(PATTERNS.iter().flat_map(|pattern| pattern.near))
        .ok()
});

/// The pattern that each word of [`NEAR`] belongs to.
static OWNER: LazyLock<Vec<usize>> = LazyLock::new(|| {
    PATTERNS.iter().enumerate().flat_map(|(at, pattern)| pattern.near.iter().map(move |_| at)).collect()
});

static COMPILED: [OnceLock<Option<Regex>>; PATTERNS.len()] = [const { OnceLock::new() }; PATTERNS.len()];

fn compiled(at: usize) -> Option<&'static Regex> {
    let build = || {
        // Bytes and ASCII classes: secrets are, and it is a tenth of the work.
        RegexBuilder::new(PATTERNS[at].written)
            .unicode(false)
            .case_insensitive(true)
            .dot_matches_new_line(true)
            .build()
            .ok()
    };
    COMPILED[at].get_or_init(build).as_ref()
}

/// The text with what the patterns find taken out.
pub(super) fn redact<'a>(text: &'a str, removed: &mut Removed) -> Cow<'a, str> {
    let mut wanted = [false; PATTERNS.len()];
    for found in NEAR.iter().flat_map(|near| near.find_overlapping_iter(text)) {
        wanted[OWNER[found.pattern().as_usize()]] = true;
    }
    let mut line = Cow::Borrowed(text);
    for (at, _) in wanted.iter().enumerate().filter(|(_, wanted)| **wanted) {
        let Some(regex) = compiled(at) else { continue };
        let spans: Vec<(usize, usize)> = regex
            .captures_iter(line.as_bytes())
            .filter_map(|found| found.name("secret").or_else(|| found.name("quoted")))
            .map(|secret| whole(&line, secret.start(), secret.end()))
            .filter(|(from, to)| is_secret(&line[*from..*to]))
            .collect();
        if !spans.is_empty() {
            *removed.entry(PATTERNS[at].kind).or_default() += spans.len();
            line = Cow::Owned(without(&line, &spans));
        }
    }
    line
}

/// The span, widened to whole characters.
fn whole(text: &str, mut from: usize, mut to: usize) -> (usize, usize) {
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    while !text.is_char_boundary(to) {
        to += 1;
    }
    (from, to)
}

fn is_secret(found: &str) -> bool {
    let bare = found.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let code =
        bare.strip_prefix("AADSTS").is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit()));
    !(code || found.contains(GONE) || HARMLESS.iter().any(|word| bare.eq_ignore_ascii_case(word)))
}

/// The text with spans, in order and apart, replaced.
pub(super) fn without(text: &str, spans: &[(usize, usize)]) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut end = 0;
    for (from, to) in spans {
        clean.push_str(&text[end..*from]);
        clean.push_str(GONE);
        end = *to;
    }
    clean.push_str(&text[end..]);
    clean
}

#[cfg(test)]
mod tests {
    use super::{PATTERNS, compiled};

    #[test]
    fn every_pattern_compiles_and_says_what_is_secret() {
        for (at, pattern) in PATTERNS.iter().enumerate() {
            assert!(compiled(at).is_some(), "{}", pattern.written);
            assert!(
                pattern.written.contains("(?P<secret>") && !pattern.near.is_empty(),
                "{}",
                pattern.written
            );
            assert!(pattern.near.iter().all(|near| *near == near.to_lowercase()), "{}", pattern.written);
        }
    }
}
