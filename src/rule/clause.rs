//! A condition taken apart: which of its clauses hold, and which decide what it comes to.

use std::collections::BTreeSet;

use super::expression::{Expression, Scope, Truth, truth_of};

/// How clauses are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// All have to hold (`&&`).
    All,
    /// One has to hold (`||`).
    Any,
}

/// A condition, or a part of one.
#[derive(Clone, Debug)]
pub struct Clause {
    /// As it is written.
    pub source: String,
    /// What it comes to.
    pub truth: Truth,
    /// Facts that it reads, by full name.
    pub facts: BTreeSet<String>,
    /// Whether it decides what the whole condition comes to.
    pub decides: bool,
    /// How its parts are joined; none where it has no parts.
    pub joined: Option<Joined>,
    /// Its parts.
    pub parts: Vec<Clause>,
}

impl Expression {
    /// The condition's clauses, each with what it comes to.
    pub fn clauses(&self, scope: &Scope, binding: Option<(&str, &str)>) -> Clause {
        let mut whole = self.clause(self.source(), scope, binding);
        whole.truth = self.truth(scope);
        mark(&mut whole);
        whole
    }

    fn clause(&self, source: &str, scope: &Scope, binding: Option<(&str, &str)>) -> Clause {
        let source = unwrapped(source.trim());
        let (joined, parts) = split(source);
        let parts: Vec<Clause> = parts.into_iter().map(|part| self.clause(part, scope, binding)).collect();
        Clause {
            source: source.split_whitespace().collect::<Vec<_>>().join(" "),
            truth: truth_of(source, scope),
            facts: self.facts_within(source, binding),
            decides: false,
            joined,
            parts,
        }
    }
}

/// Marks what decides: of several that all have to hold, the ones that do not; and so on.
fn mark(clause: &mut Clause) {
    clause.decides = true;
    let truth = clause.truth;
    for part in clause.parts.iter_mut().filter(|part| part.truth == truth) {
        mark(part);
    }
}

/// Without a pair of parentheses around all of it.
fn unwrapped(source: &str) -> &str {
    let Some(inner) = source.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else {
        return source;
    };
    let mut depth = 0;
    for (_, c, quoted) in outside_quotes(inner) {
        match c {
            _ if quoted => {}
            '(' => depth += 1,
            ')' if depth == 0 => return source,
            ')' => depth -= 1,
            _ => {}
        }
    }
    unwrapped(inner.trim())
}

/// The parts that the weakest operator outside of all brackets joins; `||` binds weaker than `&&` (CEL, "Syntax").
fn split(source: &str) -> (Option<Joined>, Vec<&str>) {
    for (operator, joined) in [("||", Joined::Any), ("&&", Joined::All)] {
        let mut depth = 0;
        let mut begin = 0;
        let mut parts = Vec::new();
        for (at, c, quoted) in outside_quotes(source) {
            match c {
                _ if quoted => {}
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                // A choice binds weaker than either.
                '?' if depth == 0 => return (None, Vec::new()),
                _ if depth == 0 && at >= begin && source[at..].starts_with(operator) => {
                    parts.push(&source[begin..at]);
                    begin = at + operator.len();
                }
                _ => {}
            }
        }
        if !parts.is_empty() {
            parts.push(&source[begin..]);
            return (Some(joined), parts);
        }
    }
    (None, Vec::new())
}

/// Characters with their places, each with whether it stands in a text literal.
fn outside_quotes(source: &str) -> impl Iterator<Item = (usize, char, bool)> {
    let mut open: Option<char> = None;
    let mut escaped = false;
    source.char_indices().map(move |(at, c)| {
        let inside = open.is_some();
        match open {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(quote) if c == quote => open = None,
            None if matches!(c, '\'' | '"') => open = Some(c),
            Some(_) | None => {}
        }
        (at, c, inside || open.is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::{Joined, split, unwrapped};

    #[test]
    fn a_condition_is_split_where_its_weakest_operator_stands() {
        for (source, joined, parts) in [
            ("a.b == 1", None, vec![]),
            ("a.b && c.d", Some(Joined::All), vec!["a.b ", " c.d"]),
            ("a && b || c && d", Some(Joined::Any), vec!["a && b ", " c && d"]),
            ("a.exists(x, x.y && x.z) && b", Some(Joined::All), vec!["a.exists(x, x.y && x.z) ", " b"]),
            (r#"a == "x && y" && b"#, Some(Joined::All), vec![r#"a == "x && y" "#, " b"]),
            (r"a == 'it\'s || no' || b", Some(Joined::Any), vec![r"a == 'it\'s || no' ", " b"]),
            ("a ? b && c : d || e", None, vec![]),
        ] {
            assert_eq!(split(source), (joined, parts), "{source}");
        }
    }

    #[test]
    fn parentheses_around_all_of_it_go() {
        for (source, inner) in [("((a && b))", "a && b"), ("(a) && (b)", "(a) && (b)"), ("(a", "(a")] {
            assert_eq!(unwrapped(source), inner);
        }
    }
}
