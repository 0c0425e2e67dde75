//! The migration and gateway probes against a real PostgreSQL server, with the rest of the deployment from the lab.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use mzv_doctor::client::{Postgres, Secret, install_crypto};
use mzv_doctor::derive::derive;
use mzv_doctor::diagnosis::{Diagnosis, Inconclusive, Policy, diagnose};
use mzv_doctor::fact::{Outcome, Snapshot, Vantage, vocabulary};
use mzv_doctor::lab;
use mzv_doctor::probe::{self, Clients, Watch};
use mzv_doctor::rule;
use mzv_doctor::target::{Kind, Target, table};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::json;

/// A server in a temporary folder, run by an ordinary user.
struct Server {
    folder: tempfile::TempDir,
    port: u16,
    process: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let stopped = as_user(&binary("pg_ctl"))
            .args(["stop", "-m", "immediate", "-D"])
            .arg(self.folder.path().join("db"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        drop((stopped, self.process.wait()));
    }
}

fn binary(name: &str) -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| {
            entries.filter_map(Result::ok).map(|entry| entry.path().join("bin").join(name)).collect()
        })
        .unwrap_or_default();
    versions.retain(|path| path.is_file());
    versions.sort();
    versions.pop().unwrap_or_else(|| PathBuf::from(name))
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8_lossy(&id.stdout).trim() == "0"
}

/// PostgreSQL refuses to run as root.
fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
    command
}

fn run(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

const PASSWORD: &str = "correct-horse";

impl Server {
    /// Starts a server; with `tls`, one that takes no connection without it.
    fn start(tls: Option<&Certificates>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let data = folder.path().join("db");
        let password = folder.path().join("password");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(&password, PASSWORD).unwrap();
        let mut extra = String::new();
        let mut access = "host all all 127.0.0.1/32 scram-sha-256\n";
        if let Some(certificates) = tls {
            for (name, text) in [("server.crt", &certificates.leaf), ("server.key", &certificates.key)] {
                std::fs::write(folder.path().join(name), text).unwrap();
                let only_owner = std::fs::Permissions::from_mode(0o600);
                std::fs::set_permissions(folder.path().join(name), only_owner).unwrap();
            }
            let at = |name: &str| folder.path().join(name).display().to_string();
            extra = format!(
                "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
                at("server.crt"),
                at("server.key")
            );
            access = "hostssl all all 127.0.0.1/32 scram-sha-256\n";
        }
        if is_root() {
            run(Command::new("chown").arg("-R").arg("nobody:nogroup").arg(folder.path()));
        }
        run(as_user(&binary("initdb"))
            .args(["--username=mazevault", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"])
            .arg(format!("--pwfile={}", password.display()))
            .arg("-D")
            .arg(&data));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n{extra}"
        );
        let mut config = std::fs::read_to_string(data.join("postgresql.conf")).unwrap();
        config.push_str(&settings);
        std::fs::write(data.join("postgresql.conf"), config).unwrap();
        std::fs::write(data.join("pg_hba.conf"), access).unwrap();
        let process = as_user(&binary("postgres"))
            .arg("-D")
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { folder, port, process }
    }

    fn url(&self, user: &str, password: &str, database: &str, mode: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}?sslmode={mode}", self.port)
    }

    /// Runs statements as the owner, waiting for the server to take connections first.
    async fn sql(&self, database: &str, statements: &str) {
        let until = Instant::now() + Duration::from_mins(1);
        loop {
            let url = self.url("mazevault", PASSWORD, database, "disable");
            match tokio_postgres::connect(&url, tokio_postgres::NoTls).await {
                Ok((client, connection)) => {
                    tokio::spawn(connection);
                    client.batch_execute(statements).await.unwrap();
                    return;
                }
                Err(error) => assert!(Instant::now() < until, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn database(&self, name: &str, statements: &str) {
        self.sql("postgres", &format!("CREATE DATABASE {name}")).await;
        self.sql(name, statements).await;
    }
}

struct Certificates {
    authority: String,
    leaf: String,
    key: String,
}

fn certificates() -> Certificates {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let leaf_key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&leaf_key, &issuer).unwrap();
    Certificates { authority, leaf: leaf.pem(), key: leaf_key.serialize_pem() }
}

struct Silent;

impl Watch for Silent {}

/// The healthy lab with this database, and perhaps a further authority.
async fn examine(url: &str, authority: Option<&str>) -> (Snapshot, Diagnosis) {
    install_crypto();
    let staged = lab::stage(lab::load("healthy", Timestamp::now()).unwrap()).await.unwrap();
    let file = staged.folder().join("real-database-url");
    std::fs::write(&file, url).unwrap();
    let mut settings = staged.settings();
    settings.insert("database.url_file".into(), json!(file.display().to_string()));
    if let Some(pem) = authority {
        let bundle = settings["network.ca_file"].as_str().unwrap().to_owned();
        let all = format!("{}{pem}", std::fs::read_to_string(&bundle).unwrap());
        std::fs::write(&bundle, all).unwrap();
    }
    settings.insert("run.request_timeout".into(), json!("5s"));
    let target = Target::staged(settings, "lab").unwrap();
    let clients = Clients::new(target, Vantage::Operator).unwrap();
    let mut snapshot = Snapshot::new(Timestamp::now(), Vantage::Operator);
    snapshot.target = clients.target.settings().clone();
    probe::run(&probe::probes(), &clients, &mut snapshot, &Silent).await;
    derive(&mut snapshot);
    let names: Vec<_> = table().iter().map(|spec| (spec.name, spec.kind == Kind::List)).collect();
    let rules = rule::load(&vocabulary(), &names, None).unwrap();
    let diagnosis = diagnose(&snapshot, &rules, &Policy::default());
    assert_eq!(staged.unexpected(), Vec::<String>::new());
    (snapshot, diagnosis)
}

fn found(diagnosis: &Diagnosis) -> Vec<&str> {
    let wrong = diagnosis.findings.iter().filter(|it| it.severity != mzv_doctor::diagnosis::Severity::Notice);
    let mut ids: Vec<&str> = wrong.map(|it| it.id.as_str()).collect();
    ids.sort_unstable();
    ids
}

/// The state that a name's missing fact ended in.
fn lack(diagnosis: &Diagnosis, id: &str) -> (String, String) {
    let row =
        diagnosis.inconclusive.iter().find(|row| row.id == id).unwrap_or_else(|| panic!("{id} is decided"));
    assert!(row.required || row.severity != mzv_doctor::diagnosis::Severity::Error, "{id}");
    (row.missing[0].reason.label(), row.missing[0].reason.detail())
}

const MIGRATED: &str = "
    CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
    INSERT INTO schema_migrations VALUES (125, false);
    CREATE TABLE gateway_write_queues (id bigint);
    CREATE TABLE gateways (id uuid, name text, environment text, activation_status text,
        last_heartbeat timestamptz, consecutive_failures int);
    INSERT INTO gateways VALUES ('9b1d0c52-0000-4000-8000-000000000001', 'azure-gateway-gwc-01', 'npr',
        'active', now() - interval '20 seconds', 0);";

const MISSING: &str = "migration-missing-gateway-write-queues";

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_in_every_state() {
    let server = Server::start(None);
    let open = |database: &str| server.url("mazevault", PASSWORD, database, "disable");

    server.database("migrated", MIGRATED).await;
    let (snapshot, diagnosis) = examine(&open("migrated"), None).await;
    assert_eq!(found(&diagnosis), Vec::<&str>::new());
    assert!(diagnosis.inconclusive.iter().all(Inconclusive::is_by_choice), "{:?}", diagnosis.inconclusive);
    let records = snapshot.get(&mzv_doctor::fact::PRIMARY_GATEWAYS_DB);
    let age = records.value().unwrap().gateways[0].heartbeat_age_s.unwrap();
    assert!((20..80).contains(&age), "{age}");

    server.database("nothing", "SELECT 1").await;
    // Another application's database, or another schema: nothing is proved about migrations, and nothing passes.
    let (_, diagnosis) = examine(&open("nothing"), None).await;
    assert_eq!(found(&diagnosis), Vec::<&str>::new());
    let (label, detail) = lack(&diagnosis, MISSING);
    assert_eq!(label, "malformed");
    assert!(detail.contains("holds no table"), "{detail}");

    server.database("older", "CREATE TABLE schema_migrations (version bigint, dirty boolean); INSERT INTO schema_migrations VALUES (110, false)").await;
    let (_, diagnosis) = examine(&open("older"), None).await;
    assert_eq!(found(&diagnosis), ["migration-behind", MISSING]);

    server.database("dirty", &MIGRATED.replace("125, false", "111, true")).await;
    let (_, diagnosis) = examine(&open("dirty"), None).await;
    assert_eq!(found(&diagnosis), ["migration-behind", "migration-dirty"]);

    server.database("newer", &MIGRATED.replace("125, false", "130, false")).await;
    let (_, diagnosis) = examine(&open("newer"), None).await;
    assert_eq!(found(&diagnosis), ["db-migration-version-missing"]);

    let (_, diagnosis) = examine(&server.url("mazevault", "wrong", "migrated", "disable"), None).await;
    assert_eq!(found(&diagnosis), Vec::<&str>::new());
    let (label, detail) = lack(&diagnosis, MISSING);
    assert_eq!(label, "denied");
    assert!(detail.contains("28P01") && !detail.contains("wrong"), "{detail}");

    // The catalogue shows that the table is there; its row may not be read.
    server.sql("migrated", "CREATE ROLE reader LOGIN PASSWORD 'reader'").await;
    let (_, diagnosis) = examine(&server.url("reader", "reader", "migrated", "disable"), None).await;
    assert_eq!(found(&diagnosis), Vec::<&str>::new());
    assert!(diagnosis.passed.iter().any(|row| row.id == MISSING));
    let (label, detail) = lack(&diagnosis, "migration-dirty");
    assert_eq!(label, "denied");
    assert!(detail.contains("42501"), "{detail}");

    let (_, diagnosis) = examine(&open("no_such_database"), None).await;
    assert_eq!(lack(&diagnosis, MISSING).0, "denied");

    let (_, diagnosis) = examine(&server.url("mazevault", PASSWORD, "migrated", "require"), None).await;
    let (label, detail) = lack(&diagnosis, MISSING);
    assert_eq!(label, "unreachable (tls)", "{detail}");

    let gone = open("migrated");
    drop(server);
    let (_, diagnosis) = examine(&gone, None).await;
    assert_eq!(lack(&diagnosis, MISSING).0, "unreachable (connect)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_demands_tls() {
    let made = certificates();
    let server = Server::start(Some(&made));
    let until = Instant::now() + Duration::from_mins(1);
    while std::net::TcpStream::connect(("127.0.0.1", server.port)).is_err() {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;

    let (_, diagnosis) = examine(&server.url("mazevault", PASSWORD, "postgres", "disable"), None).await;
    let (label, detail) = lack(&diagnosis, MISSING);
    assert_eq!(label, "denied", "{detail}");
    assert!(detail.contains("28000"), "{detail}");

    let verified = server.url("mazevault", PASSWORD, "postgres", "verify-full");
    let (_, diagnosis) = examine(&verified, None).await;
    let (label, detail) = lack(&diagnosis, MISSING);
    assert_eq!(label, "unreachable (tls)", "{detail}");

    let (_, diagnosis) = examine(&verified, Some(&made.authority)).await;
    let (_, detail) = lack(&diagnosis, MISSING);
    assert!(detail.contains("holds no table"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_cannot_write() {
    let server = Server::start(None);
    server.database("guarded", MIGRATED).await;
    install_crypto();
    let staged = lab::stage(lab::load("healthy", Timestamp::now()).unwrap()).await.unwrap();
    let clients = Clients::new(Target::staged(staged.settings(), "lab").unwrap(), Vantage::Operator).unwrap();
    let url = Secret::new(server.url("mazevault", PASSWORD, "guarded", "disable"));
    let database = Postgres::new(clients.transport(), &url);
    let seen = database.rows("DELETE FROM gateways").await;
    assert!(seen.reason().unwrap().detail().contains("25006"), "{seen:?}");
    let left = database.rows("SELECT count(*) FROM gateways").await;
    assert!(matches!(left.outcome, Outcome::Known(rows) if rows[0][0].as_deref() == Some("1")));
}
