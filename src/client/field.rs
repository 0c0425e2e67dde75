//! Members of JSON answers, by pointer (RFC 6901).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

/// What a member has to be, where it is there at all.
#[derive(Clone, Copy, Debug)]
pub enum Is {
    /// A whole number.
    Number,
    /// True or false.
    Flag,
    /// A list.
    List,
    /// An object.
    Object,
}

/// Refuses a value in which a member is of another type than it has to be. Otherwise it would be taken for missing, and
/// what is missing has a meaning of its own.
pub fn shaped(value: &Value, members: &[(&str, Is)]) -> Result<(), String> {
    for (pointer, is) in members {
        let Some(member) = value.pointer(pointer).filter(|member| !member.is_null()) else { continue };
        let (fits, wanted) = match is {
            Is::Number => (member.is_i64() || member.is_u64(), "a whole number"),
            Is::Flag => (member.is_boolean(), "true or false"),
            Is::List => (member.is_array(), "a list"),
            Is::Object => (member.is_object(), "an object"),
        };
        if !fits {
            return Err(format!("{} is not {wanted}", pointer.trim_start_matches('/')));
        }
    }
    Ok(())
}

/// A text member that is there and not empty.
pub fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A text member that has to be there.
pub fn required(value: &Value, pointer: &str) -> Result<String, String> {
    text(value, pointer).ok_or_else(|| format!("the answer has no {}", pointer.trim_start_matches('/')))
}

/// A whole number.
pub fn number(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer)?.as_i64()
}

/// A flag; false where it is not there.
pub fn flag(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// A list; empty where it is not there.
pub fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A list of texts; empty where it is not there.
pub fn texts(value: &Value, pointer: &str) -> Vec<String> {
    list(value, pointer).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A map of texts; empty where it is not there.
pub fn map(value: &Value, pointer: &str) -> BTreeMap<String, String> {
    value.pointer(pointer).and_then(Value::as_object).map_or_else(BTreeMap::new, |members| {
        members.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    })
}

/// A time in RFC 3339.
pub fn time(value: &Value, pointer: &str) -> Option<Timestamp> {
    text(value, pointer)?.parse().ok()
}

/// The named part of an ARM resource id (`resourceGroups`), whatever its letter case.
pub fn id_part(id: &str, name: &str) -> Option<String> {
    let mut parts = id.split('/');
    parts.find(|part| part.eq_ignore_ascii_case(name))?;
    parts.next().map(str::to_owned)
}
