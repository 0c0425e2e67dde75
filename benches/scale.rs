//! How long an examination takes as a deployment grows: each size beside the smallest, as a ratio. A ratio near the
//! ratio of the sizes is linear growth.
#![expect(clippy::unwrap_used, reason = "a benchmark ends at the first thing that is not as it should be")]
#![expect(clippy::print_stdout, reason = "what a benchmark is for")]

#[path = "../tests/scale/world.rs"]
mod world;

use std::time::{Duration, Instant};

/// Role assignments, pods and gateways of the smallest deployment; the others are multiples of it.
const SMALLEST: [usize; 3] = [250, 62, 25];
const RUNS: usize = 3;

fn main() {
    // `cargo test` runs benchmarks as well, without this.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut first = Duration::ZERO;
    println!("size   assignments   pods   gateways   median     ratio");
    for times in [1, 2, 4, 8] {
        let [assignments, pods, gateways] = SMALLEST.map(|size| size * times);
        let mut took: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let began = Instant::now();
                let run = runtime.block_on(world::examine(assignments, pods, gateways));
                assert!(run.diagnosis.findings.len() >= 2 && !run.snapshot.calls.is_empty());
                began.elapsed()
            })
            .collect();
        took.sort_unstable();
        let median = took[RUNS / 2];
        if first.is_zero() {
            first = median;
        }
        println!(
            "{times:>3}x   {assignments:>11}   {pods:>4}   {gateways:>8}   {:>5} ms   {:>5.2}",
            median.as_millis(),
            median.as_secs_f64() / first.as_secs_f64()
        );
    }
}
