//! The vocabulary: what can be known of a deployment, and how well it is known.
//!
//! Everything here is plain, serializable data. A live run, a recorded bundle, a test and the lab
//! share these types; they differ only in where a [`Snapshot`] comes from. Nothing in this module
//! performs input or output, and it imports no other module of the project.
//!
//! To add a fact: its type in the file of its subject, one line in `vocabulary.rs`.

mod azure;
mod derived;
mod kubernetes;
mod observation;
mod primary;
mod role;
mod snapshot;
mod text;
mod vocabulary;

pub use azure::{Cluster, FederatedCredential, Imds, IssuerDocument, Login, ManagedIdentity};
pub use derived::{AccessGap, Comparison, FederationRepair, Presented, Tasks};
pub use kubernetes::{
    Container, Deployment, Pod, PodContainer, ProjectedToken, SecretProviderClass, ServiceAccount,
};
pub use observation::{Layer, Observation, Origin, Outcome, Reason, Vantage};
pub use primary::{
    Certificate, ComposeService, GatewayRecord, GatewayRecords, Health, Migration, NameLookup,
    PeerCertificates,
};
pub use role::{Assignment, Principal, UserAccess};
pub use snapshot::{Call, ProbeRun, SNAPSHOT_FORMAT, Setting, Snapshot, erase};
pub use text::{TextEvidence, TextRead, TextSource};
pub use vocabulary::*;
