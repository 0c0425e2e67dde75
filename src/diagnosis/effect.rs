//! Whether a command that a remedy proposes only reads, or changes something.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What running a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It looks.
    Reads,
    /// It changes something, or could: what is not known to read only counts as this.
    Changes,
}

/// Verbs of programs that look only.
const READERS: &[(&str, &[&str])] = &[
    (
        "kubectl",
        &[
            "get",
            "describe",
            "logs",
            "explain",
            "auth",
            "version",
            "top",
            "diff",
            "api-resources",
            "events",
            "config",
        ],
    ),
    ("docker", &["ps", "inspect", "logs", "images", "port", "version", "info", "system", "buildx"]),
    ("docker compose", &["ps", "logs", "config", "images", "port", "top", "ls", "stats", "version"]),
    ("helm", &["list", "get", "status", "template", "history"]),
    ("timedatectl", &["status", "show", "timesync-status"]),
    ("chronyc", &["tracking", "sources", "sourcestats"]),
    ("openssl", &["s_client", "x509", "version"]),
    (
        "mzv-doctor",
        &[
            "check",
            "verify",
            "scan",
            "explain",
            "why",
            "fix",
            "plan",
            "permissions",
            "lab",
            "config",
            "rules",
        ],
    ),
];
/// Programs that look, whatever they are asked.
const LOOKING: &[&str] =
    &["nslookup", "dig", "host", "getent", "cat", "ls", "grep", "printenv", "nc", "ss", "ping"];
/// Last words of commands of az that look only.
const AZ: &[&str] = &["list", "show", "check-acr", "get-access-token", "show-tags", "check-name", "version"];
/// First words of statements that look only.
const STATEMENTS: &[&str] = &["select", "show", "explain", "\\d", "\\l", "\\conninfo"];
/// Options before a verb that take a value.
const VALUED: &[&str] =
    &["--namespace", "-n", "--context", "--kubeconfig", "--file", "-f", "--project-name", "-p", "--profile"];

/// What a command does, by its arguments.
pub fn effect(command: &[String]) -> Effect {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    if reads(&words) { Effect::Reads } else { Effect::Changes }
}

fn reads(words: &[&str]) -> bool {
    let Some((program, rest)) = words.split_first() else { return true };
    let has = |option: &str| rest.contains(&option);
    match *program {
        "az" => az(rest),
        "curl" => !rest.iter().any(|it| {
            ["-X", "--request", "-d", "--upload-file", "-T", "-F", "--form"].contains(it)
                || ["--data", "--request=", "-X", "-d", "-F", "-T"].iter().any(|start| it.starts_with(start))
                || it.starts_with("--json")
        }),
        "date" => !has("--set") && !has("-s"),
        "migrate" => rest.last() == Some(&"version"),
        "psql" => statements(rest),
        "docker" if verb(rest).is_some_and(|(word, _)| word == "compose") => {
            verb(rest).and_then(|(_, rest)| verb(rest)).is_some_and(|(word, rest)| match word {
                "exec" => inner(rest),
                _ => listed("docker compose", word),
            })
        }
        "docker" => verb(rest).is_some_and(|(word, rest)| match word {
            "exec" => inner(rest),
            "system" => rest.first() == Some(&"df"),
            "buildx" => rest.starts_with(&["imagetools", "inspect"]),
            _ => listed("docker", word),
        }),
        "kubectl" => verb(rest).is_some_and(|(word, rest)| match word {
            "rollout" => rest.first().is_some_and(|it| ["status", "history"].contains(it)),
            "config" => {
                rest.first().is_some_and(|it| ["view", "current-context", "get-contexts"].contains(it))
            }
            "exec" => rest.iter().position(|it| *it == "--").is_some_and(|at| reads(&rest[at + 1..])),
            _ => listed("kubectl", word),
        }),
        _ if LOOKING.contains(program) => true,
        _ => verb(rest).is_some_and(|(word, _)| listed(program, word)),
    }
}

fn listed(program: &str, verb: &str) -> bool {
    READERS.iter().any(|(known, verbs)| *known == program && verbs.contains(&verb))
}

/// The first word that is no option, and what follows it.
fn verb<'a>(words: &'a [&'a str]) -> Option<(&'a str, &'a [&'a str])> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if !word.starts_with('-') {
            return Some((word, &words[at + 1..]));
        }
        at += if VALUED.contains(word) { 2 } else { 1 };
    }
    None
}

/// A command that runs in a container: behind its name.
fn inner(rest: &[&str]) -> bool {
    verb(rest).is_some_and(|(_, command)| reads(command))
}

fn az(rest: &[&str]) -> bool {
    let words: Vec<&str> = rest.iter().copied().take_while(|word| !word.starts_with('-')).collect();
    if words == ["rest"] {
        let method = rest.iter().position(|word| *word == "--method" || *word == "-m");
        return method
            .is_none_or(|at| rest.get(at + 1).is_some_and(|method| method.eq_ignore_ascii_case("get")));
    }
    words
        .last()
        .is_some_and(|last| AZ.contains(last) || last.starts_with("list-") || last.starts_with("show-"))
}

fn statements(rest: &[&str]) -> bool {
    let mut all = rest
        .iter()
        .zip(rest.iter().skip(1))
        .filter(|(option, _)| ["-c", "--command"].contains(option))
        .peekable();
    all.peek().is_some()
        && all.all(|(_, sql)| {
            sql.split(';').map(str::trim).filter(|it| !it.is_empty()).all(|statement| {
                let statement = statement.to_lowercase();
                STATEMENTS.iter().any(|word| statement.starts_with(word)) && !statement.contains(" into ")
            })
        })
}

#[cfg(test)]
mod tests {
    use super::{Effect, effect};

    #[test]
    fn only_what_is_known_to_look_is_said_to() {
        for (reads, command) in [
            (true, "kubectl --namespace mazevault get pods"),
            (true, "kubectl --context c --namespace n describe pod x"),
            (false, "kubectl --namespace get delete pod x"),
            (false, "kubectl rollout restart deployment x"),
            (true, "kubectl rollout status deployment x"),
            (true, "kubectl exec pod -- cat /etc/hosts"),
            (false, "kubectl exec pod -- rm x"),
            (true, "az identity show --name delete"),
            (false, "az identity federated-credential update --name show"),
            (true, "az keyvault list-deleted"),
            (true, "az rest --url u"),
            (false, "az rest --method patch --url u"),
            (false, "az login"),
            (false, "az account get-credentials"),
            (true, "docker compose --project-name p logs backend"),
            (false, "docker compose up --detach"),
            (true, "docker compose exec --no-TTY db psql -c SELECT"),
            (false, "docker compose exec db psql -c DELETE"),
            (false, "psql url"),
            (true, "curl --silent https://x"),
            (false, "curl --request POST https://x"),
            (true, "mzv-doctor verify x"),
            (false, "something new"),
        ] {
            let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
            assert_eq!(effect(&words) == Effect::Reads, reads, "{command}");
        }
    }
}
