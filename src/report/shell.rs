//! Commands as a POSIX shell takes them.

use super::inert::columns;

/// An argument, quoted where the shell would read anything into it.
pub(super) fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    if argument.chars().any(char::is_control) {
        let escaped: String = argument
            .chars()
            .flat_map(|c| match c {
                '\'' | '\\' => vec!['\\', c],
                '\n' => vec!['\\', 'n'],
                c if c.is_control() => format!("\\x{:02x}", u32::from(c)).chars().collect(),
                c => vec![c],
            })
            .collect();
        return format!("$'{escaped}'");
    }
    format!("'{}'", argument.replace('\'', "'\\''"))
}

/// A command over as many lines as it needs, broken between arguments only; an option keeps its value beside it.
pub(super) fn lines(command: &[String], width: usize) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    let mut arguments = command.iter().map(|argument| quoted(argument)).peekable();
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
            ("a\u{1b}[31m", "$'a\\x1b[31m'"),
        ] {
            assert_eq!(quoted(given), shown);
        }
    }

    #[test]
    fn a_command_breaks_between_arguments_and_is_never_cut() {
        let command: Vec<String> =
            ["az", "identity", "update", "--name", "one", "--subject", &"x".repeat(60)]
                .map(str::to_owned)
                .to_vec();
        let shown = lines(&command, 40);
        assert_eq!(shown[0], "az identity update --name one \\");
        assert_eq!(shown[1], format!("  --subject {}", "x".repeat(60)));
    }
}
