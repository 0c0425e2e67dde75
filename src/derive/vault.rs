//! Whether anything of the gateway's network can come to the vault, as far as the control plane decides that.

use super::{Derived, need, put};
use crate::fact::{Snapshot, VAULT_NETWORK, VAULT_RESOURCE, VaultNetwork};

pub(super) fn derive(snapshot: &mut Snapshot) {
    let network = network(snapshot);
    put(snapshot, &VAULT_NETWORK, &[VAULT_RESOURCE.name()], network);
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
