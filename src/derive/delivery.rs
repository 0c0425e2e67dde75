//! How secrets come to the gateway, and what of them is missing, empty or old.

use std::collections::BTreeSet;

use super::workload::{container, keys_of};
use super::{Derived, Lack, need, put};
use crate::fact::{
    Container, Delivery, GATEWAY_BOOTSTRAP, GATEWAY_BOOTSTRAP_ENDED, GATEWAY_DELIVERY, GATEWAY_DEPLOYMENT,
    GATEWAY_EMPTY_KEYS, GATEWAY_EXTERNAL_SECRETS, GATEWAY_MISSING_KEYS, GATEWAY_MOUNTS, GATEWAY_PODS,
    GATEWAY_SECRET_CLASSES, GATEWAY_SECRETS, GATEWAY_STALE_SECRETS, GATEWAY_UNSYNCED, KeyNeed, Outcome,
    Reason, Snapshot, StaleSecret, VAULT_SECRETS,
};

/// The variable that a gateway enrols with.
const BOOTSTRAP: &str = "GATEWAY_BOOTSTRAP_TOKEN";
/// Seconds after which a mounted secret should have followed the vault: several of the driver's two-minute polls.
const ROTATED_S: i64 = 900;

pub(super) fn derive(snapshot: &mut Snapshot) {
    let delivery = delivery(snapshot);
    put(
        snapshot,
        &GATEWAY_DELIVERY,
        &[GATEWAY_DEPLOYMENT.name(), GATEWAY_SECRET_CLASSES.name(), GATEWAY_EXTERNAL_SECRETS.name()],
        delivery,
    );
    let from = [GATEWAY_DEPLOYMENT.name(), GATEWAY_DELIVERY.name(), GATEWAY_SECRETS.name()];
    let bootstrap = bootstrap(snapshot);
    put(snapshot, &GATEWAY_BOOTSTRAP, &from, bootstrap);
    let missing = missing_keys(snapshot);
    put(snapshot, &GATEWAY_MISSING_KEYS, &from, missing);
    let empty = empty_keys(snapshot);
    put(snapshot, &GATEWAY_EMPTY_KEYS, &[GATEWAY_SECRETS.name()], empty);
    let ended = bootstrap_ended(snapshot);
    put(snapshot, &GATEWAY_BOOTSTRAP_ENDED, &[GATEWAY_SECRETS.name()], ended);
    let unsynced = unsynced(snapshot);
    put(snapshot, &GATEWAY_UNSYNCED, &[GATEWAY_DELIVERY.name(), GATEWAY_MOUNTS.name()], unsynced);
    let stale = stale(snapshot);
    put(snapshot, &GATEWAY_STALE_SECRETS, &[GATEWAY_MOUNTS.name(), VAULT_SECRETS.name()], stale);
}

fn of_gateway(snapshot: &Snapshot) -> Derived<Container> {
    let deployment = need(snapshot, &GATEWAY_DEPLOYMENT)?;
    container(snapshot, &deployment)
}

/// Kubernetes secrets that a container takes variables from.
fn secrets_of(container: &Container) -> Vec<String> {
    let whole = container.secrets.iter().cloned();
    let names: BTreeSet<String> =
        whole.chain(container.references.iter().map(|it| it.secret.clone())).collect();
    names.into_iter().collect()
}

fn delivery(snapshot: &Snapshot) -> Derived<Delivery> {
    let deployment = need(snapshot, &GATEWAY_DEPLOYMENT)?;
    let secrets = secrets_of(&container(snapshot, &deployment)?);
    let classes = match need(snapshot, &GATEWAY_SECRET_CLASSES) {
        Ok(classes) => classes,
        // Without the kind there are no classes.
        Err(Lack::Absent(_)) => Vec::new(),
        Err(unknown) => return Err(unknown),
    };
    let missing: Vec<String> = deployment
        .secret_classes
        .iter()
        .filter(|name| !classes.iter().any(|class| class.name == **name))
        .cloned()
        .collect();
    let delivering: Vec<String> = classes
        .iter()
        .filter(|class| {
            deployment.secret_classes.contains(&class.name)
                || class.secrets.iter().any(|secret| secrets.contains(secret))
        })
        .map(|class| class.name.clone())
        .collect();
    if !delivering.is_empty() || !deployment.secret_classes.is_empty() {
        return Ok(Delivery { how: "csi".into(), by: delivering, secrets, missing });
    }
    let external = match need(snapshot, &GATEWAY_EXTERNAL_SECRETS) {
        Ok(external) => external,
        Err(Lack::Absent(_)) => Vec::new(),
        Err(unknown) => return Err(unknown),
    };
    let by: Vec<String> =
        external.iter().filter(|it| secrets.contains(&it.target)).map(|it| it.name.clone()).collect();
    let how = if by.is_empty() { "plain" } else { "external-secrets" };
    Ok(Delivery { how: how.into(), by, secrets, missing })
}

fn not_asked(fact: &'static str) -> Lack {
    Lack::Unknown(fact, Reason::NotAsked { option: "--secret-keys".into() })
}

/// Where the bootstrap token comes from. An encrypted file of secrets may hold it as well, so that a missing
/// variable alone proves nothing where such a file is mounted.
fn bootstrap(snapshot: &Snapshot) -> Derived<String> {
    let container = of_gateway(snapshot)?;
    let references = |it: &&crate::fact::KeyReference| it.variable == BOOTSTRAP;
    if let Some(reference) = container.references.iter().find(references) {
        return match keys_of(snapshot, &reference.secret) {
            Some(keys) if keys.contains(&reference.key) => Ok("secret".into()),
            Some(_) => Ok("nowhere".into()),
            None => Err(not_asked(GATEWAY_SECRETS.name())),
        };
    }
    if container.env.iter().any(|name| name == BOOTSTRAP) {
        return Ok("variable".into());
    }
    let mut unknown = !container.unread.is_empty();
    for secret in &container.secrets {
        match keys_of(snapshot, secret) {
            Some(keys) if keys.iter().any(|key| key == BOOTSTRAP) => return Ok("secret".into()),
            Some(_) => {}
            None => unknown = true,
        }
    }
    let file =
        container.mounts.iter().any(|it| it.path.contains("secrets.vault") || it.path.contains("vault.key"))
            || container.env.iter().any(|name| name.contains("SECRETS_VAULT") || name.contains("VAULT_KEY"));
    match (file, unknown) {
        (true, _) => Ok("vault-file".into()),
        (false, true) => Err(not_asked(GATEWAY_SECRETS.name())),
        (false, false) => Ok("nowhere".into()),
    }
}

/// Keys that are needed, with who needs them.
fn needed(snapshot: &Snapshot, container: &Container) -> Vec<KeyNeed> {
    let referred = container.references.iter().filter(|it| !it.optional).map(|it| KeyNeed {
        secret: it.secret.clone(),
        key: it.key.clone(),
        needed_by: format!("variable {}", it.variable),
    });
    let configured =
        snapshot.target.get("kubernetes.secret_keys").and_then(|it| it.value.as_array()).cloned();
    let configured = configured.unwrap_or_default().into_iter().filter_map(|key| {
        Some(KeyNeed {
            secret: container.secrets.first().cloned()?,
            key: key.as_str()?.to_owned(),
            needed_by: "setting kubernetes.secret_keys".into(),
        })
    });
    referred.chain(configured).collect()
}

fn missing_keys(snapshot: &Snapshot) -> Derived<Vec<KeyNeed>> {
    let container = of_gateway(snapshot)?;
    let mut missing = Vec::new();
    let mut unknown = false;
    for need in needed(snapshot, &container) {
        let anywhere = |secret: &String| keys_of(snapshot, secret).map(|keys| keys.contains(&need.key));
        let known = if need.needed_by.starts_with("setting") {
            let held: Vec<Option<bool>> = container.secrets.iter().map(anywhere).collect();
            if held.contains(&Some(true)) {
                Some(true)
            } else if held.contains(&None) {
                None
            } else {
                Some(false)
            }
        } else {
            anywhere(&need.secret)
        };
        match known {
            Some(true) => {}
            Some(false) => missing.push(need),
            None => unknown = true,
        }
    }
    if missing.is_empty() && unknown { Err(not_asked(GATEWAY_SECRETS.name())) } else { Ok(missing) }
}

fn empty_keys(snapshot: &Snapshot) -> Derived<Vec<KeyNeed>> {
    let secrets = need(snapshot, &GATEWAY_SECRETS)?;
    let container = of_gateway(snapshot)?;
    let taken_whole = |secret: &str| container.secrets.iter().any(|name| name == secret);
    let referred = |secret: &str, key: &str| {
        container.references.iter().any(|it| it.secret == secret && it.key == key && !it.optional)
    };
    Ok(secrets
        .iter()
        .flat_map(|secret| secret.keys.iter().map(move |key| (secret, key)))
        .filter(|(secret, key)| {
            key.length == "empty" && (taken_whole(&secret.name) || referred(&secret.name, &key.name))
        })
        .map(|(secret, key)| KeyNeed {
            secret: secret.name.clone(),
            key: key.name.clone(),
            needed_by: container.name.clone(),
        })
        .collect())
}

/// By the time of the run: the Primary's own clock decides, and a minute does not matter here.
fn bootstrap_ended(snapshot: &Snapshot) -> Derived<bool> {
    let secrets = need(snapshot, &GATEWAY_SECRETS)?;
    let token = secrets.iter().flat_map(|secret| &secret.keys).find(|key| key.name == BOOTSTRAP);
    let ends = token.and_then(|key| key.ends_at).ok_or(Lack::Absent(GATEWAY_SECRETS.name()))?;
    Ok(ends < snapshot.observed_at)
}

/// Secrets of the gateway that a class should have synced, and has not. A synced secret exists only while a pod has
/// the class mounted.
fn unsynced(snapshot: &Snapshot) -> Derived<Vec<String>> {
    let delivery = need(snapshot, &GATEWAY_DELIVERY)?;
    if delivery.how != "csi" {
        return Err(Lack::Absent(GATEWAY_DELIVERY.name()));
    }
    // Secrets are made while a pod mounts the class: a standby without pods has none.
    if need(snapshot, &GATEWAY_DEPLOYMENT)?.replicas == 0 {
        return Err(Lack::Absent(GATEWAY_DEPLOYMENT.name()));
    }
    if let Outcome::Known(read) = snapshot.get(&GATEWAY_SECRETS).outcome {
        return Ok(read.into_iter().filter(|secret| !secret.exists).map(|secret| secret.name).collect());
    }
    let classes = need(snapshot, &GATEWAY_SECRET_CLASSES)?;
    let mounts = match need(snapshot, &GATEWAY_MOUNTS) {
        Ok(mounts) => mounts,
        Err(Lack::Absent(_)) => Vec::new(),
        Err(unknown) => return Err(unknown),
    };
    let mounted = |class: &str| mounts.iter().any(|mount| mount.class == class && mount.mounted);
    Ok(delivery
        .secrets
        .into_iter()
        .filter(|secret| {
            let mut filling = classes.iter().filter(|class| class.secrets.contains(secret)).peekable();
            filling.peek().is_some() && !filling.any(|class| mounted(&class.name))
        })
        .collect())
}

fn stale(snapshot: &Snapshot) -> Derived<Vec<StaleSecret>> {
    let mounts = need(snapshot, &GATEWAY_MOUNTS)?;
    let current = need(snapshot, &VAULT_SECRETS)?;
    let pods = need(snapshot, &GATEWAY_PODS)?;
    let container = of_gateway(snapshot)?;
    let classes = need(snapshot, &GATEWAY_SECRET_CLASSES)?;
    let now = snapshot.observed_at.as_second();
    let mut found = Vec::new();
    for mount in mounts.iter().filter(|mount| mount.mounted) {
        let Some(pod) = pods.iter().find(|pod| pod.name == mount.pod) else { continue };
        let class = classes.iter().find(|class| class.name == mount.class);
        for object in &mount.objects {
            let Some(secret) = current.iter().find(|it| it.name.eq_ignore_ascii_case(&object.name)) else {
                continue;
            };
            let Some(updated) = secret.updated_at else { continue };
            let old_enough = now - updated.as_second() > ROTATED_S;
            let as_variable = class.is_some_and(|class| {
                let secrets = secrets_of(&container);
                class.keys.iter().any(|key| key.object == object.name && secrets.contains(&key.secret))
            });
            let differs = !secret.version.is_empty() && object.version != secret.version;
            let why = if differs && old_enough {
                "the driver has not mounted the newer version: rotation is off, or fails"
            } else if as_variable && pod.created_at.is_some_and(|at| at < updated) && old_enough {
                "the pod started before, and variables of a running pod never change"
            } else {
                continue;
            };
            found.push(StaleSecret {
                name: secret.name.clone(),
                pod: mount.pod.clone(),
                has: if differs { object.version.clone() } else { "the value of its start".into() },
                current: secret.version.clone(),
                why: why.into(),
            });
        }
    }
    Ok(found)
}
