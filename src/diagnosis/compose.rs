//! A rule that fired, with everything filled in.

use std::collections::BTreeMap;

use serde_json::Value;

use super::effect::{Effect, effect};
use super::judge::{Fired, World};
use super::{Confidence, Contrast, Evidence, Finding, Remedy, Severity, Side, fingerprint};
use crate::rule::{Labelled, Rule, Scope, Sureness, Template, Truth, Values, Variant};

/// Characters of a value of evidence.
const LONGEST_VALUE: usize = 4000;
/// Said instead of a trust of the account that every pod has.
const OWN_ACCOUNT: &str = "Give the gateway a service account of its own first, and let its pods run as that: a trust \
                           of `default` would serve every pod of the namespace that names none.";
/// Said of commands that hold what only text says.
const UNCONFIRMED: &str = "Compare the values of the commands that change something with what you know: text named \
                           them (a log, an event), and nothing else confirms them.";
/// Commands that one remedy gives at most.
const MOST_COMMANDS: usize = 20;

pub(super) fn severity(given: crate::rule::Severity) -> Severity {
    match given {
        crate::rule::Severity::Notice => Severity::Notice,
        crate::rule::Severity::Warning => Severity::Warning,
        crate::rule::Severity::Error => Severity::Error,
    }
}

pub(super) fn confidence(given: Sureness) -> Confidence {
    match given {
        Sureness::Possible => Confidence::Possible,
        Sureness::Likely => Confidence::Likely,
        Sureness::Certain => Confidence::Certain,
    }
}

/// What a finding's templates are filled in with; a capture that took no part stands as unknown.
struct Filler<'a> {
    world: &'a World<'a>,
    binding: Option<(&'a str, &'a str)>,
    values: Values,
    /// The same without what text said.
    unread: Values,
}

impl<'a> Filler<'a> {
    fn new(
        world: &'a World<'a>,
        rule: &Rule,
        binding: Option<(&'a str, &'a str)>,
        captures: &BTreeMap<String, Value>,
    ) -> Self {
        let names = world.table.scanner.captures_of(&rule.id);
        let mut further: BTreeMap<String, Value> =
            names.into_iter().map(|name| (name, Value::Null)).collect();
        let values = world.values();
        let bound = binding.map(|(variable, area)| values.bound(variable, area));
        let values = bound.as_ref().unwrap_or(values);
        let unread = values.with(&further);
        further.extend(captures.clone());
        Self { world, binding, values: values.with(&further), unread }
    }
}

pub(super) fn finding(
    world: &World<'_>,
    rule: &Rule,
    binding: Option<(&str, &str)>,
    fired: &Fired,
) -> Finding {
    let filler = Filler::new(world, rule, binding, &fired.captures);
    let values = &filler.values;
    let line = |template: &Template| tidy(&template.fill(values).text);
    let side = |labelled: &Labelled| {
        let filled = labelled.value.fill(values);
        filled.open.is_empty().then(|| Side { label: labelled.label.clone(), value: filled.text })
    };
    let contrast = rule
        .contrast
        .as_ref()
        .and_then(|contrast| Some(Contrast { has: side(&contrast.has)?, wants: side(&contrast.wants)? }));
    let shown_already = |value: &str| {
        contrast.as_ref().is_some_and(|contrast| contrast.has.value == value || contrast.wants.value == value)
    };
    let evidence = rule
        .evidence
        .iter()
        .filter_map(|labelled| {
            let filled = labelled.value.fill(values);
            let value = tidy(&filled.text);
            (filled.open.is_empty() && !value.is_empty() && !shown_already(&value))
                .then(|| Evidence { label: labelled.label.clone(), value: cut(value) })
        })
        .collect();
    let subject = line(&rule.subject);
    let about = binding.map(|(_, area)| area.to_owned());
    Finding {
        fingerprint: fingerprint(&rule.id, about.as_deref(), &subject),
        accepted: None,
        id: rule.id.clone(),
        title: rule.title.clone(),
        area: rule.area.clone(),
        severity: fired.severity,
        confidence: fired.confidence,
        subject,
        about,
        brief: line(&rule.brief),
        evidence,
        contrast,
        text: fired.excerpts.clone(),
        explanation: line(&rule.explanation),
        remedy: if fired.severity == Severity::Notice { None } else { remedy(&filler, rule) },
        verify: rule.verify.clone(),
        caused_by: Vec::new(),
        perhaps: Vec::new(),
        references: rule.references.clone(),
        facts: fired.facts.clone(),
    }
}

/// Names the cluster and the subscription in a command that would otherwise go to whatever is current in the shell that
/// it is pasted into.
fn aim(arguments: &mut Vec<String>, filler: &Filler<'_>) {
    let setting = |name: &str| filler.world.snapshot.setting(name);
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    match arguments.first().map(String::as_str) {
        Some("kubectl") if !has("--context") => {
            let context = setting("kubernetes.context");
            if !context.is_empty() {
                arguments.splice(1..1, ["--context".to_owned(), context]);
            }
        }
        Some("az") if arguments.get(1).is_none_or(|group| group != "ad") && !has("--subscription") => {
            let subscription = setting("azure.subscription");
            if !subscription.is_empty() {
                arguments.extend(["--subscription".to_owned(), subscription]);
            }
        }
        _ => {}
    }
}

/// A value that hundreds of things are listed in keeps its beginning.
fn cut(value: String) -> String {
    match value.char_indices().nth(LONGEST_VALUE) {
        None => value,
        Some((end, _)) => format!("{}… ({} characters in all)", &value[..end], value.chars().count()),
    }
}

fn tidy(text: &str) -> String {
    // Other kinds of space may be what is wrong with a name.
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn remedy(filler: &Filler<'_>, rule: &Rule) -> Option<Remedy> {
    let scope = filler.world.scope(filler.binding);
    let fits =
        |variant: &&Variant| variant.when.as_ref().is_none_or(|when| when.truth(&scope) == Truth::True);
    // Where a name would make an order of its own out of a command, the next way that fits stands in.
    let ways: Vec<(Remedy, bool)> =
        rule.remedy.iter().filter(fits).map(|variant| way(filler, &scope, variant)).collect();
    let whole = ways.iter().position(|(_, whole)| *whole).unwrap_or(0);
    ways.into_iter().nth(whole).map(|(remedy, _)| remedy)
}

/// Every way to mend it, each as far as it can be filled in without knowing which fits.
pub(super) fn remedies(world: &World<'_>, rule: &Rule, binding: Option<(&str, &str)>) -> Vec<Remedy> {
    let filler = Filler::new(world, rule, binding, &BTreeMap::new());
    let scope = world.scope(binding);
    let ways = rule.remedy.iter().map(|variant| way(&filler, &scope, variant).0);
    ways.filter(|way| !way.text.is_empty() || !way.commands.is_empty()).collect()
}

/// One way to mend it, and whether all of its commands could be written.
fn way(filler: &Filler<'_>, scope: &Scope, variant: &Variant) -> (Remedy, bool) {
    let mut whole = true;
    let rounds: Vec<Option<(&str, Value)>> = match &variant.for_each {
        None => vec![None],
        Some((variable, list)) => {
            list.elements(scope).into_iter().map(|element| Some((variable.as_str(), element))).collect()
        }
    };
    let mut open = Vec::new();
    let mut commands = Vec::new();
    let (mut told, mut trusts) = (false, false);
    for round in &rounds {
        let of_round = |values: &Values| match round {
            None => values.clone(),
            Some((name, value)) => values.with(&BTreeMap::from([((*name).to_owned(), value.clone())])),
        };
        let (values, unread) = (of_round(&filler.values), of_round(&filler.unread));
        for command in &variant.commands {
            let mut arguments = Vec::new();
            let mut poses = false;
            let mut by_text = false;
            for argument in command {
                let filled = argument.fill(&values);
                by_text |= filled.text != argument.fill(&unread).text;
                // A name that begins with a dash would be read as an option of the command.
                poses |= filled.text.starts_with('-') && !argument.begins_with("-");
                arguments.push(filled.text);
                open.extend(filled.open);
            }
            if poses {
                whole = false;
                continue;
            }
            aim(&mut arguments, filler);
            let changes = effect(&arguments) == Effect::Changes;
            told |= by_text && changes;
            if changes && trusts_default(&arguments) {
                trusts = true;
                continue;
            }
            if commands.len() < MOST_COMMANDS && !commands.contains(&arguments) {
                commands.push(arguments);
            }
        }
    }
    open.sort();
    open.dedup();
    let text = variant.text.as_ref().map_or_else(String::new, |text| tidy(&text.fill(&filler.values).text));
    if trusts {
        let first = OWN_ACCOUNT.to_owned();
        return (Remedy { text: first.clone(), commands, open, first }, whole);
    }
    let first = match (variant.by_hand, told) {
        (true, _) => text.clone(),
        (false, true) => UNCONFIRMED.to_owned(),
        (false, false) => String::new(),
    };
    (Remedy { text, commands, open, first }, whole)
}

/// Whether a command would let every pod of a namespace in that names no account of its own.
fn trusts_default(arguments: &[String]) -> bool {
    let subject = |it: &String| it.starts_with("system:serviceaccount:") && it.ends_with(":default");
    let account = arguments.windows(2).any(|pair| {
        matches!(pair[0].as_str(), "serviceaccount" | "serviceaccounts" | "sa") && pair[1] == "default"
    });
    account || arguments.iter().any(|it| subject(it) || it == "serviceaccount/default" || it == "sa/default")
}
