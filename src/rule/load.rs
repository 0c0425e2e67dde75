//! Reading one rule file, strictly: each error names its file and line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::catalogue;
use super::check::Names;
use super::file::{Expect, LabelledFile, RuleFile, Source, VariantFile};
use super::files::EMBEDDED_IN;
use super::prepare::{self, Entry, Expression as Prepared};
use super::symptom::compile;
use super::template::{self, Known};
use super::wording::spelled;
use super::{Contrasted, Expression, Labelled, Rule, Shape, Template, Variant};

/// Why the table does not load.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct RuleError {
    /// The rule file.
    pub file: String,
    /// Line in it, from 1.
    pub line: u64,
    /// What is wrong and what to do.
    pub problem: String,
}

/// One file being read.
struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    names: Names<'a>,
    known: Known<'a>,
    used: BTreeSet<String>,
}

impl Reader<'_> {
    /// Whether it is one of the program's own files: what they hold is checked by the tests, as files of a folder are.
    fn tried(&self) -> bool {
        self.file.starts_with(EMBEDDED_IN)
    }

    fn refuse(&self, line: u64, problem: String) -> RuleError {
        RuleError { file: self.file.to_owned(), line: line.max(1), problem }
    }

    fn expression(&self, what: &str, source: &Source, wanted: &Shape) -> Result<Expression, RuleError> {
        Expression::new(&source.value, &self.names, wanted)
            .map_err(|problem| self.refuse(source.referenced.line(), format!("{what}: {problem}")))
    }

    fn condition(&self, what: &str, source: Option<&Source>) -> Result<Option<Expression>, RuleError> {
        source.map(|source| self.expression(what, source, &Shape::Bool)).transpose()
    }

    fn template(&mut self, what: &str, source: &Source) -> Result<Template, RuleError> {
        if self.tried() {
            return Ok(Template::tried(&source.value));
        }
        Template::new(&source.value, &self.known, &mut self.used).map_err(|problem| RuleError {
            file: self.file.to_owned(),
            line: source.referenced.line().max(1),
            problem: format!("{what}: {problem}"),
        })
    }

    fn labelled(&mut self, what: &str, from: &LabelledFile) -> Result<Labelled, RuleError> {
        Ok(Labelled { label: from.label.clone(), value: self.template(what, &from.value)? })
    }

    fn variant(&mut self, from: &VariantFile) -> Result<Variant, RuleError> {
        let when = self.condition("remedy when", from.when.as_ref())?;
        let for_each = match from.for_each.iter().next() {
            None => None,
            Some((variable, list)) => {
                let wanted = Shape::List(Box::new(Shape::Any));
                let list = self.expression("remedy for_each", list, &wanted)?;
                let element = match list.shape().inner() {
                    Shape::List(element) => (**element).clone(),
                    _ => Shape::Any,
                };
                self.known.free.insert(variable.clone(), element);
                Some((variable.clone(), list))
            }
        };
        let text = from.text.as_ref().map(|text| self.template("remedy text", text)).transpose()?;
        let mut commands = Vec::new();
        for command in &from.commands {
            let arguments = command
                .iter()
                .map(|argument| Ok(self.template("remedy command", argument)?.asking()))
                .collect::<Result<Vec<_>, RuleError>>()?;
            commands.push(arguments);
        }
        if let Some((variable, _)) = &for_each {
            self.known.free.remove(variable);
        }
        Ok(Variant { when, for_each, text, commands, by_hand: from.by_hand })
    }
}

/// Reads a rule file strictly.
pub(super) fn parse(file: &str, text: &str) -> Result<RuleFile, RuleError> {
    serde_saphyr::from_str(text).map_err(|error| RuleError {
        file: file.to_owned(),
        line: error.location().map_or(1, |at| at.line()),
        problem: error.without_snippet().to_string().lines().next().unwrap_or("not valid YAML").to_owned(),
    })
}

pub(super) fn read(
    file: &str,
    written: RuleFile,
    text: &str,
    shapes: &BTreeMap<String, BTreeMap<String, Shape>>,
    target: &Shape,
    examples: &minijinja::Value,
) -> Result<(Rule, Vec<Prepared>), RuleError> {
    let mut areas: BTreeMap<&str, &BTreeMap<String, Shape>> =
        shapes.iter().map(|(area, facts)| (area.as_str(), facts)).collect();
    let each = written.each.iter().next().map(|(variable, areas)| (variable.clone(), areas.clone()));
    if let Some((variable, alternatives)) = &each {
        for alternative in alternatives {
            let facts = shapes.get(alternative).ok_or_else(|| RuleError {
                file: file.to_owned(),
                line: line_of(text, "each"),
                problem: format!("each: there is no area {alternative}"),
            })?;
            areas.insert(variable.as_str(), facts);
        }
    }
    let tried = file.starts_with(EMBEDDED_IN);
    let each_examples = (each.is_some() && !tried).then(|| template::examples(&areas, target));
    let free = each.iter().map(|(variable, _)| (format!("{variable}_name"), Shape::Text)).collect();
    let mut reader = Reader {
        file,
        text,
        names: Names {
            areas: areas.clone(),
            bound: each.iter().map(|(variable, _)| (format!("{variable}_area"), Shape::Text)).collect(),
            target: Some(target),
        },
        known: Known { examples: each_examples.unwrap_or_else(|| examples.clone()), areas, target, free },
        used: BTreeSet::new(),
    };
    check_form(&reader, &written, text)?;
    let patterns = read_symptoms(&mut reader, &written)?;
    let captures: Vec<(String, u64)> = reader
        .known
        .free
        .keys()
        .filter(|name| !each.iter().any(|(variable, _)| **name == format!("{variable}_name")))
        .map(|name| (name.clone(), line_of(text, &format!("(?P<{name}>"))))
        .collect();
    let rule = Rule {
        applies: reader.condition("applies", written.applies.as_ref())?,
        when: reader.condition("when", written.when.as_ref())?,
        notice_when: reader.condition("notice_when", written.notice_when.as_ref())?,
        symptoms: written.symptoms.len(),
        text_only: written.text_only,
        recovered_by: written.recovered_by,
        causes: written.causes,
        also: written.also,
        sources: written
            .symptoms
            .iter()
            .flat_map(|symptom| symptom.sources.iter().copied())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        subject: reader.template("subject", &written.subject)?,
        brief: reader.template("brief", &written.brief)?,
        evidence: written
            .evidence
            .iter()
            .map(|line| reader.labelled("evidence", line))
            .collect::<Result<_, _>>()?,
        contrast: match &written.contrast {
            None => None,
            Some(contrast) => Some(Contrasted {
                has: reader.labelled("contrast", &contrast.has)?,
                wants: reader.labelled("contrast", &contrast.wants)?,
            }),
        },
        explanation: reader.template("explanation", &written.explanation)?,
        remedy: written.remedy.iter().map(|way| reader.variant(way)).collect::<Result<_, _>>()?,
        id: written.id,
        title: written.title,
        area: written.area,
        severity: written.severity,
        confidence: written.confidence,
        each: each.clone(),
        verify: written.verify,
        caused_by: written.caused_by,
        references: written.references,
        examples: written.examples,
    };
    for (name, line) in captures {
        if !reader.tried() && !reader.used.contains(&name) {
            return Err(reader.refuse(line, format!("the capture {name} is used nowhere")));
        }
    }
    Ok((rule, patterns))
}

pub(super) fn entry(rule: &Rule, symptoms: Vec<Prepared>) -> Entry {
    Entry {
        id: rule.id.clone(),
        also: rule.also.clone(),
        title: rule.title.clone(),
        area: rule.area.clone(),
        severity: rule.severity.name().to_owned(),
        text_only: rule.text_only,
        recovered_by: rule.recovered_by.clone(),
        symptoms,
    }
}

pub(super) fn line_of(text: &str, part: &str) -> u64 {
    text.lines().zip(1..).find(|(line, _)| line.contains(part)).map_or(1, |(_, number)| number)
}

fn check_form(reader: &Reader<'_>, written: &RuleFile, text: &str) -> Result<(), RuleError> {
    let path = Path::new(reader.file);
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = path
        .parent()
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let refuse = |part: &str, problem: String| Err(reader.refuse(line_of(text, part), problem));
    if written.id != stem {
        return refuse("id:", format!("the id is {}, and the file is named {stem}", written.id));
    }
    if written.area != folder {
        return refuse("area:", format!("the area is {}, and the folder is named {folder}", written.area));
    }
    if written.when.is_none() && written.symptoms.is_empty() {
        return refuse("id:", "a rule has a condition (when), symptoms, or both".into());
    }
    let shared = catalogue::shared();
    if let Some(name) = written.recovered_by.iter().find(|name| !shared.recoveries.contains_key(*name)) {
        return refuse("recovered_by:", format!("recovered_by: text.yaml has no recovery {name}"));
    }
    if written.text_only && (written.when.is_some() || written.applies.is_some()) {
        return refuse("text_only", "a rule of text only has no condition".into());
    }
    if written.each.values().any(Vec::is_empty) {
        return refuse("each:", "each names no area, so that the rule would never be judged".into());
    }
    if written.each.len() > 1 {
        return refuse("each:", "each binds one variable".into());
    }
    if reader.tried() && written.examples.is_empty() {
        return Ok(());
    }
    let has = |expect: Expect| written.examples.iter().any(|example| example.expect == expect);
    if !has(Expect::Fired) {
        return refuse("examples:", "no example that fires".into());
    }
    if !has(Expect::Passed) {
        return refuse("examples:", "no example that stays quiet (passed)".into());
    }
    if written.when.is_some() && !has(Expect::Inconclusive) {
        return refuse("examples:", "no example that is inconclusive".into());
    }
    for example in &written.examples {
        for name in example.facts.keys().chain(&example.unknown) {
            let known = name.split_once('.').is_some_and(|(area, fact)| {
                reader.known.areas.get(area).is_some_and(|facts| facts.contains_key(fact))
            });
            if !known {
                return refuse(name, format!("examples: there is no fact {name}"));
            }
        }
        for (name, value) in &example.facts {
            let shape = name.split_once('.').and_then(|(area, fact)| reader.known.areas.get(area)?.get(fact));
            if let Some(problem) = shape.and_then(|shape| shape.refuses(value, name)) {
                return refuse(name, format!("examples: {problem}"));
            }
        }
        for name in example.settings.keys() {
            let mut here = Some(reader.known.target);
            for part in name.split('.') {
                here = match here.map(Shape::inner) {
                    Some(Shape::Object(members)) => members.get(part),
                    _ => None,
                };
            }
            if here.is_none() {
                return refuse(name, format!("examples: there is no setting {name}"));
            }
        }
    }
    Ok(())
}

fn read_symptoms(reader: &mut Reader<'_>, written: &RuleFile) -> Result<Vec<Prepared>, RuleError> {
    let mut patterns = Vec::new();
    // The embedded ones were read when the program was built; tests compile them all.
    let ready = reader.tried().then(|| catalogue::entry(&written.id)).flatten();
    if let Some(entry) = ready {
        patterns.clone_from(&entry.symptoms);
    }
    for symptom in written.symptoms.iter().filter(|_| ready.is_none()) {
        let line = match (&symptom.pattern, &symptom.entra) {
            (Some(pattern), _) => pattern.referenced.line(),
            (None, Some(code)) => code.referenced.line(),
            (None, None) => line_of(reader.text, "symptoms"),
        };
        let names: Vec<String> = symptom.sources.iter().map(|source| source.name().to_owned()).collect();
        let expressions = prepare::expressions(
            &names,
            symptom.entra.as_ref().map(|code| code.value),
            symptom.pattern.as_ref().map(|pattern| pattern.value.as_str()),
            symptom.unless.as_ref().map(|unless| unless.value.as_str()),
        )
        .map_err(|problem| reader.refuse(line, problem))?;
        for one in &expressions {
            // Some that have a valid syntax are too large.
            for written in [Some(&one.pattern), one.unless.as_ref()].into_iter().flatten() {
                compile(&spelled(written))
                    .map_err(|problem| reader.refuse(line, format!("pattern: {problem}")))?;
            }
        }
        patterns.extend(expressions);
    }
    for one in &patterns {
        for name in &one.captures {
            if reader.known.areas.contains_key(name.as_str()) || name == "target" {
                let line = line_of(reader.text, &format!("(?P<{name}>"));
                return Err(reader.refuse(line, format!("pattern: {name} is an area of facts already")));
            }
            reader.known.free.insert(name.clone(), Shape::Text);
        }
    }
    Ok(patterns)
}
