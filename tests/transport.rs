//! Hostile and failing servers, over real sockets and real TLS: each failure is told by its layer, nothing hangs,
//! nothing is sent that is not allowed.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mzv_doctor::client::{
    Allowed, Arm, Ask, Limits, LoginOptions, Method, Network, Secret, Tokens, Transport, install_crypto,
    lookup, peer,
};
use mzv_doctor::fact::{Layer, Observation, Outcome, Reason, Vantage};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use url::Url;

const HOST: &str = "primary.example.test";

/// What a server does with a connection.
#[derive(Clone)]
enum Does {
    /// Sends this after each request, then closes.
    Says(String),
    /// The first answers, one each, then the last again and again.
    Turns(Vec<String>),
    /// Takes the connection and says nothing.
    Nothing,
    /// Sends the head and then a byte now and then.
    Drips,
    /// Sends a body without end.
    Endless,
    /// Reads the request and closes.
    Closes,
}

struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, does: &Does, asked: &AtomicUsize) {
    let mut request = vec![0; 8192];
    if matches!(stream.read(&mut request).await, Ok(0) | Err(_)) {
        return;
    }
    let turn = asked.fetch_add(1, Ordering::SeqCst);
    match does {
        Does::Says(text) => drop(stream.write_all(text.as_bytes()).await),
        Does::Turns(all) => drop(stream.write_all(all[turn.min(all.len() - 1)].as_bytes()).await),
        Does::Nothing => tokio::time::sleep(Duration::from_mins(1)).await,
        Does::Drips => {
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await);
            for _ in 0..600 {
                if stream.write_all(b"x").await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Does::Endless => {
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await);
            let chunk = vec![b'x'; 65536];
            while stream.write_all(&chunk).await.is_ok() {}
        }
        Does::Closes => {}
    }
    drop(stream.shutdown().await);
}

async fn serve(does: Does) -> Server {
    start(does, None).await
}

async fn start(does: Does, tls: Option<Arc<rustls::ServerConfig>>) -> Server {
    start_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), does, tls)
}

fn start_on(listener: TcpListener, does: Does, tls: Option<Arc<rustls::ServerConfig>>) -> Server {
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (does, count, tls) = (does.clone(), Arc::clone(&count), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => talk(stream, &does, &count).await,
                    Some(config) => {
                        if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                            talk(stream, &does, &count).await;
                        }
                    }
                }
            });
        }
    });
    Server { address, asked }
}

fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}", body.len())
}

fn limits() -> Limits {
    Limits {
        request: Duration::from_secs(1),
        run: Duration::from_secs(6),
        body_bytes: 100_000,
        pages: 5,
        attempts: 3,
    }
}

fn transport(network: &Network, limits: &Limits) -> Transport {
    install_crypto();
    let any = |api| Allowed { api, method: "GET", path: "/**", right: "" };
    let token = Allowed { api: "login", method: "POST", path: "/*/oauth2/v2.0/token", right: "" };
    Transport::new(network, limits, Vantage::Operator, vec![any("arm"), token]).unwrap()
}

fn no_proxy() -> Network {
    Network { use_proxy: false, ..Network::default() }
}

async fn ask(url: &str) -> Observation<mzv_doctor::client::Answer> {
    let began = Instant::now();
    let seen = transport(&no_proxy(), &limits()).send(Ask::get("arm", Url::parse(url).unwrap())).await;
    assert!(began.elapsed() < limits().run + Duration::from_secs(3), "the run has to end by its deadline");
    seen
}

async fn ask_server(does: Does) -> Reason {
    let server = serve(does).await;
    let seen = ask(&format!("http://{}/x", server.address)).await;
    seen.reason().cloned().unwrap_or_else(|| panic!("an answer: {:?}", seen.value().unwrap().status))
}

fn layer(reason: &Reason) -> (Layer, bool) {
    match reason {
        Reason::TimedOut { layer, .. } => (*layer, true),
        Reason::Unreachable { layer, .. } => (*layer, false),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_failure_is_told_by_its_layer() {
    assert_eq!(layer(&ask_server(Does::Nothing).await), (Layer::FirstByte, true));
    assert_eq!(layer(&ask_server(Does::Drips).await), (Layer::Body, true));
    assert_eq!(layer(&ask_server(Does::Closes).await).0, Layer::FirstByte);
    let truncated = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort".to_owned();
    assert_eq!(layer(&ask_server(Does::Says(truncated)).await), (Layer::Body, false));
    let Reason::Malformed { detail } = ask_server(Does::Endless).await else { panic!("a body without end") };
    assert!(detail.contains("larger than 100000 bytes"), "{detail}");

    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = ask(&format!("http://{free}/x")).await;
    assert_eq!(layer(refused.reason().unwrap()), (Layer::Connect, false));

    let unknown = ask("http://no-such-host.invalid/x").await;
    assert_eq!(layer(unknown.reason().unwrap()), (Layer::Dns, false));
}

#[tokio::test]
async fn a_handshake_that_never_comes_is_tls_and_not_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held: Vec<TcpStream> = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap().0);
        }
    });
    let seen = ask(&format!("https://{address}/x")).await;
    assert_eq!(layer(seen.reason().unwrap()), (Layer::Tls, true));
    let plain = serve(Does::Says(http("200 OK", "", "{}"))).await;
    let seen = ask(&format!("https://{}/x", plain.address)).await;
    assert_eq!(layer(seen.reason().unwrap()), (Layer::Tls, false));
}

#[tokio::test]
async fn what_can_pass_is_tried_again_and_what_cannot_is_not() {
    let ok = http("200 OK", "", "{}");
    let busy = http("503 Service Unavailable", "", "");
    let server = serve(Does::Turns(vec![busy.clone(), ok.clone()])).await;
    let seen = ask(&format!("http://{}/x", server.address)).await;
    assert_eq!(seen.value().unwrap().status, 200);
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);

    let server = serve(Does::Says(http("404 Not Found", "", "{}"))).await;
    assert_eq!(ask(&format!("http://{}/x", server.address)).await.value().unwrap().status, 404);
    assert_eq!(server.asked.load(Ordering::SeqCst), 1);

    let server = serve(Does::Says(http("429 Too Many Requests", "retry-after: 0\r\n", ""))).await;
    let seen = ask(&format!("http://{}/x", server.address)).await;
    let Some(Reason::Unreachable { layer: Layer::FirstByte, detail }) = seen.reason() else {
        panic!("{seen:?}")
    };
    assert!(detail.contains("429") && detail.contains("3 tries"), "{detail}");
    assert_eq!(server.asked.load(Ordering::SeqCst), 3);

    // A pause longer than the run is not begun.
    let server = serve(Does::Says(http("429 Too Many Requests", "retry-after: 3600\r\n", ""))).await;
    let began = Instant::now();
    let seen = ask(&format!("http://{}/x", server.address)).await;
    assert!(seen.reason().unwrap().detail().contains("after 3600 s"), "{seen:?}");
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn redirects_stay_on_their_host() {
    let elsewhere = serve(Does::Says(http("200 OK", "", "{}"))).await;
    let to = format!("location: http://{}/stolen\r\n", elsewhere.address);
    let server = serve(Does::Says(http("302 Found", &to, ""))).await;
    let seen = ask(&format!("http://{}/x", server.address)).await;
    assert!(seen.reason().unwrap().detail().contains("redirected to another host"), "{seen:?}");
    assert_eq!(elsewhere.asked.load(Ordering::SeqCst), 0);

    let server =
        serve(Does::Turns(vec![http("302 Found", "location: /y\r\n", ""), http("200 OK", "", "{}")])).await;
    assert_eq!(ask(&format!("http://{}/x", server.address)).await.value().unwrap().status, 200);

    let server = serve(Does::Says(http("302 Found", "location: /x\r\n", ""))).await;
    let seen = ask(&format!("http://{}/x", server.address)).await;
    assert!(seen.reason().unwrap().detail().contains("without end"), "{seen:?}");
}

#[tokio::test]
async fn what_is_not_allowed_is_never_sent() {
    let server = serve(Does::Says(http("200 OK", "", "{}"))).await;
    let transport = transport(&no_proxy(), &limits());
    let url = Url::parse(&format!("http://{}/x", server.address)).unwrap();
    for refused in [
        Ask { method: "POST", ..Ask::get("arm", url.clone()) },
        Ask { method: "DELETE", ..Ask::get("arm", url.clone()) },
        Ask::get("vault", url),
    ] {
        let seen = transport.send(refused).await;
        let reason = seen.reason().unwrap();
        assert!(reason.detail().contains("is not on the list of allowed calls"), "{reason:?}");
    }
    assert_eq!(server.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_journal_holds_no_secret() {
    let server = serve(Does::Says(http("200 OK", "", "{}"))).await;
    let transport = transport(&no_proxy(), &limits());
    let url = Url::parse(&format!("http://{}/x?api-version=1&sig=hunter2", server.address)).unwrap();
    let ask = Ask { bearer: Some(Secret::new("hunter3".into())), ..Ask::get("arm", url) };
    let seen = transport.send(ask).await;
    let written = serde_json::to_string(&(transport.calls(), seen.origin)).unwrap();
    assert!(written.contains("/x?api-version=1"), "{written}");
    assert!(!written.contains("hunter"), "{written}");
}

async fn arm(list: Does) -> Observation<Vec<serde_json::Value>> {
    arm_at(|_| list).await.0
}

/// A list from a server that knows its own address, and how often that was asked.
async fn arm_at(list: impl FnOnce(SocketAddr) -> Does) -> (Observation<Vec<serde_json::Value>>, usize) {
    let token = http(
        "200 OK",
        "content-type: application/json\r\n",
        r#"{"token_type":"Bearer","expires_in":3599,"access_token":"t"}"#,
    );
    let authority = Authority::new();
    let entra = start(Does::Says(token), Some(authority.server(&["127.0.0.1"], None))).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let list = list(listener.local_addr().unwrap());
    let server = start_on(listener, list, None);
    let network = Network { ca_file: Some(authority.file.path().to_owned()), ..no_proxy() };
    let transport = transport(&network, &limits());
    let tokens = Tokens::new(
        transport.clone(),
        LoginOptions {
            method: Method::ServicePrincipal,
            authority: Url::parse(&format!("https://{}", entra.address)).unwrap(),
            tenant: Some("11111111-1111-4111-8111-111111111111".into()),
            client_id: Some("c".into()),
            client_secret: Some(Secret::new("s".into())),
            token_file: None,
            imds_endpoint: Url::parse("http://127.0.0.1:1").unwrap(),
            environment: false,
        },
    );
    let endpoint = Url::parse(&format!("http://{}", server.address)).unwrap();
    let seen = Arm::new(transport, tokens, endpoint).list("/subscriptions", "2022-12-01", None).await;
    (seen, server.asked.load(Ordering::SeqCst))
}

#[tokio::test]
async fn lists_are_followed_within_bounds() {
    let json = "content-type: application/json\r\n";
    let empty = arm(Does::Says(http("200 OK", json, r#"{"value":[]}"#))).await;
    assert_eq!(empty.value(), Some(&vec![]));

    let elsewhere =
        arm(Does::Says(http("200 OK", json, r#"{"value":[1],"nextLink":"http://evil.example/next"}"#))).await;
    assert!(elsewhere.reason().unwrap().detail().contains("another host"), "{elsewhere:?}");

    let html = arm(Does::Says(http("200 OK", "content-type: text/html\r\n", "<html>blocked</html>"))).await;
    assert!(html.reason().unwrap().detail().contains("text/html"), "{html:?}");

    let broken = arm(Does::Says(http("200 OK", json, r#"{"value":[1"#))).await;
    assert!(matches!(broken.reason(), Some(Reason::Malformed { .. })), "{broken:?}");

    let forbidden = r#"{"error":{"code":"AuthorizationFailed","message":"The client 'c' with object id 'o' does not have authorization to perform action 'Microsoft.Resources/subscriptions/read' over scope '/subscriptions' or the scope is invalid."}}"#;
    let denied = arm(Does::Says(http("403 Forbidden", json, forbidden))).await;
    let Some(Reason::Denied { permission: Some(permission), .. }) = denied.reason() else {
        panic!("{denied:?}")
    };
    assert_eq!(permission, "Microsoft.Resources/subscriptions/read");

    // A 404 is an absence only where ARM says so of this very thing.
    let missing = r#"{"error":{"code":"ResourceNotFound","message":"not found"}}"#;
    assert!(matches!(arm(Does::Says(http("404 Not Found", json, missing))).await.outcome, Outcome::Absent));
    for code in ["SubscriptionNotFound", "ResourceGroupNotFound"] {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"not found"}}}}"#);
        let seen = arm(Does::Says(http("404 Not Found", json, &body))).await;
        assert!(seen.reason().unwrap().detail().contains(code), "{seen:?}");
    }
}

#[tokio::test]
async fn an_endless_list_ends_at_its_bound() {
    let (seen, asked) = arm_at(|address| {
        let page = format!(r#"{{"value":[1],"nextLink":"http://{address}/subscriptions?api-version=1"}}"#);
        Does::Says(http("200 OK", "content-type: application/json\r\n", &page))
    })
    .await;
    assert!(seen.reason().unwrap().detail().contains("more than 5 pages"), "{seen:?}");
    assert_eq!(asked, 5);
}

/// An authority whose certificate lies in a file.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: tempfile::NamedTempFile,
}

impl Authority {
    fn new() -> Self {
        install_crypto();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), certificate.pem()).unwrap();
        Self { issuer: Issuer::new(params, key), file }
    }

    fn server(&self, names: &[&str], years: Option<(i32, i32)>) -> Arc<rustls::ServerConfig> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        if let Some((from, to)) = years {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .unwrap();
        Arc::new(config)
    }
}

#[tokio::test]
async fn a_certificate_is_seen_even_where_it_does_not_verify() {
    let authority = Authority::new();
    let other = Authority::new();
    for (issuer, names, years, problem) in [
        (&authority, HOST, None, "none"),
        (&authority, HOST, Some((2020, 2021)), "expired"),
        (&authority, HOST, Some((2090, 2091)), "not-yet-valid"),
        (&authority, "localhost", None, "hostname-mismatch"),
        (&other, HOST, None, "unknown-authority"),
    ] {
        let server = start(Does::Nothing, Some(issuer.server(&[names], years))).await;
        let network = Network {
            ca_file: Some(authority.file.path().to_owned()),
            connect_to: [(format!("{HOST}:8443"), server.address)].into(),
            ..no_proxy()
        };
        let transport = transport(&network, &limits());
        let seen = peer(&transport, HOST, 8443).await;
        let found = seen.value().unwrap_or_else(|| panic!("{problem}: {seen:?}"));
        assert_eq!(found.problem, problem, "{found:?}");
        assert_eq!(found.chain[0].names, [names]);
        // The transport itself refuses what does not verify, and says that it was TLS.
        let url = Url::parse(&format!("https://{HOST}:8443/x")).unwrap();
        if problem != "none" {
            let refused = transport.send(Ask::get("arm", url)).await;
            assert_eq!(layer(refused.reason().unwrap()), (Layer::Tls, false), "{problem}");
        }
    }
}

#[tokio::test]
async fn a_name_server_that_is_not_there_is_a_timeout_and_not_an_absence() {
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let network = Network { dns_server: Some(silent.local_addr().unwrap()), ..no_proxy() };
    let seen = lookup(&transport(&network, &limits()), HOST).await;
    assert_eq!(layer(seen.reason().unwrap()), (Layer::Dns, true));
}
