//! Large deployments: the answer stays right, and the number of calls grows with the size and no faster.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

#[path = "scale/world.rs"]
mod world;

use mzv_doctor::diagnosis::Severity;

use world::examine;

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
