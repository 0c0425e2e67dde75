//! A CEL expression over facts, three-valued: what is not known makes an error, which `&&`, `||`, `all` and
//! `exists` absorb where another operand decides.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use cel::objects::{Key, Map};
use cel::{Context, Env, Program, Value as Cel};
use serde_json::Value;

use super::check::{Names, check};
use super::{Areas, Shape};

/// Longest expression: deeper ones could exhaust the parser's stack.
const LONGEST: usize = 2000;

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// What a condition comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be decided.
    Unknown,
}

/// A compiled and checked expression.
pub struct Expression {
    source: String,
    program: Program,
    facts: BTreeSet<(String, String)>,
    shape: Shape,
}

impl Expression {
    /// Compiles and checks. `wanted` is the type it has to come to.
    pub(super) fn new(source: &str, names: &Names<'_>, wanted: &Shape) -> Result<Self, String> {
        if source.len() > LONGEST {
            return Err(format!("longer than {LONGEST} characters"));
        }
        let program = ENV
            .compile(source)
            .map_err(|error| error.to_string().lines().next().unwrap_or("cannot be parsed").to_owned())?;
        let checked = check(program.expression(), names)?;
        if !checked.shape.inner().fits(wanted) {
            return Err(format!("comes to {}, and has to be {}", checked.shape.word(), wanted.word()));
        }
        Ok(Self { source: source.to_owned(), program, facts: checked.facts, shape: checked.shape })
    }

    /// What it comes to.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// As it is written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Facts that it reads, by full name, with an `each` variable replaced by its area.
    pub fn facts(&self, binding: Option<(&str, &str)>) -> BTreeSet<String> {
        self.facts.iter().map(|(area, name)| full_name(area, name, binding)).collect()
    }

    /// What it comes to.
    pub fn truth(&self, scope: &Scope) -> Truth {
        match self.program.execute(&scope.context) {
            Ok(Cel::Bool(true)) => Truth::True,
            Ok(Cel::Bool(false)) => Truth::False,
            Ok(_) | Err(_) => Truth::Unknown,
        }
    }
}

impl Expression {
    /// Facts that a part of it reads.
    pub(super) fn facts_within(&self, part: &str, binding: Option<(&str, &str)>) -> BTreeSet<String> {
        let reads = |(area, name): &&(String, String)| {
            let path = format!("{area}.{name}");
            part.match_indices(&path).any(|(at, _)| {
                let free = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
                let before = part[..at].chars().next_back();
                free(before) && before != Some('.') && free(part[at + path.len()..].chars().next())
            })
        };
        self.facts.iter().filter(reads).map(|(area, name)| full_name(area, name, binding)).collect()
    }

    /// The elements of the list that it comes to; none where it cannot be evaluated.
    pub fn elements(&self, scope: &Scope) -> Vec<Value> {
        match self.program.execute(&scope.context) {
            Ok(value @ Cel::List(_)) => match value.json() {
                Ok(Value::Array(items)) => items,
                Ok(_) | Err(_) => Vec::new(),
            },
            Ok(_) | Err(_) => Vec::new(),
        }
    }
}

/// What a part of an expression comes to, as it is written.
pub(super) fn truth_of(part: &str, scope: &Scope) -> Truth {
    let ran = ENV.compile(part).ok().map(|program| program.execute(&scope.context));
    match ran {
        Some(Ok(Cel::Bool(true))) => Truth::True,
        Some(Ok(Cel::Bool(false))) => Truth::False,
        _ => Truth::Unknown,
    }
}

/// A fact's name, with an `each` variable replaced by the area that it stands for.
fn full_name(area: &str, name: &str, binding: Option<(&str, &str)>) -> String {
    match binding {
        Some((variable, stands_for)) if variable == area => format!("{stands_for}.{name}"),
        _ => format!("{area}.{name}"),
    }
}

/// What is known, as expressions read it; turned over once for all rules.
pub struct Ground {
    areas: BTreeMap<String, Cel>,
    target: Cel,
}

impl Ground {
    /// Areas of facts, and settings.
    pub fn new(areas: &Areas, target: &Value) -> Self {
        let areas = areas.iter().map(|(area, facts)| (area.clone(), area_value(facts))).collect();
        Self { areas, target: convert(target) }
    }
}

/// The values that one rule's expressions read.
pub struct Scope {
    context: Context<'static, 'static>,
}

impl Scope {
    /// What is known, and what an `each` variable stands for.
    pub fn new(ground: &Ground, binding: Option<(&str, &str)>) -> Self {
        let mut context = Context::with_env(Arc::clone(&ENV));
        for (area, facts) in &ground.areas {
            context.add_variable_from_value(area.clone(), facts.clone());
        }
        if let Some((variable, area)) = binding {
            let facts = ground.areas.get(area).cloned().unwrap_or_else(|| area_value(&BTreeMap::new()));
            context.add_variable_from_value(variable.to_owned(), facts);
            context
                .add_variable_from_value(format!("{variable}_area"), Cel::String(Arc::new(area.to_owned())));
        }
        context.add_variable_from_value("target".to_owned(), ground.target.clone());
        Self { context }
    }
}

fn area_value(facts: &BTreeMap<String, Value>) -> Cel {
    map(facts.iter().map(|(name, value)| (name.clone(), convert(value))))
}

fn map(entries: impl Iterator<Item = (String, Cel)>) -> Cel {
    let entries: HashMap<Key, Cel> = entries.map(|(name, value)| (Key::from(name), value)).collect();
    Cel::Map(Map { map: Arc::new(entries) })
}

/// JSON as CEL sees it; whole numbers are `int`, so that they can be compared and counted with literals.
fn convert(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(flag) => Cel::Bool(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(int), _, _) => Cel::Int(int),
            (None, Some(uint), _) => Cel::UInt(uint),
            (None, None, float) => Cel::Float(float.unwrap_or(f64::NAN)),
        },
        Value::String(text) => Cel::String(Arc::new(text.clone())),
        Value::Array(items) => Cel::List(Arc::new(items.iter().map(convert).collect())),
        Value::Object(members) => map(members.iter().map(|(name, value)| (name.clone(), convert(value)))),
    }
}
