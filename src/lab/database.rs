//! PostgreSQL's wire protocol over a few tables. It understands the questions that the doctor asks, which carry
//! a mark each, and answers anything else with a syntax error.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream;
use jiff::Timestamp;
use pgwire::api::auth::StartupHandler;
use pgwire::api::auth::noop::NoopStartupHandler;
use pgwire::api::query::SimpleQueryHandler;
use pgwire::api::results::{DataRowEncoder, FieldFormat, FieldInfo, QueryResponse, Response, Tag};
use pgwire::api::store::PortalStore;
use pgwire::api::{ClientInfo, ClientPortalStore, PgWireServerHandlers, Type};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use pgwire::tokio::process_socket;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::serve::failed;
use super::world::{Database, Table};
use super::{LabError, World};

/// Name by which clients ask for the gateway's own database.
pub(super) const GATEWAY_DATABASE: &str = "mazevault_gateway";

/// Starts the server on a loopback port; one that is down has its port and nobody there.
pub(super) async fn serve(tasks: &mut JoinSet<()>, world: Arc<World>) -> Result<SocketAddr, LabError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    if world.fault("database").is_some() {
        return Ok(address);
    }
    tasks.spawn(async move {
        let mut open = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let server = Arc::new(Server(Arc::new(Handler(Arc::clone(&world)))));
            open.spawn(async move {
                // A client that goes away in the middle is its own business.
                let _ended = process_socket(stream, None, server).await;
            });
            while open.try_join_next().is_some() {}
        }
    });
    Ok(address)
}

struct Handler(Arc<World>);
struct Server(Arc<Handler>);

impl PgWireServerHandlers for Server {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        Arc::clone(&self.0)
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        Arc::clone(&self.0)
    }
}

impl NoopStartupHandler for Handler {}

#[async_trait]
impl SimpleQueryHandler for Handler {
    async fn do_query<C>(&self, client: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
    {
        tokio::time::sleep(Duration::from_millis(self.0.latency_ms)).await;
        let database = match client.metadata().get("database").map(String::as_str) {
            Some(GATEWAY_DATABASE) => &self.0.gateway_database,
            _ => &self.0.database,
        };
        answer(database, query).map(|response| vec![response])
    }
}

fn refuse(code: &str, message: String) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new("ERROR".into(), code.into(), message)))
}

fn answer(database: &Database, query: &str) -> PgWireResult<Response> {
    let words = query.trim().trim_end_matches(';');
    let first = words.split_whitespace().next().unwrap_or_default().to_uppercase();
    if matches!(first.as_str(), "SET" | "BEGIN" | "COMMIT" | "ROLLBACK") {
        return Ok(Response::Execution(Tag::new(&first)));
    }
    let mark = words.split_once("/* mzv:").and_then(|(_, rest)| rest.split_once(" */")).map(|(mark, _)| mark);
    match mark {
        Some("tables") => {
            let here = words.contains(&format!("'{}'", database.schema));
            let names = database.tables.keys().filter(|_| here);
            rows(
                &["nspname", "relname"],
                names.map(|name| vec![Some(database.schema.clone()), Some(name.clone())]).collect(),
            )
        }
        Some("columns") => {
            let found = database.tables.iter().find(|(name, _)| words.contains(&format!("'{name}'")));
            let columns = found.map(|(_, table)| table.columns.clone()).unwrap_or_default();
            rows(&["attname"], columns.into_iter().map(|name| vec![Some(name)]).collect())
        }
        Some("migration" | "gateways") => select(database, words),
        Some(_) | None => Err(refuse("42601", "this server answers a doctor's questions only".into())),
    }
}

/// `SELECT columns FROM "schema"."table"`, with `now()` as a column.
fn select(database: &Database, words: &str) -> PgWireResult<Response> {
    let malformed = || refuse("42601", "syntax error".into());
    let (_, rest) = words.split_once("SELECT ").ok_or_else(malformed)?;
    let (columns, rest) = rest.split_once(" FROM ").ok_or_else(malformed)?;
    let name = rest.split_whitespace().next().unwrap_or_default().replace('"', "");
    let bare = name.rsplit('.').next().unwrap_or_default();
    let table = database
        .tables
        .get(bare)
        .ok_or_else(|| refuse("42P01", format!("relation \"{name}\" does not exist")))?;
    let columns: Vec<String> = columns.split(',').map(|column| column.trim().replace('"', "")).collect();
    let found: PgWireResult<Vec<_>> = table
        .rows
        .iter()
        .map(|row| columns.iter().map(|column| cell(table, row, column)).collect())
        .collect();
    rows(&columns.iter().map(String::as_str).collect::<Vec<_>>(), found?)
}

fn cell(table: &Table, row: &[Option<String>], column: &str) -> PgWireResult<Option<String>> {
    if column == "now()" {
        return Ok(Some(Timestamp::now().strftime("%Y-%m-%d %H:%M:%S+00").to_string()));
    }
    let at = table
        .columns
        .iter()
        .position(|known| known == column)
        .ok_or_else(|| refuse("42703", format!("column \"{column}\" does not exist")))?;
    Ok(row.get(at).cloned().flatten())
}

fn rows(columns: &[&str], rows: Vec<Vec<Option<String>>>) -> PgWireResult<Response> {
    let fields: Vec<FieldInfo> = columns
        .iter()
        .map(|name| FieldInfo::new((*name).to_owned(), None, None, Type::TEXT, FieldFormat::Text))
        .collect();
    let fields = Arc::new(fields);
    let mut encoder = DataRowEncoder::new(Arc::clone(&fields));
    let mut encoded = Vec::new();
    for row in rows {
        for value in row {
            encoder.encode_field(&value)?;
        }
        encoded.push(Ok(encoder.take_row()));
    }
    Ok(Response::Query(QueryResponse::new(fields, stream::iter(encoded))))
}
