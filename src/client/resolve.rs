//! Names to addresses for connections: overrides first, then the configured name server, else the system.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::Network;
use super::cause::NotResolved;

/// Patience with one name server; retries multiply it.
const PATIENCE: Duration = Duration::from_secs(2);

/// A resolver that asks the configured server, or the servers of the system.
pub(super) fn resolver(network: &Network) -> Result<(TokioResolver, String), NetError> {
    let (mut builder, name) = match network.dns_server {
        Some(server) => {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut one| {
                one.port = server.port();
                one
            });
            let server_config = NameServerConfig::new(server.ip(), true, connections.to_vec());
            let config = ResolverConfig::from_parts(None, vec![], vec![server_config]);
            (TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()), server.to_string())
        }
        None => (TokioResolver::builder_tokio()?, "system".to_owned()),
    };
    let options = builder.options_mut();
    options.timeout = PATIENCE;
    options.attempts = 1;
    options.cache_size = 0;
    if network.dns_server.is_some() {
        options.use_hosts_file = ResolveHosts::Never;
    }
    Ok((builder.build()?, name))
}

/// Addresses of a host for a connection to a port.
pub(super) async fn addresses(
    network: &Network,
    host: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, NotResolved> {
    if let Some(address) = network.instead_of(host, port) {
        return Ok(vec![address]);
    }
    if let Ok(ip) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let found: Vec<SocketAddr> = if network.dns_server.is_some() {
        let (resolver, _) = resolver(network).map_err(|error| NotResolved(error.to_string()))?;
        let found = resolver
            .lookup_ip(format!("{}.", host.trim_end_matches('.')))
            .await
            .map_err(|error| NotResolved(format!("{host}: {error}")))?;
        found.iter().map(|ip| SocketAddr::new(ip, port)).collect()
    } else {
        tokio::net::lookup_host((host, port))
            .await
            .map_err(|error| NotResolved(format!("{host}: {error}")))?
            .collect()
    };
    if found.is_empty() { Err(NotResolved(format!("{host}: no address"))) } else { Ok(found) }
}

/// The same, as the HTTP client asks for it: it knows the name only, so overrides hold for its one port.
#[derive(Clone)]
pub(super) struct Names(pub(super) Arc<Network>);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let network = Arc::clone(&self.0);
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let overridden = network.connect_to.iter().find_map(|(place, address)| {
                let (its_host, _) = place.rsplit_once(':')?;
                its_host.eq_ignore_ascii_case(&host).then_some(*address)
            });
            let found = match overridden {
                Some(address) => vec![address],
                None => addresses(&network, &host, 0).await?,
            };
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
