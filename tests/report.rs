//! What a report shows, whatever the diagnosis holds.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

#[path = "report/cases.rs"]
mod cases;

use mzv_doctor::diagnosis::{Diagnosis, Inconclusive, Missing, Severity};
use mzv_doctor::fact::{Layer, Reason};
use mzv_doctor::report::{Document, Format, Style, render};
use proptest::prelude::*;
use quick_junit::{NonSuccessKind, TestCaseStatus};
use serde_json::Value;

const PLAIN: Style = Style { width: 100, color: false, verbose: false, unicode: true };

fn screen(diagnosis: &Diagnosis, exit: u8, style: Style) -> String {
    render(diagnosis, exit, Format::Terminal, style)
}

fn document(diagnosis: &Diagnosis, exit: u8) -> Value {
    serde_json::from_str(&render(diagnosis, exit, Format::Json, PLAIN)).unwrap()
}

/// A screen without the codes that colour it.
fn bleached(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::new();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        let end = after.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap();
        assert_eq!(&after[end..=end], "m", "only colours are set");
        rest = &after[end + 1..];
    }
    plain + rest
}

/// Characters that a screen may hold.
fn harmless(c: char) -> bool {
    c == '\n'
        || !(c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'))
}

/// Lines of prose: commands and addresses are never cut and may be wider than the screen.
fn too_wide(text: &str, width: usize) -> Vec<&str> {
    text.lines()
        .filter(|line| line.chars().count() > width)
        .filter(|line| !line.trim_start().starts_with("--") && !line.trim_start().starts_with("read  "))
        .collect()
}

#[test]
fn screens_look_as_they_should() {
    for (name, diagnosis, exit) in cases::all() {
        for width in [100, 80] {
            let text = screen(&diagnosis, exit, Style { width, ..PLAIN });
            assert_eq!(too_wide(&text, width), Vec::<&str>::new(), "{name} at {width}");
            insta::assert_snapshot!(format!("{name}_{width}"), text);
        }
    }
}

#[test]
fn everything_is_shown_in_plain_ascii_with_v() {
    for (name, diagnosis, exit) in cases::all() {
        let text = screen(&diagnosis, exit, Style { verbose: true, unicode: false, ..PLAIN });
        assert!(text.is_ascii(), "{name}: {text}");
        insta::assert_snapshot!(format!("{name}_verbose_ascii"), text);
    }
}

#[test]
fn one_fault_fits_one_screen() {
    for width in [100, 80] {
        let text = screen(&cases::subject_mismatch(), 1, Style { width, ..PLAIN });
        assert!(text.lines().count() <= 50, "{text}");
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    for (name, diagnosis, exit) in cases::all() {
        let coloured = screen(&diagnosis, exit, Style { color: true, ..PLAIN });
        assert!(coloured.contains("\u{1b}["), "{name}");
        let bleached: Vec<String> =
            bleached(&coloured).lines().map(|line| line.trim_end().to_owned()).collect();
        assert_eq!(bleached, screen(&diagnosis, exit, PLAIN).lines().collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn a_document_fits_its_schema_and_reads_back() {
    let schema = serde_json::to_value(schemars::schema_for!(Document)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (name, diagnosis, exit) in cases::all() {
        let text = render(&diagnosis, exit, Format::Json, PLAIN);
        assert!(text.starts_with('{') && text.ends_with("}\n"), "{name}");
        let value: Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        assert_eq!(value["exit_code"], exit, "{name}");
        let read: Document = serde_json::from_value(value).unwrap();
        assert_eq!(read.diagnosis, diagnosis, "{name}");
    }
    let mut broken = document(&cases::healthy(), 0);
    broken["findings"] = Value::from("none");
    assert!(!validator.is_valid(&broken), "the schema refuses what is not a diagnosis");
}

#[test]
fn only_a_run_that_looked_is_called_healthy() {
    let healthy = cases::healthy();
    assert!(screen(&healthy, 0, PLAIN).contains("healthy: nothing wrong, 39 of 39 examined"));
    assert_eq!(document(&healthy, 0)["summary"]["healthy"], true);

    let mut blind = healthy.clone();
    blind.inconclusive.push(Inconclusive {
        id: "reader-missing".into(),
        title: "The identity lacks Reader".into(),
        severity: Severity::Error,
        required: true,
        missing: vec![Missing {
            fact: "obo.access".into(),
            reason: Reason::TimedOut { layer: Layer::Connect, after_ms: 5000 },
            call: "GET /subscriptions".into(),
            against: String::new(),
        }],
    });
    let nothing = Diagnosis { passed: vec![], ..healthy.clone() };
    // Interrupted: what was not asked by then is no lack of its own.
    for (diagnosis, exit) in [(&blind, 3), (&nothing, 3), (&healthy, 130), (&cases::azure_unreachable(), 3)] {
        let text = screen(diagnosis, exit, PLAIN);
        assert!(!text.contains("healthy:"), "{text}");
        assert!(text.contains("nothing wrong in what was examined ("), "{text}");
        assert_eq!(document(diagnosis, exit)["summary"]["healthy"], false);
    }
}

#[test]
fn every_finding_has_its_row_even_where_explanations_lead_nowhere() {
    let mut diagnosis = cases::subject_mismatch();
    // Two that explain each other, and one whose explanation is not there.
    diagnosis.findings[0].caused_by = vec!["csi-mount-failed".into()];
    diagnosis.findings[3].caused_by = vec!["not-there".into()];
    let text = screen(&diagnosis, 1, PLAIN);
    for finding in &diagnosis.findings {
        assert!(text.contains(&finding.id), "{} is missing:\n{text}", finding.id);
    }
    assert!(!text.contains("nothing wrong"), "{text}");
}

#[test]
fn rules_that_lack_the_same_are_one_row() {
    let text = screen(&cases::azure_unreachable(), 3, PLAIN);
    assert!(text.contains("? 29 could not be examined, 28 of them required"), "{text}");
    assert!(text.contains("rule-00, rule-01 and 25 more"), "{text}");
    assert_eq!(text.matches("connection refused").count(), 1, "{text}");
    let verbose = screen(&cases::azure_unreachable(), 3, Style { verbose: true, ..PLAIN });
    assert!((0..27).all(|number| verbose.contains(&format!("rule-{number:02}"))), "{verbose}");
}

#[test]
fn hostile_text_gives_no_orders() {
    let diagnosis = cases::hostile();
    for style in [PLAIN, Style { verbose: true, ..PLAIN }, Style { width: 60, ..PLAIN }] {
        let text = screen(&diagnosis, 1, style);
        assert!(text.chars().all(harmless), "{text:?}");
        assert!(!text.contains("##vso[") && !text.contains("##["), "{text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::set-output")), "{text}");
    }
    let json = render(&diagnosis, 1, Format::Json, PLAIN);
    assert!(json.chars().all(harmless), "{json:?}");
    assert!(!json.contains("##"), "{json}");
}

/// Text of every kind that a log or a server may send.
fn foreign() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,200}",
        "(\\PC|\\s|[\u{1b}\u{9b}\u{202e}\u{200b}\u{7f}]|##vso\\[|::error ::|\r\n|\\\\|'|漢|\u{301}){0,60}",
    ]
}

fn hostile() -> impl Strategy<Value = Diagnosis> {
    (prop::collection::vec(foreign(), 16), any::<bool>()).prop_map(|(texts, wide)| {
        let mut diagnosis = cases::subject_mismatch();
        let mut texts = texts.into_iter().cycle();
        let mut next = || texts.next().unwrap_or_default();
        diagnosis.target = next();
        for finding in &mut diagnosis.findings {
            for text in [
                &mut finding.title,
                &mut finding.brief,
                &mut finding.subject,
                &mut finding.explanation,
                &mut finding.verify,
            ] {
                *text = next();
            }
            for evidence in &mut finding.evidence {
                (evidence.label, evidence.value) = (next(), next());
            }
            if let Some(contrast) = &mut finding.contrast {
                (contrast.has.value, contrast.wants.value) = (next(), next());
                contrast.wants.label = next();
            }
            for excerpt in &mut finding.text {
                (excerpt.place, excerpt.text) = (next(), next());
            }
            match &mut finding.remedy {
                Some(remedy) if wide => {
                    remedy.text = next();
                    remedy.first = next();
                    remedy.open = vec![next()];
                    for argument in remedy.commands.iter_mut().flatten() {
                        *argument = next();
                    }
                }
                other => *other = None,
            }
        }
        for open in &mut diagnosis.inconclusive {
            for missing in &mut open.missing {
                missing.reason = Reason::Denied { detail: next(), permission: wide.then(&mut next) };
                missing.call = next();
            }
        }
        diagnosis
    })
}

/// Whether a renderer finds nothing but headings, tables, code and emphasis, as this program writes them.
fn only_our_own(markdown: &str) -> bool {
    use pulldown_cmark::{Event, Options, Parser, Tag};
    Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM)
        .all(|event| match event {
            Event::Html(_) | Event::InlineHtml(_) => false,
            Event::Start(tag) => !matches!(tag, Tag::Link { .. } | Tag::Image { .. } | Tag::BlockQuote(_)),
            _ => true,
        })
}

#[test]
fn other_formats_look_as_they_should() {
    for (name, diagnosis, exit) in cases::all() {
        for (format, word) in Format::ALL
            .iter()
            .filter(|(word, _)| !["terminal", "json", "svg"].contains(word))
            .map(|it| (it.1, it.0))
        {
            insta::assert_snapshot!(format!("{name}_{word}"), render(&diagnosis, exit, format, PLAIN));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_foreign_reaches_a_terminal_as_it_is(
        diagnosis in hostile(), width in 60_usize..=120, verbose: bool, unicode: bool,
    ) {
        let style = Style { width, color: false, verbose, unicode };
        let text = screen(&diagnosis, 1, style);
        prop_assert!(text.chars().all(harmless), "{:?}", text);
        prop_assert!(unicode || text.is_ascii(), "{:?}", text);
        prop_assert!(!text.contains("##vso["), "{:?}", text);
        for line in text.lines() {
            let order = line.trim_start().strip_prefix("::").is_some_and(|rest| {
                rest.starts_with(|c: char| c.is_ascii_alphabetic()) && rest.contains("::")
            });
            prop_assert!(!order, "{:?}", line);
        }
        let coloured = bleached(&screen(&diagnosis, 1, Style { color: true, ..style }));
        prop_assert!(coloured.chars().all(harmless), "{:?}", coloured);
        // Commands are never cut; an order made harmless is a little longer than it was.
        if diagnosis.findings.iter().all(|finding| finding.remedy.is_none()) {
            for line in too_wide(&text, width) {
                prop_assert!(line.contains("\\x3a:"), "wider than {}: {:?}", width, line);
            }
        }
    }

    #[test]
    fn nothing_foreign_has_a_meaning_of_its_own_in_any_format(diagnosis in hostile()) {
        let short = render(&diagnosis, 1, Format::Short, PLAIN);
        prop_assert!(short.chars().all(harmless) && !short.contains('@') && !short.contains('<'), "{:?}", short);
        prop_assert!(short.lines().count() <= 10, "{:?}", short);
        for format in [Format::Github, Format::AzurePipelines, Format::Sarif, Format::OpenMetrics] {
            let text = render(&diagnosis, 1, format, PLAIN);
            prop_assert!(text.chars().all(harmless), "{:?}", text);
        }
        // Only lines of this program's own begin a command, and no command stands anywhere else.
        let ours = ["::error title=", "::warning title=", "::notice title=", "::group::mzv-doctor: ", "::endgroup::"];
        for line in render(&diagnosis, 1, Format::Github, PLAIN).lines() {
            let begins = ours.iter().any(|start| line.starts_with(start));
            prop_assert!(begins || !line.trim_start().starts_with("::"), "{:?}", line);
            prop_assert!(!line.contains("##[") && !line.contains("##vso["), "{:?}", line);
        }
        let ours = ["##vso[task.logissue type=error]", "##vso[task.logissue type=warning]", "##[group]mzv-doctor: ", "##[endgroup]"];
        for line in render(&diagnosis, 1, Format::AzurePipelines, PLAIN).lines() {
            let begins = ours.iter().find(|start| line.starts_with(**start));
            let rest = begins.map_or(line, |start| &line[start.len()..]);
            prop_assert!(!rest.contains("##[") && !rest.contains("##vso["), "{:?}", line);
        }
        let markdown = render(&diagnosis, 1, Format::Markdown, PLAIN);
        prop_assert!(markdown.chars().all(harmless), "{:?}", markdown);
        prop_assert!(only_our_own(&markdown), "{}", markdown);
        // A parser that is not ours reads the same names with the same states.
        let junit = render(&diagnosis, 1, Format::Junit, PLAIN);
        prop_assert!(junit.chars().all(harmless), "{:?}", junit);
        let report = quick_junit::Report::deserialize_from_str(&junit).unwrap();
        let cases = &report.test_suites[0].test_cases;
        let state = |id: &str| cases.iter().find(|case| case.name.as_str() == id).map(|case| &case.status);
        for finding in &diagnosis.findings {
            let failed = matches!(
                state(&finding.id), Some(TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. })
            );
            prop_assert_eq!(failed, finding.severity >= diagnosis.fail_on, "{}", finding.id);
        }
        for row in &diagnosis.inconclusive {
            let error = matches!(
                state(&row.id), Some(TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. })
            );
            let skipped = matches!(state(&row.id), Some(TestCaseStatus::Skipped { .. }));
            prop_assert!(if row.required { error } else { skipped }, "{}", row.id);
        }
        for row in &diagnosis.passed {
            prop_assert!(matches!(state(&row.id), Some(TestCaseStatus::Success { .. })), "{}", row.id);
        }
        for row in &diagnosis.not_applicable {
            prop_assert!(matches!(state(&row.id), Some(TestCaseStatus::Skipped { .. })), "{}", row.id);
        }
    }

    #[test]
    fn a_document_says_exactly_what_the_diagnosis_says(diagnosis in hostile(), exit: u8) {
        let text = render(&diagnosis, exit, Format::Json, PLAIN);
        prop_assert!(text.chars().all(harmless), "{:?}", text);
        let read: Document = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(read.diagnosis, diagnosis);
    }
}
