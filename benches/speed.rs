//! How long an examination takes beside what it has to wait for.
//!
//! Prints the wall time of an examination in which every answer takes 100 ms longer, its chain of questions (each of
//! which began when the one before had ended), and the sum of all calls; then forty independent probes of which the
//! slowest takes 100 ms, beside `curl --parallel` over the same addresses; then what one silent service adds.
//! `cargo bench --bench speed`.
#![expect(clippy::unwrap_used, reason = "a benchmark ends at the first thing that is not as it should be")]
#![expect(clippy::print_stdout, reason = "it prints what it measures")]

use std::process::Command;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use mzv_doctor::client::install_crypto;
use mzv_doctor::fact::{Call, Snapshot, Vantage};
use mzv_doctor::lab;
use mzv_doctor::probe::{self, Clients, Probe, Seen, Touch, Watch};
use mzv_doctor::target::Target;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How much longer every answer takes.
const LATENCY_MS: u64 = 100;
/// Independent probes.
const PROBES: usize = 40;
/// How often each is measured; the median counts.
const RUNS: usize = 7;
/// Gap between an answer and the question that waited for it, in milliseconds.
const GAP_MS: i64 = 25;

struct Silent;

impl Watch for Silent {}

async fn examine(change: &Value, request_timeout: &str) -> (Duration, Snapshot) {
    let world = lab::changed("healthy", Timestamp::now(), change).unwrap();
    let staged = lab::stage(world).await.unwrap();
    let mut settings = staged.settings();
    settings.insert("run.request_timeout".into(), json!(request_timeout));
    let began = Instant::now();
    let mut clients = Clients::new(Target::staged(settings, "lab").unwrap(), Vantage::Operator).unwrap();
    clients.discover().await.unwrap();
    let mut snapshot = Snapshot::new(Timestamp::now(), Vantage::Operator);
    snapshot.target = clients.target.settings().clone();
    probe::run(&probe::probes(), &clients, &mut snapshot, &Silent).await;
    (began.elapsed(), snapshot)
}

fn end(call: &Call) -> i64 {
    call.at.as_millisecond() + i64::try_from(call.took_ms).unwrap()
}

/// From the last answer back to the first question, each call with the one that ended right before it began.
fn chain(calls: &[Call]) -> Vec<&Call> {
    let mut chain: Vec<&Call> = Vec::new();
    let mut next = calls.iter().max_by_key(|call| end(call));
    while let Some(call) = next {
        chain.push(call);
        let began = call.at.as_millisecond();
        let before = calls.iter().filter(|other| end(other) <= began && began - end(other) <= GAP_MS);
        next = before.filter(|other| other.took_ms >= LATENCY_MS).max_by_key(|other| end(other));
    }
    chain.reverse();
    chain
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

/// A server that answers each request after the time that its path names, in milliseconds.
async fn slow_server() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream));
        }
    });
    address
}

async fn answer(mut stream: TcpStream) {
    let mut asked = vec![0; 4096];
    let length = stream.read(&mut asked).await.unwrap_or(0);
    let text = String::from_utf8_lossy(&asked[..length]).into_owned();
    let digits: String = text.chars().skip(5).take_while(char::is_ascii_digit).collect();
    tokio::time::sleep(Duration::from_millis(digits.parse().unwrap_or(0))).await;
    let _sent =
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
}

/// A probe that asks one address.
struct One {
    name: &'static str,
    address: std::net::SocketAddr,
    after_ms: u64,
}

#[async_trait]
impl Probe for One {
    fn name(&self) -> &'static str {
        self.name
    }

    fn provides(&self) -> &'static [&'static str] {
        &[]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        Vec::new()
    }

    async fn observe(&self, _clients: &Clients, _known: &Snapshot) -> Seen {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let asked = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", self.after_ms);
        stream.write_all(asked.as_bytes()).await.unwrap();
        let mut answered = Vec::new();
        stream.read_to_end(&mut answered).await.unwrap();
        Seen::default()
    }
}

async fn independent() -> Duration {
    let address = slow_server().await;
    let delays = || (0..PROBES).map(|number| (number as u64 + 1) * LATENCY_MS / PROBES as u64);
    let probes: Vec<Box<dyn Probe>> =
        delays().map(|after_ms| Box::new(One { name: "one", address, after_ms }) as Box<dyn Probe>).collect();
    let clients = Clients::new(Target::resolve(None, [], []).unwrap(), Vantage::Operator).unwrap();
    let mut snapshot = Snapshot::new(Timestamp::now(), Vantage::Operator);
    let began = Instant::now();
    probe::run(&probes, &clients, &mut snapshot, &Silent).await;
    began.elapsed()
}

async fn by_curl() -> Option<Duration> {
    let address = slow_server().await;
    let urls: Vec<String> = (0..PROBES)
        .map(|number| format!("http://{address}/{}", (number as u64 + 1) * LATENCY_MS / PROBES as u64))
        .collect();
    tokio::task::spawn_blocking(move || {
        let began = Instant::now();
        let run = Command::new("curl")
            .args(["--silent", "--parallel", "--parallel-immediate", "--parallel-max", "64"])
            .args(urls)
            .output();
        run.ok().filter(|run| run.status.success()).map(|_| began.elapsed())
    })
    .await
    .unwrap()
}

fn main() {
    // `cargo test` runs benchmarks as well, without this.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let latency = json!({"latency_ms": LATENCY_MS});
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            runs.push(examine(&latency, "10s").await);
        }
        runs.sort_by_key(|(wall, _)| *wall);
        let (wall, snapshot) = &runs[RUNS / 2];
        let chain = chain(&snapshot.calls);
        let waited: u64 = chain.iter().map(|call| call.took_ms).sum();
        let sum: u64 = snapshot.calls.iter().map(|call| call.took_ms).sum();
        println!("an examination with {LATENCY_MS} ms added to every answer (median of {RUNS})");
        for call in &chain {
            println!("  {:>5} ms   {} {}", call.took_ms, call.api, call.what);
        }
        let ratio = wall.as_secs_f64() / Duration::from_millis(waited).as_secs_f64();
        println!(
            "  wall {} ms, its chain {waited} ms: {ratio:.2}; all {} calls {sum} ms",
            wall.as_millis(),
            snapshot.calls.len()
        );

        let mut ours = Vec::new();
        let mut curls = Vec::new();
        for _ in 0..RUNS {
            ours.push(independent().await);
            curls.extend(by_curl().await);
        }
        let curl =
            if curls.is_empty() { "not there".into() } else { format!("{} ms", median(curls).as_millis()) };
        println!(
            "{PROBES} independent probes, the slowest {LATENCY_MS} ms: {} ms; curl --parallel {curl}",
            median(ours).as_millis()
        );

        let (quick, _) = examine(&json!({}), "2s").await;
        println!("an examination on loopback {} ms", quick.as_millis());
        for service in ["docker", "kubernetes", "arm", "graph", "primary", "registry"] {
            let (silent, _) = examine(&json!({"faults": {service: "hang"}}), "2s").await;
            println!("  {service} silent, requests end after 2000 ms: {} ms", silent.as_millis());
        }
    });
}
