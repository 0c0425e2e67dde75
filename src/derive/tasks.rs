//! How the gateway's polls of the tasks endpoint end, read from logs and the Primary's records.

use jiff::Timestamp;
use regex::Regex;

use super::{Derived, Lack, need, put};
use crate::fact::{Fact, Outcome};
use crate::fact::{
    GATEWAYS_HEARTBEAT_LOST, PRIMARY_GATEWAYS_API, Reason, Snapshot, TASKS_OUTCOME, TEXT_GATEWAY_LOG,
    TEXT_PRIMARY_LOG, Tasks, TextEvidence, TextRead, TextSource,
};

/// Polls count as stopped after this many of their own intervals, and never before [`STOPPED_AFTER_S`].
const STOPPED_INTERVALS: i64 = 4;
/// Seconds without a poll that are never called a stop: the heartbeat timeout of the Primary.
const STOPPED_AFTER_S: i64 = 120;

struct Poll {
    status: i64,
    at: Option<Timestamp>,
    place: String,
}

pub(super) fn derive(snapshot: &mut Snapshot) {
    let outcome = outcome(snapshot);
    put(
        snapshot,
        &TASKS_OUTCOME,
        &[TEXT_GATEWAY_LOG.name(), TEXT_PRIMARY_LOG.name(), GATEWAYS_HEARTBEAT_LOST.name()],
        outcome,
    );
}

fn outcome(snapshot: &Snapshot) -> Derived<Tasks> {
    let pattern = snapshot.setting("tasks.pattern");
    let poll_line = Regex::new(&pattern).map_err(|error| {
        Lack::Unknown(
            TEXT_GATEWAY_LOG.name(),
            Reason::Malformed { detail: format!("tasks.pattern is no regular expression: {error}") },
        )
    })?;
    for (source, read) in
        [(TextSource::GatewayLog, &TEXT_GATEWAY_LOG), (TextSource::PrimaryLog, &TEXT_PRIMARY_LOG)]
    {
        if !was_read(snapshot, read) {
            continue;
        }
        let lines: Vec<_> = snapshot.text.iter().filter(|line| line.source == source).collect();
        let polls: Vec<_> = lines.iter().filter_map(|line| poll(line, &poll_line)).collect();
        if let Some(tasks) = judge(snapshot, &lines, &polls) {
            return Ok(tasks);
        }
    }
    from_heartbeat(snapshot)
}

fn was_read(snapshot: &Snapshot, fact: &Fact<TextRead>) -> bool {
    matches!(snapshot.get(fact).outcome, Outcome::Known(_))
}

/// Without a poll line to be seen (the log's level may hide them), a recent heartbeat shows that the
/// gateway talks to the Primary, and a lost one that it does not.
fn from_heartbeat(snapshot: &Snapshot) -> Derived<Tasks> {
    let lost = need(snapshot, &GATEWAYS_HEARTBEAT_LOST).map_err(|lack| match lack {
        Lack::Unknown(name, reason) => Lack::Unknown(name, reason),
        // No record and no poll line: nothing was seen either way.
        Lack::Absent(_) => match snapshot.get(&TEXT_GATEWAY_LOG).outcome {
            Outcome::Unknown(reason) => Lack::Unknown(TEXT_GATEWAY_LOG.name(), reason),
            Outcome::Known(_) | Outcome::Absent => Lack::Unknown(
                TEXT_GATEWAY_LOG.name(),
                Reason::Malformed { detail: "the log holds no line about polling".into() },
            ),
        },
    })?;
    Ok(Tasks {
        outcome: if lost { "stopped" } else { "alive" }.into(),
        polls: 0,
        last_status: None,
        last_at: None,
        source: "heartbeat".into(),
    })
}

/// The HTTP status that a line reports, in the forms that JSON, key=value and access logs use.
fn status_of(text: &str) -> Option<i64> {
    let mut rest = text;
    while let Some(at) = rest.find("status") {
        rest = &rest[at + "status".len()..];
        let value = rest.trim_start_matches(|c: char| {
            matches!(c, '"' | '\'' | '_' | ':' | '=' | ' ') || c.is_alphabetic()
        });
        let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
        if digits.len() == 3 {
            return digits.parse().ok();
        }
    }
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .filter(|word| word.len() == 3 && word.bytes().all(|b| b.is_ascii_digit()))
        .find_map(|word| word.parse().ok().filter(|status| (100..600).contains(status)))
}

fn poll(line: &TextEvidence, poll_line: &Regex) -> Option<Poll> {
    if !poll_line.is_match(&line.text) {
        return None;
    }
    // The path's own digits are no status.
    let status = status_of(&poll_line.replace_all(&line.text, " ")).or_else(|| status_of(&line.text))?;
    Some(Poll { status, at: line.at, place: line.place.clone() })
}

fn judge(snapshot: &Snapshot, lines: &[&TextEvidence], polls: &[Poll]) -> Option<Tasks> {
    let last = polls.last()?;
    let class = |poll: &Poll| match poll.status {
        401 => "unauthorized",
        500..600 => "failing",
        _ => "ok",
    };
    let trailing = polls.iter().rev().take_while(|poll| class(poll) == class(last)).count();
    let ever_fine = polls.iter().any(|poll| class(poll) == "ok");
    let outcome = if has_stopped(snapshot, lines, polls) {
        "stopped"
    } else if trailing == 1 && ever_fine {
        // One answer among good ones proves nothing.
        "ok"
    } else {
        class(last)
    };
    Some(Tasks {
        outcome: outcome.into(),
        polls: i64::try_from(polls.len()).unwrap_or(i64::MAX),
        last_status: Some(last.status),
        last_at: last.at,
        source: last.place.clone(),
    })
}

/// Whether polling ceased, by clocks of the deployment: later lines of the same log, or the Primary's answer.
fn has_stopped(snapshot: &Snapshot, lines: &[&TextEvidence], polls: &[Poll]) -> bool {
    let times: Vec<_> = polls.iter().filter_map(|poll| poll.at).collect();
    let Some(&last) = times.last() else { return false };
    let mut gaps: Vec<_> = times.windows(2).map(|pair| pair[1].as_second() - pair[0].as_second()).collect();
    gaps.sort_unstable();
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(0);
    let server = snapshot.get(&PRIMARY_GATEWAYS_API).value().map(|records| records.server_time);
    let Some(now) = lines.iter().filter_map(|line| line.at).max().max(server) else { return false };
    now.as_second() - last.as_second() > (usual * STOPPED_INTERVALS).max(STOPPED_AFTER_S)
}

#[cfg(test)]
mod tests {
    use super::status_of;

    #[test]
    fn the_status_is_found_in_the_forms_that_logs_use() {
        for (text, status) in [
            (r#"{"msg":"task poll","path":"/api/v1/gateway/tasks","status":200}"#, Some(200)),
            ("GET /gateway/tasks status=401 took=12ms", Some(401)),
            (r#"10.0.0.7 - "GET /api/v1/gateway/tasks HTTP/1.1" 503 0"#, Some(503)),
            ("[GIN] 2026/11/23 - 14:02:11 | 401 |  1.2ms | 10.1.2.3 | GET /gateway/tasks", Some(401)),
            ("polling tasks: unexpected status code 500", Some(500)),
            ("polling tasks", None),
        ] {
            assert_eq!(status_of(text), status, "{text}");
        }
    }
}
