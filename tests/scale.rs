//! Large deployments: the answer stays right, and the number of calls grows with the size and no faster.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

#[path = "scale/world.rs"]
mod world;

use mzv_doctor::diagnosis::Severity;
use mzv_doctor::report::{Format, Style, render};

use serde_json::json;
use world::{examine, examine_change};

#[tokio::test(flavor = "multi_thread")]
async fn a_large_deployment_is_judged_as_a_small_one() {
    let small = examine(250, 60, 25).await;
    let large = examine(2000, 500, 200).await;
    for (name, run) in [("small", &small), ("large", &large)] {
        let wrong: Vec<&str> = run
            .diagnosis
            .findings
            .iter()
            .filter(|finding| finding.severity != Severity::Notice)
            .map(|finding| finding.id.as_str())
            .collect();
        // The one fault that is staged: the last of the user's many roles is the one that would have let it read.
        assert_eq!(wrong, ["reader-missing", "obo-zero-subscriptions"], "{name}");
        let required: Vec<&str> =
            run.diagnosis.inconclusive.iter().filter(|row| row.required).map(|row| row.id.as_str()).collect();
        assert!(required.is_empty(), "{name}: {required:?}");
    }
    let pods = |run: &world::Run| run.snapshot.get(&mzv_doctor::fact::GATEWAY_PODS).value().unwrap().len();
    assert_eq!((pods(&small), pods(&large)), (60, 500));
    let held = |run: &world::Run| {
        run.snapshot.get(&mzv_doctor::fact::OBO_ACCESS).value().unwrap()[0].assignments.len()
    };
    assert_eq!((held(&small), held(&large)), (250, 2000));
    let (few, many) = (small.snapshot.calls.len(), large.snapshot.calls.len());
    assert!(many < few * 9, "{few} calls became {many} with eight times the size");
}

/// One fault in hundreds of gateways is one finding with their number, on a screen that can be read.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_fault_in_hundreds_of_gateways_is_one_finding() {
    let mut records = serde_json::Map::new();
    for number in 0..1000 {
        let stale = number < 400;
        records.insert(
            format!("9b1d0c52-0000-4000-9000-{number:012}"),
            json!({
                "name": format!("gateway-{number}"), "role": "primary", "consecutive_failures": 0,
                "environment": if stale { "npr".into() } else { format!("env-{number}") },
                "status": if stale { "inactive" } else { "active" }, "last_heartbeat": "2026-01-01T00:00:00Z",
            }),
        );
    }
    let run = examine_change(&json!({"primary": {"gateways": records}})).await;
    let wrong: Vec<_> = run.diagnosis.findings.iter().filter(|it| it.severity != Severity::Notice).collect();
    assert_eq!(wrong.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["stale-gateway-records"]);
    assert_eq!(wrong[0].brief, "400 old records");
    let style = Style { width: 100, color: false, verbose: false, unicode: true };
    let screen = render(&run.diagnosis, 0, Format::Terminal, style);
    let rows = screen.lines().take_while(|line| !line.contains("why")).count();
    assert!(rows < 15, "{screen}");
}
