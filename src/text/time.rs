//! The time that a line carries, in the forms that logs write it.

use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};
use regex::bytes::{Captures, Regex, RegexBuilder};

/// Bytes of a line in which its time is looked for.
const WITHIN: usize = 400;

/// What stands in for what a time leaves out.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// A time without a year is the last such time before this one, by a day at most behind it.
    pub now: Timestamp,
}

/// RFC 3339 and its relatives, with the zone left out or not.
static WHOLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"(?P<y>\d{4})[-/](?P<m>\d\d)[-/](?P<d>\d\d)[T _](?P<h>\d\d):(?P<i>\d\d):(?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))?\d*(?: ?(?P<z>Z\b|[A-Z]{3,4}\b|[+-]\d\d:?\d\d))?",
    )
});
/// klog: `E1123 14:02:11.123456`.
static KLOG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(r"\b[IWEF](?P<m>\d\d)(?P<d>\d\d) (?P<h>\d\d):(?P<i>\d\d):(?P<s>\d\d)\.(?P<f>\d{1,9})")
});
/// Access logs: `[10/Sep/2026:13:48:47 +0000]`.
static ACCESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"\b(?P<d>\d\d)/(?P<n>[A-Z][a-z]{2})/(?P<y>\d{4}):(?P<h>\d\d):(?P<i>\d\d):(?P<s>\d\d) (?P<z>[+-]\d{4})",
    )
});
/// RFC 3164: `Sep  1 13:48:47`.
static SYSLOG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(r"^(?:<\d+>)?(?P<n>[A-Z][a-z]{2}) (?P<d>[ \d]\d) (?P<h>\d\d):(?P<i>\d\d):(?P<s>\d\d)\b")
});
/// Seconds since the epoch in a JSON record, with a fraction, or in smaller units.
static EPOCH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r#""(?:ts|time|timestamp|@timestamp|__REALTIME_TIMESTAMP)" ?: ?"?(?P<e>1\d{9})(?:\.(?P<f>\d{1,9})|(?P<r>\d{3,9}))?\d*"?[,} ]"#,
    )
});

/// Zones that logs name (PostgreSQL's `log_timezone` does), with their hours from UTC. Names that stand for several zones,
/// and words that are no zone, count as UTC.
const ZONES: &[(&str, i8)] = &[
    ("WEST", 1),
    ("CET", 1),
    ("CEST", 2),
    ("EET", 2),
    ("EEST", 3),
    ("MSK", 3),
    ("JST", 9),
    ("KST", 9),
    ("AEST", 10),
    ("AEDT", 11),
    ("NZST", 12),
    ("NZDT", 13),
    ("BRT", -3),
    ("EDT", -4),
    ("EST", -5),
    ("CDT", -5),
    ("MDT", -6),
    ("MST", -7),
    ("PDT", -7),
    ("PST", -8),
];

fn expression(source: &str) -> Option<Regex> {
    RegexBuilder::new(source).unicode(false).build().ok()
}

/// The time of a line. One without a zone is taken for UTC.
pub fn time_of(line: &[u8], clock: Clock) -> Option<Timestamp> {
    let head = &line[..line.len().min(WITHIN)];
    // The leftmost is the line's own; others stand in what it says.
    let forms = [&WHOLE, &EPOCH, &KLOG, &ACCESS, &SYSLOG];
    let found = forms.into_iter().zip(0..).filter_map(|(form, kind)| {
        let found = form.as_ref()?.captures(head)?;
        Some((found.get(0).map_or(0, |whole| whole.start()), kind, found))
    });
    let (_, kind, found) = found.min_by_key(|(start, kind, _)| (*start, *kind))?;
    match kind {
        0 => civil(&found, number(&found, "y")?, number(&found, "m")?),
        1 => epoch(&found),
        2 => yearless(&found, number(&found, "m")?, clock),
        3 => civil(&found, number(&found, "y")?, month(&found)?),
        _ => yearless(&found, month(&found)?, clock),
    }
}

fn text<'a>(found: &'a Captures<'_>, name: &str) -> Option<&'a str> {
    std::str::from_utf8(found.name(name)?.as_bytes()).ok()
}

fn number(found: &Captures<'_>, name: &str) -> Option<i16> {
    text(found, name)?.trim().parse().ok()
}

fn month(found: &Captures<'_>) -> Option<i16> {
    const NAMES: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let at = NAMES.find(text(found, "n")?)?;
    (at % 3 == 0).then(|| i16::try_from(at / 3 + 1).ok()).flatten()
}

fn civil(found: &Captures<'_>, year: i16, month: i16) -> Option<Timestamp> {
    let part = |name: &str| i8::try_from(number(found, name)?).ok();
    let time = DateTime::new(
        year,
        i8::try_from(month).ok()?,
        part("d")?,
        part("h")?,
        part("i")?,
        part("s")?.min(59),
        fraction(found)?,
    )
    .ok()?;
    let zone = match text(found, "z") {
        None => Offset::UTC,
        Some(written) if written.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            let hours = ZONES.iter().find(|(name, _)| *name == written).map_or(0, |(_, hours)| *hours);
            Offset::from_hours(hours).ok()?
        }
        Some(written) => {
            let digits: String = written.chars().filter(char::is_ascii_digit).collect();
            let (hours, minutes) =
                (digits.get(..2)?.parse::<i32>().ok()?, digits.get(2..)?.parse::<i32>().ok()?);
            let seconds = (hours * 60 + minutes) * 60;
            Offset::from_seconds(if written.starts_with('-') { -seconds } else { seconds }).ok()?
        }
    };
    Some(time.to_zoned(TimeZone::fixed(zone)).ok()?.timestamp())
}

fn fraction(found: &Captures<'_>) -> Option<i32> {
    format!("{:0<9}", text(found, "f").unwrap_or_default()).parse().ok()
}

fn yearless(found: &Captures<'_>, month: i16, clock: Clock) -> Option<Timestamp> {
    let latest = clock.now.checked_add(24.hours()).ok()?;
    let year = clock.now.to_zoned(TimeZone::UTC).year();
    let this = civil(found, year, month);
    match this {
        Some(time) if time <= latest => Some(time),
        // The 29th of February of a year that has none, too.
        _ => civil(found, year - 1, month),
    }
}

fn epoch(found: &Captures<'_>) -> Option<Timestamp> {
    let seconds: i64 = text(found, "e")?.parse().ok()?;
    let rest = text(found, "f").or(text(found, "r")).unwrap_or_default();
    Timestamp::new(seconds, format!("{rest:0<9}").parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{Clock, time_of};

    #[test]
    fn times_are_read_in_the_forms_that_logs_write() -> Result<(), jiff::Error> {
        let clock = Clock { now: "2026-11-23T14:10:00Z".parse()? };
        for line in [
            "2026-11-23T14:02:11Z polling",
            "2026-11-23T15:02:11.000+01:00 polling",
            "2026-11-23 14:02:11,000 - INFO - polling",
            "2026/11/23 14:02:11 polling",
            "[mazevault] 2026-11-23 14:02:11 UTC [4610] LOG: polling",
            "2026-11-23 15:02:11.000 CET [4610] LOG: polling",
            "2026-11-23 09:02:11 EST [4610] LOG: polling",
            "2026-11-23 14:02:11 INFO polling",
            "time=2026-11-23T14:02:11.000000000Z level=error",
            r#"{"level":"error","ts":1795442531.0,"msg":"x"}"#,
            r#"{"__REALTIME_TIMESTAMP":"1795442531000000","MESSAGE":"x"}"#,
            "E1123 14:02:11.000000       1 reflector.go:138] x",
            "Nov 23 14:02:11 host kubelet[1]: x",
            "E1123 14:02:11.000000 1 x.go:1] token issued 2026-11-20T01:00:00Z was refused",
            "Nov 23 14:02:11 host gw[1]: not before 2020/01/01 00:00:00",
            r#"127.0.0.1 - - [23/Nov/2026:14:02:11 +0000] "GET / HTTP/1.1" 500 1"#,
        ] {
            assert_eq!(
                time_of(line.as_bytes(), clock).map(|time| time.to_string()).as_deref(),
                Some("2026-11-23T14:02:11Z"),
                "{line}"
            );
        }
        let last_year = time_of(b"Dec 24 18:00:00 host x", clock);
        assert_eq!(last_year.map(|time| time.to_string()).as_deref(), Some("2025-12-24T18:00:00Z"));
        for line in ["no time", "99:99:99", "2026-13-45T99:99:99Z", "1795442531"] {
            assert_eq!(time_of(line.as_bytes(), clock), None, "{line}");
        }
        Ok(())
    }
}
