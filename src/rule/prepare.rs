//! What a search needs of the rule files, made ready when the program is built: reading some hundred files and their
//! expressions at every start would take longer than most searches. `build.rs` shares this file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::literal::{Need, SHORTEST, read};
use super::wording::{entra, spelled};

/// One expression.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Expression {
    /// Sources by name; all where empty.
    pub sources: Vec<String>,
    /// The pattern, as it is written ([`spelled`] makes an expression of it).
    pub pattern: String,
    /// The one that excepts a line, likewise.
    pub unless: Option<String>,
    /// What every match holds.
    pub need: Option<Need>,
    /// Names of its captures.
    pub captures: Vec<String>,
}

/// One rule.
#[derive(Clone, Serialize, Deserialize)]
#[allow(unreachable_pub, reason = "exported by the program, not by the build script")]
pub struct Entry {
    /// The name.
    pub id: String,
    /// Other names.
    pub also: Vec<String>,
    /// One line.
    pub title: String,
    /// The folder.
    pub area: String,
    /// How bad, by name.
    pub severity: String,
    /// Whether text alone can show it.
    pub text_only: bool,
    /// Names of recoveries.
    pub recovered_by: Vec<String>,
    /// Its expressions.
    pub(super) symptoms: Vec<Expression>,
}

impl Entry {
    /// Whether text can show it.
    #[allow(unreachable_pub, dead_code, reason = "for the program, not for the build script")]
    pub fn has_symptoms(&self) -> bool {
        !self.symptoms.is_empty()
    }
}

/// What holds for every rule.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Shared {
    /// Lines that only speak of an error.
    pub mentions: Vec<String>,
    /// Stretches that do.
    pub within: Vec<String>,
    /// Lines that a program has logged.
    pub logged: String,
    /// Text that shows that something works again, by name.
    pub recoveries: BTreeMap<String, Vec<Expression>>,
}

/// All of it.
#[derive(Serialize, Deserialize)]
pub(super) struct Prepared {
    /// Rules by id.
    pub entries: Vec<Entry>,
    /// What holds for all.
    pub shared: Shared,
}

/// The expressions that a symptom stands for.
pub(super) fn expressions(
    sources: &[String],
    code: Option<u64>,
    pattern: Option<&str>,
    unless: Option<&str>,
) -> Result<Vec<Expression>, String> {
    let patterns: Vec<String> = match (code, pattern) {
        (Some(code), None) => entra(code).to_vec(),
        (None, Some(pattern)) => vec![pattern.to_owned()],
        _ => return Err("a symptom has either a pattern or a code of Entra (entra)".into()),
    };
    if let Some(unless) = unless {
        read(&spelled(unless), SHORTEST).map_err(|problem| format!("unless: {problem}"))?;
    }
    patterns
        .into_iter()
        .map(|pattern| {
            let found = read(&spelled(&pattern), SHORTEST).map_err(|problem| format!("pattern: {problem}"))?;
            if found.empty {
                return Err("pattern: it matches an empty text".into());
            }
            if found.need.is_none() {
                return Err(format!(
                    "pattern: every alternative needs a fixed piece of {SHORTEST} characters, without which it would have to be tried on every line: {pattern}"
                ));
            }
            Ok(Expression {
                sources: sources.to_vec(),
                need: found.need,
                captures: found.captures,
                unless: unless.map(str::to_owned),
                pattern,
            })
        })
        .collect()
}
