//! Answers that were recorded from the real services, where a folder of them lies beside the project, parse unchanged.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{application, cluster, identity, image, vault};

fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/domain/examples");
    folder.is_dir().then_some(folder)
}

fn read(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

/// The items of a listing, or the answer itself.
fn items(answer: &Value) -> Vec<Value> {
    answer.get("value").and_then(Value::as_array).map_or_else(|| vec![answer.clone()], Clone::clone)
}

type Parse = fn(&Value) -> Result<(), String>;

#[test]
fn recorded_answers_parse_unchanged() {
    let Some(folder) = folder() else { return };
    let answers: [(&[&str], Parse); 6] = [
        (&["aks-managed-cluster-get-recorded.json", "aks-managed-cluster-list-recorded.json"], |it| {
            cluster::parse_cluster(it).map(drop)
        }),
        (&["managed-identity-get.json", "managed-identity-get-recorded.json"], |it| {
            identity::parse_identity(it).map(drop)
        }),
        (&["fic-list.json"], |it| identity::parse_credential(it).map(drop)),
        (
            &[
                "keyvault-vault-get.json",
                "keyvault-vault-get-recorded.json",
                "keyvault-vault-list-recorded.json",
            ],
            |it| vault::parse_vault(it).map(drop),
        ),
        (&["acr-registry-get.json", "acr-registry-get-recorded.json"], |it| {
            image::parse_registry(it).map(drop)
        }),
        (&["graph-application-get.json"], |it| application::parse_application(it).map(drop)),
    ];
    for (names, parse) in answers {
        for name in names {
            for item in items(&read(&folder, name)) {
                assert_eq!(parse(&item), Ok(()), "{name}");
            }
        }
    }
}
