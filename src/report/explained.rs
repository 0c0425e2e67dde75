//! Explanations, for a terminal and as Markdown, so that the catalogue can be published.

use std::fmt::Write;

use super::inert::{inert, no_order, wrap};
use super::shell;
use crate::diagnosis::Explanation;

/// Wordings shown of one name on a terminal.
const WORDINGS: usize = 4;
/// Characters of one wording.
const WORDING: usize = 240;

/// The beginning of an example, on one line.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(WORDING) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// How it comes to be known.
fn shown_by(one: &Explanation) -> &'static str {
    match (one.examined, one.wordings.is_empty()) {
        (true, true) => "`check` examines it",
        (true, false) => "`check` examines it, and text shows it",
        (false, _) => "text shows it",
    }
}

/// The Markdown of one explanation, under a heading of this depth.
pub(super) fn markdown(one: &Explanation, depth: usize) -> String {
    let mut out = String::new();
    let mut put = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    put(format!("{} {}\n", "#".repeat(depth), one.id));
    put(format!("{}. *{}, {}; {}.*\n", plain(&one.title), one.severity.name(), one.area, shown_by(one)));
    if !one.also.is_empty() {
        put(format!("Also: {}.\n", one.also.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ")));
    }
    put(format!("{}\n", plain(&one.explanation)));
    if !one.causes.is_empty() {
        put("Likely causes, the likeliest first:\n".into());
        for (number, cause) in (1..).zip(&one.causes) {
            put(format!("{number}. {}", plain(cause)));
        }
        put(String::new());
    }
    for remedy in &one.remedies {
        if !remedy.text.is_empty() {
            put(format!("Fix: {}\n", plain(&remedy.text)));
        }
        for command in &remedy.commands {
            put(format!("    {}", shell::lines(command, usize::MAX, true).join(" ")));
        }
        if !remedy.commands.is_empty() {
            put(String::new());
        }
    }
    if !one.verify.is_empty() {
        put(format!("Then: {}.\n", plain(&one.verify)));
    }
    if !one.caused_by.is_empty() {
        put(format!(
            "Explained by: {}.\n",
            one.caused_by.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ")
        ));
    }
    if !one.wordings.is_empty() {
        put("Wordings:\n".into());
        for wording in &one.wordings {
            let from =
                if wording.from.is_empty() { String::new() } else { format!("{}: ", plain(&wording.from)) };
            put(format!("- {from}{}", code(&short(&wording.text))));
        }
        put(String::new());
    }
    for reference in &one.references {
        put(format!("<{reference}>\n"));
    }
    out
}

/// Text in which Markdown finds nothing of its own.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Lines as a block of code, whatever they hold.
pub(super) fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let lines: Vec<String> = text.lines().map(|line| no_order(&inert(line, true))).collect();
    format!("{fence}text\n{}\n{fence}\n", lines.join("\n"))
}

/// Text as code, whatever it holds.
pub(super) fn code(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", text.replace('|', "\\|"))
}

/// The whole catalogue: a table of names, then each in full.
pub(super) fn catalogue(all: &[Explanation]) -> String {
    let mut out = String::from(
        "# Named errors\n\nWritten by `mzv-doctor explain --list -o markdown`; the rule files are the source.\n\n\
         | name | what it is | area | severity | shown by |\n|---|---|---|---|---|\n",
    );
    for one in all {
        // Writing to a string does not fail.
        let _written = writeln!(
            out,
            "| [{0}](#{1}) | {2} | {3} | {4} | {5} |",
            one.id,
            one.id.to_lowercase(),
            plain(&one.title),
            one.area,
            one.severity.name(),
            shown_by(one)
        );
    }
    for one in all {
        out.push('\n');
        out.push_str(markdown(one, 2).trim_end());
        out.push('\n');
    }
    out
}

/// One explanation for a terminal.
pub(super) fn terminal(one: &Explanation, width: usize, unicode: bool) -> String {
    let mut out = String::new();
    let room = width.saturating_sub(17).max(30);
    let mut row = |label: &str, text: &str| {
        let wrapped = wrap(&inert(text, unicode), room);
        for (at, line) in wrapped.iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            // Writing to a string does not fail.
            let _written = writeln!(out, "{}", format!("    {label:<13}{line}").trim_end());
        }
    };
    row("means", &one.explanation);
    for (number, cause) in (1..).zip(&one.causes) {
        row(if number == 1 { "likely" } else { "" }, &format!("{number}. {cause}"));
    }
    let mut head = format!(
        "{}   {}\n    {}, {}, {}",
        one.id,
        inert(&one.title, unicode),
        one.severity.name(),
        one.confidence.name(),
        one.area
    );
    if !one.also.is_empty() {
        let _written = write!(head, "; also {}", one.also.join(", "));
    }
    let mut body = std::mem::take(&mut out);
    for remedy in &one.remedies {
        body.push('\n');
        if !remedy.text.is_empty() {
            for (at, line) in wrap(&inert(&remedy.text, unicode), room).iter().enumerate() {
                let label = if at == 0 { "fix" } else { "" };
                let _written = writeln!(body, "    {label:<13}{line}");
            }
        }
        for command in &remedy.commands {
            for line in shell::lines(command, room, unicode) {
                let _written = writeln!(body, "{:17}{line}", "");
            }
        }
    }
    let mut tail = String::new();
    let mut row = |label: &str, text: &str| {
        for (at, line) in wrap(&inert(text, unicode), room).iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            let _written = writeln!(tail, "{}", format!("    {label:<13}{line}").trim_end());
        }
    };
    row("then", &one.verify);
    if one.examined {
        row("", &format!("mzv-doctor verify {}", one.id));
    }
    if !one.caused_by.is_empty() {
        row("explained by", &one.caused_by.join(", "));
    }
    for (at, wording) in one.wordings.iter().take(WORDINGS).enumerate() {
        let from = if wording.from.is_empty() { String::new() } else { format!("{}: ", wording.from) };
        row(if at == 0 { "reads" } else { "" }, &format!("{from}{}", short(&wording.text)));
    }
    for (at, reference) in one.references.iter().enumerate() {
        row(if at == 0 { "read" } else { "" }, reference);
    }
    format!("{head}\n\n{body}\n{tail}")
}
