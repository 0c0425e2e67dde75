//! Commands as a POSIX shell takes them.

use std::fmt::Write;

use super::inert::{columns, commands_a_runner, shows};

/// An argument, quoted where the shell would read anything into it. What does not show as itself is written as an
/// escape that the shell turns back.
pub(super) fn quoted(argument: &str, unicode: bool) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    // Some shells expand a leading `=`, and some runners obey a line that begins with `::`.
    let leads = argument.starts_with('=') || argument.starts_with("::");
    if !argument.is_empty() && !leads && argument.chars().all(plain) {
        return argument.to_owned();
    }
    if argument.chars().all(|c| shows(c, unicode)) && !commands_a_runner(argument) {
        return format!("'{}'", argument.replace('\'', "'\\''"));
    }
    // Every shell has this, unlike `$'…'`, which some read as a dollar sign and a text. It drops line breaks at the end,
    // in which no name ends.
    let mut shown = String::from("\"$(printf '");
    for (at, c) in argument.chars().enumerate() {
        // Writing to a string does not fail.
        let _written = match c {
            // What begins with a dash would be an option of printf.
            '-' if at == 0 => write!(shown, "\\055"),
            '\'' => write!(shown, "'\\''"),
            '\\' => write!(shown, "\\\\"),
            '%' => write!(shown, "%%"),
            c if shows(c, unicode) && c != '#' => write!(shown, "{c}"),
            c => c.encode_utf8(&mut [0; 4]).bytes().try_for_each(|byte| write!(shown, "\\{byte:03o}")),
        };
    }
    shown.push_str("')\"");
    shown
}

/// A command over as many lines as it needs, broken between arguments only; an option keeps its value beside it.
pub(super) fn lines(command: &[String], width: usize, unicode: bool) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    let mut arguments = command.iter().map(|argument| quoted(argument, unicode)).peekable();
    while let Some(argument) = arguments.next() {
        let takes_value =
            argument.starts_with('-') && arguments.peek().is_some_and(|next| !next.starts_with('-'));
        match arguments.next_if(|_| takes_value) {
            Some(value) => units.push(format!("{argument} {value}")),
            None => units.push(argument),
        }
    }
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for unit in units {
        let indent = if lines.is_empty() { 0 } else { 2 };
        if !line.is_empty() && indent + columns(&line) + 1 + columns(&unit) + 2 > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&unit);
    }
    lines.push(line);
    let last = lines.len() - 1;
    lines
        .into_iter()
        .enumerate()
        .map(|(at, line)| {
            let indent = if at == 0 { "" } else { "  " };
            let end = if at == last { "" } else { " \\" };
            format!("{indent}{line}{end}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::{lines, quoted};

    #[test]
    fn what_a_shell_would_read_is_quoted() {
        for (given, shown) in [
            ("plain", "plain"),
            ("api://AzureADTokenExchange", "api://AzureADTokenExchange"),
            ("", "''"),
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("$(rm -rf ~)", "'$(rm -rf ~)'"),
            ("a;b", "'a;b'"),
            ("<name>", "'<name>'"),
            ("a\u{1b}[31m%", "\"$(printf 'a\\033[31m%%')\""),
            ("-x\u{7}", "\"$(printf '\\055x\\007')\""),
            ("a'\u{202e}", "\"$(printf 'a'\\''\\342\\200\\256')\""),
            ("::error::x", "'::error::x'"),
            ("##vso[x]", "\"$(printf '\\043\\043vso[x]')\""),
        ] {
            assert_eq!(quoted(given, true), shown);
        }
    }

    #[test]
    fn a_command_breaks_between_arguments_and_is_never_cut() {
        let command: Vec<String> =
            ["az", "identity", "update", "--name", "one", "--subject", &"x".repeat(60)]
                .map(str::to_owned)
                .to_vec();
        let shown = lines(&command, 40, true);
        assert_eq!(shown[0], "az identity update --name one \\");
        assert_eq!(shown[1], format!("  --subject {}", "x".repeat(60)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        /// The shell hands the program exactly the arguments that were meant, and runs nothing else.
        #[test]
        fn a_shell_reads_back_what_was_meant(
            arguments in prop::collection::vec("[ -~\\t\\n\u{1b}\u{7f}\u{85}\u{e9}\u{202e}\u{1f600}]{0,12}", 1..5),
            width in 10_usize..60,
        ) {
            let mut command = vec!["printf".to_owned(), "%s\\0".to_owned()];
            command.extend(arguments.iter().cloned());
            let script = lines(&command, width, true).join("\n");
            let meant: Vec<&str> = arguments.iter().map(|argument| argument.trim_end_matches('\n')).collect();
            for shell in ["sh", "bash"] {
                let Ok(run) = Command::new(shell).env("LC_ALL", "C.UTF-8").arg("-c").arg(&script).output() else {
                    // Without that shell there is nothing to compare with.
                    continue;
                };
                let got = String::from_utf8_lossy(&run.stdout);
                prop_assert_eq!(got.split_terminator('\0').collect::<Vec<_>>(), meant.clone(), "{}", script);
            }
        }
    }
}
