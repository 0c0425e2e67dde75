//! Whether anything of the gateway's network can come to the vault, as far as the control plane decides that.

use std::net::IpAddr;

use super::{Derived, need, put};
use crate::fact::{Snapshot, VAULT_NAME, VAULT_NETWORK, VAULT_PUBLIC_ADDRESS, VAULT_RESOURCE, VaultNetwork};

pub(super) fn derive(snapshot: &mut Snapshot) {
    let network = network(snapshot);
    put(snapshot, &VAULT_NETWORK, &[VAULT_RESOURCE.name()], network);
    let public = public_address(snapshot);
    put(snapshot, &VAULT_PUBLIC_ADDRESS, &[VAULT_NAME.name()], public);
}

/// Private addresses of both families (RFC 1918, RFC 6598, RFC 4193), loopback and link-local ones.
fn is_private(address: &str) -> bool {
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            let shared = ip.octets()[0] == 100 && (64..128).contains(&ip.octets()[1]);
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || shared
        }
        Ok(IpAddr::V6(ip)) => {
            let first = ip.segments()[0];
            ip.is_loopback() || (first & 0xfe00) == 0xfc00 || (first & 0xffc0) == 0xfe80
        }
        Err(_) => false,
    }
}

fn public_address(snapshot: &Snapshot) -> Derived<String> {
    let name = need(snapshot, &VAULT_NAME)?;
    Ok(name.addresses.into_iter().find(|address| !is_private(address)).unwrap_or_default())
}

fn network(snapshot: &Snapshot) -> Derived<VaultNetwork> {
    let vault = need(snapshot, &VAULT_RESOURCE)?;
    let approved = vault.private.iter().any(|connection| connection.status == "Approved");
    let waiting: Vec<String> = vault
        .private
        .iter()
        .filter(|connection| connection.status != "Approved")
        .map(|connection| format!("{} is {}", connection.name, connection.status))
        .collect();
    let closed = vault.public_access == "Disabled";
    let firewall = vault.default_action == "Deny";
    let let_in = vault.addresses.len() + usize::try_from(vault.networks).unwrap_or(0);
    let (state, why) = match (closed, firewall, approved) {
        (_, _, true) if closed || firewall => ("private", "a private endpoint is approved".to_owned()),
        (true, _, _) if waiting.is_empty() => {
            ("closed", "public access is off, and there is no private endpoint".to_owned())
        }
        (true, _, _) => (
            "closed",
            format!("public access is off, and no private endpoint is approved: {}", waiting.join(", ")),
        ),
        (false, true, _) if let_in == 0 => {
            ("closed", "the firewall denies by default and lets no address and no network in".to_owned())
        }
        (false, true, _) => ("firewall", format!("the firewall lets in {let_in} addresses and networks")),
        (false, false, _) => ("open", "the vault takes calls from everywhere".to_owned()),
    };
    Ok(VaultNetwork { state: state.into(), why })
}

#[cfg(test)]
mod tests {
    use super::is_private;

    #[test]
    fn addresses_are_told_apart() {
        for (address, private) in [
            ("10.1.2.3", true),
            ("172.31.0.9", true),
            ("100.64.0.1", true),
            ("fd00::1", true),
            ("20.52.64.7", false),
            ("172.32.0.1", false),
            ("2603:1020::1", false),
            ("nonsense", false),
        ] {
            assert_eq!(is_private(address), private, "{address}");
        }
    }
}
