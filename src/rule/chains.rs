//! The links of a deployment, in the order in which one rests on the other, and the names that break each.

use serde::Deserialize;

/// The links in order; data, as the rules are.
const CHAINS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/chains.yaml"));

/// Several links.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainSpec {
    /// From where to where.
    pub name: String,
    /// Its links, the first first.
    pub links: Vec<LinkSpec>,
}

/// One link.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    /// A word or two.
    pub name: String,
    /// Names that break it.
    pub rules: Vec<String>,
    /// Names whose being fine shows it whole as well.
    #[serde(default)]
    pub proven_by: Vec<String>,
}

/// Every chain, and the names that belong to none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chains {
    /// The chains.
    pub chains: Vec<ChainSpec>,
    /// Names that break none of their links.
    pub beside: Vec<String>,
}

/// The chains of the deployment. The file is the program's own; a test reads it.
pub fn chains() -> Chains {
    serde_saphyr::from_str(CHAINS).unwrap_or_default()
}
