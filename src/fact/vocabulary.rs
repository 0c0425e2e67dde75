//! The names of all facts, with their types: what rules may read and probes may answer for.

use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Access, AccessGap, AppRegistration, Clock, Cluster, ClusterApi, Comparison, ComposeService, CsiDriver,
    CsiInstallation, Delivery, Deployment, Disagreement, Exchange, ExternalSecret, FederatedCredential,
    FederationRepair, GatewayRecord, GatewayRecords, Health, ImageDrift, ImageTag, Imds, IssuerDocument,
    KeyNeed, KubernetesSecret, Licence, Login, ManagedIdentity, Migration, MissingRight, NameLookup,
    PeerCertificates, Pod, Presented, PrimaryAddress, Principal, ProviderState, Reach, Redirects, Registry,
    Rollout, Samples, SecretMount, SecretProviderClass, ServiceAccount, SignIn, StaleSecret, StateFile,
    Subscription, Tasks, TextRead, Vault, VaultNetwork, VaultSecret,
};

/// A fact's name with its type.
pub struct Fact<T> {
    name: &'static str,
    shape: PhantomData<fn() -> T>,
}

impl<T> Fact<T> {
    const fn new(name: &'static str) -> Self {
        Self { name, shape: PhantomData }
    }

    /// The dotted name, as rules and snapshots write it.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// What is known of a fact before anything is observed.
#[derive(Clone)]
pub struct FactSpec {
    /// Dotted name: area, dot, fact.
    pub name: &'static str,
    /// What it is, one or two sentences.
    pub doc: &'static str,
    /// Facts that it is computed from; empty for one that is observed.
    pub from: &'static [&'static str],
    /// The JSON Schema of its value.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// Whether a value is of its type.
    pub fits: fn(&Value) -> bool,
}

macro_rules! facts {
    ($( $(#[doc = $doc:literal])+ $kind:ident $constant:ident: $name:literal => $type:ty
        $(, from $($source:literal)|+)?; )+) => {
        $( $(#[doc = $doc])+ pub const $constant: Fact<$type> = Fact::new($name); )+

        /// Every fact there is, in the order of this file.
        pub fn vocabulary() -> Vec<FactSpec> {
            vec![ $( FactSpec {
                name: $name,
                doc: concat!($($doc),+),
                from: &[$($($source),+)?],
                schema: <$type as JsonSchema>::json_schema,
                fits: |value| <$type as Deserialize>::deserialize(value).is_ok(),
            } ),+ ]
        }
    };
}

impl FactSpec {
    /// Whether it is computed from other facts and never observed.
    pub fn is_derived(&self) -> bool {
        !self.from.is_empty()
    }
}

facts! {
    /// Which credential this run used against Azure.
    observed RUN_LOGIN: "run.login" => Login;
    /// Where this run was made from: `operator`, `docker`, `azure-vm`, `pod` or `ci`.
    observed RUN_VANTAGE: "run.vantage" => String;
    /// Clocks of this machine and of the Primary, beside Entra's.
    observed RUN_CLOCKS: "run.clocks" => Vec<Clock>;
    /// How the instance metadata endpoint answers from here.
    observed IMDS_ENDPOINT: "imds.endpoint" => Imds;

    /// The subscription of the cluster and the identity.
    observed SUBSCRIPTION_RESOURCE: "subscription.resource" => Subscription;
    /// Whether the resource providers that the deployment needs are registered.
    observed SUBSCRIPTION_PROVIDERS: "subscription.providers" => Vec<ProviderState>;

    /// What the cluster's API server says of itself.
    observed CLUSTER_API: "cluster.api" => ClusterApi;
    /// The driver of the Secrets Store CSI as the cluster knows it; absent where it knows none.
    observed CLUSTER_CSI_DRIVER: "cluster.csi_driver" => CsiDriver;
    /// Pods of that driver and of its provider for Azure.
    observed CLUSTER_CSI: "cluster.csi" => CsiInstallation;
    /// The AKS cluster resource.
    observed CLUSTER_RESOURCE: "cluster.resource" => Cluster;
    /// The cluster issuer's discovery document and keys.
    observed CLUSTER_ISSUER: "cluster.issuer" => IssuerDocument;
    /// The gateway's managed identity.
    observed IDENTITY_RESOURCE: "identity.resource" => ManagedIdentity;
    /// Every federated credential of that identity.
    observed IDENTITY_CREDENTIALS: "identity.credentials" => Vec<FederatedCredential>;

    /// The gateway's Deployment.
    observed GATEWAY_DEPLOYMENT: "gateway.deployment" => Deployment;
    /// The gateway's pods.
    observed GATEWAY_PODS: "gateway.pods" => Vec<Pod>;
    /// The service account that the gateway's pods really run as.
    observed GATEWAY_SERVICE_ACCOUNT: "gateway.service_account" => ServiceAccount;
    /// Names of all service accounts in the gateway's namespace.
    observed GATEWAY_SERVICE_ACCOUNTS: "gateway.service_accounts" => Vec<String>;
    /// The `SecretProviderClass` objects in the gateway's namespace.
    observed GATEWAY_SECRET_CLASSES: "gateway.secret_classes" => Vec<SecretProviderClass>;

    /// What each pod has mounted of the `SecretProviderClass` objects.
    observed GATEWAY_MOUNTS: "gateway.mounts" => Vec<SecretMount>;
    /// Kubernetes secrets that the gateway refers to, by key names: asked only with `--secret-keys`.
    observed GATEWAY_SECRETS: "gateway.secrets" => Vec<KubernetesSecret>;
    /// `ExternalSecret` objects in the gateway's namespace; absent where the cluster has no such kind.
    observed GATEWAY_EXTERNAL_SECRETS: "gateway.external_secrets" => Vec<ExternalSecret>;
    /// How tokens of the gateway's service account are received at Entra: asked only with `--exchange-token`.
    observed FEDERATION_EXCHANGE: "federation.exchange" => Exchange;

    /// The vault that feeds the gateway; absent where no subscription that was looked in has it.
    observed VAULT_RESOURCE: "vault.resource" => Vault;
    /// Vaults of the projects that users read secrets of, where such are configured.
    observed VAULT_PROJECTS: "vault.projects" => Vec<Vault>;
    /// The secrets of that vault, by their metadata.
    observed VAULT_SECRETS: "vault.secrets" => Vec<VaultSecret>;
    /// What the vault's host name resolves to from here.
    observed VAULT_NAME: "vault.name" => NameLookup;
    /// What the gateway's identity and each judged user hold at the vaults.
    observed VAULT_ACCESS: "vault.access" => Vec<Access>;

    /// The registry that the gateway's image comes from.
    observed REGISTRY_RESOURCE: "registry.resource" => Registry;
    /// What the image's tag holds in the registry; absent where the registry has no such tag.
    observed REGISTRY_TAG: "registry.tag" => ImageTag;
    /// What the cluster's kubelet identity holds at the registry.
    observed REGISTRY_ACCESS: "registry.access" => Access;

    /// What the provisioning principal holds at the subscription or resource group.
    observed PROVISIONING_ACCESS: "provisioning.access" => Access;

    /// The app registration behind sign-in.
    observed APP_REGISTRATION: "app.registration" => AppRegistration;
    /// Where the Primary sends a browser that signs in.
    observed APP_SIGN_IN: "app.sign_in" => SignIn;

    /// What each judged user holds at each judged subscription.
    observed OBO_ACCESS: "obo.access" => Vec<Access>;

    /// The Primary's answer to its health endpoint.
    observed PRIMARY_HEALTH: "primary.health" => Health;
    /// What the Primary presents in its TLS handshake.
    observed PRIMARY_CERTIFICATE: "primary.certificate" => PeerCertificates;
    /// How many of several answers of the Primary's health endpoint were good; one where the first was.
    observed PRIMARY_SAMPLES: "primary.samples" => Samples;
    /// What the Primary's host name resolves to from here.
    observed PRIMARY_NAME: "primary.name" => NameLookup;
    /// Whether the Primary's API is reached from here, and the layer that fails if not.
    observed PRIMARY_REACH: "primary.reach" => Reach;
    /// The Primary's licence.
    observed PRIMARY_LICENCE: "primary.licence" => Licence;
    /// Compose projects on the Docker engine that have a service of the Primary.
    observed PRIMARY_PROJECTS: "primary.projects" => Vec<String>;
    /// The services of the Primary's Compose project.
    observed PRIMARY_SERVICES: "primary.services" => Vec<ComposeService>;
    /// Gateways as the Primary's admin API reports them.
    observed PRIMARY_GATEWAYS_API: "primary.gateways_api" => GatewayRecords;
    /// Gateways as the Primary's database holds them.
    observed PRIMARY_GATEWAYS_DB: "primary.gateways_db" => GatewayRecords;

    /// Migration state of the Primary's database; absent where it has no bookkeeping table or row.
    observed PRIMARY_DB_MIGRATION: "primary_db.migration" => Migration;
    /// Whether the Primary's database has the table of gateway write queues.
    observed PRIMARY_DB_WRITE_QUEUES: "primary_db.write_queues" => bool;
    /// The migration version that the deployed release expects.
    observed PRIMARY_DB_EXPECTED: "primary_db.expected" => i64;
    /// Migration state of the gateway's own database; absent where it has no bookkeeping table or row.
    observed GATEWAY_DB_MIGRATION: "gateway_db.migration" => Migration;
    /// Whether the gateway's own database has the table of gateway write queues.
    observed GATEWAY_DB_WRITE_QUEUES: "gateway_db.write_queues" => bool;
    /// The migration version that the deployed release expects of the gateway's database.
    observed GATEWAY_DB_EXPECTED: "gateway_db.expected" => i64;

    /// How much of the gateway's log was read.
    observed TEXT_GATEWAY_LOG: "text.gateway_log" => TextRead;
    /// How much of the Primary's log was read.
    observed TEXT_PRIMARY_LOG: "text.primary_log" => TextRead;
    /// How many events about the gateway were read.
    observed TEXT_EVENTS: "text.events" => TextRead;

    /// What the gateway's pods present to Entra: issuer, subject and audience.
    derived FEDERATION_PRESENTED: "federation.presented" => Presented,
        from "cluster.resource" | "gateway.pods" | "gateway.deployment";
    /// The credential nearest to what the pods present, compared field by field.
    derived FEDERATION_NEAREST: "federation.nearest" => Comparison,
        from "federation.presented" | "identity.credentials";
    /// The first thing that does not match, in the order Entra reports: `none`, `no-credential`,
    /// `issuer`, `audience`, `subject` or `subject-case`.
    derived FEDERATION_MISMATCH: "federation.mismatch" => String,
        from "federation.presented" | "identity.credentials";
    /// How a mismatch is mended.
    derived FEDERATION_REPAIR: "federation.repair" => FederationRepair,
        from "federation.presented" | "identity.credentials" | "gateway.service_accounts";
    /// The first container that needs workload identity and does not get it: its name, or empty where all do.
    derived GATEWAY_LACKS_IDENTITY: "gateway.lacks_identity" => String,
        from "gateway.pods";
    /// Users who cannot read a subscription that they should discover.
    derived OBO_GAPS: "obo.gaps" => Vec<AccessGap>,
        from "obo.access";
    /// Users who can read none of the judged subscriptions: discovery answers 200 with an empty list.
    derived OBO_BLIND_USERS: "obo.blind_users" => Vec<Principal>,
        from "obo.access";
    /// Gateways as the Primary knows them: from its API, else from its database.
    derived GATEWAYS_KNOWN: "gateways.known" => Vec<GatewayRecord>,
        from "primary.gateways_api" | "primary.gateways_db";
    /// The record of the gateway under examination.
    derived GATEWAYS_CURRENT: "gateways.current" => GatewayRecord,
        from "gateways.known";
    /// Records that are old: beside the active one, without a recent heartbeat.
    derived GATEWAYS_STALE: "gateways.stale" => Vec<GatewayRecord>,
        from "gateways.known";
    /// Active gateways that serve the environment under examination.
    derived GATEWAYS_ACTIVE: "gateways.active" => Vec<GatewayRecord>,
        from "gateways.known";
    /// Whether the current gateway's heartbeat is older than the timeout, or failures passed the threshold.
    derived GATEWAYS_HEARTBEAT_LOST: "gateways.heartbeat_lost" => bool,
        from "gateways.current";
    /// How the gateway's polls of the tasks endpoint end.
    derived TASKS_OUTCOME: "tasks.outcome" => Tasks,
        from "text.gateway_log" | "text.primary_log" | "gateways.heartbeat_lost";
    /// Whole days until the Primary's certificate ends; negative once it has.
    derived PRIMARY_CERTIFICATE_DAYS: "primary.certificate_days" => i64,
        from "primary.certificate";

    /// What does not agree with the deployment that was asked for; empty where all of it does.
    derived RUN_DISAGREEMENTS: "run.disagreements" => Vec<Disagreement>,
        from "cluster.resource" | "cluster.api" | "cluster.issuer" | "run.login" | "subscription.resource"
            | "identity.resource" | "gateway.deployment" | "primary.projects";
    /// Rights that this run lacked, each with the facts that stay unknown without it.
    derived RUN_DENIED: "run.denied" => Vec<MissingRight>, from "run.vantage";
    /// The clock that is furthest off.
    derived RUN_WORST_CLOCK: "run.worst_clock" => Clock, from "run.clocks";
    /// How the cluster is to be trusted: `credential`, or `identity-binding` where no credential per service
    /// account is expected.
    derived FEDERATION_MODE: "federation.mode" => String, from "gateway.pods" | "gateway.deployment";
    /// Whether a credential that is right is also old enough to have spread.
    derived FEDERATION_SETTLED: "federation.settled" => bool,
        from "federation.mismatch" | "identity.credentials";
    /// `MAZEVAULT_MODE` of the gateway's container; absent where it is set nowhere.
    derived GATEWAY_MODE: "gateway.mode" => String, from "gateway.deployment";
    /// The environment that the gateway's container is told to serve.
    derived GATEWAY_ENVIRONMENT: "gateway.environment" => String, from "gateway.deployment";
    /// The canonical form of that environment: lower case, without blanks around it.
    derived GATEWAY_CANONICAL: "gateway.environment_canonical" => String, from "gateway.environment";
    /// Whether the bootstrap token has ended; absent where its end is not known.
    derived GATEWAY_BOOTSTRAP_ENDED: "gateway.bootstrap_ended" => bool, from "gateway.secrets";
    /// The gateway's role: `primary` or `dr-standby`.
    derived GATEWAY_ROLE: "gateway.role" => String, from "gateway.deployment";
    /// The gateway's address of the Primary.
    derived GATEWAY_PRIMARY: "gateway.primary" => PrimaryAddress, from "gateway.deployment";
    /// Where the gateway keeps what it enrolled with; absent where no file is named.
    derived GATEWAY_STATE: "gateway.state" => StateFile, from "gateway.deployment";
    /// Where the bootstrap token comes from: `variable`, `secret`, `vault-file`, or `nowhere`.
    derived GATEWAY_BOOTSTRAP: "gateway.bootstrap" => String,
        from "gateway.deployment" | "gateway.delivery" | "gateway.secret_classes" | "gateway.secrets"
            | "gateway.external_secrets";
    /// How secrets come to the gateway.
    derived GATEWAY_DELIVERY: "gateway.delivery" => Delivery,
        from "gateway.deployment" | "gateway.secret_classes" | "gateway.external_secrets";
    /// Keys that the gateway needs and nothing delivers.
    derived GATEWAY_MISSING_KEYS: "gateway.missing_keys" => Vec<KeyNeed>,
        from "gateway.deployment" | "gateway.delivery" | "gateway.secret_classes" | "gateway.secrets";
    /// Keys that the gateway needs and that are empty.
    derived GATEWAY_EMPTY_KEYS: "gateway.empty_keys" => Vec<KeyNeed>,
        from "gateway.deployment" | "gateway.secrets";
    /// Secrets that should be there by now, and are not: nothing has mounted their class.
    derived GATEWAY_UNSYNCED: "gateway.unsynced" => Vec<String>,
        from "gateway.delivery" | "gateway.mounts" | "gateway.secret_classes" | "gateway.secrets";
    /// Mounted secrets that are older than the vault's.
    derived GATEWAY_STALE_SECRETS: "gateway.stale_secrets" => Vec<StaleSecret>,
        from "gateway.mounts" | "vault.secrets" | "gateway.pods";
    /// Containers that have been restarted again and again, and failed within the last hour.
    derived GATEWAY_UNSTABLE: "gateway.unstable" => Vec<String>, from "gateway.pods";
    /// Whether the rollout of the newest template has ended.
    derived GATEWAY_ROLLOUT: "gateway.rollout" => Rollout, from "gateway.deployment";
    /// Whether no rollout goes on; unknown while one does beside pods that work, absent where it is stuck.
    derived GATEWAY_ROLLED_OUT: "gateway.rolled_out" => bool, from "gateway.rollout" | "gateway.pods";
    /// What runs beside what the registry's tag and the Primary's host hold.
    derived IMAGE_DRIFT: "image.drift" => ImageDrift,
        from "gateway.pods" | "registry.tag" | "primary.services";
    /// Whether the gateway's network can come to the vault.
    derived VAULT_NETWORK: "vault.network" => VaultNetwork, from "vault.resource";
    /// The first public address among those that the vault's name resolves to from here; empty where all are private.
    derived VAULT_PUBLIC_ADDRESS: "vault.public_address" => String, from "vault.name";
    /// Principals that lack a data role (or a policy) at a vault.
    derived VAULT_GAPS: "vault.gaps" => Vec<AccessGap>,
        from "vault.access" | "vault.resource" | "vault.projects";
    /// Whether the assignments that let the gateway read are old enough to have spread.
    derived VAULT_SETTLED: "vault.settled" => bool, from "vault.access" | "vault.resource";
    /// The lack of the right to pull from the registry; empty where there is none.
    derived REGISTRY_GAPS: "registry.gaps" => Vec<AccessGap>, from "registry.access" | "registry.resource";
    /// Roles that the provisioning principal lacks.
    derived PROVISIONING_GAPS: "provisioning.gaps" => Vec<AccessGap>, from "provisioning.access";
    /// Providers that are needed and not registered.
    derived SUBSCRIPTION_UNREGISTERED: "subscription.unregistered" => Vec<ProviderState>,
        from "subscription.providers";
    /// Redirect URIs, registered and in use.
    derived APP_REDIRECTS: "app.redirects" => Redirects, from "app.registration" | "app.sign_in";
    /// Whole days until the client secret that lasts longest ends; negative once it has.
    derived APP_SECRET_DAYS: "app.secret_days" => i64, from "app.registration";
    /// Whether the Primary is reached, where this vantage can decide that.
    derived PRIMARY_PATH: "primary.path" => Reach,
        from "primary.reach" | "run.vantage" | "primary.services";
    /// The Primary's backend among its services; absent where a service that was configured by name is not there.
    derived PRIMARY_BACKEND: "primary.backend" => ComposeService, from "primary.services";
    /// Services of the Primary that should run and do not, or do so in a way that hurts.
    derived PRIMARY_TROUBLED: "primary.troubled" => Vec<ComposeService>, from "primary.services";
}
