//! Where this process runs.

use std::path::Path;

use crate::fact::Vantage;

/// Finds out from the environment and the file system. Whether the machine is in Azure shows only once the
/// metadata service has answered.
pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Vantage {
    let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty() && value != "false");
    if set("KUBERNETES_SERVICE_HOST") {
        Vantage::Pod
    } else if set("GITHUB_ACTIONS") || set("TF_BUILD") || set("GITLAB_CI") || set("CI") {
        Vantage::Ci
    } else if Path::new("/.dockerenv").exists() || Path::new("/run/.containerenv").exists() {
        Vantage::Docker
    } else {
        Vantage::Operator
    }
}

/// The name that facts and settings use.
pub(super) fn name(vantage: Vantage) -> &'static str {
    match vantage {
        Vantage::Operator => "operator",
        Vantage::Docker => "docker",
        Vantage::AzureVm => "azure-vm",
        Vantage::Pod => "pod",
        Vantage::Ci => "ci",
    }
}
