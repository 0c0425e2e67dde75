//! A simulated deployment on loopback that speaks the real protocols, staged from `samples/`.
//!
//! The tool under examination reaches it by settings alone: endpoints, a kubeconfig, a socket, a name server.
//! Nothing of the operator's own login, kubeconfig or Docker is read. To add a scenario: a folder in
//! `samples/` with what differs from the healthy deployment.

mod arm;
mod certificate;
mod database;
mod dns;
mod docker;
mod entra;
mod imds;
mod kubernetes;
mod primary;
mod registry;
mod sample;
mod serve;
mod stage;
mod world;

pub use sample::{Expectation, Expected, Scenario, changed, combined, expectation, load, scenarios};
pub use stage::{Lab, stage};
pub use world::World;

/// Why a scenario cannot be staged.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// There is no such scenario.
    #[error("there is no scenario {name:?}: `mzv-doctor lab list` names them")]
    NoScenario {
        /// The name given.
        name: String,
    },
    /// A sample file is not what it should be.
    #[error("samples/{file}: {problem}")]
    Sample {
        /// The file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// A server cannot be started.
    #[error("the lab cannot start: {0}")]
    Start(String),
}
