//! The published schemas say what the types say.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use mzv_doctor::bundle::Manifest;
use mzv_doctor::diagnosis::{Changes, Explanation, Steps, Why};
use mzv_doctor::fact::Snapshot;
use mzv_doctor::gate::Suppressions;
use mzv_doctor::report::{Document, Event, Overview, ScanDocument, ScanLine};

fn check(name: &str, schema: &schemars::Schema) {
    let text = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    let path = format!("{}/schema/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == text, "schema/{name} is stale: run UPDATE_SCHEMA=1 cargo test --test schema");
}

#[test]
fn the_diagnosis_schema_is_fresh() {
    check("diagnosis.v1.json", &schemars::schema_for!(Document));
}

#[test]
fn the_snapshot_schema_is_fresh() {
    check("snapshot.v1.json", &schemars::schema_for!(Snapshot));
}

#[test]
fn the_bundle_schema_is_fresh() {
    check("bundle.v1.json", &schemars::schema_for!(Manifest));
    check("overview.v1.json", &schemars::schema_for!(Overview));
}

#[test]
fn the_scan_schemas_are_fresh() {
    check("scan.v1.json", &schemars::schema_for!(ScanDocument));
    check("scan-line.v1.json", &schemars::schema_for!(ScanLine));
}

#[test]
fn the_explanation_schema_is_fresh() {
    check("explain.v1.json", &schemars::schema_for!(Vec<Explanation>));
}

#[test]
fn the_schemas_of_other_verbs_are_fresh() {
    check("why.v1.json", &schemars::schema_for!(Vec<Why>));
    check("steps.v1.json", &schemars::schema_for!(Steps));
    check("changes.v1.json", &schemars::schema_for!(Changes));
}

#[test]
fn the_schemas_of_a_pipeline_are_fresh() {
    check("event.v1.json", &schemars::schema_for!(Event<'_>));
    check("suppressions.v1.json", &schemars::schema_for!(Suppressions));
}
