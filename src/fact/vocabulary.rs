//! The names of all facts, with their types: what rules may read and probes may answer for.

use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{AccessGap, Comparison, FederationRepair, Presented, Tasks};
use super::{
    Cluster, ComposeService, Deployment, FederatedCredential, GatewayRecord, GatewayRecords, Health, Imds,
    IssuerDocument, Login, ManagedIdentity, Migration, NameLookup, PeerCertificates, Pod,
    SecretProviderClass, ServiceAccount, TextRead, UserAccess,
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
    /// Whether it is computed from other facts and never observed.
    pub derived: bool,
    /// The JSON Schema of its value.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

macro_rules! facts {
    ($( $(#[doc = $doc:literal])+ $kind:ident $constant:ident: $name:literal => $type:ty; )+) => {
        $( $(#[doc = $doc])+ pub const $constant: Fact<$type> = Fact::new($name); )+

        /// Every fact there is, in the order of this file.
        pub fn vocabulary() -> Vec<FactSpec> {
            vec![ $( FactSpec {
                name: $name,
                doc: concat!($($doc),+),
                derived: facts!(@derived $kind),
                schema: <$type as JsonSchema>::json_schema,
            } ),+ ]
        }
    };
    (@derived observed) => { false };
    (@derived derived) => { true };
}

facts! {
    /// Which credential this run used against Azure.
    observed RUN_LOGIN: "run.login" => Login;
    /// Where this run was made from: `operator`, `docker`, `azure-vm`, `pod` or `ci`.
    observed RUN_VANTAGE: "run.vantage" => String;
    /// How the instance metadata endpoint answers from here.
    observed IMDS_ENDPOINT: "imds.endpoint" => Imds;

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

    /// What each judged user holds on each judged subscription.
    observed OBO_ACCESS: "obo.access" => Vec<UserAccess>;

    /// The Primary's answer to its health endpoint.
    observed PRIMARY_HEALTH: "primary.health" => Health;
    /// What the Primary presents in its TLS handshake.
    observed PRIMARY_CERTIFICATE: "primary.certificate" => PeerCertificates;
    /// What the Primary's host name resolves to from here.
    observed PRIMARY_NAME: "primary.name" => NameLookup;
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
    derived FEDERATION_PRESENTED: "federation.presented" => Presented;
    /// The credential nearest to what the pods present, compared field by field.
    derived FEDERATION_NEAREST: "federation.nearest" => Comparison;
    /// The first thing that does not match, in the order Entra reports: `none`, `no-credential`,
    /// `issuer`, `audience`, `subject`, `subject-case`, or `expression` where only Entra can tell.
    derived FEDERATION_MISMATCH: "federation.mismatch" => String;
    /// How a mismatch is mended.
    derived FEDERATION_REPAIR: "federation.repair" => FederationRepair;
    /// The first container that needs workload identity and does not get it: its name, or empty where all do.
    derived GATEWAY_LACKS_IDENTITY: "gateway.lacks_identity" => String;
    /// Users who cannot read a subscription that they should discover.
    derived OBO_GAPS: "obo.gaps" => Vec<AccessGap>;
    /// Users who can read none of the judged subscriptions: discovery answers 200 with an empty list.
    derived OBO_BLIND_USERS: "obo.blind_users" => Vec<String>;
    /// Gateways as the Primary knows them: from its API, else from its database.
    derived GATEWAYS_KNOWN: "gateways.known" => Vec<GatewayRecord>;
    /// The record of the gateway under examination.
    derived GATEWAYS_CURRENT: "gateways.current" => GatewayRecord;
    /// Records that are old: beside the active one, without a recent heartbeat.
    derived GATEWAYS_STALE: "gateways.stale" => Vec<GatewayRecord>;
    /// Active gateways that serve the environment under examination.
    derived GATEWAYS_ACTIVE: "gateways.active" => Vec<GatewayRecord>;
    /// Whether the current gateway's heartbeat is older than the timeout, or failures passed the threshold.
    derived GATEWAYS_HEARTBEAT_LOST: "gateways.heartbeat_lost" => bool;
    /// How the gateway's polls of the tasks endpoint end.
    derived TASKS_OUTCOME: "tasks.outcome" => Tasks;
    /// Whole days until the Primary's certificate ends; negative once it has.
    derived PRIMARY_CERTIFICATE_DAYS: "primary.certificate_days" => i64;
}
