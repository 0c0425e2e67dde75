//! Findings that somebody answers for: a file of names and subjects, each with a reason, an owner and a last day.
//!
//! An entry that says nothing any more, or too much, is a finding itself and has no effect.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::diagnosis::{
    Accepted, Confidence, Diagnosis, Evidence, Finding, Remedy, SUPPRESSIONS_AREA, Severity, WRONG_TARGET,
    fingerprint,
};

/// The longest time that an entry may stand, in days.
const LONGEST_DAYS: i32 = 366;
/// Letters and digits in a row that keep a pattern from fitting nearly everything.
const LEAST_LITERAL: usize = 4;

/// A suppressions file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mzv-doctor suppressions")]
pub struct Suppressions {
    /// What is accepted.
    pub suppressions: Vec<Suppression>,
}

/// A finding that somebody answers for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suppression {
    /// The named error, whole.
    pub name: String,
    /// What it is about, as reports show it; `*` stands for any characters.
    pub subject: String,
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it is accepted (UTC).
    #[serde(deserialize_with = "day")]
    pub expires: Date,
}

/// A day as RFC 3339 writes it, and nothing else.
fn day<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
    let text = String::deserialize(from)?;
    let refuse = |_| D::Error::custom("expires is no day such as 2027-01-31");
    let day: Date = text.parse().map_err(refuse)?;
    if day.to_string() == text {
        Ok(day)
    } else {
        Err(D::Error::custom("expires is no day such as 2027-01-31"))
    }
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SuppressionError {
    /// It is no such file.
    #[error("{0}")]
    Malformed(String),
    /// An entry says nothing.
    #[error("entry {number} ({name}): {what} is empty")]
    Empty {
        /// Number of the entry, from 1.
        number: usize,
        /// The name it is about.
        name: String,
        /// The field.
        what: &'static str,
    },
    /// Two entries accept the same, and may say different things about it.
    #[error("entry {number} ({name}): entry {first} has the same name and subject already; keep one of them")]
    Twice {
        /// Number of the entry, from 1.
        number: usize,
        /// The name it is about.
        name: String,
        /// Number of the earlier one.
        first: usize,
    },
    /// It names what nobody can accept.
    #[error(
        "entry {number}: {name} cannot be suppressed: it is no finding about the deployment that was meant"
    )]
    Never {
        /// Number of the entry, from 1.
        number: usize,
        /// The name.
        name: String,
    },
}

/// What is wrong with an entry.
#[derive(Clone, Copy)]
enum Flaw {
    Expired,
    Unused,
    Covered,
    Broad,
    Long,
}

impl Suppressions {
    /// Reads a file.
    pub fn read(text: &str) -> Result<Self, SuppressionError> {
        let read: Self = serde_saphyr::from_str(text).map_err(|error| {
            let place = error.location().map(|at| format!("line {}, column {}: ", at.line(), at.column()));
            let said = error.without_snippet().to_string();
            let said = said.lines().next().unwrap_or("not valid YAML");
            // Some of the parser's messages end in the place.
            let said = said.split(" at line ").next().unwrap_or(said);
            SuppressionError::Malformed(format!("{}{said}", place.unwrap_or_default()))
        })?;
        for (at, entry) in read.suppressions.iter().enumerate() {
            let (number, name) = (at + 1, entry.name.clone());
            for (what, text) in [
                ("name", &entry.name),
                ("subject", &entry.subject),
                ("reason", &entry.reason),
                ("owner", &entry.owner),
            ] {
                if !text.contains(|c: char| c.is_alphanumeric() || c == '*') {
                    return Err(SuppressionError::Empty { number, name, what });
                }
            }
            if name == WRONG_TARGET {
                return Err(SuppressionError::Never { number, name });
            }
            let same = |other: &&Suppression| other.name == entry.name && other.subject == entry.subject;
            if let Some(first) = read.suppressions.iter().take(at).position(|other| same(&other)) {
                return Err(SuppressionError::Twice { number, name, first: first + 1 });
            }
        }
        Ok(read)
    }

    /// Marks what is accepted on the day of the run, and adds a finding for each entry that should not stand.
    pub fn mark(&self, diagnosis: &mut Diagnosis) {
        let today = diagnosis.observed_at.to_zoned(TimeZone::UTC).date();
        let open: BTreeSet<String> = diagnosis.inconclusive.iter().map(|row| row.id.clone()).collect();
        let mut flawed: BTreeMap<String, Finding> = BTreeMap::new();
        for entry in &self.suppressions {
            let fits = |finding: &&mut Finding| {
                finding.id == entry.name && pattern_fits(&entry.subject, &finding.subject)
            };
            let flaw = entry.flaw(today);
            let (mut used, mut covered) = (false, false);
            for finding in diagnosis.findings.iter_mut().filter(fits) {
                used |= finding.accepted.is_none();
                covered |= finding.accepted.is_some();
                if flaw.is_none() && finding.accepted.is_none() {
                    finding.accepted = Some(entry.accepted());
                }
            }
            // What could not be decided may still be so, and a run about one name says nothing of others.
            let unknown = open.contains(&entry.name) || diagnosis.only.is_some();
            let idle = if covered { Some(Flaw::Covered) } else { (!unknown).then_some(Flaw::Unused) };
            let flaw = flaw.or(idle.filter(|_| !used));
            if let Some(flaw) = flaw.filter(|_| diagnosis.only.is_none()) {
                let finding = entry.finding(flaw);
                flawed.insert(finding.fingerprint.clone(), finding);
            }
        }
        let wrong_target = diagnosis.findings.iter().any(|finding| finding.id == WRONG_TARGET);
        if !wrong_target {
            diagnosis.findings.extend(flawed.into_values());
        }
    }
}

impl Suppression {
    fn accepted(&self) -> Accepted {
        Accepted::Suppression {
            reason: self.reason.clone(),
            owner: self.owner.clone(),
            expires: self.expires,
        }
    }

    fn flaw(&self, today: Date) -> Option<Flaw> {
        // The kind of a thing, as in `deployment/`, fits every thing of that kind.
        let name = self.subject.rsplit_once(['/', ' ']).map_or(self.subject.as_str(), |(_, name)| name);
        let longest = |part: &str| part.chars().filter(|c| c.is_alphanumeric()).count();
        let literal = name.split('*').map(longest).max().unwrap_or(0);
        let days = today.until(self.expires).map_or(i32::MAX, |span| span.get_days());
        if self.expires < today {
            Some(Flaw::Expired)
        } else if self.subject.contains('*') && literal < LEAST_LITERAL {
            Some(Flaw::Broad)
        } else if days > LONGEST_DAYS {
            Some(Flaw::Long)
        } else {
            None
        }
    }

    fn finding(&self, flaw: Flaw) -> Finding {
        let (id, title, explanation, remedy) = match flaw {
            Flaw::Expired => (
                "suppression-expired",
                "An accepted finding is no longer accepted",
                "The last day of this entry is over. It has no effect any more: what it accepted counts again.",
                "Mend what the entry accepts, or renew it with its owner's consent.",
            ),
            Flaw::Unused => (
                "suppression-unused",
                "An accepted finding is no longer found",
                "What this entry accepts was examined and is not found. Left in place it would hide the same fault \
                 when it comes back.",
                "Remove the entry.",
            ),
            Flaw::Covered => (
                "suppression-unused",
                "Another entry accepts the same",
                "What this entry accepts is accepted by an earlier one already. When that one ends, this one would go on \
                 unseen.",
                "Keep one of the two.",
            ),
            Flaw::Broad => (
                "suppression-too-broad",
                "An entry would accept nearly any subject",
                "The subject of this entry fits nearly everything, so that it would accept faults which nobody has \
                 looked at. It has no effect.",
                "Name the subject as reports show it.",
            ),
            Flaw::Long => (
                "suppression-too-broad",
                "An entry would stand for more than a year",
                "The last day of this entry lies more than a year ahead, so that nobody would look at it again. It \
                 has no effect.",
                "Choose a day within a year.",
            ),
        };
        let subject = format!("{} on {}", self.name, self.subject);
        let shown = |label: &str, value: String| Evidence { label: label.into(), value };
        Finding {
            id: id.into(),
            title: title.into(),
            area: SUPPRESSIONS_AREA.into(),
            severity: Severity::Warning,
            confidence: Confidence::Certain,
            fingerprint: fingerprint(id, None, &subject),
            subject,
            about: None,
            brief: format!("until {}, by {}", self.expires, self.owner),
            evidence: vec![
                shown("accepts", self.name.clone()),
                shown("about", self.subject.clone()),
                shown("because", self.reason.clone()),
                shown("owner", self.owner.clone()),
                shown("last day", self.expires.to_string()),
            ],
            contrast: None,
            text: Vec::new(),
            explanation: explanation.into(),
            remedy: Some(Remedy {
                text: remedy.into(),
                commands: Vec::new(),
                open: Vec::new(),
                first: String::new(),
            }),
            verify: String::new(),
            caused_by: Vec::new(),
            perhaps: Vec::new(),
            references: Vec::new(),
            facts: BTreeMap::new(),
            accepted: None,
        }
    }
}

/// Whether a text fits a pattern in which `*` stands for any characters.
fn pattern_fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::{Suppressions, pattern_fits};

    #[test]
    fn a_star_stands_for_any_characters_and_nothing_else_is_special() {
        for (pattern, text, fits) in [
            ("kv-mazevault", "kv-mazevault", true),
            ("kv-mazevault", "kv-mazevault-npr", false),
            ("kv-*", "kv-mazevault-npr", true),
            ("*-npr", "kv-mazevault-npr", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a*a", "a", false),
            ("kv.mazevault", "kv-mazevault", false),
            ("*", "", true),
        ] {
            assert_eq!(pattern_fits(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn an_entry_that_says_too_little_is_refused() {
        let whole = "suppressions:\n- {name: a, subject: b, reason: c, owner: d, expires: 2026-12-31}\n";
        assert_eq!(Suppressions::read(whole).unwrap().suppressions.len(), 1);
        for (text, said) in [
            (whole.replace("reason: c, ", ""), "reason"),
            (whole.replace("reason: c", "reason: ' '"), "entry 1 (a): reason is empty"),
            (whole.replace("2026-12-31", "soon"), "expires is no day"),
            (whole.replace("2026-12-31", "2026-12-31T10:00:00"), "expires is no day"),
            (whole.replace("2026-12-31", "20261231"), "expires is no day"),
            (whole.replace("reason: c", "reason: '\u{200b}'"), "reason is empty"),
            (whole.replace("owner: d", "owner: d, forever: true"), "forever"),
            (whole.replace("name: a", "name: wrong-target"), "cannot be suppressed"),
            (
                format!("{whole}{}", whole.lines().nth(1).unwrap_or_default()),
                "entry 2 (a): entry 1 has the same",
            ),
            ("[]".into(), ""),
            (String::new(), ""),
        ] {
            let refused = Suppressions::read(&text).unwrap_err().to_string();
            assert!(refused.contains(said) && refused.lines().count() == 1, "{text}: {refused}");
        }
    }
}
