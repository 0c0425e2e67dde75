//! Whether the instance metadata service answers, and so where this run is made from.
//!
//! A timeout is an answer: no service is there. What it means depends on the vantage, which rules judge.

use async_trait::async_trait;

use super::{Clients, Probe, Seen, Touch, beside, touching, vantage};
use crate::client::calls;
use crate::fact::{IMDS_ENDPOINT, RUN_VANTAGE, Snapshot, Vantage};
use crate::target::Target;

pub(super) struct ImdsProbe;

#[async_trait]
impl Probe for ImdsProbe {
    fn name(&self) -> &'static str {
        "imds"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["run.vantage", "imds.endpoint"]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        touching(&[calls::METADATA], &["run.vantage", "imds.endpoint"])
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let endpoint = clients.imds.instance().await;
        let in_azure = endpoint.value().is_some_and(|imds| imds.answers);
        let vantage = match clients.transport.vantage() {
            // A runner or a pod in Azure has a metadata service of its own and stays what it is.
            Vantage::Operator | Vantage::Docker if in_azure => Vantage::AzureVm,
            other => other,
        };
        seen.put(&RUN_VANTAGE, beside(&endpoint.origin, vantage::name(vantage).to_owned()));
        seen.put(&IMDS_ENDPOINT, endpoint);
        seen
    }
}
