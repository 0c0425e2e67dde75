//! What really went wrong, dug out of a chain of errors, and at which layer.

use std::error::Error;
use std::io;

use crate::fact::{Layer, Reason};

/// One line without control characters, at most a few hundred characters.
pub(super) fn one_line(text: &str) -> String {
    const LONGEST: usize = 400;
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    while line.contains("  ") {
        line = line.replace("  ", " ");
    }
    line.trim().to_owned()
}

/// Calls `look` with each error of the chain, and with what an I/O error carries inside.
fn walk<'a>(error: &'a (dyn Error + 'static), look: &mut dyn FnMut(&'a (dyn Error + 'static))) {
    let mut next = Some(error);
    while let Some(error) = next {
        look(error);
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inside) => Some(inside),
            None => error.source(),
        };
    }
}

/// A TLS error in the chain.
pub(super) fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut found = None;
    walk(error, &mut |one| found = found.or(one.downcast_ref::<rustls::Error>()));
    found
}

/// A failed name lookup, as the resolver of the transport reports it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotResolved(pub(super) String);

/// A connection that failed without running out of time: its layer and one line about it.
pub(super) fn failure(error: &(dyn Error + 'static), connecting: bool) -> Reason {
    let mut layer = if connecting { Layer::Connect } else { Layer::FirstByte };
    let mut detail = String::new();
    walk(error, &mut |one| {
        if one.is::<NotResolved>() {
            layer = Layer::Dns;
        } else if one.is::<rustls::Error>() {
            layer = Layer::Tls;
        } else if let Some(io) = one.downcast_ref::<io::Error>()
            && connecting
            && layer == Layer::Connect
            && matches!(io.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
        {
            // The peer took the connection and dropped it before any HTTP was spoken.
            layer = Layer::Tls;
        }
        detail = one.to_string();
    });
    Reason::Unreachable { layer, detail: one_line(&detail) }
}

/// Whether a failure may pass when tried again: a connection that was reset or dropped.
pub(super) fn may_pass(error: &(dyn Error + 'static)) -> bool {
    let mut found = false;
    walk(error, &mut |one| {
        found |= one.downcast_ref::<io::Error>().is_some_and(|io| {
            matches!(
                io.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe
            )
        }) || one.to_string().contains("connection closed before message completed");
    });
    found
}
