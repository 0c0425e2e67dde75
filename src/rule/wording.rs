//! How a symptom's pattern is read: for the message, not for the way in which one writer spells it.
//!
//! Logs wrap, quote, escape and indent. So in a pattern, outside of a character class, a space stands for any run
//! of white space (line breaks, their escaped forms and the marks that terminals and mail put before a line
//! included), and a quotation mark for any of its spellings (escaped, as an entity, typographic).

/// What a space stands for.
const SPACE: &str = r"(?:(?:[\s#>|*+]|\xE2\x94\x82|\\+[nrt]|%20|&nbsp;|\x1B\[[\d;]{0,12}m)+)";
/// What an apostrophe stands for.
const SINGLE: &str = r"(?:\\*['`\x22]|\xE2\x80[\x98\x99]|\\+u0027|&#(?:0?39|x27);|&apos;|&quot;|%27)";
/// What a quotation mark stands for.
const DOUBLE: &str =
    r"(?:\\*[\x22'`]|\xE2\x80[\x98\x99\x9C\x9D]|\\+u0022|&#(?:0?39|x27|0?34);|&quot;|&apos;|%22|%27)";

/// The regular expression that a pattern stands for.
pub(super) fn spelled(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() * 2);
    let mut characters = pattern.chars();
    let mut in_class = false;
    while let Some(c) = characters.next() {
        match c {
            '\\' => {
                out.push(c);
                out.extend(characters.next());
            }
            '[' if !in_class => {
                in_class = true;
                out.push(c);
            }
            ']' if in_class => {
                in_class = false;
                out.push(c);
            }
            ' ' if !in_class => out.push_str(SPACE),
            '\'' if !in_class => out.push_str(SINGLE),
            '"' if !in_class => out.push_str(DOUBLE),
            _ => out.push(c),
        }
    }
    out
}

/// The patterns of a code of Entra: in a message, in the list of codes of a token endpoint's answer, and beside it.
///
/// A code is never found as a bare number (azure.md, 1: match the whole token, not a part of a longer one).
pub(super) fn entra(code: u64) -> [String; 3] {
    [
        // What names the answer's own page, and the header that its telemetry goes by.
        format!(
            r#"error_?uri\W{{1,12}}https://login\.[\w.]{{1,40}}/error\?code={code}\b|x-ms-clitelem"? ?[:=] ?"?\d,{code},"#
        ),
        format!(r"(?:\b|%[0-9A-F]{{2}})AADSTS{code}\b"),
        format!(r#"\b[eE]rror[_ ]?[cC]odes?"? {{0,3}}[:=] {{0,3}}"?\[?[\d, ]{{0,60}}\b{code}\b"#),
    ]
}
