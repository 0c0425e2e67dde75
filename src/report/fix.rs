//! Steps as a person reads them, and as scripts that stop at the first failure. Nothing here runs anything.

use std::fmt::Write;

use super::Style;
use super::inert::{inert, wrap};
use super::shell;
use crate::diagnosis::{Command, Effect, Open, Step, Steps};

/// Column of a step's text.
const INDENT: usize = 13;

fn effect(of: Effect) -> &'static str {
    match of {
        Effect::Reads => "reads",
        Effect::Changes => "changes",
    }
}

pub(super) fn terminal(steps: &Steps, style: Style) -> String {
    let mut out = String::new();
    let room = style.width.saturating_sub(INDENT).max(30);
    let mut row = |label: &str, lines: &[String]| {
        for (at, line) in lines.iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            let _written = writeln!(out, "{}", format!("    {label:<9}{line}").trim_end());
        }
    };
    for (number, step) in (1..).zip(&steps.steps) {
        let title =
            format!("{number}. {}   {}", inert(&step.id, style.unicode), inert(&step.title, style.unicode));
        row("\n", &[]);
        let said = |text: &str| wrap(&inert(text, style.unicode), room);
        row("step", &wrap(&title, room));
        if !step.text.is_empty() {
            row("", &said(&step.text));
        }
        if !step.first.is_empty() && step.first != step.text {
            row("first", &said(&step.first));
        }
        if step.commands.is_empty() && step.text.is_empty() {
            row("", &["no command mends this: see explain".to_owned()]);
        }
        for command in &step.commands {
            row(effect(command.effect), &shell::lines(&command.arguments, room, style.unicode));
        }
        for open in &step.open {
            row("fill in", &said(&format!("<{}>: {}", open.name, open.how)));
        }
        row("then", &shell::lines(&step.verify, room, style.unicode));
        if !step.hint.is_empty() {
            row("", &said(&step.hint));
        }
        if !step.mends.is_empty() {
            row("mends", &said(&step.mends.join(", ")));
        }
        row("", &[String::new()]);
    }
    out
}

/// What a script is written in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shell {
    Posix,
    Power,
}

pub(super) fn posix(steps: &Steps) -> String {
    script(steps, Shell::Posix)
}

pub(super) fn power(steps: &Steps) -> String {
    script(steps, Shell::Power)
}

/// A comment of one line, whatever it holds.
fn comment(out: &mut String, text: &str) {
    for line in wrap(&inert(text, true), 96) {
        let _written = writeln!(out, "# {line}");
    }
}

fn script(steps: &Steps, shell: Shell) -> String {
    let mut out = String::new();
    out.push_str(match shell {
        Shell::Posix => "#!/bin/sh\n",
        Shell::Power => "#Requires -Version 7.3\n",
    });
    comment(
        &mut out,
        &format!(
            "Written by mzv-doctor {} for {} at {}. Nothing of it was run: read it first.",
            steps.tool_version, steps.target, steps.observed_at
        ),
    );
    out.push_str("# It stops at the first command that fails.\n");
    out.push_str(match shell {
        Shell::Posix => "set -eu\n",
        Shell::Power => "Set-StrictMode -Version Latest\n$ErrorActionPreference = 'Stop'\n",
    });
    let mut open: Vec<&Open> = steps.steps.iter().flat_map(|step| &step.open).collect();
    open.sort_by(|one, other| one.variable.cmp(&other.variable));
    open.dedup_by(|one, other| one.variable == other.variable);
    values(&mut out, &open, shell);
    let unsafe_steps: Vec<&Step> = steps.steps.iter().filter(|step| !can_be_written(step, shell)).collect();
    if !unsafe_steps.is_empty() {
        refuse(&mut out, &unsafe_steps, shell);
    }
    for (number, step) in (1..).zip(&steps.steps) {
        out.push('\n');
        comment(&mut out, &format!("{number}. {}: {}", step.id, step.title));
        if !step.text.is_empty() {
            comment(&mut out, &step.text);
        }
        let mut asked = step.first.is_empty();
        for command in &step.commands {
            if command.effect == Effect::Changes && !asked {
                pause(&mut out, &step.first, shell);
                asked = true;
            }
            let _written = writeln!(out, "# {}", effect(command.effect));
            run(&mut out, command, step, shell);
        }
        if !asked {
            pause(&mut out, &step.first, shell);
        }
        let verify = Command { arguments: waiting(&step.verify), effect: Effect::Reads };
        let _written = writeln!(
            out,
            "# verifies{}",
            if step.hint.is_empty() { String::new() } else { format!(": {}", inert(&step.hint, true)) }
        );
        run(&mut out, &verify, step, shell);
    }
    out
}

/// A verification that gives what was changed the time to spread.
fn waiting(verify: &[String]) -> Vec<String> {
    let mut verify = verify.to_vec();
    verify.extend(["--wait".to_owned(), "5m".to_owned()]);
    verify
}

/// Values that have to be given; without them the script ends before its first command.
fn values(out: &mut String, open: &[&Open], shell: Shell) {
    if open.is_empty() {
        return;
    }
    out.push_str("\n# These values could not be learned: set them in the environment.\n");
    for one in open {
        comment(out, &format!("{}: {}", one.variable, one.how));
    }
    let names: Vec<&str> = one_each(open);
    match shell {
        Shell::Posix => {
            for name in names {
                let _written = writeln!(
                    out,
                    "[ -n \"${{{name}:-}}\" ] || {{ echo '{name} is not set: see the comments of this script' >&2; exit 2; }}"
                );
            }
        }
        Shell::Power => {
            for name in names {
                let _written = writeln!(
                    out,
                    "if (-not $env:{name}) {{ [Console]::Error.WriteLine('{name} is not set: see the comments of this script'); exit 2 }}"
                );
            }
        }
    }
}

fn one_each<'a>(open: &[&'a Open]) -> Vec<&'a str> {
    open.iter().map(|one| one.variable.as_str()).collect()
}

/// An argument as pieces: text, and variables that stand for what is open.
enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

fn pieces<'a>(argument: &'a str, open: &'a [Open]) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut rest = argument;
    while !rest.is_empty() {
        let next = open
            .iter()
            .filter_map(|one| Some((rest.find(&format!("<{}>", one.name))?, one)))
            .min_by_key(|(at, one)| (*at, std::cmp::Reverse(one.name.len())));
        let Some((at, one)) = next else {
            pieces.push(Piece::Text(rest));
            return pieces;
        };
        if at > 0 {
            pieces.push(Piece::Text(&rest[..at]));
        }
        pieces.push(Piece::Variable(&one.variable));
        rest = &rest[at + one.name.len() + 2..];
    }
    pieces
}

/// Waits for the person who has to do something first; where there is none, the script ends.
fn pause(out: &mut String, first: &str, shell: Shell) {
    comment(out, &format!("By hand first: {first}"));
    out.push_str(match shell {
        Shell::Posix => {
            "echo 'By hand first: see the comments of this script. Enter goes on, Ctrl-C stops.' >&2\nread -r _done\n"
        }
        Shell::Power => "[void](Read-Host 'By hand first: see the comments of this script. Enter goes on, Ctrl-C stops')\n",
    });
}

/// Whether every word of a step can be handed over as it is.
fn can_be_written(step: &Step, shell: Shell) -> bool {
    step.commands.iter().flat_map(|command| &command.arguments).chain(&step.verify).all(|argument| {
        pieces(argument, &step.open).iter().all(|piece| match piece {
            Piece::Text(text) => holds(text, shell),
            Piece::Variable(_) => true,
        })
    })
}

/// Ends the script before its first command, since one of its steps would not be what is meant.
fn refuse(out: &mut String, steps: &[&Step], shell: Shell) {
    out.push('\n');
    comment(
        out,
        "These steps cannot be written safely for this shell, for the characters that one of their names holds. Do \
         them by hand, and write the script again:",
    );
    for step in steps {
        comment(out, &step.id);
        for command in &step.commands {
            comment(out, &command.arguments.join(" "));
        }
    }
    out.push_str(match shell {
        Shell::Posix => "echo 'a step has to be done by hand: see the comments of this script' >&2\nexit 2\n",
        Shell::Power => "throw 'a step has to be done by hand: see the comments of this script'\n",
    });
}

fn run(out: &mut String, command: &Command, step: &Step, shell: Shell) {
    if command.arguments.iter().any(|argument| !shows_whole(argument)) {
        // The script has ended before this.
        comment(out, &command.arguments.join(" "));
        return;
    }
    let words: Vec<String> =
        command.arguments.iter().map(|argument| word(argument, &step.open, shell)).collect();
    match shell {
        Shell::Posix => {
            let _written = writeln!(out, "{}", words.join(" "));
        }
        Shell::Power => {
            let _written =
                writeln!(out, "& {}\nif ($LASTEXITCODE -ne 0) {{ exit $LASTEXITCODE }}", words.join(" "));
        }
    }
}

/// Whether an argument can be handed over as it is. On Windows some of these programs are batch files, whose interpreter
/// obeys characters that PowerShell cannot quote for it.
fn holds(argument: &str, shell: Shell) -> bool {
    shows_whole(argument)
        && (shell == Shell::Posix
            || !(argument.contains(['"', '&', '|', '^', '%', '!', '<', '>']) || argument.ends_with('\\')))
}

/// Whether every character shows as itself.
fn shows_whole(argument: &str) -> bool {
    argument.chars().all(|c| super::inert::shows(c, true))
}

fn word(argument: &str, open: &[Open], shell: Shell) -> String {
    let parts = pieces(argument, open);
    match shell {
        Shell::Posix => {
            let word: String = parts
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => single(text),
                    Piece::Variable(name) => format!("\"${name}\""),
                })
                .collect();
            if word.is_empty() { "''".into() } else { word }
        }
        Shell::Power => {
            let parts: Vec<String> = parts
                .iter()
                .map(|piece| match piece {
                    // PowerShell takes typographic quotation marks for plain ones.
                    Piece::Text(text) => {
                        let doubled: String = text
                            .chars()
                            .flat_map(|c| {
                                let quotes = matches!(c, '\'' | '\u{2018}'..='\u{201b}');
                                std::iter::repeat_n(c, if quotes { 2 } else { 1 })
                            })
                            .collect();
                        format!("'{doubled}'")
                    }
                    Piece::Variable(name) => format!("$env:{name}"),
                })
                .collect();
            match parts.as_slice() {
                [] => "''".into(),
                [one] => one.clone(),
                several => format!("({})", several.join(" + ")),
            }
        }
    }
}

/// As one word of a POSIX shell.
fn single(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+:,./_-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
