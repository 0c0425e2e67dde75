//! Which credential answers for this run at Azure.

use async_trait::async_trait;

use super::{Clients, Probe, Seen, Touch};
use crate::fact::{RUN_LOGIN, Snapshot};
use crate::target::Target;

pub(super) struct LoginProbe;

#[async_trait]
impl Probe for LoginProbe {
    fn name(&self) -> &'static str {
        "login"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["run.login"]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        Vec::new()
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        seen.put(&RUN_LOGIN, clients.tokens.login(&clients.arm.scope()).await);
        seen
    }
}
