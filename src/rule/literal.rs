//! What a text must hold for a pattern to match it: fixed pieces, read off the pattern's syntax.
//!
//! Pieces are folded ([`fold`]): a filter that looks for them lets through a little too much and misses nothing.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};
use serde::{Deserialize, Serialize};

/// The shortest piece that is looked for, in bytes.
pub(super) const SHORTEST: usize = 5;

/// What a matching text holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Need {
    /// This piece, folded.
    Piece(String),
    /// All of these; looking for one is enough.
    All(Vec<Need>),
    /// At least one of these: all have to be looked for.
    Any(Vec<Need>),
}

/// A byte as a filter compares it: letters of both cases are the same, and a few other characters are, too.
pub(super) const fn fold(byte: u8) -> u8 {
    byte | 0x20
}

/// What the syntax of an expression tells without compiling it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Read {
    /// What every text that it matches holds; none where no piece of `shortest` bytes is certain.
    pub(super) need: Option<Need>,
    /// Names of its captures.
    pub(super) captures: Vec<String>,
    /// Whether it matches an empty text.
    pub(super) empty: bool,
}

/// Reads an expression. Fails where it has no valid syntax.
pub(super) fn read(expression: &str, shortest: usize) -> Result<Read, String> {
    let hir = ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .dot_matches_new_line(true)
        .multi_line(true)
        .build()
        .parse(expression)
        .map_err(|error| error.to_string().lines().last().unwrap_or("is no regular expression").to_owned())?;
    let mut captures = Vec::new();
    names(&hir, &mut captures);
    Ok(Read { need: of(&hir, shortest), captures, empty: hir.properties().minimum_len() == Some(0) })
}

fn names(hir: &Hir, found: &mut Vec<String>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            found.extend(capture.name.as_deref().map(str::to_owned));
            names(&capture.sub, found);
        }
        HirKind::Repetition(repeated) => names(&repeated.sub, found),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            for part in parts {
                names(part, found);
            }
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

/// The one character that a node stands for, folded.
fn single(hir: &Hir) -> Option<u8> {
    let HirKind::Class(Class::Bytes(class)) = hir.kind() else { return None };
    let mut bytes = class.iter().flat_map(|range| range.start()..=range.end());
    let first = fold(bytes.next()?);
    bytes.all(|byte| fold(byte) == first).then_some(first)
}

fn of(hir: &Hir, shortest: usize) -> Option<Need> {
    match hir.kind() {
        HirKind::Literal(_) | HirKind::Concat(_) | HirKind::Class(_) | HirKind::Capture(_) => {
            let mut walk = Walk { run: Vec::new(), found: Vec::new(), shortest };
            walk.visit(hir);
            walk.cut();
            match walk.found.len() {
                0 => None,
                1 => walk.found.pop(),
                _ => Some(Need::All(walk.found)),
            }
        }
        HirKind::Repetition(repeated) if repeated.min > 0 => of(&repeated.sub, shortest),
        HirKind::Alternation(branches) => {
            Some(Need::Any(branches.iter().map(|branch| of(branch, shortest)).collect::<Option<_>>()?))
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
}

struct Walk {
    run: Vec<u8>,
    found: Vec<Need>,
    shortest: usize,
}

impl Walk {
    /// Ends the run of characters that stand beside each other.
    fn cut(&mut self) {
        let run = std::mem::take(&mut self.run);
        if run.len() >= self.shortest
            && let Ok(piece) = String::from_utf8(run)
        {
            self.found.push(Need::Piece(piece));
        }
    }

    fn visit(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Literal(literal) => self.run.extend(literal.0.iter().map(|&byte| fold(byte))),
            HirKind::Concat(parts) => {
                for part in parts {
                    self.visit(part);
                }
            }
            HirKind::Capture(capture) => self.visit(&capture.sub),
            HirKind::Class(_) => match single(hir) {
                Some(byte) => self.run.push(byte),
                None => self.cut(),
            },
            HirKind::Look(_) | HirKind::Empty => {}
            HirKind::Repetition(_) | HirKind::Alternation(_) => {
                self.cut();
                self.found.extend(of(hir, self.shortest));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Need, read};

    fn piece(text: &str) -> Need {
        Need::Piece(text.into())
    }

    #[test]
    fn what_every_match_holds_is_read_off_the_pattern() {
        for (pattern, wanted) in [
            (r"\bAADSTS700213\b", Some(piece("aadsts700213"))),
            (r"(?i)certificate has expired", Some(piece("certificate has expired"))),
            (r"certificate\s+expired", Some(Need::All(vec![piece("certificate"), piece("expired")]))),
            (r"SERVFAIL|misbehaving", Some(Need::Any(vec![piece("servfail"), piece("misbehaving")]))),
            (r"SERVFAIL|EOF", None),
            (r"(?:optional)? words", Some(piece(" words"))),
            (r"\d+", None),
        ] {
            assert_eq!(read(pattern, 6).map(|read| read.need), Ok(wanted), "{pattern}");
        }
        assert!(read("(", 6).is_err());
        let two = read("(?P<one>a)(?:b(?P<two>c))?", 6).unwrap();
        assert_eq!((two.captures, two.empty), (vec!["one".to_owned(), "two".to_owned()], false));
    }
}
