//! What the principal that provisions the deployment holds, at the resource group and above.

use async_trait::async_trait;

use super::access::{Who, access, at_groups};
use super::{Clients, Probe, Seen, Touch, not_configured};
use crate::fact::{Observation, PROVISIONING_ACCESS, Snapshot};
use crate::target::Target;

pub(super) struct ProvisioningProbe;

#[async_trait]
impl Probe for ProvisioningProbe {
    fn name(&self) -> &'static str {
        "provisioning"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["provisioning.access"]
    }

    fn touches(&self, target: &Target) -> Vec<Touch> {
        match target.given("provisioning.principal") {
            Some(_) => at_groups(&["provisioning.access"]),
            None => Vec::new(),
        }
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let target = &clients.target;
        let (Some(principal), Some(subscription), Some(group)) = (
            target.given("provisioning.principal"),
            target.given("azure.subscription"),
            target.given("azure.resource_group"),
        ) else {
            let missing = if target.given("provisioning.principal").is_none() {
                "provisioning.principal"
            } else {
                "azure.subscription"
            };
            seen.put(&PROVISIONING_ACCESS, not_configured(clients, missing));
            return seen;
        };
        let scope = format!("/subscriptions/{subscription}/resourceGroups/{group}");
        let who = Who::new(&principal, None, "provisioner");
        let found = access(clients, &who, &scope, group).await;
        let origin = clients.origin(
            "GET {resource group}/providers/Microsoft.Authorization/roleAssignments".into(),
            target.text("azure.endpoints.arm"),
        );
        seen.put(&PROVISIONING_ACCESS, Observation::known(found, origin));
        seen
    }
}
