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
        "(?:(?:password|passwd|passwort|pwd|passphrase|(?:\\b|_|db|user|root|admin)pass|secret|token|api[_-]?key|apikey|access[_-]?key|account[_-]?key|\
         shared[_-]?access[_-]?key|shared[_-]?secret|client[_-]?assertion|private[_-]?key|master[_-]?key|jwt[_-]?key|\
         encryption[_-]?key|signing[_-]?key|secret[_-]?key|hmac[_-]?key|key[_-]?data|storage[_-]?key|(?:\\b|_)credentials?|\
         authorization|cookie|session[_-]?id|sessionid|(?:\\b|_)auth|(?:\\b|_)otp|nonce[_-]?key|unseal[_-]?key|\
         (?:account|access|storage|primary|secondary)[_-]?key)s?(?:[_-]?(?:value|content|data|string|text|hash|file[_-]?content|[0-9]{1,2}))?)"
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
            r#"(?P<between>["'\\\]]*\s*(?:[:=]|=>|:=|->|%3d|%3a)\s*["'\\]*)(?P<secret>[^\s"'\\,;&}]{4,}|[^\s"'\\}&]{6,})"#
        ),
    },
    // A quoted value, whole.
    Pattern {
        kind: "named",
        near: NAMES,
        written: concat!(
            r"[\w.-]*",
            names!(),
            r#"(?:["'\\\]]*\s*(?:[:=]|=>|:=|->)\s*(?:[\[{]\s*)*(?:\\*"[\w.-]+\\*"\s*:\s*)?\\*")(?P<secret>[^"\n\\]{1,400})"#
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
    // The halves of an entry the other way round, or with something between.
    Pattern {
        kind: "named",
        near: &["value"],
        written: concat!(
            r#"value\\*["']?\s*[:=]\s*\\*"(?P<secret>[^"\n\\]{1,400})\\*"\s*,\s*\\*"name\\*"\s*:\s*\\*"[\w.-]*"#,
            names!(),
            r#"[\w.-]*\\*""#
        ),
    },
    Pattern {
        kind: "named",
        near: &["value"],
        written: concat!(
            r#"(?:name|key)\\*["']?\s*[:=]\s*\\*["']?[\w.-]*"#,
            names!(),
            r#"[\w.-]*\\*["']?[^\n]{0,80}?\bvalue\\*["']?\s*[:=]\s*\\*["'](?P<secret>[^"'\n\\]{1,400})"#
        ),
    },
    Pattern {
        kind: "named",
        near: &["&quot;", "&#"],
        written: concat!(
            names!(),
            r#"(?:&quot;|&#34;|"|')*\s*(?:[:=]|&#61;|&#x3d;)\s*(?:&quot;|&#34;|"|')*(?P<secret>[^\s&"'<]{3,})"#
        ),
    },
    // A whole object of Kubernetes that holds nothing but secrets.
    Pattern {
        kind: "kubernetes-secret",
        near: &["data"],
        written: r#"(?:string)?data\\*"\s*:\s*\{(?P<secret>[^{}]+)\}"#,
    },
    Pattern {
        kind: "kubernetes-secret",
        near: &["stringdata"],
        written: r"stringData:\s*\{?(?P<secret>[^}\n]+)",
    },
    // Credentials without a colon, and in front of a driver's address.
    Pattern {
        kind: "url-password",
        near: &["://"],
        written: r#"\b[a-z][a-z0-9+.-]*://(?P<secret>(?:[A-Za-z_-]+[0-9]|[0-9]+[A-Za-z])[^\s/:@"'<>]{4,})@"#,
    },
    Pattern {
        kind: "url-password",
        near: &["@tcp(", "@unix("],
        written: r"\b[\w.-]+:(?P<secret>[^\s@/]+)@(?:tcp|unix)\(",
    },
    Pattern {
        kind: "authorization",
        near: &["authorization"],
        written: r#"authorization["'\\]*\s*[:=]\s*["'\\]*(?:basic|apikey|digest|token|hawk|ntlm|signature|aws4-hmac-sha256)\s+(?P<secret>[^"'\\\n]{3,})"#,
    },
    Pattern {
        kind: "option",
        near: &["mysql", "redis-cli", "sshpass", "az login", "curl"],
        written: r"\b(?:mysql\w*\b[^\n]*?\s-p|redis-cli\b[^\n]*?\s-a\s+|sshpass\s+-p\s*|az login\b[^\n]*?\s-p\s+|curl\b[^\n]*?\s-u\s*[^\s:]+:)(?P<secret>\S{4,})",
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
    Pattern { kind: "query", near: &["code"], written: r#"[?&;]code(?:=|%3d)(?P<secret>[^\s&;"'\\]+)"# },
    Pattern {
        kind: "signature",
        near: &["sig", "assertion", "ticket"],
        written: r#"(?:\bsig|\bsv_sig|\bsignature|\bassertion|\bticket)(?:=|%3d)(?P<secret>[^\s&;"'\\]+)"#,
    },
    Pattern {
        kind: "header",
        near: &["-key", "-token", "-secret", "-auth"],
        written: r#"\b[\w-]*-(?:key|token|secret|auth)["'\\]*:\s*["'\\]*(?P<secret>[A-Za-z0-9+/=_.~-]{8,})"#,
    },
    Pattern {
        kind: "xml",
        near: &["<"],
        written: r"<(?:[a-z]+:)?[\w-]*(?:password|secret|token|apikey|key)(?:\s[^<>]*)?>(?P<secret>[^<\n]+)",
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
            "ya29.",
            "age-secret-key-",
            "b3blbnnzac1r",
            "mii",
            "q~",
        ],
        written: r"(?P<secret>\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{12,}|xox[abeprs]-[A-Za-z0-9-]{8,}|(?:AKIA|ASIA)[A-Z0-9]{12,}|AIza[A-Za-z0-9_-]{30,}|[srp]k_(?:live|test)_[A-Za-z0-9]{8,}|sk-[A-Za-z0-9_-]{16,}|SG\.[A-Za-z0-9_-]{12,}\.[A-Za-z0-9_-]{12,}|npm_[A-Za-z0-9]{20,}|pypi-[A-Za-z0-9_-]{16,}|dop_v1_[a-f0-9]{32,}|hv[sb]\.[A-Za-z0-9_-]{16,}|ya29\.[A-Za-z0-9_-]{16,}|AGE-SECRET-KEY-[A-Z0-9]{16,}|b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/=]+|MII[A-Za-z0-9+/]{40,}=*|[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{20,}))",
    },
    Pattern { kind: "vault-text", near: &["$ansible_vault"], written: r"\$ANSIBLE_VAULT;(?P<secret>.+)" },
];

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
    "bearer",
    "basic",
    "redacted",
    "failed",
    "denied",
    "error",
    "not",
    "unknown",
    "oidc",
    "present",
    "absent",
    "permission",
    "forbidden",
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
            .filter_map(|found| {
                let secret = found.name("secret").or_else(|| found.name("quoted"))?;
                let (from, to) = whole(&line, secret.start(), secret.end());
                let all = found.get(0).map_or(from, |all| all.start());
                let name = found
                    .name("between")
                    .map(|between| (&line.as_bytes()[all..between.start()], between.as_bytes()));
                let code = PATTERNS[at].kind == "query" && is_plain_code(&line[from..to]);
                (is_secret(&line[from..to])
                    && !code
                    && !name.is_some_and(|(name, sign)| is_prose(name, sign, &line[from..to])))
                .then_some((from, to))
            })
            .collect();
        if !spans.is_empty() {
            *removed.entry(PATTERNS[at].kind).or_default() += spans.len();
            line = Cow::Owned(without(&line, &spans));
        }
    }
    line
}

/// Whether a word behind a name and a colon goes on with a sentence (`credentials: exec: …`, `secret: NAME not found`) and is no
/// value. A password is one wherever it stands.
fn is_prose(name: &[u8], sign: &[u8], found: &str) -> bool {
    let name = String::from_utf8_lossy(name).to_lowercase();
    let always = ["pass", "pwd", "_"].iter().any(|part| name.contains(part));
    let colon = sign.starts_with(b": ") || sign == b"=";
    let word = |part: &str| {
        let camel = part
            .chars()
            .zip(part.chars().skip(1))
            .filter(|(a, b)| a.is_lowercase() && b.is_uppercase())
            .count();
        let small = part.chars().all(|c| c.is_ascii_lowercase());
        part.chars().all(|c| c.is_ascii_alphabetic()) && (small || camel * 4 < part.len())
    };
    let mut parts = found.split(['-', '/', '.', ':', '(', ')', '#', '*']).filter(|part| !part.is_empty());
    // Behind an equals sign only what is spelled as a type's name is one.
    let spelled = sign != b"=" || found.starts_with(|c: char| c.is_ascii_uppercase()) && found.len() > 12;
    !always && colon && spelled && parts.all(word)
}

/// Whether a code says what went wrong: a number, or words.
fn is_plain_code(found: &str) -> bool {
    found.len() <= 9 && found.bytes().all(|b| b.is_ascii_digit())
        || found.bytes().all(|b| b.is_ascii_alphabetic())
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
    let found = found.replace(GONE, "");
    let bare = found.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let is_code = |digits: &str| {
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        end >= 4 && !digits[end..].starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    let code = bare.strip_prefix("AADSTS").is_some_and(is_code);
    !(code || bare.is_empty() || HARMLESS.iter().any(|word| bare.eq_ignore_ascii_case(word)))
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
