//! Accepting connections: plain, over TLS, and on a socket file.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use url::form_urlencoded;

use super::LabError;

/// Longest request body that is read.
const LARGEST: usize = 1 << 20;
/// How long a service that hangs keeps a request.
const HANG: Duration = Duration::from_hours(1);

/// A request as the simulated services see it.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) bearer: Option<String>,
    pub(super) metadata: bool,
    pub(super) body: String,
    /// Host and port that the client used.
    pub(super) host: String,
}

impl Asked {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// An answer of a simulated service.
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Said {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json; charset=utf-8".into())],
            body: body.to_string().into_bytes(),
        }
    }

    pub(super) fn text(status: u16, body: String) -> Self {
        Self { status, headers: vec![("content-type", "text/plain".into())], body: body.into_bytes() }
    }
}

/// One simulated service.
pub(super) trait Service: Send + Sync + 'static {
    fn name(&self) -> &'static str;
    fn fault(&self) -> Option<&str>;
    fn answer(&self, asked: &Asked) -> Said;
    /// Seconds that its clock is ahead.
    fn ahead(&self) -> i64 {
        0
    }
    /// Whether a call that is no GET belongs to reading here.
    fn expects(&self, _asked: &Asked) -> bool {
        false
    }
}

/// Servers of one lab, and what was asked of them that a doctor must never ask.
#[derive(Default)]
pub(super) struct Servers {
    pub(super) tasks: JoinSet<()>,
    pub(super) unexpected: Arc<Mutex<Vec<String>>>,
    /// How much longer every answer takes.
    pub(super) delay: Duration,
}

impl Servers {
    /// Serves on a loopback port, over TLS where given. An unreachable service has its port and nobody there.
    pub(super) async fn tcp(
        &mut self,
        service: Arc<dyn Service>,
        tls: Option<Arc<ServerConfig>>,
    ) -> Result<SocketAddr, LabError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        if service.fault() == Some("unreachable") {
            return Ok(address);
        }
        let (unexpected, delay) = (Arc::clone(&self.unexpected), self.delay);
        self.tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let service = Arc::clone(&service);
                let unexpected = Arc::clone(&unexpected);
                let tls = tls.clone();
                open.spawn(async move {
                    match tls {
                        Some(config) => {
                            if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                                converse(stream, service, unexpected, delay).await;
                            }
                        }
                        None => converse(stream, service, unexpected, delay).await,
                    }
                });
                while open.try_join_next().is_some() {}
            }
        });
        Ok(address)
    }

    /// Serves on a socket file.
    pub(super) fn unix(&mut self, service: Arc<dyn Service>, path: &Path) -> Result<(), LabError> {
        let listener = UnixListener::bind(path).map_err(failed)?;
        let (unexpected, delay) = (Arc::clone(&self.unexpected), self.delay);
        self.tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(converse(stream, Arc::clone(&service), Arc::clone(&unexpected), delay));
                while open.try_join_next().is_some() {}
            }
        });
        Ok(())
    }
}

pub(super) fn failed(error: impl std::fmt::Display) -> LabError {
    LabError::Start(error.to_string())
}

async fn converse<S>(
    stream: S,
    service: Arc<dyn Service>,
    unexpected: Arc<Mutex<Vec<String>>>,
    delay: Duration,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handler = service_fn(move |request: Request<Incoming>| {
        let service = Arc::clone(&service);
        let unexpected = Arc::clone(&unexpected);
        async move {
            tokio::time::sleep(delay).await;
            Ok::<_, Infallible>(handle(request, service.as_ref(), &unexpected).await)
        }
    });
    // A client that goes away in the middle is its own business.
    let _ended =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), handler).await;
}

async fn handle(
    request: Request<Incoming>,
    service: &dyn Service,
    unexpected: &Mutex<Vec<String>>,
) -> Response<Full<Bytes>> {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let asked = Asked {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        query: form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect(),
        bearer: header("authorization").and_then(|text| text.strip_prefix("Bearer ").map(str::to_owned)),
        metadata: header("metadata").is_some_and(|value| value == "true"),
        host: header("host").unwrap_or_default(),
        body: String::new(),
    };
    let body = Limited::new(request.into_body(), LARGEST).collect().await;
    let body = body.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned()).unwrap_or_default();
    let asked = Asked { body, ..asked };
    if asked.method != Method::GET && asked.method != Method::HEAD && !service.expects(&asked) {
        unexpected.lock().unwrap_or_else(PoisonError::into_inner).push(format!(
            "{} {} {}",
            service.name(),
            asked.method,
            asked.path
        ));
    }
    let said = match service.fault() {
        Some("hang") => {
            tokio::time::sleep(HANG).await;
            Said::text(504, String::new())
        }
        Some("html") => Said {
            status: 403,
            headers: vec![("content-type", "text/html".into())],
            body: b"<html><body><h1>Blocked</h1></body></html>".to_vec(),
        },
        Some("throttled") => Said {
            headers: vec![("retry-after", "3600".into()), ("content-type", "application/json".into())],
            ..Said::json(
                429,
                &json!({"error": {"code": "TooManyRequests", "message": "Please try again later."}}),
            )
        },
        _ => service.answer(&asked),
    };
    let now = jiff::Timestamp::now();
    let now = now
        .checked_add(jiff::SignedDuration::from_secs(service.ahead()))
        .unwrap_or(now)
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    let mut response = Response::builder()
        .status(StatusCode::from_u16(said.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .header("date", now);
    for (name, value) in said.headers {
        response = response.header(name, value);
    }
    response.body(Full::new(Bytes::from(said.body))).unwrap_or_default()
}
