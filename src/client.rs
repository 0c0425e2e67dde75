//! The outside world, read-only. A client turns a call into an observation: an answer, an absence, or why
//! nothing could be learned, with the layer that failed. What a client may call stands beside it as data,
//! and nothing else leaves this process.

mod access;
mod arm;
pub mod calls;
mod cause;
mod dns;
mod docker;
mod entra;
pub mod field;
mod graph;
mod http;
mod imds;
mod kept;
mod kubernetes;
mod login;
mod network;
mod postgres;
mod primary;
mod registry;
mod resolve;
mod secrets;
mod silence;
mod slots;
mod tail;
mod tls;
pub mod variables;

pub use access::{Allowed, KubernetesRight};
pub use arm::Arm;
pub use dns::lookup;
pub use docker::{ComposeContainer, Docker};
pub use entra::Entra;
pub use graph::Graph;
pub use http::{Answer, Ask, Transport};
pub use imds::ImdsClient;
pub use kept::Kept;
pub use kubernetes::{KubeOptions, Kubernetes};
pub use login::{LoginOptions, Method, Tokens};
pub use network::{ClientError, Limits, Network, Secret};
pub use postgres::Postgres;
pub use primary::Primary;
pub use registry::{Manifest, RegistryClient};
pub use secrets::seen_secrets;
pub use tail::Tail;
pub use tls::peer;

/// Makes ring the process's only TLS provider. Has to be called before anything else here; a second call changes
/// nothing.
pub fn install_crypto() {
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}
