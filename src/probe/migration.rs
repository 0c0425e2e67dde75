//! Which migration a database stands at, and whether the table of gateway write queues is there.
//!
//! Tables are looked up in `pg_catalog`, which shows them whatever one may read. The bookkeeping is
//! golang-migrate's: one row of `version` and `dirty`.

use async_trait::async_trait;

use super::{Clients, Probe, Seen, Touch, not_configured, sql, touching};
use crate::client::{Postgres, calls};
use crate::fact::{
    Fact, GATEWAY_DB_EXPECTED, GATEWAY_DB_MIGRATION, GATEWAY_DB_WRITE_QUEUES, Migration, Observation,
    Outcome, PRIMARY_DB_EXPECTED, PRIMARY_DB_MIGRATION, PRIMARY_DB_WRITE_QUEUES, Reason, Snapshot,
};
use crate::target::Target;

pub(super) struct MigrationProbe;

#[async_trait]
impl Probe for MigrationProbe {
    fn name(&self) -> &'static str {
        "migration"
    }

    fn provides(&self) -> &'static [&'static str] {
        &[
            "primary_db.migration",
            "primary_db.write_queues",
            "primary_db.expected",
            "gateway_db.migration",
            "gateway_db.write_queues",
            "gateway_db.expected",
        ]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        let mut touches = touching(
            &[calls::SQL_TABLES, calls::SQL_MIGRATION],
            &[
                "primary_db.migration",
                "primary_db.write_queues",
                "gateway_db.migration",
                "gateway_db.write_queues",
            ],
        );
        touches.extend(touching(&[calls::CONTAINERS, calls::CONTAINER, calls::IMAGE], &[]));
        touches
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let primary = async { examine(clients, clients.database().await).await };
        let gateway = examine(clients, clients.gateway_database());
        let (primary, gateway) = futures::join!(primary, gateway);
        seen.put(&PRIMARY_DB_MIGRATION, primary.0);
        seen.put(&PRIMARY_DB_WRITE_QUEUES, primary.1);
        seen.put(&GATEWAY_DB_MIGRATION, gateway.0);
        seen.put(&GATEWAY_DB_WRITE_QUEUES, gateway.1);
        expected(&mut seen, clients, &PRIMARY_DB_EXPECTED, "database.expected_version");
        expected(&mut seen, clients, &GATEWAY_DB_EXPECTED, "database.gateway_expected_version");
        seen
    }
}

fn expected(seen: &mut Seen, clients: &Clients, fact: &Fact<i64>, setting: &str) {
    let answer = match clients.target.number(setting) {
        Some(version) => Observation::known(version, clients.origin(setting.into(), String::new())),
        None => not_configured(clients, setting),
    };
    seen.put(fact, answer);
}

async fn examine(
    clients: &Clients,
    database: Observation<Postgres>,
) -> (Observation<Migration>, Observation<bool>) {
    let database = match database.outcome {
        Outcome::Known(database) => database,
        Outcome::Absent => {
            return (Observation::absent(database.origin.clone()), Observation::absent(database.origin));
        }
        Outcome::Unknown(reason) => {
            return (
                Observation::unknown(reason.clone(), database.origin.clone()),
                Observation::unknown(reason, database.origin),
            );
        }
    };
    let schema = clients.target.text("database.schema");
    let tables = tables(&database, &schema).await;
    let Outcome::Known(names) = &tables.outcome else {
        let reason = tables
            .reason()
            .cloned()
            .unwrap_or_else(|| Reason::Malformed { detail: "the catalogue could not be read".into() });
        return (
            Observation::unknown(reason.clone(), tables.origin.clone()),
            Observation::unknown(reason, tables.origin),
        );
    };
    let queues = clients.target.text("database.write_queues_table");
    let nothing = || Reason::Malformed {
        detail: format!("schema {schema} holds no table: see database.schema, and the database's name"),
    };
    if names.is_empty() && clients.target.is_open("database.schema") {
        return (
            Observation::unknown(nothing(), tables.origin.clone()),
            Observation::unknown(nothing(), tables.origin),
        );
    }
    let has_queues = Observation::known(names.contains(&queues), tables.origin.clone());
    let bookkeeping = clients.target.text("database.migrations_table");
    if !names.contains(&bookkeeping) {
        // The table's name is an inference: without it this may be another application's database, or schema, and
        // nothing is proved about migrations.
        let reason = if names.is_empty() {
            nothing()
        } else {
            let detail =
                format!("schema {schema} holds no table {bookkeeping}: see database.migrations_table");
            Reason::Malformed { detail }
        };
        return (
            Observation::unknown(reason.clone(), tables.origin.clone()),
            Observation::unknown(reason, tables.origin.clone()),
        );
    }
    (migration(&database, &schema, &bookkeeping).await, has_queues)
}

/// Names of the tables in a schema.
pub(super) async fn tables(database: &Postgres, schema: &str) -> Observation<Vec<String>> {
    let sql = sql::tables(schema);
    database.rows(&sql).await.map(|rows| rows.into_iter().filter_map(|mut row| row.pop().flatten()).collect())
}

async fn migration(database: &Postgres, schema: &str, table: &str) -> Observation<Migration> {
    let sql = sql::migration(schema, table);
    let Observation { outcome, origin } = database.rows(&sql).await;
    let outcome = match outcome {
        Outcome::Known(rows) => parse(&rows),
        Outcome::Absent => Outcome::Absent,
        Outcome::Unknown(reason) => Outcome::Unknown(reason),
    };
    Observation { outcome, origin }
}

fn parse(rows: &[Vec<Option<String>>]) -> Outcome<Migration> {
    let malformed = |detail: &str| Outcome::Unknown(Reason::Malformed { detail: detail.into() });
    match rows {
        // golang-migrate writes its row with the first migration.
        [] => malformed("the bookkeeping table is empty: no migration ever ran, or this is another schema"),
        [row] => match (row.first(), row.get(1)) {
            (Some(Some(version)), Some(Some(dirty))) => match version.parse() {
                Ok(version) => Outcome::Known(Migration { version, dirty: dirty == "t" || dirty == "true" }),
                Err(_) => malformed("the version is no number"),
            },
            _ => malformed("the bookkeeping row is incomplete"),
        },
        _ => malformed("the bookkeeping table has more than one row"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Migration, Outcome, parse};

    #[test]
    fn the_bookkeeping_row_is_read_and_anything_else_is_told() {
        let row = |version: &str, dirty: &str| vec![Some(version.to_owned()), Some(dirty.to_owned())];
        assert_eq!(parse(&[row("125", "f")]), Outcome::Known(Migration { version: 125, dirty: false }));
        assert_eq!(parse(&[row("111", "t")]), Outcome::Known(Migration { version: 111, dirty: true }));
        assert!(matches!(parse(&[]), Outcome::Unknown(_)));
        assert!(matches!(parse(&[row("1", "f"), row("2", "f")]), Outcome::Unknown(_)));
        assert!(matches!(parse(&[vec![None, None]]), Outcome::Unknown(_)));
    }
}
