//! A diagnosis as OpenMetrics, for whatever collects figures: each name with its state, each finding, and the run.
//! <https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md>

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::inert::inert;
use super::rows::{State, rows};
use crate::diagnosis::{Accepted, Diagnosis};

type Labels = Vec<(String, String)>;
type Figure = Gauge<f64, AtomicU64>;

/// States of a name, one of which it has.
const STATES: [&str; 4] = ["found", "passed", "inconclusive", "not-applicable"];

pub(super) fn render(diagnosis: &Diagnosis, exit: u8) -> String {
    let mut registry = Registry::with_prefix("mzv_doctor");
    let rows = rows(diagnosis);
    let summary = super::summary(diagnosis, exit);
    let about = labels([
        ("version", diagnosis.tool_version.as_str()),
        ("deployment", &diagnosis.target),
        ("vantage", diagnosis.vantage.phrase()),
    ]);
    registry.register("run", "The run that this file is of", Info::new(about));
    let mut figure = |name: &str, help: &str, value: f64| {
        let gauge = Figure::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    figure("exit_code", "Exit status of the run", f64::from(exit));
    figure("healthy", "1 where the deployment may be called healthy", f64::from(u8::from(summary.healthy)));
    figure(
        "observed_timestamp_seconds",
        "When the examination began",
        diagnosis.observed_at.as_duration().as_secs_f64(),
    );
    figure("duration_seconds", "How long the probes took altogether", seconds(diagnosis.took_ms));
    figure("facts_asked", "Facts that were asked", count(diagnosis.facts_asked));
    figure("coverage_ratio", "What was decided, of what applies", {
        let (decided, all) = summary.examined();
        if all == 0 { 0.0 } else { count(decided) / count(all) }
    });

    let checks = Family::<Labels, Figure>::default();
    for row in &rows {
        for state in STATES {
            let given = labels([("name", row.id), ("state", state)]);
            checks.get_or_create(&given).set(f64::from(u8::from(state == named(&row.state))));
        }
    }
    registry.register("check", "Each name with its state", checks);

    let required = Family::<Labels, Figure>::default();
    for row in diagnosis.inconclusive.iter().filter(|row| row.required) {
        required.get_or_create(&labels([("name", row.id.as_str())])).set(1.0);
    }
    let help = "Names without which the deployment may not be called healthy, and that could not be examined";
    registry.register("required_inconclusive", help, required);

    let findings = Family::<Labels, Figure>::default();
    for finding in &diagnosis.findings {
        let given = labels([
            ("name", finding.id.as_str()),
            ("subject", &finding.subject),
            ("severity", finding.severity.name()),
            ("confidence", finding.confidence.name()),
            ("cause", if finding.caused_by.is_empty() { "true" } else { "false" }),
            ("accepted", if finding.accepted.is_some() { "true" } else { "false" }),
            ("fingerprint", &finding.fingerprint),
            ("acceptance", &finding.accepted.as_ref().map(Accepted::phrase).unwrap_or_default()),
        ]);
        findings.get_or_create(&given).set(1.0);
    }
    registry.register("finding", "What was found", findings);

    let probes = Family::<Labels, Figure>::default();
    for run in &diagnosis.probes {
        probes.get_or_create(&labels([("probe", run.name.as_str())])).set(seconds(run.took_ms));
    }
    registry.register("probe_duration_seconds", "How long each probe took", probes);

    let mut text = String::new();
    // Writing to a string does not fail.
    let _written = encode(&mut text, &registry);
    in_order(&text)
}

/// Samples of one family in order of their labels: the library keeps them in no order, and the same run is to be the
/// same text.
fn in_order(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut samples: Vec<&str> = Vec::new();
    for line in text.lines() {
        if line.starts_with('#') {
            flush(&mut samples, &mut out);
            out.push_str(line);
            out.push('\n');
        } else {
            samples.push(line);
        }
    }
    flush(&mut samples, &mut out);
    out
}

fn flush(samples: &mut Vec<&str>, out: &mut String) {
    samples.sort_unstable();
    for sample in samples.drain(..) {
        out.push_str(sample);
        out.push('\n');
    }
}

fn named(state: &State<'_>) -> &'static str {
    match state {
        State::Found(_) => STATES[0],
        State::Passed => STATES[1],
        State::Open(_) => STATES[2],
        State::NotApplicable => STATES[3],
    }
}

fn labels<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), inert(value, true))).collect()
}

fn seconds(milliseconds: u64) -> f64 {
    std::time::Duration::from_millis(milliseconds).as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "there are not as many facts as it takes to lose one")]
fn count(number: usize) -> f64 {
    number as f64
}
