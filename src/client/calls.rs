//! Every call that a run may make, by name: what a probe touches is a choice from here, and nothing else leaves
//! this process. Azure actions are those of the resource providers' operation lists.

use super::access::{Allowed, get, read};

macro_rules! calls {
    ($( $(#[doc = $doc:literal])+ $name:ident = $call:expr; )+) => {
        $( $(#[doc = $doc])+ pub const $name: Allowed = $call; )+

        /// All of them that need no asking by name.
        pub const WITHOUT_ASKING: &[Allowed] = &[$($name),+];
    };
}

/// What reading role assignments needs.
const ASSIGNMENTS_READ: &str = "Microsoft.Authorization/roleAssignments/read";
/// What reading deny assignments needs.
const DENIALS_READ: &str = "Microsoft.Authorization/denyAssignments/read";
/// What reading eligible assignments needs.
const ELIGIBLE_READ: &str = "Microsoft.Authorization/roleEligibilityScheduleInstances/read";
/// What reading role definitions needs.
const DEFINITIONS_READ: &str = "Microsoft.Authorization/roleDefinitions/read";

calls! {
    /// Subscriptions that this login sees.
    SUBSCRIPTIONS = get("arm", "/subscriptions");
    /// One subscription.
    SUBSCRIPTION = read("arm", "/subscriptions/*", "Microsoft.Resources/subscriptions/read");
    /// Whether a resource provider is registered.
    PROVIDER = read("arm", "/subscriptions/*/providers/*", "Microsoft.Resources/subscriptions/providers/read");
    /// Clusters of a subscription.
    CLUSTERS = read(
        "arm",
        "/subscriptions/*/providers/Microsoft.ContainerService/managedClusters",
        "Microsoft.ContainerService/managedClusters/read"
    );
    /// One cluster.
    CLUSTER = read(
        "arm",
        "/subscriptions/*/resourceGroups/*/providers/Microsoft.ContainerService/managedClusters/*",
        "Microsoft.ContainerService/managedClusters/read"
    );
    /// Managed identities of a subscription.
    IDENTITIES = read(
        "arm",
        "/subscriptions/*/providers/Microsoft.ManagedIdentity/userAssignedIdentities",
        "Microsoft.ManagedIdentity/userAssignedIdentities/read"
    );
    /// One managed identity.
    IDENTITY = read(
        "arm",
        "/subscriptions/*/resourceGroups/*/providers/Microsoft.ManagedIdentity/userAssignedIdentities/*",
        "Microsoft.ManagedIdentity/userAssignedIdentities/read"
    );
    /// Federated credentials of an identity.
    CREDENTIALS = read(
        "arm",
        "/subscriptions/*/resourceGroups/*/providers/Microsoft.ManagedIdentity/userAssignedIdentities/*/federatedIdentityCredentials",
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read"
    );
    /// What was changed lately, for the age of what carries no time of its own.
    ACTIVITY = read(
        "arm",
        "/subscriptions/*/providers/Microsoft.Insights/eventtypes/management/values",
        "Microsoft.Insights/eventtypes/values/read"
    );
    /// Vaults of a subscription.
    VAULTS = read(
        "arm",
        "/subscriptions/*/providers/Microsoft.KeyVault/vaults",
        "Microsoft.KeyVault/vaults/read"
    );
    /// Names, versions and dates of a vault's secrets, through the management plane: never a value.
    VAULT_SECRETS = read(
        "arm",
        "/subscriptions/*/resourceGroups/*/providers/Microsoft.KeyVault/vaults/*/secrets",
        "Microsoft.KeyVault/vaults/secrets/read"
    );
    /// Registries of a subscription.
    REGISTRIES = read(
        "arm",
        "/subscriptions/*/providers/Microsoft.ContainerRegistry/registries",
        "Microsoft.ContainerRegistry/registries/read"
    );
    /// Role assignments at a subscription and above.
    ASSIGNMENTS =
        read("arm", "/subscriptions/*/providers/Microsoft.Authorization/roleAssignments", ASSIGNMENTS_READ);
    /// Deny assignments at a subscription and above.
    DENIALS = read("arm", "/subscriptions/*/providers/Microsoft.Authorization/denyAssignments", DENIALS_READ);
    /// Roles that could be activated at a subscription.
    ELIGIBLE = read(
        "arm",
        "/subscriptions/*/providers/Microsoft.Authorization/roleEligibilityScheduleInstances",
        ELIGIBLE_READ
    );
    /// Role assignments at a resource group and above.
    GROUP_ASSIGNMENTS = read(
        "arm",
        "/subscriptions/*/resourceGroups/*/providers/Microsoft.Authorization/roleAssignments",
        ASSIGNMENTS_READ
    );
    /// Deny assignments at a resource group and above.
    GROUP_DENIALS = read(
        "arm",
        "/subscriptions/*/resourceGroups/*/providers/Microsoft.Authorization/denyAssignments",
        DENIALS_READ
    );
    /// Roles that could be activated at a resource group.
    GROUP_ELIGIBLE = read(
        "arm",
        "/subscriptions/*/resourceGroups/*/providers/Microsoft.Authorization/roleEligibilityScheduleInstances",
        ELIGIBLE_READ
    );
    /// Role assignments at a resource and above.
    RESOURCE_ASSIGNMENTS = read(
        "arm",
        "/subscriptions/*/resourceGroups/*/providers/*/*/*/providers/Microsoft.Authorization/roleAssignments",
        ASSIGNMENTS_READ
    );
    /// Deny assignments at a resource and above.
    RESOURCE_DENIALS = read(
        "arm",
        "/subscriptions/*/resourceGroups/*/providers/*/*/*/providers/Microsoft.Authorization/denyAssignments",
        DENIALS_READ
    );
    /// Roles that could be activated at a resource.
    RESOURCE_ELIGIBLE = read(
        "arm",
        "/subscriptions/*/resourceGroups/*/providers/*/*/*/providers/Microsoft.Authorization/roleEligibilityScheduleInstances",
        ELIGIBLE_READ
    );
    /// A role definition, as an assignment at a subscription names it.
    DEFINITION = read(
        "arm",
        "/subscriptions/*/providers/Microsoft.Authorization/roleDefinitions/*",
        DEFINITIONS_READ
    );
    /// A role definition, as an assignment above subscriptions names it.
    DEFINITION_ABOVE =
        read("arm", "/providers/Microsoft.Authorization/roleDefinitions/*", DEFINITIONS_READ);

    /// A user's name.
    USER = read("graph", "/v1.0/users/*", "User.Read.All");
    /// An application by its client id.
    APPLICATIONS = read("graph", "/v1.0/applications", "Application.Read.All");

    /// Discovery documents and keys of issuers: public.
    ISSUER = get("issuer", "/**");
    /// The instance metadata service.
    METADATA = get("imds", "/metadata/instance");
    /// A token for the login of this run.
    LOGIN_TOKEN = Allowed { api: "login", method: "POST", path: "/*/oauth2/v2.0/token", right: "" };
    /// A token for the managed identity of the machine that this run is made on.
    LOGIN_METADATA = get("login", "/metadata/identity/oauth2/token");

    /// The Primary's health.
    HEALTH = get("primary", "/api/v1/health");
    /// The health of its parts.
    HEALTH_PART = get("primary", "/api/v1/health/*");
    /// The Primary's licence, in the health of its system.
    HEALTH_SYSTEM = read("primary", "/api/v1/health/system", "a signed-in user");
    /// Gateways as the Primary reports them.
    GATEWAY_HEALTH = read("primary", "/api/v1/admin/*", "gateway:admin");
    /// Where the Primary sends a browser that wants to sign in; the answer is not followed.
    SIGN_IN = get("primary", "/api/v1/auth/sso/entra/login");

    /// Whether the namespace exists.
    NAMESPACE = get("kubernetes", "/api/v1/namespaces/*");
    /// Deployments of every namespace, to find the gateway's.
    DEPLOYMENTS_EVERYWHERE = get("kubernetes", "/apis/apps/v1/deployments");
    /// Deployments of a namespace, to find the gateway's.
    DEPLOYMENTS = get("kubernetes", "/apis/apps/v1/namespaces/*/deployments");
    /// The gateway's Deployment.
    DEPLOYMENT = get("kubernetes", "/apis/apps/v1/namespaces/*/deployments/*");
    /// Pods.
    PODS = get("kubernetes", "/api/v1/namespaces/*/pods");
    /// A container's log.
    POD_LOG = get("kubernetes", "/api/v1/namespaces/*/pods/*/log");
    /// Service accounts.
    ACCOUNTS = get("kubernetes", "/api/v1/namespaces/*/serviceaccounts");
    /// Events.
    EVENTS = get("kubernetes", "/api/v1/namespaces/*/events");
    /// A config map from which the gateway takes a setting.
    CONFIG_MAP = get("kubernetes", "/api/v1/namespaces/*/configmaps/*");
    /// `SecretProviderClass` objects.
    SECRET_CLASSES =
        get("kubernetes", "/apis/secrets-store.csi.x-k8s.io/v1/namespaces/*/secretproviderclasses");
    /// What each pod has mounted of them.
    MOUNTS =
        get("kubernetes", "/apis/secrets-store.csi.x-k8s.io/v1/namespaces/*/secretproviderclasspodstatuses");
    /// Whether the driver is installed.
    CSI_DRIVER = get("kubernetes", "/apis/storage.k8s.io/v1/csidrivers/*");
    /// External Secrets Operator's objects.
    EXTERNAL_SECRETS = get("kubernetes", "/apis/external-secrets.io/v1/namespaces/*/externalsecrets");
    /// The same in the operator's older API.
    EXTERNAL_SECRETS_OLDER =
        get("kubernetes", "/apis/external-secrets.io/v1beta1/namespaces/*/externalsecrets");
    /// The issuer that the cluster itself publishes.
    CLUSTER_DISCOVERY = get("kubernetes", "/.well-known/openid-configuration");

    /// The registry's challenge and its manifests.
    REGISTRY_READ = get("registry", "/v2/**");
    /// Azure token to registry token.
    REGISTRY_EXCHANGE = Allowed { api: "registry", method: "POST", path: "/oauth2/exchange", right: "" };
    /// Registry token to a token for pulling one repository.
    REGISTRY_TOKEN = Allowed { api: "registry", method: "POST", path: "/oauth2/token", right: "AcrPull" };

    /// Containers of the Compose project.
    CONTAINERS = get("docker", "/containers/json");
    /// One container; of its configuration nothing is kept that could hold a secret.
    CONTAINER = get("docker", "/containers/*/json");
    /// A container's log.
    CONTAINER_LOG = get("docker", "/containers/*/logs");
    /// An image, for its digests.
    IMAGE = get("docker", "/images/**");

    /// Tables of a schema, from the catalogue.
    SQL_TABLES = Allowed { api: "sql", method: "SELECT", path: "tables", right: "" };
    /// The migrations' bookkeeping row.
    SQL_MIGRATION = Allowed { api: "sql", method: "SELECT", path: "migration", right: "database.migrations_table" };
    /// Columns of the table of gateway records, from the catalogue.
    SQL_COLUMNS = Allowed { api: "sql", method: "SELECT", path: "columns", right: "" };
    /// Gateway records.
    SQL_GATEWAYS = Allowed { api: "sql", method: "SELECT", path: "gateways", right: "database.gateways_table" };

    /// What a name resolves to.
    DNS = Allowed { api: "dns", method: "LOOKUP", path: "**", right: "" };
    /// What a TLS peer presents.
    TLS = Allowed { api: "tls", method: "HANDSHAKE", path: "**", right: "" };
    /// The kubeconfig, and the plugin that it names.
    KUBECONFIG = Allowed { api: "local", method: "READ", path: "kubeconfig", right: "" };
}

/// A Kubernetes secret, for its key names: with `--secret-keys` only.
pub const SECRET: Allowed = get("kubernetes", "/api/v1/namespaces/*/secrets/*");
/// A short-lived token of the gateway's service account: with `--exchange-token` only.
pub const ACCOUNT_TOKEN: Allowed = Allowed {
    api: "kubernetes",
    method: "POST",
    path: "/api/v1/namespaces/*/serviceaccounts/*/token",
    right: "",
};
/// The exchange of that token at Entra: with `--exchange-token` only.
pub const EXCHANGE: Allowed =
    Allowed { api: "entra", method: "POST", path: "/*/oauth2/v2.0/token", right: "" };
