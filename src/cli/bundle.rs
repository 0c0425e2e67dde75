//! `bundle`: a run as one file for a ticket; what is in such a file; and the same with less in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::arguments::{Bundle, Create, Examine, Redact, Show};
use super::examination::{Examination, policy, values};
use super::{Failure, output};
use crate::bundle::{self, Check, Contents, Manifest, Raw};
use crate::derive::derive;
use crate::diagnosis::{Diagnosis, diagnose};
use crate::fact::{GATEWAY_PODS, Outcome, Snapshot, Vantage};
use crate::gate::exit;
use crate::redact::{Log, Pseudonyms, Removed, Values, Within, each_text, redact, redact_snapshot};
use crate::report::one_line;
use crate::rule::{self, RuleTable};

/// Names that are told of several.
const NAMED: usize = 6;
/// Bytes of a random key.
const KEY: usize = 32;

pub(super) async fn bundle(verb: Bundle) -> Result<u8, Failure> {
    match verb {
        Bundle::Create(wanted) => Box::pin(create(*wanted)).await,
        Bundle::Show(wanted) => show(&wanted),
        Bundle::Redact(wanted) => again(&wanted),
    }
}

async fn create(wanted: Create) -> Result<u8, Failure> {
    let Create { output: file, pseudonyms, without, estimate, lab, rules, target } = wanted;
    let overlay = rules.clone();
    let mut examination = Examination::begin(&Examine { lab, bundle: None, rules, target }).await?;
    if let Some(file) = &file
        && (file.is_dir() || !output::folder(&output::place(file)).is_dir())
    {
        return Err(Failure::Usage(format!(
            "{}: cannot be written: there is no such folder, or it is one itself",
            file.display()
        )));
    }
    if estimate {
        return Box::pin(self::estimate(examination)).await;
    }
    examination.keeps_answers = true;
    examination.look(None).await?;
    let file = file.unwrap_or_else(|| named_after(&examination.snapshot));
    let interrupted = examination.stopped;
    examination.snapshot.text.retain(|line| !without.contains(&line.place));
    let snapshot =
        std::mem::replace(&mut examination.snapshot, Snapshot::new(Timestamp::now(), Vantage::Operator));
    let wanted = Wanted { pseudonyms, ..Wanted::of(&mut examination, &snapshot) };
    let (manifest, removed) = put(&file, snapshot, &examination.rules, overlay.as_deref(), wanted)?;
    tell(&file, &manifest, &removed)?;
    Ok(if interrupted { exit::INTERRUPTED } else { exit::FINE })
}

/// Writes what an examination learned, whatever it comes to.
pub(super) fn of_examination(
    examination: &mut Examination,
    overlay: Option<&Path>,
    file: &Path,
) -> Result<(), Failure> {
    let snapshot = examination.snapshot.clone();
    let wanted = Wanted::of(examination, &snapshot);
    put(file, snapshot, &examination.rules, overlay, wanted).map(drop)
}

/// `mzv-doctor-npr-20261123T140211Z.tar.zst`.
fn named_after(snapshot: &Snapshot) -> PathBuf {
    let environment: String = snapshot
        .setting("environment")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
        .collect();
    let time = snapshot.observed_at.strftime("%Y%m%dT%H%M%SZ");
    PathBuf::from(format!("mzv-doctor-{environment}-{time}.tar.zst"))
}

/// How a bundle is to be written.
struct Wanted {
    pseudonyms: bool,
    /// Answers that there was no room for.
    left_out: usize,
    interrupted: bool,
    raw: Vec<Raw>,
    log: Log,
    values: Values,
}

impl Wanted {
    fn of(examination: &mut Examination, snapshot: &Snapshot) -> Self {
        let (answers, left_out) = std::mem::take(&mut examination.answers);
        Self {
            pseudonyms: false,
            left_out,
            interrupted: examination.stopped,
            raw: answers.into_iter().map(|kept| Raw { call: kept.call, body: kept.body }).collect(),
            log: std::mem::take(&mut examination.removed),
            values: values(snapshot),
        }
    }
}

/// Writes a bundle, and gives what it holds and how much of which kind was taken out.
fn put(
    file: &Path,
    mut snapshot: Snapshot,
    table: &RuleTable,
    overlay: Option<&Path>,
    mut wanted: Wanted,
) -> Result<(Manifest, BTreeMap<String, usize>), Failure> {
    let judged = |snapshot: &Snapshot| diagnose(snapshot, table, &policy([]));
    merge(&mut wanted.log, redact_snapshot(&mut snapshot, &wanted.values, None));
    clean_raw(&mut wanted.raw, &wanted.values, None, &mut wanted.log);
    derive(&mut snapshot);
    let diagnosis = judged(&snapshot);
    if wanted.pseudonyms {
        let names = Pseudonyms::new(&key());
        redact_snapshot(&mut snapshot, &wanted.values, Some(&names));
        clean_raw(&mut wanted.raw, &wanted.values, Some(&names), &mut wanted.log);
        wanted.log = std::mem::take(&mut wanted.log)
            .into_iter()
            .map(|(place, kinds)| (names.put(&place).into_owned(), kinds))
            .collect();
        let renamed = judged(&snapshot);
        if found(&renamed) != found(&diagnosis) {
            return Err(Failure::Usage(
                "--pseudonyms would change what is found here, so that the bundle would mislead: leave them out".into(),
            ));
        }
    }
    let contents = Contents {
        snapshot,
        raw: wanted.raw,
        left_out: wanted.left_out,
        log: &wanted.log,
        interrupted: wanted.interrupted,
        pseudonyms: wanted.pseudonyms,
        found: found(&diagnosis),
        rules: rule::marks(overlay)?,
    };
    let manifest = bundle::write(&output::place(file), contents, &wanted.values)?;
    Ok((manifest, counts(&wanted.log)))
}

fn tell(file: &Path, manifest: &Manifest, removed: &BTreeMap<String, usize>) -> Result<(), Failure> {
    let length = std::fs::metadata(file).map(|there| there.len()).unwrap_or_default();
    output::put(&told(file, length, manifest, removed))
}

fn merge(log: &mut Log, more: Log) {
    for (place, kinds) in more {
        let all = log.entry(place).or_default();
        for (kind, times) in kinds {
            *all.entry(kind).or_default() += times;
        }
    }
}

fn counts(log: &Log) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for (kind, times) in log.values().flatten() {
        *all.entry((*kind).to_owned()).or_default() += times;
    }
    all
}

fn found(diagnosis: &Diagnosis) -> Vec<String> {
    let names: BTreeSet<&str> = diagnosis.findings.iter().map(|finding| finding.id.as_str()).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// A key that nobody else has. Where bytes are to be the same each time, it is made of what says so.
fn key() -> Vec<u8> {
    if let Some(epoch) = std::env::var_os("SOURCE_DATE_EPOCH") {
        return epoch.as_encoded_bytes().to_vec();
    }
    let mut key = vec![0; KEY];
    // Without randomness there is the time, which is better than nothing at all.
    if rustls::crypto::ring::default_provider().secure_random.fill(&mut key).is_err() {
        key = jiff::Timestamp::now().as_nanosecond().to_le_bytes().to_vec();
    }
    key
}

fn clean_raw(raw: &mut [Raw], values: &Values, names: Option<&Pseudonyms>, log: &mut Log) {
    for answer in raw {
        let mut removed = Removed::new();
        let mut clean = |text: &mut String| {
            let shown = redact(text, Within::Text, &mut removed).into_owned();
            let shown = values.redact(&shown, &mut removed).into_owned();
            *text = names.map_or_else(|| shown.clone(), |names| names.put(&shown).into_owned());
        };
        each_text(&mut answer.body, &mut clean);
        clean(&mut answer.call);
        if !removed.is_empty() {
            log.entry(format!("answer {}", answer.call)).or_default().extend(removed);
        }
    }
}

/// What a bundle is, on a few lines.
fn told(file: &Path, length: u64, manifest: &Manifest, removed: &BTreeMap<String, usize>) -> String {
    let mut out = String::new();
    let mut row = |label: &str, text: &str| {
        // Writing to a string does not fail.
        let _written = writeln!(out, "{label:12}{}", one_line(text));
    };
    row("bundle", &format!("{}, {}", file.display(), size(length)));
    row(
        "of",
        &format!(
            "{}, from {}, {}, by mzv-doctor {}{}",
            manifest.target,
            manifest.vantage.phrase(),
            manifest.observed_at,
            manifest.tool_version,
            if manifest.interrupted { ", interrupted" } else { "" }
        ),
    );
    row("found", &if manifest.found.is_empty() { "nothing".to_owned() } else { list(&manifest.found) });
    if removed.is_empty() {
        row("taken out", "nothing looked like a secret");
    } else {
        let kinds: Vec<String> = removed.iter().map(|(kind, times)| format!("{kind} {times}")).collect();
        row("taken out", &format!("{} (redactions.json says where)", kinds.join(", ")));
    }
    if manifest.pseudonyms {
        row("", "ids and names of accounts are pseudonyms");
    }
    if manifest.gaps.is_empty() {
        row("missing", "nothing that was asked for");
    }
    for (at, gap) in manifest.gaps.iter().take(NAMED).enumerate() {
        let detail = if gap.detail.is_empty() { String::new() } else { format!(": {}", gap.detail) };
        row(if at == 0 { "missing" } else { "" }, &format!("{} {}{detail}", gap.what, gap.reason));
    }
    if manifest.gaps.len() > NAMED {
        row("", &format!("and {} more (manifest.json)", manifest.gaps.len() - NAMED));
    }
    out
}

fn list(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED { format!("{shown} and {} more", names.len() - NAMED) } else { shown }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{} MiB", bytes.div_ceil(1 << 20)),
    }
}

/// What a bundle would hold: everything but logs is asked.
async fn estimate(mut examination: Examination) -> Result<u8, Failure> {
    let text = ["text.gateway_log", "text.primary_log"];
    let all: BTreeSet<String> = crate::fact::vocabulary()
        .iter()
        .map(|spec| spec.name.to_owned())
        .filter(|name| !text.contains(&name.as_str()))
        .collect();
    examination.look(Some(&all)).await?;
    let snapshot = &examination.snapshot;
    let number = |name: &str| snapshot.setting(name).parse::<u64>().unwrap_or(0);
    let pods = snapshot.get(&GATEWAY_PODS);
    let logs: i64 = pods.value().map_or(0, |pods| {
        let of =
            |pod: &crate::fact::Pod| pod.containers.first().map_or(0, |it| 1 + i64::from(it.restarts > 0));
        pods.iter().map(of).sum()
    });
    let facts = serde_json::to_vec(&snapshot.facts).map(|bytes| bytes.len()).unwrap_or_default();
    let most = number("run.log_bytes");
    output::put(&format!(
        "{:12}{} facts, {}\n{:12}{logs} of the gateway and 1 of the Primary, the newest {} lines of each, {} at most\n{:12}{} \
         at most before it is packed; logs pack to about a fifth\n",
        "facts",
        snapshot.facts.len(),
        size(facts as u64),
        "logs",
        number("run.log_lines"),
        size(most),
        "altogether",
        // A line is kept as an object of JSON with its place and time.
        size(facts as u64 + most * 2),
    ))?;
    Ok(if examination.stopped { exit::INTERRUPTED } else { exit::FINE })
}

fn refuse(file: &Path) -> impl Fn(bundle::ReadError) -> Failure {
    let file = file.display().to_string();
    move |error| Failure::Usage(format!("{file}: {error}"))
}

/// Lists what is in a bundle, or prints one file of it.
fn show(wanted: &Show) -> Result<u8, Failure> {
    let refuse = refuse(&wanted.file);
    if let Some(name) = &wanted.member {
        let Some(bytes) = bundle::member(&wanted.file, name).map_err(refuse)? else {
            return Err(Failure::Usage(format!("{}: holds no {name}", wanted.file.display())));
        };
        let text = String::from_utf8_lossy(&bytes);
        let calm: String =
            text.lines().flat_map(|line| [crate::report::calm_line(line), "\n".into()]).collect();
        output::put(&calm)?;
        return Ok(exit::FINE);
    }
    let read = bundle::read(&wanted.file, Check::Lenient).map_err(refuse)?;
    let altered = bundle::read(&wanted.file, Check::Strict).err();
    let length = std::fs::metadata(&wanted.file).map(|there| there.len()).unwrap_or_default();
    let mut removed = BTreeMap::new();
    for (kind, times) in read.removed.values().flatten() {
        *removed.entry(kind.clone()).or_default() += times;
    }
    let mut text = told(&wanted.file, length, &read.manifest, &removed);
    let answered =
        read.snapshot.facts.values().filter(|seen| !matches!(seen.outcome, Outcome::Unknown(_))).count();
    let calls = read.snapshot.calls.len();
    // Writing to a string does not fail.
    let _written =
        writeln!(text, "{:12}{answered} of {} facts, {calls} calls", "holds", read.snapshot.facts.len());
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &read.snapshot.text {
        *places.entry(&line.place).or_default() += 1;
    }
    for (place, lines) in places {
        let _written = writeln!(text, "{:12}{lines:>8} lines of {}", "", one_line(place));
    }
    let (answers, files): (Vec<_>, Vec<_>) =
        read.sizes.iter().partition(|(name, _)| name.starts_with("raw/"));
    for (name, bytes) in files {
        let _written = writeln!(text, "{:12}{bytes:>8} bytes in {}", "", one_line(name));
    }
    if let (Some((first, _)), Some((last, _))) = (answers.first(), answers.last()) {
        let bytes: u64 = answers.iter().map(|(_, bytes)| *bytes).sum();
        let _written = writeln!(text, "{:12}{bytes:>8} bytes in {first} to {last}, answers as they came", "");
    }
    output::put(&text)?;
    match altered {
        None => Ok(exit::FINE),
        Some(error) => Err(Failure::Usage(format!("{}: {error}", wanted.file.display()))),
    }
}

/// Redacts what an older release, or nobody, redacted.
fn again(wanted: &Redact) -> Result<u8, Failure> {
    let read = bundle::read(&wanted.file, Check::Strict).map_err(refuse(&wanted.file))?;
    if output::place(&wanted.file) == output::place(&wanted.output) {
        return Err(Failure::Usage(format!("{}: is the bundle that is read", wanted.output.display())));
    }
    let mut snapshot = read.snapshot;
    let values = Values::default();
    snapshot.text.retain(|line| !wanted.without.contains(&line.place));
    let mut raw = Vec::new();
    for name in read.sizes.keys().filter(|name| name.starts_with("raw/")) {
        let bytes = bundle::member(&wanted.file, name).map_err(refuse(&wanted.file))?.unwrap_or_default();
        let mut answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let call = answer.get("call").and_then(Value::as_str).unwrap_or_default().to_owned();
        raw.push(Raw { call, body: answer["body"].take() });
    }
    let log = Log::new();
    let table = super::check::load_rules(None)?;
    let interrupted = read.manifest.interrupted;
    let left_out = read.manifest.left_out;
    let pseudonyms = wanted.pseudonyms;
    let before = read.manifest.pseudonyms;
    let wanted_now = Wanted { pseudonyms, left_out, interrupted, raw, log, values };
    let (manifest, removed) = put(&wanted.output, snapshot, &table, None, wanted_now)?;
    tell(&wanted.output, &manifest, &removed)?;
    if before && !manifest.pseudonyms {
        output::note("its ids were pseudonyms already");
    }
    Ok(exit::FINE)
}
