//! Facts about the image: what the registry's tag holds, what runs, what was built locally.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A container registry (`Microsoft.ContainerRegistry/registries`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// Name.
    pub name: String,
    /// Full ARM resource id.
    pub id: String,
    /// `properties.loginServer`.
    pub login_server: String,
    /// `properties.anonymousPullEnabled`: pulls need no credentials.
    pub anonymous_pull: bool,
    /// Whether role assignments are of repositories (`AbacRepositoryPermissions`), so that `AcrPull` is ignored.
    pub by_repository: bool,
}

/// What a tag of the registry holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageTag {
    /// Registry, repository and tag.
    pub reference: String,
    /// Digest of the manifest or index behind the tag.
    pub digest: String,
    /// Digests of an index's manifests; empty where the tag holds one manifest.
    pub children: Vec<String>,
}
