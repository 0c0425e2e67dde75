//! CPU time of a search against ripgrep's with the same expressions over the same text, as ratios.
//!
//! `cargo bench --bench scan`; the size of the text in MiB comes from `MZV_DOCTOR_BENCH_MIB` (1024 by default).
#![expect(clippy::unwrap_used, reason = "a benchmark ends at the first thing that is not as it should be")]
#![expect(clippy::print_stdout, reason = "what a benchmark is for")]

#[path = "scan/text.rs"]
mod text;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use mzv_doctor::fact::TextSource;
use mzv_doctor::rule::{Scanner, scanner};
use mzv_doctor::scan::{Each, Handed, Reading, run};
use mzv_doctor::text::{Clock, walk};
use nix::sys::resource::{UsageWho, getrusage};

/// Pairs of runs; the ratio is that of the least times.
const PAIRS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--child") {
        let logs: Vec<PathBuf> = arguments[at + 2..].iter().map(PathBuf::from).collect();
        return child(Path::new(&arguments[at + 1]), &logs);
    }
    // `cargo test` runs benchmarks as well, without this.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let mib: usize = std::env::var("MZV_DOCTOR_BENCH_MIB").map_or(1024, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, rarity: usize| {
        let path = folder.path().join(name);
        let mut out = BufWriter::new(File::create(&path).unwrap());
        text::write(&mut out, mib << 20, rarity, text::SYMPTOMS).unwrap();
        out.flush().unwrap();
        path
    };
    let rare = make("rare.log", 2000);
    let often = make("often.log", 100);
    println!(
        "text: {mib} MiB, one line in 2000 or in 100 shows something; user and system time, least of {PAIRS} pairs"
    );
    println!("{:30} {:>9} {:>9} {:>7} {:>9}", "", "ripgrep", "this", "ratio", "memory");
    for count in [150, 1500] {
        let patterns = folder.path().join(format!("{count}.patterns"));
        std::fs::write(&patterns, expressions(count).join("\n")).unwrap();
        for (what, log) in [("1 in 2000", &rare), ("1 in 100", &often)] {
            let label = format!("{count} rules, {what}");
            pair(&label, &mut rg(&patterns, log), &mut this(&patterns, &[log]));
        }
    }
    let packed = folder.path().join("rare.tar.gz");
    let tar = ["czf", packed.to_str().unwrap(), "-C", folder.path().to_str().unwrap(), "rare.log"];
    assert!(Command::new("tar").args(tar).status().unwrap().success());
    let patterns = folder.path().join("150.patterns");
    let script = format!("tar xzOf {} | rg -c -j1 --no-unicode -f {}", packed.display(), patterns.display());
    let mut unpacked = Command::new("sh");
    unpacked.args(["-c", &script]);
    pair("150 rules, tar.gz", &mut unpacked, &mut this(&patterns, &[&packed]));
}

/// As many rules as asked for, of which an eighth shows in the text: codes, sentences, and sentences with a gap.
fn expressions(count: usize) -> Vec<String> {
    let mut numbers = text::Numbers::new(7);
    let real = [
        r"\bAADSTS700213\b",
        r"\bAADSTS7000222\b",
        r"(?i)certificate signed by unknown authority",
        r"(?i)dial tcp \S{1,60}: connect: connection refused",
        r#"(?i)password authentication failed for user "([^"]{1,60})""#,
        r"(?i)back-off .{0,20}restarting failed container",
        r"(?i)lookup (\S{1,80}) on \S{1,60}: no such host",
        r#"(?i)relation "([\w.]{1,60})" does not exist"#,
    ];
    let mut all: BTreeSet<String> = real.iter().map(|&one| one.to_owned()).collect();
    let nouns =
        ["record", "assertion", "session", "replica", "quota", "certificate", "token", "endpoint", "ledger"];
    let verbs =
        ["rejected", "exhausted", "missing", "revoked", "malformed", "throttled", "diverged", "orphaned"];
    let things =
        ["listener", "mailbox", "tenancy", "keyring", "enclave", "manifest", "partition", "beacon", "relay"];
    while all.len() < count {
        let number = numbers.below(90_000) + 10_000;
        let (noun, verb, thing) =
            (numbers.one(&nouns[..]), numbers.one(&verbs[..]), numbers.one(&things[..]));
        all.insert(match numbers.below(3) {
            0 => format!(r"\bAADSTS{number}{}\b", numbers.below(100)),
            1 => format!(r#"(?i){noun} {verb} by {thing} {} with reason "([^"]{{1,80}})""#, number % 977),
            _ => format!(r"(?i)the {thing}-{} .{{0,80}}? was {verb}", number % 1987),
        });
    }
    all.into_iter().collect()
}

fn rg(patterns: &Path, log: &Path) -> Command {
    let mut command = Command::new("rg");
    command.args(["-c", "-j1", "--no-unicode", "--no-config", "-f"]).arg(patterns).arg(log);
    command.args(["--regex-size-limit", "1G", "--dfa-size-limit", "1G"]);
    command
}

fn this(patterns: &Path, logs: &[&Path]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--child").arg(patterns).args(logs);
    command
}

/// What the searching process does: prints the lines that show something, and the memory it took in KiB.
fn child(patterns: &Path, logs: &[PathBuf]) {
    let expressions = std::fs::read_to_string(patterns).unwrap();
    let embedded = expressions.is_empty();
    let names: Vec<String> = (0..expressions.lines().count()).map(|number| number.to_string()).collect();
    let scanner = if embedded {
        scanner()
    } else {
        Scanner::for_patterns(names.iter().map(String::as_str).zip(expressions.lines())).unwrap()
    };
    let clock = Clock { now: "2026-11-30T00:00:00Z".parse().unwrap() };
    let reading = Reading { scanner: &scanner, source: TextSource::Text, clock, since: None, eager: false };
    let mut seen = BTreeSet::new();
    let sources = logs.iter().flat_map(|log| walk(log, &mut seen)).map(Handed::File).collect();
    let outcome = run(sources, reading, Each::Silent);
    assert!(outcome.problems.is_empty(), "{:?}", outcome.problems);
    let found: u64 =
        outcome.seen.iter().flat_map(|(_, seen)| seen.tallies.values()).map(|tally| tally.count).sum();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    println!("{found} {}", peak.trim().split(' ').next().unwrap_or("0"));
}

fn pair(label: &str, rg: &mut Command, this: &mut Command) {
    let (mut theirs, mut ours) = (Duration::MAX, Duration::MAX);
    let (mut counts, mut memory) = ((0, 0), 0);
    for _ in 0..PAIRS {
        let (took, out) = timed(rg);
        theirs = theirs.min(took);
        counts.0 = out.rsplit(':').next().unwrap().trim().parse().unwrap();
        let (took, out) = timed(this);
        ours = ours.min(took);
        let mut words = out.split_whitespace().map(|word| word.parse::<u64>().unwrap());
        counts.1 = words.next().unwrap();
        memory = memory.max(words.next().unwrap());
    }
    assert_eq!(counts.0, counts.1, "both find the same lines");
    println!(
        "{label:30} {:>7.2} s {:>7.2} s {:>7.2} {:>5} MiB",
        theirs.as_secs_f64(),
        ours.as_secs_f64(),
        ours.as_secs_f64() / theirs.as_secs_f64(),
        memory.div_ceil(1024)
    );
}

/// CPU time of a process and its own, and what it printed.
fn timed(command: &mut Command) -> (Duration, String) {
    let spent = || {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
        let total = usage.user_time() + usage.system_time();
        Duration::from_micros(u64::try_from(total.tv_sec() * 1_000_000 + total.tv_usec()).unwrap())
    };
    let before = spent();
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{command:?}");
    (spent().checked_sub(before).unwrap(), String::from_utf8(output.stdout).unwrap())
}
