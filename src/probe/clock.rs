//! Whether clocks are right, against Entra's: tokens fail where they are minutes off.

use async_trait::async_trait;

use super::{Clients, Probe, Seen, Touch, touching};
use crate::client::{Primary, calls};
use crate::fact::{Clock, Observation, Outcome, RUN_CLOCKS, Snapshot};
use crate::target::Target;

/// Any tenant's document has the time; this one exists in every cloud.
const ANY_TENANT: &str = "organizations";

pub(super) struct ClockProbe;

#[async_trait]
impl Probe for ClockProbe {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["run.clocks"]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        touching(&[calls::ISSUER, calls::HEALTH, calls::HEALTH_PART], &["run.clocks"])
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let tenant = clients.target.given("azure.tenant").unwrap_or_else(|| ANY_TENANT.into());
        let (entra, primary) = futures::join!(clients.entra.clock(&tenant), primary(clients));
        let origin = entra.origin.clone();
        let clocks = match entra.outcome {
            Outcome::Known(ahead_s) => {
                let clock =
                    |whose: &str, ahead_s| Clock { whose: whose.into(), against: "Entra".into(), ahead_s };
                let mut clocks = vec![clock("this machine", ahead_s)];
                // Both were compared with this machine's clock: between themselves they differ by the difference.
                clocks.extend(primary.map(|by| clock("the Primary", ahead_s - by)));
                Observation::known(clocks, origin)
            }
            Outcome::Absent => Observation::absent(origin),
            Outcome::Unknown(reason) => Observation::unknown(reason, origin),
        };
        seen.put(&RUN_CLOCKS, clocks);
        seen
    }
}

/// Seconds that this machine is ahead of the Primary, where it answers.
async fn primary(clients: &Clients) -> Option<i64> {
    let primary = clients.primary.as_ref()?;
    Primary::ahead(&primary.get(&clients.target.text("primary.health_path"), false).await)
}
