//! Azure's clouds: endpoints and the audience of federated credentials in each.

/// A cloud, or endpoints given one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// Azure public.
    Public,
    /// Azure US Government.
    UsGovernment,
    /// Azure operated by 21Vianet.
    China,
    /// Endpoints from settings only.
    Custom,
}

impl Cloud {
    /// The names that `azure.cloud` takes.
    pub const NAMES: &'static str = "public, us-government, china or custom";

    /// The cloud of a name; anything else is [`Cloud::Custom`], the settings table lets only names through.
    pub fn from_name(name: &str) -> Self {
        match name {
            "public" => Self::Public,
            "us-government" => Self::UsGovernment,
            "china" => Self::China,
            _ => Self::Custom,
        }
    }

    /// Domain of its vaults (Key Vault, "DNS suffixes for object identifiers").
    pub fn vault_domain(self) -> &'static str {
        match self {
            Self::Public | Self::Custom => "vault.azure.net",
            Self::UsGovernment => "vault.usgovcloudapi.net",
            Self::China => "vault.azure.cn",
        }
    }

    /// The cloud's value of a setting that is not set. Endpoints and audiences as Microsoft publishes them for
    /// national clouds.
    pub fn default_of(self, setting: &str) -> Option<&'static str> {
        let column = match self {
            Self::Public | Self::Custom => 0,
            Self::UsGovernment => 1,
            Self::China => 2,
        };
        let row = match setting {
            "azure.endpoints.arm" => [
                "https://management.azure.com",
                "https://management.usgovcloudapi.net",
                "https://management.chinacloudapi.cn",
            ],
            "azure.endpoints.graph" => [
                "https://graph.microsoft.com",
                "https://graph.microsoft.us",
                "https://microsoftgraph.chinacloudapi.cn",
            ],
            "azure.endpoints.entra" => [
                "https://login.microsoftonline.com",
                "https://login.microsoftonline.us",
                "https://login.chinacloudapi.cn",
            ],
            "azure.audience" => [
                "api://AzureADTokenExchange",
                "api://AzureADTokenExchangeUSGov",
                "api://AzureADTokenExchangeChina",
            ],
            "azure.registry_suffix" => [".azurecr.io", ".azurecr.us", ".azurecr.cn"],
            _ => return None,
        };
        (self != Self::Custom || !setting.contains("endpoints")).then_some(row[column])
    }
}
