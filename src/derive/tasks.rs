//! How the gateway's polls of the tasks endpoint end, read from logs and the Primary's records.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::{Derived, Lack, need, put};
use crate::fact::{Fact, Outcome};
use crate::fact::{
    GATEWAY_ROLE, GATEWAYS_HEARTBEAT_LOST, PRIMARY_GATEWAYS_API, Reason, Snapshot, TASKS_OUTCOME,
    TEXT_GATEWAY_LOG, TEXT_PRIMARY_LOG, Tasks, TextEvidence, TextRead, TextSource,
};

/// Polls count as stopped after this many of their own intervals, and never before [`STOPPED_AFTER_S`].
const STOPPED_INTERVALS: i64 = 4;
/// Seconds without a poll that are never called a stop: the heartbeat timeout of the Primary.
const STOPPED_AFTER_S: i64 = 120;

/// Seconds by which this machine's clock may be off.
const TOLERANCE_S: i64 = 300;

/// Polls at the end of a log that are weighed against each other, and good ones in a row after which bad ones are over.
const WINDOW: usize = 10;
const SURE: usize = 5;

struct Poll {
    /// None where no answer came.
    status: Option<i64>,
    at: Option<Timestamp>,
    place: String,
}

pub(super) fn derive(snapshot: &mut Snapshot) {
    let outcome = outcome(snapshot);
    put(
        snapshot,
        &TASKS_OUTCOME,
        &[
            TEXT_GATEWAY_LOG.name(),
            TEXT_PRIMARY_LOG.name(),
            GATEWAYS_HEARTBEAT_LOST.name(),
            GATEWAY_ROLE.name(),
        ],
        outcome,
    );
}

fn outcome(snapshot: &Snapshot) -> Derived<Tasks> {
    // A standby polls nothing until it is promoted.
    if snapshot.get(&GATEWAY_ROLE).value().is_some_and(|role| role == "dr-standby") {
        return Err(Lack::Absent(GATEWAY_ROLE.name()));
    }
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
        let lines: Vec<_> = snapshot.text.iter().filter(|line| line.source == source).collect();
        // A log of which a part could not be read still shows what its other parts show, unless that is good news.
        let whole = was_read(snapshot, read);
        let polls: Vec<_> = lines.iter().filter_map(|line| poll(line, &poll_line)).collect();
        match judge(snapshot, &lines, &polls) {
            Some(tasks) if tasks.outcome == "ok" && is_long_ago(snapshot, &tasks) => {
                return Err(unclocked(snapshot));
            }
            Some(tasks) if whole || tasks.outcome != "ok" => return Ok(tasks),
            Some(_) | None => {}
        }
    }
    from_heartbeat(snapshot)
}

/// Whether the last poll is so old, by the clock of this run, that it says nothing of now, and no clock of the deployment
/// tells. What is old by this clock alone is not called stopped either.
fn is_long_ago(snapshot: &Snapshot, tasks: &Tasks) -> bool {
    let clocked = snapshot.get(&PRIMARY_GATEWAYS_API).value().is_some();
    let age = tasks.last_at.map(|at| snapshot.observed_at.as_second() - at.as_second());
    !clocked && age.is_some_and(|age| age > STOPPED_AFTER_S + TOLERANCE_S)
}

fn unclocked(snapshot: &Snapshot) -> Lack {
    let reason = snapshot.get(&PRIMARY_GATEWAYS_API).reason().cloned();
    let reason = reason.unwrap_or_else(|| Reason::Malformed {
        detail: "the last poll is old, and no clock of the deployment says whether polling ceased".into(),
    });
    Lack::Unknown(PRIMARY_GATEWAYS_API.name(), reason)
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

/// Where a line about a poll says how it ended.
static STATUS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)(?:(?-u:\b)status(?:[_ ]?code)?(?-u:\b)[^0-9A-Za-z_]{0,6}(?:code[^0-9A-Za-z_]{0,3})?|(?-u:\b)code[^0-9A-Za-z_]{1,4}|HTTP/[0-9.]+"?[ "]+|\|\s*)([1-5][0-9]{2})(?-u:\b)|(?-u:\b)([1-5][0-9]{2}) (?:OK|No Content|Unauthorized|Forbidden|Not Found|Too Many Requests|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)(?-u:\b)"#,
    )
    .ok()
});
/// Words of a poll that never got an answer.
static UNANSWERED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)connection refused|connection reset|no such host|i/o timeout|timed? ?out|deadline exceeded|no route to host|network is unreachable|(?-u:\bEOF\b)|x509:|certificate|handshake|dns error",
    )
    .ok()
});

/// The HTTP status that a line reports, in the forms that JSON, key=value and access logs use.
fn status_of(text: &str) -> Option<i64> {
    let found = STATUS.as_ref()?.captures(text)?;
    found.get(1).or_else(|| found.get(2))?.as_str().parse().ok()
}

fn poll(line: &TextEvidence, poll_line: &Regex) -> Option<Poll> {
    if !poll_line.is_match(&line.text) {
        return None;
    }
    // The path's own digits are no status.
    let status = status_of(&poll_line.replace_all(&line.text, " ")).or_else(|| status_of(&line.text));
    let unanswered = UNANSWERED.as_ref().is_some_and(|words| words.is_match(&line.text));
    match status {
        Some(status) => Some(Poll { status: Some(status), at: line.at, place: line.place.clone() }),
        None if unanswered => Some(Poll { status: None, at: line.at, place: line.place.clone() }),
        None => None,
    }
}

/// How a poll ended.
fn class(poll: &Poll) -> &'static str {
    match poll.status {
        None => "unreachable",
        Some(401) => "unauthorized",
        Some(200..300 | 304) => "ok",
        Some(500..600) => "failing",
        Some(_) => "refused",
    }
}

/// Outcomes, the worst first: what one replica cannot do is broken, however well another does.
const WORST_FIRST: [&str; 5] = ["unauthorized", "failing", "refused", "unreachable", "ok"];

/// Each place by itself (a pod's container, a service), then the worst of them. Polls of containers that have ended, and
/// of pods that are gone, count only where nothing newer is to be seen.
fn judge(snapshot: &Snapshot, lines: &[&TextEvidence], polls: &[Poll]) -> Option<Tasks> {
    let mut by_place: BTreeMap<&str, Vec<&Poll>> = BTreeMap::new();
    for poll in polls {
        by_place.entry(&poll.place).or_default().push(poll);
    }
    let is_over = |place: &str| place.ends_with("/previous");
    if by_place.keys().any(|place| !is_over(place)) {
        by_place.retain(|place, _| !is_over(place));
    }
    let mut verdicts = Vec::new();
    for polls in by_place.values_mut() {
        polls.sort_by_key(|poll| poll.at);
        let last = polls.last()?;
        let trailing = polls.iter().rev().take_while(|poll| class(poll) == class(last)).count();
        let ever_fine = polls.iter().any(|poll| class(poll) == "ok");
        let window: Vec<&&Poll> = polls.iter().rev().take(WINDOW).collect();
        let bad: Vec<&str> = window.iter().map(|poll| class(poll)).filter(|it| *it != "ok").collect();
        let outcome = match class(last) {
            // Good ones at the end are no proof while bad ones go on between them.
            "ok" if trailing < SURE && bad.len() * 5 >= window.len() * 2 => {
                bad.first().copied().unwrap_or("ok")
            }
            // One bad answer among good ones proves nothing either.
            it if it != "ok" && trailing == 1 && ever_fine && bad.len() * 5 < window.len() * 2 => "ok",
            it => it,
        };
        verdicts.push((outcome, *last));
    }
    let stopped = has_stopped(snapshot, lines, polls);
    let rank = |outcome: &str| WORST_FIRST.iter().position(|it| *it == outcome).unwrap_or(WORST_FIRST.len());
    let newest = verdicts.iter().map(|(_, poll)| *poll).max_by_key(|poll| poll.at)?;
    let (outcome, last) = verdicts.iter().min_by_key(|(outcome, _)| rank(outcome)).copied()?;
    let (outcome, last) = if stopped { ("stopped", newest) } else { (outcome, last) };
    Some(Tasks {
        outcome: outcome.into(),
        polls: i64::try_from(polls.len()).unwrap_or(i64::MAX),
        last_status: last.status,
        last_at: last.at,
        source: last.place.clone(),
    })
}

/// Whether polling ceased, by clocks of the deployment: later lines of the same log, or the Primary's answer.
fn has_stopped(snapshot: &Snapshot, lines: &[&TextEvidence], polls: &[Poll]) -> bool {
    let mut times: Vec<_> = polls.iter().filter_map(|poll| poll.at).collect();
    times.sort_unstable();
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
            ("task poll failed: dial tcp 10.0.0.1:8443: connect: connection refused retry_in=300", None),
            ("HTTP/1.1 404 Not Found GET /gateway/tasks", Some(404)),
            ("polling tasks", None),
        ] {
            assert_eq!(status_of(text), status, "{text}");
        }
    }
}
