//! Texts with facts filled in. What is not known stays visible as `<its name>` and is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use minijinja::value::{Rest, Serde};
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, Value as Jinja, context};
use serde_json::{Map, Value};

use super::{Areas, Shape};

/// Brackets of a name that stands for what is not known; no text from outside holds private-use characters by
/// then, for [`Values`] takes them out.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';
/// Steps that one template may take.
const FUEL: u64 = 100_000;

/// A checked template.
pub struct Template {
    source: String,
}

/// A rendered template.
pub struct Filled {
    /// The text; what is not known stands as `<name>`.
    pub text: String,
    /// Names of what is not known.
    pub open: Vec<String>,
}

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.set_formatter(|out, state, value| {
        if value.is_none() {
            return out.write_str(&marked("not known")).map_err(Error::from);
        }
        if value.is_undefined() {
            return minijinja::escape_formatter(out, state, value);
        }
        if let Ok(flag) = bool::try_from(value.clone())
            && value.kind() == minijinja::value::ValueKind::Bool
        {
            return out.write_str(if flag { "true" } else { "false" }).map_err(Error::from);
        }
        minijinja::escape_formatter(out, state, value)
    });
    // As the inside of a text literal; `standard_conforming_strings` is on since PostgreSQL 9.1.
    environment.add_filter("sql", |text: String| text.replace('\'', "''"));
    // As a quoted identifier.
    environment.add_filter("identifier", |text: String| format!("\"{}\"", text.replace('"', "\"\"")));
    environment.add_filter("time", |text: String| text.replace('T', " "));
    environment.add_filter("span", |seconds: i64| match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    });
    environment.add_function("first", |values: Rest<Jinja>| -> Jinja {
        let known =
            |value: &&Jinja| !value.is_none() && value.as_str().is_none_or(|text| !text.starts_with(OPEN));
        values.iter().find(known).or_else(|| values.first()).cloned().unwrap_or(Jinja::from(()))
    });
    environment
}

fn marked(name: &str) -> String {
    format!("{OPEN}{name}{CLOSE}")
}

/// What templates may name.
pub(super) struct Known<'a> {
    pub(super) areas: BTreeMap<&'a str, &'a BTreeMap<String, Shape>>,
    pub(super) target: &'a Shape,
    /// A value of each of these, for trying templates out.
    pub(super) examples: Jinja,
    /// Captures, `each` and `for_each` variables.
    pub(super) free: BTreeMap<String, Shape>,
}

/// A value of every fact and setting.
pub(super) fn examples(areas: &BTreeMap<&str, &BTreeMap<String, Shape>>, target: &Shape) -> Jinja {
    let mut all: Map<String, Value> = areas
        .iter()
        .map(|(area, facts)| {
            let facts = facts.iter().map(|(name, shape)| (name.clone(), shape.example())).collect();
            ((*area).to_owned(), Value::Object(facts))
        })
        .collect();
    all.insert("target".into(), target.example());
    Jinja::from(Serde(Value::Object(all)))
}

impl Template {
    /// Whether it begins with a text of its own.
    pub(crate) fn begins_with(&self, text: &str) -> bool {
        self.source.starts_with(text)
    }

    /// Parses and checks. Notes which of the free names it uses.
    pub(super) fn new(source: &str, known: &Known<'_>, used: &mut BTreeSet<String>) -> Result<Self, String> {
        let template = ENVIRONMENT
            .template_from_str(source)
            .map_err(|error| error.to_string().lines().next().unwrap_or("cannot be parsed").to_owned())?;
        let paths: BTreeSet<String> = template.undeclared_variables(true).into_iter().collect();
        for path in paths {
            let mut parts = path.split('.');
            let root = parts.next().unwrap_or_default();
            if root == "loop" || root == "first" {
                continue;
            }
            if known.free.contains_key(root) {
                used.insert(root.to_owned());
                continue;
            }
            let rest: Vec<&str> = parts.collect();
            let missing = || format!("{path} is neither a fact, a setting nor a capture");
            if root == "target" {
                follow(known.target, &rest).ok_or_else(missing)?;
            } else {
                let area = known.areas.get(root).ok_or_else(missing)?;
                let (fact, members) = rest.split_first().ok_or_else(missing)?;
                follow(area.get(*fact).ok_or_else(missing)?, members).ok_or_else(missing)?;
            }
        }
        // A filter that does not exist, or a member of a list's element, shows only when it is rendered.
        let free = known.free.iter().map(|(name, shape)| (name.clone(), Jinja::from(Serde(shape.example()))));
        let free: BTreeMap<String, Jinja> = free.collect();
        template
            .render(context! { ..Jinja::from(free), ..known.examples.clone() })
            .map_err(|error| error.to_string().lines().next().unwrap_or("cannot be rendered").to_owned())?;
        Ok(Self::tried(source))
    }

    /// One that was checked before.
    pub(super) fn tried(source: &str) -> Self {
        Self { source: source.trim_end().to_owned() }
    }

    /// The same as an argument of a command, in which `<a name>` stands for what only a person knows.
    #[must_use]
    pub(super) fn asking(self) -> Self {
        let mut source = String::with_capacity(self.source.len());
        let mut rest = self.source.as_str();
        while let Some(at) = rest.find(['<', '{']) {
            let (before, from) = rest.split_at(at);
            source.push_str(before);
            let inner = from.strip_prefix('<').and_then(|from| from.split_once('>')).map(|(inner, _)| inner);
            let name = inner.filter(|name| {
                name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.contains(['{', '}', '<', '\n'])
            });
            // What is computed is left as it is: it has signs of its own.
            let end = match (name, ["}}", "%}"].iter().filter_map(|end| from.find(end)).min()) {
                (Some(name), _) => {
                    source.push_str(&marked(name));
                    rest = &from[name.len() + 2..];
                    continue;
                }
                (None, Some(end)) if from.starts_with("{{") || from.starts_with("{%") => end + 2,
                (None, _) => 1,
            };
            source.push_str(&from[..end]);
            rest = &from[end..];
        }
        source.push_str(rest);
        Self { source }
    }

    /// Fills values in. A template that cannot be rendered comes out as one unknown.
    pub fn fill(&self, values: &Values) -> Filled {
        let rendered = ENVIRONMENT.render_str(&self.source, values.0.clone());
        let text = rendered.unwrap_or_else(|_| {
            let inner = self.source.trim_matches(|c: char| matches!(c, '{' | '}' | ' ' | '%'));
            marked(if inner.len() > 60 { "not known" } else { inner })
        });
        let mut open = Vec::new();
        let mut shown = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once(OPEN) {
            let (name, after) = after.split_once(CLOSE).unwrap_or((after, ""));
            shown.push_str(before);
            shown.push('<');
            shown.push_str(name);
            shown.push('>');
            open.push(name.to_owned());
            rest = after;
        }
        shown.push_str(rest);
        Filled { text: shown, open }
    }
}

fn follow<'a>(shape: &'a Shape, members: &[&str]) -> Option<&'a Shape> {
    let Some((first, rest)) = members.split_first() else { return Some(shape) };
    match shape.inner() {
        Shape::Object(known) => follow(known.get(*first)?, rest),
        Shape::Map(_) | Shape::Any => Some(shape),
        Shape::Bool | Shape::Number | Shape::Text | Shape::Null | Shape::List(_) | Shape::Nullable(_) => None,
    }
}

/// Everything that templates of one finding may name.
#[derive(Clone)]
pub struct Values(Jinja);

impl Values {
    /// Facts that are known, marks for those that are not, and settings.
    pub fn new(areas: &Areas, shapes: &BTreeMap<String, BTreeMap<String, Shape>>, target: &Value) -> Self {
        let mut all = Map::new();
        for (area, facts) in shapes {
            let known = areas.get(area);
            let members = facts.iter().map(|(name, shape)| {
                let full = format!("{area}.{name}");
                let value = known.and_then(|facts| facts.get(name)).filter(|value| !value.is_null());
                (name.clone(), value.map_or_else(|| stand_in(shape, &full), clean))
            });
            all.insert(area.clone(), Value::Object(members.collect()));
        }
        all.insert("target".into(), settings(target, ""));
        Self(Jinja::from(Serde(Value::Object(all))))
    }

    /// The same, with a variable that stands for an area.
    #[must_use]
    pub fn bound(&self, variable: &str, area: &str) -> Self {
        let spoken = match area {
            "primary_db" => "the Primary's database",
            "gateway_db" => "the gateway's database",
            other => other,
        };
        let stands_for = self.0.get_attr(area).unwrap_or_default();
        let names = BTreeMap::from([
            (variable.to_owned(), stands_for),
            (format!("{variable}_name"), Jinja::from(spoken)),
        ]);
        Self(context! { ..Jinja::from(names), ..self.0.clone() })
    }

    /// The same, with further names; null stands as unknown.
    #[must_use]
    pub fn with(&self, further: &BTreeMap<String, Value>) -> Self {
        let names: BTreeMap<String, Jinja> = further
            .iter()
            .map(|(name, value)| {
                let value = if value.is_null() { Value::String(marked(name)) } else { clean(value) };
                (name.clone(), Jinja::from(Serde(value)))
            })
            .collect();
        Self(context! { ..Jinja::from(names), ..self.0.clone() })
    }
}

/// A value without the characters that mark what is not known.
fn clean(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace([OPEN, CLOSE], "")),
        Value::Array(items) => items.iter().map(clean).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), clean(value))).collect())
        }
        other => other.clone(),
    }
}

/// Marks in the place of an unknown value, down to its members.
fn stand_in(shape: &Shape, path: &str) -> Value {
    match shape.inner() {
        Shape::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, shape)| (name.clone(), stand_in(shape, &format!("{path}.{name}"))))
                .collect(),
        ),
        Shape::Bool
        | Shape::Number
        | Shape::Text
        | Shape::Null
        | Shape::Any
        | Shape::List(_)
        | Shape::Map(_)
        | Shape::Nullable(_) => Value::String(marked(path)),
    }
}

fn settings(value: &Value, path: &str) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    (name.clone(), settings(value, &path))
                })
                .collect(),
        ),
        Value::Null => Value::String(marked(path)),
        other => clean(other),
    }
}
