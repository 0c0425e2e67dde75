//! Types of CEL expressions, which the interpreter itself does not check. What does not fit is refused while
//! the table loads, so that a misspelt member can never come out as "unknown" in the middle of an incident.

use std::collections::{BTreeMap, BTreeSet};

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};

use super::Shape;

/// What an expression may name.
#[derive(Clone, Default)]
pub(super) struct Names<'a> {
    /// Fact areas, with `each` variables standing for one of them.
    pub(super) areas: BTreeMap<&'a str, &'a BTreeMap<String, Shape>>,
    /// Variables that the expression binds itself.
    pub(super) bound: BTreeMap<String, Shape>,
    /// Settings, nested.
    pub(super) target: Option<&'a Shape>,
}

/// What was found out about an expression.
pub(super) struct Checked {
    pub(super) shape: Shape,
    /// Facts that it reads, as `area.fact`, the area as written.
    pub(super) facts: BTreeSet<(String, String)>,
}

pub(super) fn check(expr: &IdedExpr, names: &Names<'_>) -> Result<Checked, String> {
    let mut facts = BTreeSet::new();
    let shape = infer(&expr.expr, names, &mut facts)?;
    Ok(Checked { shape, facts })
}

type Facts = BTreeSet<(String, String)>;

fn infer(expr: &Expr, names: &Names<'_>, facts: &mut Facts) -> Result<Shape, String> {
    match expr {
        Expr::Literal(literal) => Ok(match literal {
            LiteralValue::Boolean(_) => Shape::Bool,
            LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => Shape::Number,
            LiteralValue::String(_) => Shape::Text,
            LiteralValue::Null => Shape::Null,
            LiteralValue::Bytes(_) => return Err("bytes are no part of any fact".into()),
        }),
        Expr::Ident(name) => match names.bound.get(name) {
            Some(shape) => Ok(shape.clone()),
            None if name == "target" && names.target.is_some() => {
                Ok(names.target.cloned().unwrap_or(Shape::Any))
            }
            None if names.areas.contains_key(name.as_str()) => {
                Err(format!("{name} is an area of facts; name one of its facts"))
            }
            None => Err(format!("there is nothing named {name}")),
        },
        Expr::Select(select) => member(select, names, facts),
        Expr::List(list) => {
            let mut element = Shape::Any;
            for item in &list.elements {
                let shape = infer(&item.expr, names, facts)?;
                if !element.fits(&shape) {
                    return Err(format!("a list of {} and {}", element.word(), shape.word()));
                }
                element = shape;
            }
            Ok(Shape::List(Box::new(element)))
        }
        Expr::Call(call) => apply(call, names, facts),
        Expr::Comprehension(comprehension) => comprehend(comprehension, names, facts),
        Expr::Map(_) | Expr::Struct(_) => Err("maps are not used in conditions".into()),
        Expr::Unspecified => Err("an empty expression".into()),
    }
}

fn member(select: &SelectExpr, names: &Names<'_>, facts: &mut Facts) -> Result<Shape, String> {
    if select.test {
        return Err("has() would turn a fact that is not known into an answer; compare with null".into());
    }
    if let Expr::Ident(area) = &select.operand.expr
        && !names.bound.contains_key(area)
        && let Some(known) = names.areas.get(area.as_str())
    {
        let shape =
            known.get(&select.field).ok_or_else(|| format!("there is no fact {area}.{}", select.field))?;
        facts.insert((area.clone(), select.field.clone()));
        return Ok(shape.clone());
    }
    let operand = infer(&select.operand.expr, names, facts)?;
    match operand.inner() {
        Shape::Object(members) => members
            .get(&select.field)
            .cloned()
            .ok_or_else(|| format!("no member {} (there are {})", select.field, listed(members.keys()))),
        Shape::Map(value) => Ok((**value).clone()),
        Shape::Any => Ok(Shape::Any),
        other => Err(format!("{} has no member {}", other.word(), select.field)),
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn must(shape: &Shape, wanted: &Shape, what: &str) -> Result<(), String> {
    if shape.inner().fits(wanted) {
        Ok(())
    } else {
        Err(format!("{what} has to be {}, and is {}", wanted.word(), shape.word()))
    }
}

fn apply(call: &CallExpr, names: &Names<'_>, facts: &mut Facts) -> Result<Shape, String> {
    let mut given = Vec::new();
    if let Some(target) = &call.target {
        given.push(infer(&target.expr, names, facts)?);
    }
    for argument in &call.args {
        given.push(infer(&argument.expr, names, facts)?);
    }
    let name = call.func_name.as_str();
    match (name, given.as_slice()) {
        (operators::LOGICAL_AND | operators::LOGICAL_OR, [one, two]) => {
            must(one, &Shape::Bool, "the left side")?;
            must(two, &Shape::Bool, "the right side")?;
            Ok(Shape::Bool)
        }
        (operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE, [one]) => {
            must(one, &Shape::Bool, "what is negated")?;
            Ok(Shape::Bool)
        }
        (operators::EQUALS | operators::NOT_EQUALS, [one, two]) => {
            if one.fits(two) {
                Ok(Shape::Bool)
            } else {
                Err(format!("{} is never the same as {}", one.word(), two.word()))
            }
        }
        (
            operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
            [one, two],
        ) => {
            must(one, &Shape::Number, "the left side")?;
            must(two, &Shape::Number, "the right side")?;
            Ok(Shape::Bool)
        }
        (
            operators::ADD
            | operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO,
            [one, two],
        ) => {
            must(one, &Shape::Number, "the left side")?;
            must(two, &Shape::Number, "the right side")?;
            Ok(Shape::Number)
        }
        (operators::NEGATE, [one]) => {
            must(one, &Shape::Number, "what is negated")?;
            Ok(Shape::Number)
        }
        (operators::CONDITIONAL, [condition, one, two]) => {
            must(condition, &Shape::Bool, "the condition")?;
            if one.fits(two) { Ok(one.clone()) } else { Err("the two outcomes differ in type".into()) }
        }
        (operators::INDEX, [of, at]) => index(of, at),
        (operators::IN, [one, of]) => match of.inner() {
            Shape::List(element) if element.fits(one) => Ok(Shape::Bool),
            Shape::Map(_) | Shape::Any => Ok(Shape::Bool),
            other => Err(format!("{} is not to be found in {}", one.word(), other.word())),
        },
        ("size", [of]) => match of.inner() {
            Shape::List(_) | Shape::Map(_) | Shape::Text | Shape::Any => Ok(Shape::Number),
            other => Err(format!("{} has no size", other.word())),
        },
        ("contains" | "startsWith" | "endsWith", [one, two]) => {
            must(one, &Shape::Text, "the text")?;
            must(two, &Shape::Text, "the part")?;
            Ok(Shape::Bool)
        }
        _ => Err(format!("{name} cannot be used here")),
    }
}

fn index(of: &Shape, at: &Shape) -> Result<Shape, String> {
    match of.inner() {
        Shape::List(element) => {
            must(at, &Shape::Number, "the index of a list")?;
            Ok((**element).clone())
        }
        Shape::Map(value) => {
            must(at, &Shape::Text, "the key of a map")?;
            Ok((**value).clone())
        }
        Shape::Any => Ok(Shape::Any),
        other => Err(format!("{} has no elements", other.word())),
    }
}

fn comprehend(expr: &ComprehensionExpr, names: &Names<'_>, facts: &mut Facts) -> Result<Shape, String> {
    let range = infer(&expr.iter_range.expr, names, facts)?;
    let element = match range.inner() {
        Shape::List(element) => (**element).clone(),
        Shape::Map(_) => Shape::Text,
        Shape::Any => Shape::Any,
        other => return Err(format!("{} has no elements", other.word())),
    };
    let mut inside = names.clone();
    inside.bound.insert(expr.iter_var.clone(), element);
    let accumulated = infer(&expr.accu_init.expr, names, facts)?;
    inside.bound.insert(expr.accu_var.clone(), accumulated);
    infer(&expr.loop_cond.expr, &inside, facts)?;
    infer(&expr.loop_step.expr, &inside, facts)?;
    infer(&expr.result.expr, &inside, facts)
}
