//! The vocabulary: what can be known of a deployment, and how well it is known.
//!
//! Everything here is plain, serializable data. A live run, a recorded bundle, a test and the lab
//! share these types; they differ only in where a [`Snapshot`] comes from. Nothing in this module
//! performs input or output, and it imports no other module of the project.
//!
//! To add a fact: its type in the file of its subject, one line in `vocabulary.rs`.

mod application;
mod azure;
mod delivery;
mod derived;
mod image;
mod kubernetes;
mod observation;
mod primary;
mod role;
mod run;
mod snapshot;
mod text;
mod vault;
mod vocabulary;

pub use application::{AppRegistration, AppSecret, SignIn};
pub use azure::{
    Cluster, ClusterApi, Exchange, FederatedCredential, Imds, IssuerDocument, Login, ManagedIdentity,
    ProviderState, Subscription,
};
pub use delivery::{
    CsiDriver, CsiInstallation, ExternalSecret, KubernetesSecret, MountedObject, SecretKey, SecretMount,
    SystemPod,
};
pub use derived::{
    AccessGap, Comparison, Delivery, FederationRepair, ImageDrift, KeyNeed, Presented, PrimaryAddress,
    Redirects, Rollout, StaleSecret, StateFile, Tasks, VaultNetwork,
};
pub use image::{ImageTag, Registry};
pub use kubernetes::{
    ClassKey, Condition, Container, Deployment, KeyReference, Mount, Pod, PodContainer, ProjectedToken,
    SecretProviderClass, ServiceAccount, Volume,
};
pub use observation::{Layer, Observation, Origin, Outcome, Reason, Vantage};
pub use primary::{
    Certificate, ComposeService, GatewayRecord, GatewayRecords, Health, Licence, Migration, NameLookup,
    PeerCertificates, Samples,
};
pub use role::{Access, Assignment, Principal};
pub use run::{Clock, Disagreement, MissingRight, Reach};
pub use snapshot::{Call, ProbeRun, SNAPSHOT_FORMAT, Setting, Snapshot, erase};
pub use text::{FOLLOWING, TextEvidence, TextRead, TextSource};
pub use vault::{PrivateConnection, Vault, VaultPolicy, VaultSecret};
pub use vocabulary::*;
