//! The one HTTP transport: read-only by its list of allowed calls, bounded in time and size, with each failure
//! told by its layer and each call written down without its secrets.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use super::access::Allowed;
use super::cause::{failure, may_pass, one_line};
use super::kept::{Answers, Kept};
use super::resolve::{Names, addresses};
use super::silence::Silence;
use super::slots::{Slot, Slots};
use super::{ClientError, Limits, Network, Secret};
use crate::fact::{Call, Layer, Observation, Origin, Reason, Vantage};

/// Redirects that are followed within one host.
const REDIRECTS: usize = 3;
/// First pause before a request is tried again; it doubles.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Time at the end of a run in which nothing is asked any more.
const AT_THE_END: Duration = Duration::from_millis(1500);
/// How long the question may take which layer a timed-out connection hung at.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// One request.
#[derive(Clone)]
pub struct Ask {
    /// Which service it goes to; with method and path what the list of allowed calls is asked for.
    pub api: &'static str,
    /// `GET`, or `POST` for a token.
    pub method: &'static str,
    /// Where to.
    pub url: Url,
    /// Sent as `Authorization: Bearer`.
    pub bearer: Option<Secret>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// Body of a token request.
    pub body: Option<Vec<u8>>,
    /// Never through a proxy.
    pub direct: bool,
    /// A shorter deadline than the run's for one request.
    pub within: Option<Duration>,
    /// Tries; the run's where none.
    pub attempts: Option<u32>,
    /// Whether a redirect is the answer itself, and nowhere is gone.
    pub stay: bool,
}

impl Ask {
    /// A GET.
    pub fn get(api: &'static str, url: Url) -> Self {
        Self {
            api,
            method: "GET",
            url,
            bearer: None,
            headers: Vec::new(),
            body: None,
            direct: false,
            within: None,
            attempts: None,
            stay: false,
        }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether it is a page for people, as proxies and sign-in pages answer in the place of an API.
    pub fn is_page(&self) -> bool {
        self.body.trim_ascii_start().starts_with(b"<")
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The server's own time.
    pub fn date(&self) -> Option<Timestamp> {
        let date = self.header("date")?.replace("GMT", "+0000");
        rfc2822::DateTimeParser::new().parse_timestamp(date).ok()
    }
}

struct Inside {
    proxied: reqwest::Client,
    direct: reqwest::Client,
    network: Arc<Network>,
    tls: Arc<rustls::ClientConfig>,
    limits: Limits,
    /// When the run is over, and when what is asked until then has to have come.
    ends: Instant,
    asks_until: Instant,
    allowed: Vec<Allowed>,
    vantage: Vantage,
    journal: Mutex<Vec<Call>>,
    silence: Silence,
    answers: Answers,
    /// Requests that may be under way at once.
    slots: Slots,
}

/// The transport of one run; clones share it.
#[derive(Clone)]
pub struct Transport(Arc<Inside>);

/// How one try ended.
enum Try {
    Done(Answer),
    /// It may pass when tried again, after a pause that the server may have named.
    Again(Reason, Option<Duration>),
    Failed(Reason),
}

impl Transport {
    /// Sets the clients up. The run's deadline begins now.
    pub fn new(
        network: &Network,
        limits: &Limits,
        vantage: Vantage,
        allowed: Vec<Allowed>,
    ) -> Result<Self, ClientError> {
        let began = Instant::now();
        let network = Arc::new(network.clone());
        let tls = network.tls()?;
        let client = |through_proxy: bool| {
            let builder = reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(Names(Arc::clone(&network)))
                .redirect(reqwest::redirect::Policy::none())
                .user_agent(concat!("mzv-doctor/", env!("CARGO_PKG_VERSION")));
            let builder = if through_proxy { builder } else { builder.no_proxy() };
            builder.build().map_err(|error| ClientError::Tls(error.to_string()))
        };
        Ok(Self(Arc::new(Inside {
            proxied: client(network.use_proxy)?,
            direct: client(false)?,
            tls: Arc::new(tls.clone()),
            network,
            limits: *limits,
            ends: began + limits.run,
            asks_until: began + limits.run.saturating_sub(AT_THE_END.min(limits.run / 4)),
            allowed,
            vantage,
            journal: Mutex::default(),
            silence: Silence::default(),
            answers: Answers::default(),
            slots: Slots::new(),
        })))
    }

    /// What is left of the run for asking: a little less than all of it, so that what was learned still gets into the
    /// report.
    pub fn remaining(&self) -> Duration {
        self.0.asks_until.saturating_duration_since(Instant::now())
    }

    /// What is left of the run.
    pub fn until_end(&self) -> Duration {
        self.0.ends.saturating_duration_since(Instant::now())
    }

    /// Where calls are made from.
    pub fn vantage(&self) -> Vantage {
        self.0.vantage
    }

    /// The bounds of the run.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// How the network is reached.
    pub(super) fn network(&self) -> &Network {
        &self.0.network
    }

    /// TLS as every client uses it.
    pub(super) fn tls(&self) -> Arc<rustls::ClientConfig> {
        Arc::clone(&self.0.tls)
    }

    /// Each call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.0.journal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps answers as they come, from here on.
    pub fn keep_answers(&self) {
        self.0.answers.keep();
    }

    /// Answers that were kept, and how many there was no room for.
    pub fn kept(&self) -> (Vec<Kept>, usize) {
        self.0.answers.all()
    }

    /// Keeps an answer, where that is wanted.
    pub(super) fn keep(
        &self,
        api: &str,
        call: &str,
        size: usize,
        body: impl FnOnce() -> Option<serde_json::Value>,
    ) {
        self.0.answers.take(api, call, size, body);
    }

    /// Writes down a call that another protocol made, and gives the origin for its observation.
    pub(super) fn record(
        &self,
        api: &'static str,
        what: String,
        against: String,
        began: (Timestamp, Instant),
        failure: Option<&Reason>,
    ) -> Origin {
        self.write(api, what, against, began, None, failure, 1, None)
    }

    /// Why a place is not asked again: it let a request run into its deadline, and has answered none.
    pub(super) fn silent(&self, api: &str, against: &str) -> Option<Reason> {
        self.0.silence.of(api, against)
    }

    /// Whether a call is on the list of this run.
    pub(super) fn allows(&self, api: &str, method: &str, path: &str) -> bool {
        self.0.allowed.iter().any(|one| one.covers(api, method, path))
    }

    #[expect(clippy::too_many_arguments, reason = "one line of the journal, written in one place")]
    pub(super) fn write(
        &self,
        api: &'static str,
        what: String,
        against: String,
        (at, began): (Timestamp, Instant),
        status: Option<u16>,
        failure: Option<&Reason>,
        attempts: u32,
        proxy: Option<String>,
    ) -> Origin {
        self.0.silence.note(api, &against, failure);
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.journal.lock().unwrap_or_else(PoisonError::into_inner).push(Call {
            api: api.to_owned(),
            what: what.clone(),
            against: against.clone(),
            status,
            failure: failure.map(Reason::label),
            at,
            took_ms,
            attempts,
            proxy,
        });
        Origin { call: what, against, vantage: self.0.vantage, at, took_ms, from: Vec::new() }
    }

    /// Asks. Any status that is neither 429 nor a server's error is an answer.
    pub async fn send(&self, ask: Ask) -> Observation<Answer> {
        let began = (Timestamp::now(), Instant::now());
        let what = format!("{} {}", ask.method, shown_path(&ask.url));
        let against = place(&ask.url);
        let mut ask = ask;
        let mut redirects = 0;
        let mut tries = 0;
        let mut pause = FIRST_PAUSE;
        let proxy = if ask.direct || !self.0.network.use_proxy { None } else { proxy_for(&ask.url) };
        let most = ask.attempts.unwrap_or(self.0.limits.attempts);
        let end = loop {
            if !self.allows(ask.api, ask.method, ask.url.path()) {
                let reason = refused(ask.method, ask.url.path());
                break Err(match (redirects, reason) {
                    (1.., Reason::Malformed { detail }) => {
                        Reason::Malformed { detail: format!("redirected; {detail}") }
                    }
                    (_, reason) => reason,
                });
            }
            if let Some(reason) = self.silent(ask.api, &against) {
                break Err(reason);
            }
            tries += 1;
            match self.once(&ask, proxy.is_some()).await {
                Try::Done(answer) if ask.stay => break Ok(answer),
                Try::Done(answer) => match redirect(&ask.url, &answer) {
                    Redirect::None => break Ok(answer),
                    Redirect::Within(url) if redirects < REDIRECTS => {
                        redirects += 1;
                        tries -= 1;
                        ask.url = url;
                    }
                    Redirect::Within(_) => {
                        break Err(Reason::Malformed { detail: "redirected without end".into() });
                    }
                    Redirect::Elsewhere(host) => {
                        let detail = format!("redirected to another host, {host}, which is not followed");
                        break Err(Reason::Malformed { detail });
                    }
                },
                Try::Failed(reason) => break Err(reason),
                Try::Again(reason, wanted) => {
                    let wait = wanted.unwrap_or(pause).max(pause);
                    if tries >= most || wait >= self.remaining() {
                        break Err(with_tries(reason, tries, wanted));
                    }
                    pause *= 2;
                    tokio::time::sleep(jittered(wait)).await;
                }
            }
        };
        let status = end.as_ref().ok().map(|answer| answer.status);
        if let Ok(answer) = &end
            && ask.method == "GET"
        {
            self.keep(ask.api, &what, answer.body.len(), || serde_json::from_slice(&answer.body).ok());
        }
        let origin = self.write(ask.api, what, against, began, status, end.as_ref().err(), tries, proxy);
        match end {
            Ok(answer) => Observation::known(answer, origin),
            Err(reason) => Observation::unknown(reason, origin),
        }
    }

    /// A place among the requests under way.
    pub(super) async fn slot(&self, host: &str) -> Slot<'_> {
        self.0.slots.take(host).await
    }

    async fn once(&self, ask: &Ask, by_proxy: bool) -> Try {
        let _slot = self.slot(&place(&ask.url)).await;
        let within = ask.within.unwrap_or(self.0.limits.request).min(self.remaining());
        let began = Instant::now();
        let spent = || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if within.is_zero() {
            return Try::Failed(Reason::TimedOut { layer: Layer::Connect, after_ms: 0 });
        }
        let client = if ask.direct { &self.0.direct } else { &self.0.proxied };
        let method = if ask.method == "POST" { reqwest::Method::POST } else { reqwest::Method::GET };
        let (url, host) = self.placed(&ask.url);
        let mut request = client.request(method, url);
        if let Some(host) = host {
            request = request.header(reqwest::header::HOST, host);
        }
        if let Some(bearer) = &ask.bearer {
            request = request.bearer_auth(bearer.expose());
        }
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &ask.body {
            request = request.body(body.clone());
        }
        let response = match tokio::time::timeout(within, request.send()).await {
            Err(_) => {
                let after_ms = spent();
                let layer = if by_proxy { Layer::Connect } else { self.hung_at(&ask.url).await };
                return Try::Failed(Reason::TimedOut { layer, after_ms });
            }
            Ok(Err(error)) if error.is_builder() => {
                return Try::Failed(Reason::Malformed { detail: one_line(&error.to_string()) });
            }
            Ok(Err(error)) => {
                let reason = failure(&error, error.is_connect());
                return if may_pass(&error) { Try::Again(reason, None) } else { Try::Failed(reason) };
            }
            Ok(Ok(response)) => response,
        };
        let status = response.status();
        if status == 429 || matches!(status.as_u16(), 500 | 502 | 503 | 504) {
            let named = retry_after(response.headers());
            let reason =
                Reason::Unreachable { layer: Layer::FirstByte, detail: format!("answered {status}") };
            // A server that fails with words is heard: they may say why.
            return match self.read(response, within.saturating_sub(began.elapsed())).await {
                Ok(answer) if ask.attempts == Some(1) => Try::Done(answer),
                _ => Try::Again(reason, named),
            };
        }
        match self.read(response, within.saturating_sub(began.elapsed())).await {
            Ok(answer) => Try::Done(answer),
            Err(BodyEnd::TimedOut) => Try::Failed(Reason::TimedOut { layer: Layer::Body, after_ms: spent() }),
            Err(BodyEnd::TooLarge) => {
                let detail = format!("the body is larger than {} bytes", self.0.limits.body_bytes);
                Try::Failed(Reason::Malformed { detail })
            }
            Err(BodyEnd::Broken(detail)) => Try::Failed(Reason::Unreachable { layer: Layer::Body, detail }),
        }
    }

    /// The URL to connect to, and the host to speak of where that is another place than the URL's.
    fn placed(&self, url: &Url) -> (Url, Option<String>) {
        let host = url.host_str().unwrap_or_default();
        let instead = url.port_or_known_default().and_then(|port| self.0.network.instead_of(host, port));
        let mut moved = url.clone();
        match instead {
            Some(address) if moved.set_port(Some(address.port())).is_ok() => (moved, Some(place(url))),
            _ => (moved, None),
        }
    }

    async fn read(&self, response: reqwest::Response, within: Duration) -> Result<Answer, BodyEnd> {
        let headers = response.headers().clone();
        let status = response.status().as_u16();
        let mut body = Vec::new();
        let collect = async {
            let mut stream = response.bytes_stream();
            while let Some(chunk) = stream.next().await {
                let chunk = chunk.map_err(|error| match failure(&error, false) {
                    Reason::Unreachable { detail, .. } => BodyEnd::Broken(detail),
                    _ => BodyEnd::Broken(one_line(&error.to_string())),
                })?;
                if body.len() + chunk.len() > self.0.limits.body_bytes {
                    return Err(BodyEnd::TooLarge);
                }
                body.extend_from_slice(&chunk);
            }
            Ok(())
        };
        tokio::time::timeout(within, collect).await.unwrap_or(Err(BodyEnd::TimedOut))?;
        Ok(Answer { status, headers, body })
    }

    /// Which layer a request hung at that brought no byte in time: each is tried once more, for a moment.
    pub(super) async fn hung_at(&self, url: &Url) -> Layer {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or(443);
        let look = SECOND_LOOK.min((self.until_end() / 4).max(Duration::from_millis(50)));
        let Ok(Ok(found)) = tokio::time::timeout(look, addresses(&self.0.network, host, port)).await else {
            return Layer::Dns;
        };
        let Ok(Ok(stream)) = tokio::time::timeout(look, connect(&found)).await else {
            return Layer::Connect;
        };
        if url.scheme() != "https" {
            return Layer::FirstByte;
        }
        let Ok(name) = rustls::pki_types::ServerName::try_from(host.to_owned()) else { return Layer::Tls };
        let shake = TlsConnector::from(self.tls()).connect(name, stream);
        match tokio::time::timeout(look, shake).await {
            Err(_) => Layer::Tls,
            Ok(_) => Layer::FirstByte,
        }
    }
}

/// A connection to the first address that takes one.
pub(super) async fn connect(found: &[SocketAddr]) -> std::io::Result<TcpStream> {
    TcpStream::connect(found).await
}

/// A call that is not on the list. It was wanted, and is not known: that is no choice of the operator's.
pub(super) fn refused(method: &str, path: &str) -> Reason {
    Reason::Malformed { detail: one_line(&format!("{method} {path} is not on the list of allowed calls")) }
}

enum BodyEnd {
    TimedOut,
    TooLarge,
    Broken(String),
}

enum Redirect {
    None,
    Within(Url),
    Elsewhere(String),
}

fn redirect(from: &Url, answer: &Answer) -> Redirect {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return Redirect::None;
    }
    let Some(to) = answer.header("location").and_then(|location| from.join(location).ok()) else {
        return Redirect::None;
    };
    let same = (to.scheme(), to.host_str(), to.port_or_known_default())
        == (from.scheme(), from.host_str(), from.port_or_known_default());
    if same { Redirect::Within(to) } else { Redirect::Elsewhere(one_line(to.host_str().unwrap_or("?"))) }
}

/// Path with its API version and no other query.
fn shown_path(url: &Url) -> String {
    let version = url.query_pairs().find(|(name, _)| name == "api-version");
    match version {
        Some((_, version)) => format!("{}?api-version={version}", url.path()),
        None => url.path().to_owned(),
    }
}

/// Host and port.
pub(super) fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

pub(super) fn with_tries(reason: Reason, tries: u32, wanted: Option<Duration>) -> Reason {
    match reason {
        Reason::Unreachable { layer, detail } => {
            let asked = wanted.map(|wait| format!(", to be tried again after {} s", wait.as_secs()));
            let times = if tries == 1 { "1 try".into() } else { format!("{tries} tries") };
            Reason::Unreachable { layer, detail: format!("{detail} ({times}{})", asked.unwrap_or_default()) }
        }
        other => other,
    }
}

/// `Retry-After` in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::DateTimeParser::new().parse_timestamp(text.replace("GMT", "+0000")).ok()?;
    u64::try_from(at.as_second() - Timestamp::now().as_second()).ok().map(Duration::from_secs)
}

/// A little more than asked, so that probes which were refused together do not come back together.
pub(super) fn jittered(wait: Duration) -> Duration {
    let spread = u64::from(Timestamp::now().subsec_nanosecond().unsigned_abs()) % 100;
    wait + Duration::from_millis(spread)
}

/// The proxy that the environment names for a URL, without credentials; the client library obeys the same variables.
fn proxy_for(url: &Url) -> Option<String> {
    let read = |name: &str| {
        std::env::var(name).or_else(|_| std::env::var(name.to_uppercase())).ok().filter(|it| !it.is_empty())
    };
    let host = url.host_str()?;
    if let Some(except) = read("no_proxy") {
        let excepted = except.split(',').map(str::trim).any(|entry| {
            let entry = entry.trim_start_matches('.');
            entry == "*" || (!entry.is_empty() && (host == entry || host.ends_with(&format!(".{entry}"))))
        });
        if excepted {
            return None;
        }
    }
    let proxy = read(if url.scheme() == "https" { "https_proxy" } else { "http_proxy" })
        .or_else(|| read("all_proxy"))?;
    let parsed = Url::parse(&proxy).or_else(|_| Url::parse(&format!("http://{proxy}"))).ok()?;
    Some(place(&parsed))
}
