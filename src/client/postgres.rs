//! PostgreSQL, in a session that the server itself keeps read-only.

use std::str::FromStr;
use std::time::Instant;

use jiff::Timestamp;
use tokio::net::TcpStream;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Config, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

use super::cause::{failure, one_line, tls_error};
use super::{Secret, Transport};
use crate::fact::{Layer, Observation, Reason};

/// Longest time that one statement may run, in milliseconds.
const STATEMENT_MS: u64 = 5000;

/// One database.
#[derive(Clone)]
pub struct Postgres {
    transport: Transport,
    config: Result<Config, String>,
    place: String,
}

impl Postgres {
    /// A database by its URL or libpq keywords. `verify-ca` and `verify-full` are taken as `require`, which verifies
    /// authority and name here.
    pub fn new(transport: &Transport, given: &Secret) -> Self {
        let config = configure(given.expose());
        let place = config.as_ref().map_or_else(|_| "database".into(), place);
        Self { transport: transport.clone(), config, place }
    }

    /// The rows of a query as text. Absent where a relation that it names does not exist.
    pub async fn rows(&self, sql: &str) -> Observation<Vec<Vec<Option<String>>>> {
        let began = (Timestamp::now(), Instant::now());
        let within = self.transport.limits().request.min(self.transport.remaining());
        let _slot = self.transport.slot(&self.place).await;
        let outcome = if let Some(silent) = self.transport.silent("sql", &self.place) {
            Err(silent)
        } else if let Ok(outcome) = tokio::time::timeout(within, self.ask(sql)).await {
            outcome
        } else {
            let after_ms = u64::try_from(began.1.elapsed().as_millis()).unwrap_or(u64::MAX);
            Err(Reason::TimedOut { layer: self.hung_at().await, after_ms })
        };
        let shown = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        let origin = self.transport.record("sql", shown, self.place.clone(), began, outcome.as_ref().err());
        match outcome {
            Ok(Some(rows)) => Observation::known(rows, origin),
            Ok(None) => Observation::absent(origin),
            Err(reason) => Observation::unknown(reason, origin),
        }
    }

    /// Which layer a server hung at that did not answer in time. Its TLS begins after a message of its own protocol, so
    /// that a connection which is taken hung at the answer.
    async fn hung_at(&self) -> Layer {
        match Url::parse(&format!("http://{}", self.place.split('/').next().unwrap_or_default())) {
            Ok(url) => self.transport.hung_at(&url).await,
            Err(_) => Layer::Connect,
        }
    }

    /// The host, and the address that stands in for it, where one does.
    fn elsewhere(&self) -> Option<(String, std::net::SocketAddr)> {
        let config = self.config.as_ref().ok()?;
        let [Host::Tcp(host)] = config.get_hosts() else { return None };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        Some((host.clone(), self.transport.network().instead_of(host, port)?))
    }

    async fn ask(&self, sql: &str) -> Result<Option<Vec<Vec<Option<String>>>>, Reason> {
        let config = self.config.as_ref().map_err(|detail| Reason::Malformed { detail: detail.clone() })?;
        let mut tls = MakeRustlsConnect::new(self.transport.tls().as_ref().clone());
        let (client, driver) = match self.elsewhere() {
            None => {
                let (client, connection) = config.connect(tls).await.map_err(|error| reason(&error))?;
                (client, tokio::spawn(connection))
            }
            // `network.connect_to` holds for the database as for everything else.
            Some((host, address)) => {
                let stream = TcpStream::connect(address).await.map_err(|error| failure(&error, true))?;
                let session = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, &host)
                    .map_err(|_| Reason::Malformed { detail: format!("{host} is no name for TLS") })?;
                let (client, connection) =
                    config.connect_raw(stream, session).await.map_err(|error| reason(&error))?;
                (client, tokio::spawn(connection))
            }
        };
        let answer = client.simple_query(sql).await;
        drop(client);
        driver.abort();
        match answer {
            Ok(messages) => Ok(Some(
                messages
                    .into_iter()
                    .filter_map(|message| match message {
                        SimpleQueryMessage::Row(row) => {
                            Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
                        }
                        _ => None,
                    })
                    .collect(),
            )),
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(None),
            Err(error) => Err(reason(&error)),
        }
    }
}

/// libpq's spellings that this driver does not know are translated or taken away. No text of the URL is repeated.
fn configure(given: &str) -> Result<Config, String> {
    let refuse =
        || "the database URL cannot be read (are special characters of the password encoded?)".to_owned();
    let text = match Url::parse(given) {
        Ok(mut url) if matches!(url.scheme(), "postgres" | "postgresql") => {
            let kept: Vec<(String, String)> =
                url.query_pairs().filter_map(|(name, value)| translate(&name, &value)).collect();
            url.set_query(None);
            if !kept.is_empty() {
                url.query_pairs_mut().extend_pairs(kept);
            }
            url.to_string()
        }
        _ if given.contains("://") => return Err(refuse()),
        _ => given
            .replace("sslmode=verify-full", "sslmode=require")
            .replace("sslmode=verify-ca", "sslmode=require")
            .replace("sslmode=allow", "sslmode=prefer"),
    };
    let mut config = Config::from_str(&text).map_err(|_| refuse())?;
    config.options(format!("-c default_transaction_read_only=on -c statement_timeout={STATEMENT_MS}"));
    config.application_name("mzv-doctor");
    Ok(config)
}

fn translate(name: &str, value: &str) -> Option<(String, String)> {
    match (name, value) {
        ("sslmode", "verify-full" | "verify-ca") => Some(("sslmode".into(), "require".into())),
        ("sslmode", "allow") => Some(("sslmode".into(), "prefer".into())),
        ("sslmode" | "connect_timeout" | "target_session_attrs" | "channel_binding", _) => {
            Some((name.to_owned(), value.to_owned()))
        }
        _ => None,
    }
}

fn place(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => String::new(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let tls = if config.get_ssl_mode() == SslMode::Disable { "" } else { ", TLS" };
    format!("{host}:{port}/{}{tls}", config.get_dbname().unwrap_or_default())
}

fn reason(error: &tokio_postgres::Error) -> Reason {
    if let Some(said) = error.as_db_error() {
        let detail = one_line(&format!("{} (SQLSTATE {})", said.message(), said.code().code()));
        return match said.code().code() {
            "42501" => Reason::Denied { detail, permission: Some("SELECT".into()) },
            "28P01" | "28000" | "3D000" => Reason::Denied { detail, permission: None },
            "57014" => Reason::TimedOut { layer: Layer::FirstByte, after_ms: STATEMENT_MS },
            "57P03" | "53300" => Reason::Unreachable { layer: Layer::FirstByte, detail },
            _ => Reason::Malformed { detail },
        };
    }
    if tls_error(error).is_some() {
        return failure(error, true);
    }
    let words = error.to_string();
    if words.contains("TLS") {
        return Reason::Unreachable {
            layer: Layer::Tls,
            detail: one_line(&std::error::Error::source(error).map_or(words, ToString::to_string)),
        };
    }
    let connecting = words.contains("connecting");
    match failure(error, connecting) {
        Reason::Unreachable { layer: Layer::Connect, detail } if detail.contains("lookup address") => {
            Reason::Unreachable { layer: Layer::Dns, detail }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::configure;

    #[test]
    fn urls_with_libpqs_own_words_are_taken() {
        for given in [
            "postgres://u:p@h:5432/d?sslmode=verify-full&sslrootcert=/x",
            "postgresql://u@h/d",
            "host=h user=u dbname=d sslmode=verify-ca",
        ] {
            assert!(configure(given).is_ok(), "{given}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_repeated() {
        let refused = configure("postgres://u:hunter2#x@h:bad/d").unwrap_err();
        assert!(!refused.contains("hunter2"));
    }
}
