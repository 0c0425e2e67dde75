//! `scan`: named errors in text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};

use super::arguments::{Scan, ScanOutput};
use super::check::{load_rules, target, vantage};
use super::interrupt::Interrupt;
use super::progress::{Progress, Unwatched};
use super::stream::{Awaited, Followed, Stop, Stoppable};
use super::{Failure, output};
use crate::bundle;
use crate::fact::{Outcome as Known, Snapshot, TextSource, Vantage, vocabulary};
use crate::gate::{self, scan_exit_code};
use crate::probe::{self, Clients};
use crate::report::{self, ScanFormat, Style};
use crate::rule::{self, RuleTable, Scanner};
use crate::scan::{Each, Handed, Match, Outcome, Reading, answer, run};
use crate::target::{Kind, table};
use crate::text::{self, Clock, Problem};

/// How standard input is called.
const STANDARD_INPUT: &str = "-";

pub(super) async fn scan(arguments: &Scan) -> Result<u8, Failure> {
    check(arguments)?;
    let now = Timestamp::now();
    let since = arguments.since.as_deref().map(|text| moment(text, now)).transpose()?;
    let overlay = arguments.rules.as_deref().map(|folder| load_rules(Some(folder))).transpose()?;
    let embedded;
    let scanner = if let Some(table) = &overlay {
        &table.scanner
    } else {
        embedded = rule::scanner();
        &embedded
    };
    let stop: Stop = Arc::new(AtomicBool::new(false));
    let mut interrupt = Interrupt::listen();
    let (target, _lab) = target(arguments.lab.as_deref(), &arguments.target).await?;
    let mut snapshot = Snapshot::new(now, Vantage::Operator);
    snapshot.target = target.settings().clone();
    let mut problems = Vec::new();
    let mut sources = if arguments.gateway || arguments.primary {
        let mut clients = Clients::new(target.clone(), vantage(&target))?;
        let (texts, lacks) = tokio::select! {
            texts = live(arguments, &mut clients, &mut snapshot) => texts?,
            () = interrupt.wait() => {
                stop.store(true, Ordering::Relaxed);
                (Vec::new(), vec![Problem::new("the deployment's logs", "were not read: interrupted")])
            }
        };
        problems = lacks;
        texts
    } else {
        Vec::new()
    };
    sources.extend(handed(arguments, &stop, &mut problems));
    let asked = Arc::clone(&stop);
    let listener = tokio::spawn(async move {
        interrupt.wait().await;
        asked.store(true, Ordering::Relaxed);
    });
    let reading =
        Reading { scanner, source: TextSource::Text, clock: Clock { now }, since, eager: arguments.follow };
    let mut outcome = tokio::task::block_in_place(|| read(arguments, sources, reading, &stop));
    listener.abort();
    problems.append(&mut outcome.problems);
    outcome.problems = problems;
    let some;
    let table = if let Some(table) = &overlay {
        table
    } else {
        some = named_rules(&outcome, scanner)?;
        &some
    };
    let answer = answer(outcome, scanner, table, &snapshot);
    let policy = gate::Policy {
        fail_on: arguments.fail_on.severity(),
        interrupted: stop.load(Ordering::Relaxed) && !arguments.follow,
        ..gate::Policy::default()
    };
    let code = scan_exit_code(&answer, policy);
    let style = output::style(arguments.color, arguments.verbose);
    let mut failed = None;
    for wanted in outputs(arguments) {
        let written = match &wanted.file {
            None => output::put(&report::render_scan(&answer, code, wanted.format, style)),
            Some(path) => {
                let plain = Style { color: false, ..style };
                output::write(path, &report::render_scan(&answer, code, wanted.format, plain))
            }
        };
        failed = failed.or(written.err());
    }
    failed.map_or(Ok(code), Err)
}

fn outputs(arguments: &Scan) -> Vec<ScanOutput> {
    if arguments.output.is_empty() {
        vec![ScanOutput { format: ScanFormat::Terminal, file: None }]
    } else {
        arguments.output.clone()
    }
}

/// Refuses what cannot be meant.
fn check(arguments: &Scan) -> Result<(), Failure> {
    let refuse = |problem: &str| Err(Failure::Usage(problem.into()));
    if arguments.output.iter().filter(|wanted| wanted.file.is_none()).count() > 1 {
        return refuse(
            "two reports cannot share standard output: give one of them a file, as in -o json=FILE",
        );
    }
    let stream = |wanted: &ScanOutput| wanted.format == ScanFormat::Ndjson && wanted.file.is_some();
    if arguments.output.iter().any(stream) {
        return refuse("ndjson is a stream and goes to standard output: redirect it");
    }
    for file in arguments.output.iter().filter_map(|wanted| wanted.file.as_ref()) {
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        if real(file).is_some() && arguments.sources.iter().any(|source| real(source) == real(file)) {
            return Err(Failure::Usage(format!(
                "{} would be written over by its own report",
                file.display()
            )));
        }
    }
    let live = arguments.gateway || arguments.primary;
    if arguments.lab.is_some() && !live {
        return refuse("--lab needs --gateway or --primary, which say what of it to read");
    }
    if arguments.follow && live {
        return refuse("--follow reads files and standard input: pipe `kubectl logs --follow` into it");
    }
    let stdin = arguments.sources.iter().filter(|name| is_stdin(name)).count();
    if stdin > 1 {
        return refuse("standard input can be read once only");
    }
    if arguments.sources.is_empty() && !live && std::io::stdin().is_terminal() {
        return refuse(
            "nothing to read: name files or folders, pipe text in, or ask for --gateway or --primary",
        );
    }
    Ok(())
}

fn is_stdin(name: &Path) -> bool {
    name.as_os_str() == STANDARD_INPUT
}

/// A time, or how long ago.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let refuse = || {
        Failure::Usage(format!(
            "--since {text}: give a time such as 2026-11-23T14:00:00Z (UTC where it has no zone), or how long ago, such as 90s, 15m, 1h30m or 3d"
        ))
    };
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    // A time without a zone is taken for UTC, as those in logs are; a day without a time for its beginning.
    if let Ok(at) = text.parse::<DateTime>() {
        return at.to_zoned(TimeZone::UTC).map(|at| at.timestamp()).map_err(|_| refuse());
    }
    let ago: Span = text.parse().map_err(|_| refuse())?;
    let ago = ago.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| refuse())?;
    if ago.is_negative() {
        return Err(refuse());
    }
    now.checked_sub(ago).map_err(|_| refuse())
}

/// Streams of what was named.
fn handed(arguments: &Scan, stop: &Stop, problems: &mut Vec<Problem>) -> Vec<Handed> {
    let live = arguments.gateway || arguments.primary;
    let named = arguments.sources.clone();
    let named = if named.is_empty() && !live { vec![STANDARD_INPUT.into()] } else { named };
    let (mut sources, mut seen) = (Vec::new(), BTreeSet::new());
    for name in named {
        if is_stdin(&name) {
            if std::io::stdin().is_terminal() {
                output::note("reading standard input, up to its end (Ctrl-D)");
            }
            let input = Awaited::standard_input(Arc::clone(stop));
            sources.push(Handed::Stream(STANDARD_INPUT.into(), Box::new(input)));
            continue;
        }
        for file in text::walk(&name, &mut seen) {
            if file.problem.is_some() {
                sources.push(Handed::File(file));
            } else if file.pipe {
                let pipe = Awaited::pipe(file.path, Arc::clone(stop));
                sources.push(Handed::Stream(file.place, Box::new(pipe)));
            } else if arguments.follow {
                match Followed::open(&file.path, Arc::clone(stop)) {
                    Ok(stream) => sources.push(Handed::Stream(file.place, Box::new(stream))),
                    Err(error) => problems.push(Problem::new(file.place, error)),
                }
            } else if let Some(texts) = of_bundle(&file) {
                sources.extend(texts);
            } else {
                let stop = Arc::clone(stop);
                sources.push(Handed::Later(Box::new(move || {
                    let inner = text::open(&file)?;
                    Ok((file.place.clone(), Box::new(Stoppable { inner, stop }) as _))
                })));
            }
        }
    }
    sources
}

/// The logs in a bundle, each under its own name. What a bundle says of itself is no log, and names what was found.
fn of_bundle(file: &text::File) -> Option<Vec<Handed>> {
    if !bundle::is_bundle(&file.path).unwrap_or(false) {
        return None;
    }
    let read = bundle::read(&file.path, bundle::Check::Lenient).ok()?;
    let mut logs: BTreeMap<(TextSource, String), String> = BTreeMap::new();
    for line in read.snapshot.text {
        let log = logs.entry((line.source, line.place)).or_default();
        // Writing to a string does not fail.
        let _written = match line.at {
            Some(at) => writeln!(log, "{at} {}", line.text),
            None => writeln!(log, "{}", line.text),
        };
    }
    let named = |((kind, place), text)| Handed::Text(kind, format!("{}!/{place}", file.place), text);
    Some(logs.into_iter().map(named).collect())
}

/// Reads everything; occurrences are shown at once where that was asked for.
fn read(arguments: &Scan, sources: Vec<Handed>, reading: Reading<'_>, stop: &Stop) -> Outcome {
    let format = arguments.output.iter().find(|wanted| wanted.file.is_none()).map(|wanted| wanted.format);
    let shown = match format {
        Some(ScanFormat::Ndjson) => ScanFormat::Ndjson,
        None if arguments.output.is_empty() && arguments.follow => ScanFormat::Terminal,
        Some(ScanFormat::Terminal) if arguments.follow => ScanFormat::Terminal,
        _ => return run(sources, reading, Each::Silent),
    };
    let style = output::style(arguments.color, arguments.verbose);
    let mut tell = |place: &str, one: &Match| {
        let id = &reading.scanner.rules()[one.rule];
        let line = match shown {
            ScanFormat::Ndjson => report::match_line(id, place, one),
            ScanFormat::Terminal | ScanFormat::Json => report::match_row(id, place, one, style),
        };
        let mut out = std::io::stdout().lock();
        // A reader that went away is no error, and there is nobody left to read for.
        if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
            stop.store(true, Ordering::Relaxed);
        }
    };
    // What is followed has no end to wait for.
    let each = if arguments.follow { Each::Together(&mut tell) } else { Each::InOrder(&mut tell) };
    run(sources, reading, each)
}

/// The rules that were found, whole.
fn named_rules(outcome: &Outcome, scanner: &Scanner) -> Result<RuleTable, Failure> {
    let settings: Vec<_> = table().iter().map(|spec| (spec.name, spec.kind == Kind::List)).collect();
    let found = outcome.seen.iter().flat_map(|(_, seen)| seen.tallies.keys());
    let names = found.map(|&rule| scanner.rules()[rule].clone());
    Ok(rule::load_some(&vocabulary(), &settings, names, true)?)
}

/// Text of the deployment itself, and what of it could not be read.
async fn live(
    arguments: &Scan,
    clients: &mut Clients,
    snapshot: &mut Snapshot,
) -> Result<(Vec<Handed>, Vec<Problem>), Failure> {
    if clients.target.is_on("run.discover") {
        clients.discover().await?;
    }
    snapshot.target = clients.target.settings().clone();
    let mut facts = Vec::new();
    if arguments.gateway {
        facts.extend([("text.gateway_log", "the gateway's logs"), ("text.events", "the gateway's events")]);
    }
    if arguments.primary {
        facts.push(("text.primary_log", "the Primary's logs"));
    }
    let names: Vec<&str> = facts.iter().map(|(name, _)| *name).collect();
    let probes = probe::probes_for(&names);
    let progress = Progress::start(probes.len(), &Unwatched);
    let mut seen = Snapshot::new(snapshot.observed_at, snapshot.vantage);
    seen.target.clone_from(&snapshot.target);
    probe::run(&probes, clients, &mut seen, &progress).await;
    progress.finish();
    let mut problems = Vec::new();
    for (name, what) in facts {
        match seen.facts.get(name).map(|it| &it.outcome) {
            // A container that never started has no log, which is known.
            Some(Known::Known(_) | Known::Absent) => {}
            Some(Known::Unknown(reason)) => {
                let why = format!("were not read: {} {}", reason.label(), reason.detail());
                problems.push(Problem::new(what, why.trim_end()));
            }
            None => problems.push(Problem::new(what, "were not asked for")),
        }
    }
    let mut texts: Vec<Handed> = Vec::new();
    for line in &seen.text {
        let wanted = match line.source {
            TextSource::GatewayLog | TextSource::KubernetesEvent => arguments.gateway,
            TextSource::PrimaryLog => arguments.primary,
            TextSource::Text => false,
        };
        if !wanted {
            continue;
        }
        let time = line.at.map(|at| format!("{at} ")).unwrap_or_default();
        let written = format!("{time}{}\n", line.text.replace('\n', " "));
        match texts.last_mut() {
            Some(Handed::Text(source, place, text)) if *source == line.source && *place == line.place => {
                text.push_str(&written);
            }
            _ => texts.push(Handed::Text(line.source, line.place.clone(), written)),
        }
    }
    Ok((texts, problems))
}
