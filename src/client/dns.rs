//! What a name resolves to: every address and alias, by whom, how quickly.

use std::time::Instant;

use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::{RData, RecordType};
use jiff::Timestamp;

use super::Transport;
use super::cause::one_line;
use super::resolve::resolver;
use crate::fact::{Layer, NameLookup, Observation, Reason};

/// Looks a host's addresses up. An address stands for itself.
pub async fn lookup(transport: &Transport, host: &str) -> Observation<NameLookup> {
    let began = (Timestamp::now(), Instant::now());
    let outcome = ask(transport, host, began.1).await;
    let against = transport.network().dns_server.map_or_else(|| "system".into(), |server| server.to_string());
    let origin = transport.record("dns", format!("LOOKUP {host}"), against, began, outcome.as_ref().err());
    match outcome {
        Ok(Some(found)) => Observation::known(found, origin),
        Ok(None) => Observation::absent(origin),
        Err(reason) => Observation::unknown(reason, origin),
    }
}

async fn ask(transport: &Transport, host: &str, began: Instant) -> Result<Option<NameLookup>, Reason> {
    let took = || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut found = NameLookup {
        host: host.to_owned(),
        addresses: Vec::new(),
        aliases: Vec::new(),
        resolver: String::new(),
        took_ms: 0,
    };
    if host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok() {
        found.addresses.push(host.to_owned());
        return Ok(Some(found));
    }
    let unreachable =
        |error: &NetError| Reason::Unreachable { layer: Layer::Dns, detail: one_line(&error.to_string()) };
    let (resolver, name) = resolver(transport.network()).map_err(|error| unreachable(&error))?;
    found.resolver = name;
    let full = format!("{}.", host.trim_end_matches('.'));
    let within = transport.limits().request.min(transport.remaining());
    let both = futures::future::join(
        resolver.lookup(full.clone(), RecordType::A),
        resolver.lookup(full, RecordType::AAAA),
    );
    let (four, six) = tokio::time::timeout(within, both)
        .await
        .map_err(|_| Reason::TimedOut { layer: Layer::Dns, after_ms: took() })?;
    let mut missing = true;
    let mut failed = None;
    for answer in [four, six] {
        match answer {
            Ok(lookup) => {
                missing = false;
                for record in lookup.answers() {
                    match &record.data {
                        RData::A(address) => found.addresses.push(address.to_string()),
                        RData::AAAA(address) => found.addresses.push(address.to_string()),
                        RData::CNAME(alias) => found.aliases.push(alias.to_string()),
                        _ => {}
                    }
                }
            }
            Err(error) if error.is_no_records_found() || error.is_nx_domain() => {}
            Err(NetError::Timeout) => failed = Some(Reason::TimedOut { layer: Layer::Dns, after_ms: took() }),
            Err(error) => failed = Some(unreachable(&error)),
        }
    }
    found.took_ms = took();
    match failed {
        Some(reason) if found.addresses.is_empty() => Err(reason),
        _ if missing && found.addresses.is_empty() => Ok(None),
        _ => Ok(Some(found)),
    }
}
