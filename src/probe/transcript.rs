//! Logs and events as text evidence: line numbers, times, no secrets.

use jiff::Timestamp;
use serde_json::Value;

use super::Seen;
use crate::client::Tail;
use crate::fact::{Fact, Observation, Outcome, TextEvidence, TextRead, TextSource};
use crate::redact::{Lines, Removed};

/// One log that was asked for.
pub(super) struct Log {
    /// `pod/NAME/CONTAINER`, `compose/SERVICE`.
    pub(super) place: String,
    /// Its newest lines.
    pub(super) text: Observation<Tail>,
}

/// Adds logs as evidence, and what was read of them as a fact: known where each could be read. The one that could not be
/// may be the one that matters.
pub(super) fn put_logs(
    seen: &mut Seen,
    fact: &Fact<TextRead>,
    source: TextSource,
    logs: Vec<Log>,
    limit: u64,
    otherwise: Observation<TextRead>,
) {
    let mut read = TextRead { lines: 0, places: Vec::new(), cut: false };
    let mut answer = otherwise;
    let mut unread = None;
    for log in logs {
        match log.text.outcome {
            Outcome::Known(text) => {
                let lines = evidence(source, &log.place, &text.text);
                read.cut |= text.cut || lines.len() as u64 >= limit;
                read.lines += lines.len() as u64;
                read.places.push(log.place);
                seen.text.extend(lines);
                answer = Observation::known(read.clone(), log.text.origin);
            }
            Outcome::Absent if read.places.is_empty() => answer = Observation::absent(log.text.origin),
            Outcome::Unknown(reason) => {
                unread = unread.or(Some(Observation::unknown(reason, log.text.origin)));
            }
            Outcome::Absent => {}
        }
    }
    seen.put(fact, unread.unwrap_or(answer));
}

fn evidence(source: TextSource, place: &str, text: &str) -> Vec<TextEvidence> {
    let (mut clean, mut removed) = (Lines::default(), Removed::new());
    text.lines()
        .zip(1..)
        .map(|(line, number)| {
            let (at, rest) = split_time(line);
            TextEvidence {
                source,
                place: place.to_owned(),
                line: number,
                at,
                count: 1,
                text: clean.next(rest, &mut removed).into_owned(),
            }
        })
        .collect()
}

/// The time that a container runtime puts before a line, else one that the line itself carries.
fn split_time(line: &str) -> (Option<Timestamp>, &str) {
    if let Some((first, rest)) = line.split_once(' ')
        && let Ok(at) = first.parse()
    {
        return (Some(at), rest);
    }
    let own = serde_json::from_str::<Value>(line).ok().and_then(|entry| {
        ["time", "ts", "timestamp", "@timestamp"]
            .iter()
            .find_map(|&name| entry.get(name)?.as_str()?.parse().ok())
    });
    (own, line)
}

#[cfg(test)]
mod tests {
    use super::split_time;

    #[test]
    fn a_time_is_taken_from_the_runtime_or_from_the_line() {
        let (at, rest) = split_time("2026-11-23T14:02:11.123456789Z polling");
        assert_eq!(at.map(jiff::Timestamp::as_second), Some(1_795_442_531));
        assert_eq!(rest, "polling");
        let (at, _) = split_time(r#"{"time":"2026-11-23T14:02:11Z","msg":"polling"}"#);
        assert_eq!(at.map(jiff::Timestamp::as_second), Some(1_795_442_531));
        assert_eq!(split_time("no time here"), (None, "no time here"));
    }
}
