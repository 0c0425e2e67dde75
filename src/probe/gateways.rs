//! Gateway records as the Primary knows them, from its admin API and from its database. Ages are reckoned by
//! the clock of whichever server answered.

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::Value;

use super::migration::tables;
use super::{Clients, Probe, Seen, Touch, not_configured, sql, touching};
use crate::client::{Answer, Postgres, calls, field};
use crate::fact::{
    GatewayRecord, GatewayRecords, Observation, Outcome, PRIMARY_GATEWAYS_API, PRIMARY_GATEWAYS_DB, Reason,
    Snapshot,
};
use crate::target::Target;

/// Names under which a field of a gateway record is looked for: the failover guide names the status,
/// heartbeat and failures; the others are candidates.
const ID: &[&str] = &["id", "gateway_id", "name"];
const NAME: &[&str] = &["name", "gateway_name", "display_name"];
const ENVIRONMENT: &[&str] = &["environment", "environment_slug", "env"];
const STATUS: &[&str] = &["activation_status", "status"];
const HEARTBEAT: &[&str] = &["last_heartbeat", "last_heartbeat_at", "last_seen_at", "last_seen"];
/// Not every release records it; without it the status alone tells a standby.
const ROLE: &[&str] = &["role", "gateway_role"];
/// Where a removed record says since when it is removed.
const REMOVED: &[&str] = &["deleted_at", "removed_at"];
const FAILURES: &[&str] = &["consecutive_failures", "failure_count"];

/// The columns that are read where the table has them all under their first names.
pub(super) fn usual_columns() -> Vec<&'static str> {
    [ID, NAME, ENVIRONMENT, STATUS, HEARTBEAT, FAILURES].iter().map(|names| names[0]).collect()
}

pub(super) struct GatewaysProbe;

#[async_trait]
impl Probe for GatewaysProbe {
    fn name(&self) -> &'static str {
        "gateways"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["primary.gateways_api", "primary.gateways_db"]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        let mut touches = touching(&[calls::GATEWAY_HEALTH], &["primary.gateways_api"]);
        touches.extend(touching(
            &[calls::SQL_TABLES, calls::SQL_COLUMNS, calls::SQL_GATEWAYS],
            &["primary.gateways_db"],
        ));
        touches.extend(touching(&[calls::CONTAINERS, calls::CONTAINER, calls::IMAGE], &[]));
        touches
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let (api, database) = futures::join!(from_api(clients), from_database(clients));
        seen.put(&PRIMARY_GATEWAYS_API, api);
        seen.put(&PRIMARY_GATEWAYS_DB, database);
        seen
    }
}

async fn from_api(clients: &Clients) -> Observation<GatewayRecords> {
    let Some(primary) = &clients.primary else { return not_configured(clients, "primary.url") };
    if !primary.has_token() {
        return not_configured(clients, "primary.token_file");
    }
    let Observation { outcome, origin } =
        primary.get(&clients.target.text("primary.gateways_path"), true).await;
    let outcome = match outcome {
        Outcome::Known(answer) => judge_answer(&answer),
        Outcome::Absent => Outcome::Absent,
        Outcome::Unknown(reason) => Outcome::Unknown(reason),
    };
    Observation { outcome, origin }
}

fn judge_answer(answer: &Answer) -> Outcome<GatewayRecords> {
    let said = serde_json::from_slice::<Value>(&answer.body).ok();
    let words = said
        .as_ref()
        .and_then(|body| {
            field::text(body, "/code")
                .or_else(|| field::text(body, "/error"))
                .or_else(|| field::text(body, "/error/code"))
        })
        .unwrap_or_default();
    match (answer.status, said) {
        (status, None) if answer.is_page() => {
            Outcome::Unknown(Reason::Malformed { detail: format!("{status} with a page instead of JSON") })
        }
        (401 | 403, _) => Outcome::Unknown(Reason::Denied {
            detail: format!("{} {words}", answer.status).trim().to_owned(),
            permission: Some("gateway:admin".into()),
        }),
        // The path is configurable and the release may lack it: not found says nothing about gateways.
        (404, _) => {
            Outcome::Unknown(Reason::Malformed { detail: "answered 404: see primary.gateways_path".into() })
        }
        // Without the server's own time no age can be reckoned: this machine's clock is another one.
        (200, Some(body)) => match answer.date().ok_or_else(|| "an answer without its time".to_owned()) {
            Ok(now) => match parse_records(&body, now) {
                Ok(records) => Outcome::Known(records),
                Err(detail) => Outcome::Unknown(Reason::Malformed { detail }),
            },
            Err(detail) => Outcome::Unknown(Reason::Malformed { detail }),
        },
        (200, None) => Outcome::Unknown(Reason::Malformed { detail: "200 without JSON".into() }),
        (status, _) => Outcome::Unknown(Reason::Malformed {
            detail: format!("answered {status} {words}").trim().to_owned(),
        }),
    }
}

/// The records of an answer: a list, or an object that holds one.
fn parse_records(body: &Value, now: Timestamp) -> Result<GatewayRecords, String> {
    let items = body
        .as_array()
        .or_else(|| ["gateways", "data", "items", "value"].iter().find_map(|name| body.get(name)?.as_array()))
        .ok_or("the answer holds no list of gateways")?;
    let kept = |item: &&Value| member(item, REMOVED).is_none_or(Value::is_null);
    let gateways = items.iter().filter(kept).map(|item| parse_record(item, now)).collect::<Result<_, _>>()?;
    Ok(GatewayRecords { server_time: now, gateways })
}

/// A member by any of its candidate names, however they are written: `last_heartbeat`, `lastHeartbeat`.
fn member<'a>(item: &'a Value, names: &[&str]) -> Option<&'a Value> {
    let bare = |name: &str| name.replace(['_', '-'], "").to_lowercase();
    let members = item.as_object()?;
    names
        .iter()
        .find_map(|name| members.iter().find(|(known, _)| bare(known) == bare(name)).map(|(_, value)| value))
}

fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn parse_record(item: &Value, now: Timestamp) -> Result<GatewayRecord, String> {
    let read = |names: &[&str]| member(item, names).filter(|value| !value.is_null()).map(words);
    let failures = match member(item, FAILURES) {
        None | Some(Value::Null) => 0,
        Some(value) => {
            words(value).parse::<i64>().map_err(|_| "a count of failures that is no whole number")?
        }
    };
    let heartbeat = match member(item, HEARTBEAT).ok_or("a gateway without a heartbeat")? {
        Value::Null => None,
        value => Some(parse_time(&words(value)).ok_or("a heartbeat that is no time")?),
    };
    Ok(GatewayRecord {
        id: read(ID).ok_or("a gateway without an id")?,
        name: read(NAME).ok_or("a gateway without a name")?,
        environment: read(ENVIRONMENT).ok_or("a gateway without an environment")?,
        status: read(STATUS).ok_or("a gateway without a status")?.to_lowercase(),
        last_heartbeat: heartbeat,
        heartbeat_age_s: heartbeat.map(|at| now.as_second() - at.as_second()),
        consecutive_failures: failures,
        role: read(ROLE).unwrap_or_default().to_lowercase(),
    })
}

/// RFC 3339, or the way PostgreSQL prints a time; without an offset it is UTC.
fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    // `2026-11-23 14:02:11.5+00` has an offset without minutes.
    if let Some((before, offset)) = text.rsplit_once(['+', '-'])
        && offset.len() == 2
        && let Ok(at) = format!("{text}:00").parse()
        && before.contains(':')
    {
        return Some(at);
    }
    text.parse::<DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp())
}

async fn from_database(clients: &Clients) -> Observation<GatewayRecords> {
    let database = clients.database().await;
    let database = match database.outcome {
        Outcome::Known(database) => database,
        Outcome::Absent => return Observation::absent(database.origin),
        Outcome::Unknown(reason) => return Observation::unknown(reason, database.origin),
    };
    let schema = clients.target.text("database.schema");
    let table = clients.target.text("database.gateways_table");
    let names = tables(&database, &schema).await;
    match &names.outcome {
        Outcome::Known(names) if names.contains(&table) => read_table(&database, &schema, &table).await,
        Outcome::Known(_) | Outcome::Absent => Observation::unknown(
            Reason::Malformed {
                detail: format!("schema {schema} holds no table {table}: see database.gateways_table"),
            },
            names.origin,
        ),
        Outcome::Unknown(reason) => Observation::unknown(reason.clone(), names.origin),
    }
}

async fn read_table(database: &Postgres, schema: &str, table: &str) -> Observation<GatewayRecords> {
    let columns = columns(database, schema, table).await;
    let Outcome::Known(present) = &columns.outcome else {
        let reason = columns
            .reason()
            .cloned()
            .unwrap_or_else(|| Reason::Malformed { detail: "the columns could not be read".into() });
        return Observation::unknown(reason, columns.origin);
    };
    let mut chosen = Vec::new();
    for candidates in [ID, NAME, ENVIRONMENT, STATUS, HEARTBEAT, FAILURES] {
        let Some(column) = candidates.iter().find(|name| present.iter().any(|it| it == *name)) else {
            let reason = Reason::Malformed {
                detail: format!("table {table} has none of the columns {}", candidates.join(", ")),
            };
            return Observation::unknown(reason, columns.origin);
        };
        chosen.push(*column);
    }
    let first =
        |names: &[&'static str]| names.iter().find(|name| present.iter().any(|it| it == *name)).copied();
    if let Some(role) = first(ROLE) {
        chosen.push(role);
    }
    let sql = sql::gateways(schema, table, &chosen, first(REMOVED));
    let Observation { outcome, origin } = database.rows(&sql).await;
    let outcome = match outcome {
        Outcome::Known(rows) => match parse_rows(&rows, origin.at) {
            Ok(records) => Outcome::Known(records),
            Err(detail) => Outcome::Unknown(Reason::Malformed { detail }),
        },
        Outcome::Absent => Outcome::Absent,
        Outcome::Unknown(reason) => Outcome::Unknown(reason),
    };
    Observation { outcome, origin }
}

async fn columns(database: &Postgres, schema: &str, table: &str) -> Observation<Vec<String>> {
    let sql = sql::columns(schema, table);
    database.rows(&sql).await.map(|rows| rows.into_iter().filter_map(|mut row| row.pop().flatten()).collect())
}

fn parse_rows(rows: &[Vec<Option<String>>], received: Timestamp) -> Result<GatewayRecords, String> {
    let mut server_time = received;
    let mut gateways = Vec::new();
    for row in rows {
        let [id, name, environment, status, heartbeat, failures, role @ .., now] = row.as_slice() else {
            return Err(format!("a row of {} columns", row.len()));
        };
        server_time = now.as_deref().and_then(parse_time).ok_or("now() is no time")?;
        let heartbeat = match heartbeat.as_deref() {
            None => None,
            Some(text) => Some(parse_time(text).ok_or("a heartbeat that is no time")?),
        };
        gateways.push(GatewayRecord {
            id: id.clone().ok_or("a gateway without an id")?,
            name: name.clone().unwrap_or_default(),
            environment: environment.clone().unwrap_or_default(),
            status: status.clone().unwrap_or_default().to_lowercase(),
            last_heartbeat: heartbeat,
            heartbeat_age_s: heartbeat.map(|at| server_time.as_second() - at.as_second()),
            consecutive_failures: match failures.as_deref() {
                None => 0,
                Some(text) => text.parse().map_err(|_| "a count of failures that is no whole number")?,
            },
            role: role.first().cloned().flatten().unwrap_or_default().to_lowercase(),
        });
    }
    Ok(GatewayRecords { server_time, gateways })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{parse_records, parse_time};

    #[test]
    fn times_are_read_as_apis_and_as_postgresql_write_them() {
        for text in [
            "2026-11-23T14:02:11Z",
            "2026-11-23 14:02:11+00",
            "2026-11-23 15:02:11+01",
            "2026-11-23 14:02:11",
        ] {
            assert_eq!(parse_time(text).map(jiff::Timestamp::as_second), Some(1_795_442_531), "{text}");
        }
        assert_eq!(parse_time("yesterday"), None);
    }

    #[test]
    fn ages_are_reckoned_by_the_servers_clock() {
        let now = "2026-11-23T14:02:11Z".parse().unwrap();
        let records = parse_records(
            &json!({"gateways": [{"id": 7, "name": "g", "environment": "NPR", "activation_status": "Active",
                                  "last_heartbeat": "2026-11-23T14:01:41Z", "consecutive_failures": 0}]}),
            now,
        )
        .unwrap();
        assert_eq!(records.gateways[0].heartbeat_age_s, Some(30));
        assert_eq!(records.gateways[0].status, "active");
        assert!(parse_records(&json!({"status": "ok"}), now).is_err());
    }
}
