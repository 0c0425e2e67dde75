//! Types of facts, as far as conditions and templates need them, read off their JSON Schemas.

use std::collections::BTreeMap;

use schemars::SchemaGenerator;
use serde_json::Value;

use crate::fact::FactSpec;

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// True or false.
    Bool,
    /// A number.
    Number,
    /// A text.
    Text,
    /// Nothing.
    Null,
    /// A list of one type.
    List(Box<Shape>),
    /// Named members.
    Object(BTreeMap<String, Shape>),
    /// Any names, one type.
    Map(Box<Shape>),
    /// The type or nothing.
    Nullable(Box<Shape>),
    /// Not known; compatible with everything.
    Any,
}

impl Shape {
    /// In a word, for messages.
    pub fn word(&self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Number => "a number".into(),
            Self::Text => "a text".into(),
            Self::Null => "null".into(),
            Self::List(_) => "a list".into(),
            Self::Object(_) => "an object".into(),
            Self::Map(_) => "a map".into(),
            Self::Nullable(inner) => format!("{} or null", inner.word()),
            Self::Any => "anything".into(),
        }
    }

    /// The type without its being nothing.
    pub fn inner(&self) -> &Self {
        match self {
            Self::Nullable(inner) => inner.inner(),
            other => other,
        }
    }

    /// A value of the type, for trying a template out.
    pub fn example(&self) -> Value {
        match self {
            Self::Bool => Value::Bool(true),
            Self::Number => Value::from(1),
            Self::Text | Self::Any => Value::from("x"),
            Self::Null => Value::Null,
            Self::List(element) => Value::Array(vec![element.example()]),
            Self::Object(members) => {
                Value::Object(members.iter().map(|(name, shape)| (name.clone(), shape.example())).collect())
            }
            Self::Map(value) => Value::Object([("x".to_owned(), value.example())].into_iter().collect()),
            Self::Nullable(inner) => inner.example(),
        }
    }

    /// Why a value is not of the type, where it is not. Members may be left out; none may be another.
    pub fn refuses(&self, value: &Value, path: &str) -> Option<String> {
        let wrong = || Some(format!("{path} has to be {}", self.word()));
        match (self, value) {
            (Self::Any, _)
            | (Self::Nullable(_) | Self::Null, Value::Null)
            | (Self::Bool, Value::Bool(_))
            | (Self::Number, Value::Number(_))
            | (Self::Text, Value::String(_)) => None,
            (Self::Nullable(inner), value) => inner.refuses(value, path),
            (Self::List(element), Value::Array(items)) => {
                items.iter().find_map(|item| element.refuses(item, path))
            }
            (Self::Map(inner), Value::Object(members)) => {
                members.iter().find_map(|(name, value)| inner.refuses(value, &format!("{path}.{name}")))
            }
            (Self::Object(known), Value::Object(members)) => {
                members.iter().find_map(|(name, value)| match known.get(name) {
                    Some(shape) => shape.refuses(value, &format!("{path}.{name}")),
                    None => Some(format!("{path} has no member {name}")),
                })
            }
            _ => wrong(),
        }
    }

    /// Whether values of the two types can be the same.
    pub fn fits(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _)
            | (_, Self::Any)
            | (Self::Nullable(_), Self::Null)
            | (Self::Null, Self::Nullable(_)) => true,
            (Self::Nullable(one), two) => one.fits(two),
            (one, Self::Nullable(two)) => one.fits(two),
            (Self::List(one), Self::List(two)) | (Self::Map(one), Self::Map(two)) => one.fits(two),
            (one, two) => one == two,
        }
    }
}

/// Facts by area and name, with their types. Each may be absent.
pub fn shapes(vocabulary: &[FactSpec]) -> BTreeMap<String, BTreeMap<String, Shape>> {
    let mut areas: BTreeMap<String, BTreeMap<String, Shape>> = BTreeMap::new();
    for fact in vocabulary {
        let Some((area, name)) = fact.name.split_once('.') else { continue };
        let mut generator = SchemaGenerator::default();
        let schema = (fact.schema)(&mut generator);
        let definitions = Value::Object(generator.definitions().clone());
        let shape = read(schema.as_value(), &definitions);
        areas.entry(area.into()).or_default().insert(name.into(), Shape::Nullable(Box::new(shape)));
    }
    areas
}

fn read(schema: &Value, definitions: &Value) -> Shape {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return definitions.get(name).map_or(Shape::Any, |schema| read(schema, definitions));
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(options) = schema.get(choice).and_then(Value::as_array) {
            return choose(options, definitions);
        }
    }
    match schema.get("type") {
        Some(Value::String(name)) => simple(name, schema, definitions),
        Some(Value::Array(names)) => {
            let nullable = names.iter().any(|name| name == "null");
            let other = names.iter().filter_map(Value::as_str).find(|name| *name != "null");
            let shape = other.map_or(Shape::Null, |name| simple(name, schema, definitions));
            if nullable { Shape::Nullable(Box::new(shape)) } else { shape }
        }
        _ => Shape::Any,
    }
}

fn choose(options: &[Value], definitions: &Value) -> Shape {
    let is_null = |option: &Value| option.get("type").is_some_and(|name| name == "null");
    let nullable = options.iter().any(is_null);
    let mut others = options.iter().filter(|option| !is_null(option));
    let shape = match (others.next(), others.next()) {
        (Some(only), None) => read(only, definitions),
        (Some(first), Some(_)) if first.get("const").is_some() => Shape::Text,
        _ => Shape::Any,
    };
    if nullable { Shape::Nullable(Box::new(shape)) } else { shape }
}

fn simple(name: &str, schema: &Value, definitions: &Value) -> Shape {
    match name {
        "boolean" => Shape::Bool,
        "integer" | "number" => Shape::Number,
        "string" => Shape::Text,
        "null" => Shape::Null,
        "array" => {
            let items = schema.get("items").map_or(Shape::Any, |items| read(items, definitions));
            Shape::List(Box::new(items))
        }
        "object" => match schema.get("properties").and_then(Value::as_object) {
            Some(properties) => Shape::Object(
                properties.iter().map(|(name, schema)| (name.clone(), read(schema, definitions))).collect(),
            ),
            None => Shape::Map(Box::new(
                schema
                    .get("additionalProperties")
                    .filter(|schema| schema.is_object())
                    .map_or(Shape::Any, |schema| read(schema, definitions)),
            )),
        },
        _ => Shape::Any,
    }
}
