//! Text from outside, made harmless for a terminal and for a pipeline's log: nothing in it moves the cursor,
//! colours, reorders, hides or gives orders to a runner.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

/// What the Azure DevOps agent and the older GitHub runner take for commands, wherever they stand in a line.
/// <https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands>
const RUNNER_COMMANDS: &[&str] = &["##vso[", "##["];

/// Text that flows: a tab is a space, everything else that does not show as itself is an escape.
pub(super) fn inert(text: &str, unicode: bool) -> String {
    let text = text.replace('\t', " ");
    escaped(&if unicode { text } else { text.replace('…', "...") }, unicode)
}

/// A value whose every character matters: what is not plain ASCII is an escape, since it may look like something else,
/// and so is a space at either end, since it looks like nothing.
pub(super) fn exact(value: &str) -> String {
    let inner = value.trim_matches(' ');
    let spaces = |number: usize| "\\x20".repeat(number);
    let before = value.len() - value.trim_start_matches(' ').len();
    let after = value.len() - inner.len() - before;
    if inner.is_empty() {
        return spaces(value.len());
    }
    format!("{}{}{}", spaces(before), escaped(inner, false), spaces(after))
}

/// Whether a character shows as itself, in a place of its own.
pub(super) fn shows(c: char, unicode: bool) -> bool {
    match c {
        ' '..='~' => true,
        _ if !unicode => false,
        // Invisible, reordering and private characters, and spaces that are not the one that is typed.
        '\u{ad}'
        | '\u{115f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{e000}'..='\u{f8ff}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{fffe}'..='\u{ffff}'
        | '\u{e0000}'..='\u{10ffff}' => false,
        c if c.is_control() || c.is_whitespace() => false,
        c => c.width().is_some_and(|columns| columns > 0),
    }
}

/// Whether a runner would find a command in the text.
pub(super) fn commands_a_runner(text: &str) -> bool {
    RUNNER_COMMANDS.iter().any(|command| text.contains(command))
}

/// A line that a runner does not take for a command of its own: GitHub's stand at the beginning, behind spaces.
/// <https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions>
pub(super) fn no_order(line: &str) -> String {
    let text = line.trim_start();
    match text.strip_prefix("::") {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_alphabetic()) && rest.contains("::") => {
            format!("{}\\x3a:{rest}", &line[..line.len() - text.len()])
        }
        Some(_) | None => line.to_owned(),
    }
}

fn escaped(text: &str, unicode: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if shows(c, unicode) {
            shown.push(c);
            continue;
        }
        // Writing to a string does not fail.
        let _written = match c {
            '\t' => write!(shown, "\\t"),
            '\n' => write!(shown, "\\n"),
            '\r' => write!(shown, "\\r"),
            c if c.is_ascii() => write!(shown, "\\x{:02x}", u32::from(c)),
            c => write!(shown, "\\u{{{:x}}}", u32::from(c)),
        };
    }
    for command in RUNNER_COMMANDS {
        if shown.contains(command) {
            shown = shown.replace(command, &command.replacen("##", "#\\x23", 1));
        }
    }
    shown
}

/// Columns that a text takes on a screen.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Words wrapped to a width. A word that is wider than that is broken, behind a slash where there is one.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let gap = if line.is_empty() { "" } else { " " };
        if columns(&line) + gap.len() + columns(word) <= width {
            line.push_str(gap);
            line.push_str(word);
        } else if columns(word) <= width {
            lines.push(std::mem::replace(&mut line, word.to_owned()));
        } else {
            line.push_str(gap);
            for part in word.split_inclusive('/') {
                pour(part, width, &mut line, &mut lines);
            }
        }
    }
    lines.push(line);
    lines.into_iter().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// Puts a part of a word on the line, or on lines of its own where it does not fit.
fn pour(part: &str, width: usize, line: &mut String, lines: &mut Vec<String>) {
    if columns(line) + columns(part) > width && columns(part) <= width {
        lines.push(std::mem::take(line));
    }
    for c in part.chars() {
        if columns(line) + c.width().unwrap_or(0) > width {
            lines.push(std::mem::take(line));
        }
        line.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::{columns, exact, inert, no_order, wrap};

    #[test]
    fn what_does_not_show_as_itself_is_an_escape() {
        for (given, shown) in [
            ("plain, größer", "plain, größer"),
            ("\u{1b}[31mred\u{7}", "\\x1b[31mred\\x07"),
            ("c1 \u{9b}31m", "c1 \\u{9b}31m"),
            ("two\nlines\r", "two\\nlines\\r"),
            ("a\tb", "a b"),
            ("abc\u{202e}cba", "abc\\u{202e}cba"),
            ("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}"),
            ("a\u{a0}b", "a\\u{a0}b"),
            ("e\u{301}", "e\\u{301}"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
            ("##vso[task.setvariable]x ##[error]", "#\\x23vso[task.setvariable]x #\\x23[error]"),
        ] {
            assert_eq!(inert(given, true), shown);
        }
        assert_eq!(inert("größer …", false), "gr\\u{f6}\\u{df}er ...");
    }

    #[test]
    fn characters_that_look_alike_are_told_apart_where_it_matters() {
        for (given, shown) in [
            ("m\u{430}zevault\t", "m\\u{430}zevault\\t"),
            (" one two  ", "\\x20one two\\x20\\x20"),
            ("  ", "\\x20\\x20"),
            ("", ""),
        ] {
            assert_eq!(exact(given), shown);
        }
    }

    #[test]
    fn a_line_gives_no_orders_to_a_runner() {
        assert_eq!(no_order("    ::error file=x::text"), "    \\x3a:error file=x::text");
        for harmless in ["    ::1 is an address", "a ::error::b", "::ffff:10.0.0.1"] {
            assert_eq!(no_order(harmless), harmless);
        }
    }

    #[test]
    fn words_wrap_and_no_line_is_too_wide() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("ab abcdefghijkl m", 5), ["ab ab", "cdefg", "hijkl", "m"]);
        assert_eq!(wrap("GET /one/two/three?four", 11), ["GET /one/", "two/", "three?four"]);
        assert_eq!(wrap("漢字漢字", 5), ["漢字", "漢字"]);
        assert!(wrap("", 5).is_empty());
        assert_eq!(columns("漢字a"), 5);
    }
}
