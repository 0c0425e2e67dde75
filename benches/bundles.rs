//! A folder of bundles judged, beside unpacking the same bundles and searching them for one name; as ratios, with memory.
//!
//! `cargo bench --bench bundles`; the number of bundles comes from `MZV_DOCTOR_BENCH_BUNDLES` (1000 by default).
#![expect(clippy::unwrap_used, reason = "a benchmark ends at the first thing that is not as it should be")]
#![expect(clippy::print_stdout, reason = "what a benchmark is for")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mzv_doctor::bundle::{self, Check, Contents};
use mzv_doctor::redact::{Log, Values};
use nix::sys::resource::{UsageWho, getrusage};

/// Runs of each; the least time counts.
const RUNS: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--memory") {
        check(Path::new(&arguments[at + 1])).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        return println!("{}", getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() / 1024);
    }
    // `cargo test` runs benchmarks as well, without this.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let most: usize = std::env::var("MZV_DOCTOR_BENCH_BUNDLES").map_or(1000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    println!("{:>8} {:>10} {:>12} {:>10} {:>8}", "bundles", "this", "tar and grep", "ratio", "memory");
    for number in [most / 4, most / 2, most] {
        let all = folder.path().join(number.to_string());
        make(&all, number);
        let this = least(|| check(&all));
        // In a process of its own, whose only child it is.
        let memory = Command::new(&arguments[0]).arg("--memory").arg(&all).output().unwrap();
        // As somebody would without this program: unpack each, and count those in which a name stands.
        let search = "find . -name '*.tar.zst' -print0 | xargs -0 -n 1 -P \"$(nproc)\" sh -c \
                      'zstd -dc \"$0\" | tar -xO | grep -c AADSTS700213 > /dev/null; true'";
        let plain = least(|| {
            let mut shell = Command::new("sh");
            shell.args(["-c", search]).current_dir(&all);
            shell
        });
        println!(
            "{number:>8} {:>8.2} s {:>10.2} s {:>10.2} {:>4} MiB",
            this.as_secs_f64(),
            plain.as_secs_f64(),
            this.as_secs_f64() / plain.as_secs_f64(),
            String::from_utf8_lossy(&memory.stdout).trim()
        );
    }
}

fn check(folder: &Path) -> Command {
    let mut check = Command::new(env!("CARGO_BIN_EXE_mzv-doctor"));
    check.args(["check", "--bundle"]).arg(folder);
    check
}

/// So many bundles, each of a run at another time.
fn make(all: &Path, number: usize) {
    std::fs::create_dir(all).unwrap();
    let kinds: Vec<_> = ["healthy", "subject-mismatch", "tasks-401"]
        .iter()
        .map(|scenario| {
            let file = all.join("one");
            let made = Command::new(env!("CARGO_BIN_EXE_mzv-doctor"))
                .args(["bundle", "create", "--lab", scenario, "-o"])
                .arg(&file)
                .stdout(Stdio::null())
                .status()
                .unwrap();
            assert!(made.success());
            bundle::read(&file, Check::Strict).unwrap()
        })
        .collect();
    std::fs::remove_file(all.join("one")).unwrap();
    let log = Log::new();
    for at in 0..number {
        let kind = &kinds[at % kinds.len()];
        let mut snapshot = kind.snapshot.clone();
        snapshot.observed_at += Duration::from_secs(at as u64);
        let contents = Contents {
            snapshot,
            raw: Vec::new(),
            left_out: 0,
            log: &log,
            interrupted: false,
            pseudonyms: false,
            found: kind.manifest.found.clone(),
            rules: BTreeMap::clone(&kind.manifest.rules),
        };
        bundle::write(&all.join(format!("{at}.tar.zst")), contents, &Values::default()).unwrap();
    }
}

fn least(mut command: impl FnMut() -> Command) -> Duration {
    (0..RUNS)
        .map(|_| {
            let began = Instant::now();
            command().stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
            began.elapsed()
        })
        .min()
        .unwrap()
}
