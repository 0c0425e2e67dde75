//! A log to search: container lines of a usual length, a few real symptoms, and near misses that share their words.

use std::fmt::Write as _;
use std::io::{self, Write};

/// A generator of numbers that is the same everywhere: xorshift64*, by Marsaglia and Vigna.
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or(0) % end
    }

    pub(super) fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

const WORDS: &[&str] = &[
    "request",
    "response",
    "session",
    "worker",
    "tenant",
    "cache",
    "refresh",
    "token",
    "identity",
    "database",
    "query",
    "finished",
    "started",
    "pending",
    "connection",
    "certificate",
    "secret",
    "vault",
    "gateway",
    "primary",
    "task",
    "queue",
    "retry",
    "policy",
    "subject",
    "issuer",
    "audience",
    "pod",
    "container",
    "volume",
    "mount",
    "image",
    "pull",
    "layer",
    "node",
    "scheduler",
    "replica",
    "update",
    "watch",
    "event",
    "reconcile",
    "controller",
    "webhook",
    "lease",
    "metrics",
    "heartbeat",
    "client",
    "server",
    "handshake",
    "header",
    "timeout",
    "deadline",
    "expired",
    "valid",
];
const LEVELS: &[&str] = &["info", "info", "info", "debug", "debug", "warn", "error"];
/// Lines that share words with symptoms and are none.
const NEAR: &[&str] = &[
    "certificate of the primary has been renewed and has not expired",
    "connection to the database refused nothing this time",
    "federated identity record matched the presented assertion",
    "token for the application was found in the directory cache",
    "secret was found in this key vault, version unchanged",
    "container restarted by the operator, back to normal",
];
/// Lines that show something.
pub(super) const SYMPTOMS: &[&str] = &[
    "AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:a:b'.",
    "AADSTS7000222: The provided client secret keys for app 'x' are expired.",
    "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    "dial tcp 10.0.0.4:5432: connect: connection refused",
    "FATAL: password authentication failed for user \"mazevault\" (SQLSTATE 28P01)",
    "Back-off restarting failed container mazevault-gateway in pod mazevault-gateway-7d9f8b6c5",
    "dial tcp: lookup kv-one.vault.azure.net on 10.0.0.10:53: no such host",
    "ERROR: relation \"gateway_write_queues\" does not exist (SQLSTATE 42P01)",
];

/// Writes about `bytes` of text, of which one line in `rarity` shows a symptom, each of `symptoms` in turn.
pub(super) fn write(out: &mut impl Write, bytes: usize, rarity: usize, symptoms: &[&str]) -> io::Result<()> {
    let mut numbers = Numbers::new(42);
    let mut written = 0;
    let mut line = String::new();
    let mut number = 0_usize;
    while written < bytes {
        number += 1;
        line.clear();
        let second = number / 50;
        let _written = write!(
            line,
            "2026-11-{:02}T{:02}:{:02}:{:02}.{:06}Z level={} component={}-{:05x} msg=\"",
            1 + second / 86_400 % 28,
            second / 3600 % 24,
            second / 60 % 60,
            second % 60,
            numbers.below(1_000_000),
            numbers.one(LEVELS),
            numbers.one(WORDS),
            numbers.below(1 << 20),
        );
        if number.is_multiple_of(rarity) {
            line.push_str(symptoms[number / rarity % symptoms.len()]);
        } else if numbers.below(50) == 0 {
            line.push_str(numbers.one(NEAR));
        } else {
            for _ in 0..6 + numbers.below(9) {
                line.push_str(numbers.one(WORDS));
                line.push(' ');
            }
            let _written = write!(line, "id={:08x}", numbers.below(1 << 32));
        }
        line.push_str("\"\n");
        out.write_all(line.as_bytes())?;
        written += line.len();
    }
    Ok(())
}
