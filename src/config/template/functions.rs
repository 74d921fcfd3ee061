//! What a template can do with values: comparing, counting, picking, printing.

use super::super::project::Var;
use super::printf::printf;
use std::cmp::Ordering;

pub(super) const NAMES: &[&str] = &[
    "and", "eq", "ge", "gt", "index", "le", "len", "lt", "ne", "not", "or", "print", "printf", "println",
    "slice",
];

/// Calls the function of this name.
pub(super) fn call(name: &str, arguments: &[Var]) -> Result<Var, String> {
    match (name, arguments) {
        ("and", [_, ..]) => Ok(first(arguments, |value| !holds(value))),
        ("or", [_, ..]) => Ok(first(arguments, holds)),
        ("not", [value]) => Ok(Var::Bool(!holds(value))),
        ("eq", [value, others @ ..]) if !others.is_empty() => {
            Ok(Var::Bool(others.iter().any(|other| equal(value, other))))
        }
        ("ne", [a, b]) => Ok(Var::Bool(!equal(a, b))),
        ("lt", [a, b]) => Ok(Var::Bool(compare(a, b)?.is_lt())),
        ("le", [a, b]) => Ok(Var::Bool(compare(a, b)?.is_le())),
        ("gt", [a, b]) => Ok(Var::Bool(compare(a, b)?.is_gt())),
        ("ge", [a, b]) => Ok(Var::Bool(compare(a, b)?.is_ge())),
        ("len", [value]) => length(value),
        ("index", [value, keys @ ..]) => keys
            .iter()
            .try_fold(value.clone(), |value, key| index(&value, key)),
        ("slice", [value, bounds @ ..]) if bounds.len() <= 2 => slice(value, bounds),
        ("print", _) => Ok(Var::Text(arguments.iter().map(shown).collect())),
        ("println", _) => {
            let words: Vec<String> = arguments.iter().map(shown).collect();
            Ok(Var::Text(words.join(" ") + "\n"))
        }
        ("printf", [Var::Text(format), values @ ..]) => Ok(Var::Text(printf(format, values)?)),
        (_, _) => Err(format!(
            "`{name}` does not take {} such arguments",
            arguments.len()
        )),
    }
}

/// The first that `stops`, else the last.
fn first(values: &[Var], stops: impl Fn(&Var) -> bool) -> Var {
    let found = values.iter().find(|value| stops(value)).or(values.last());
    found.cloned().unwrap_or(Var::Null)
}

/// Whether a value counts as true: not nothing, not zero, not empty.
pub(super) fn holds(value: &Var) -> bool {
    match value {
        Var::Null => false,
        Var::Bool(yes) => *yes,
        Var::Int(number) => *number != 0,
        Var::Float(number) => *number != 0.0,
        Var::Text(text) => !text.is_empty(),
        Var::List(items) => !items.is_empty(),
        Var::Map(entries) => !entries.is_empty(),
    }
}

/// A number is equal to its text: what commands and files give is text.
fn equal(a: &Var, b: &Var) -> bool {
    match (a, b) {
        (Var::Int(_) | Var::Float(_), Var::Int(_) | Var::Float(_)) => number(a) == number(b),
        (_, _) => shown(a) == shown(b),
    }
}

fn compare(a: &Var, b: &Var) -> Result<Ordering, String> {
    match (number(a), number(b), a, b) {
        (Some(a), Some(b), _, _) => Ok(a.total_cmp(&b)),
        (_, _, Var::Text(a), Var::Text(b)) => Ok(a.cmp(b)),
        (_, _, _, _) => Err(format!("{} and {} have no order", kind(a), kind(b))),
    }
}

/// A value as a number; a text that is one counts.
pub(super) fn number(value: &Var) -> Option<f64> {
    match value {
        #[expect(
            clippy::cast_precision_loss,
            reason = "only their order and equality is asked for"
        )]
        Var::Int(number) => Some(*number as f64),
        Var::Float(number) => Some(*number),
        Var::Text(text) => text.trim().parse().ok(),
        Var::Null | Var::Bool(_) | Var::List(_) | Var::Map(_) => None,
    }
}

fn length(value: &Var) -> Result<Var, String> {
    let length = match value {
        Var::Text(text) => text.len(),
        Var::List(items) => items.len(),
        Var::Map(entries) => entries.len(),
        Var::Null | Var::Bool(_) | Var::Int(_) | Var::Float(_) => {
            return Err(format!("{} has no length", kind(value)));
        }
    };
    Ok(Var::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn index(value: &Var, key: &Var) -> Result<Var, String> {
    match (value, key) {
        (Var::List(items), Var::Int(at)) => usize::try_from(*at)
            .ok()
            .and_then(|at| items.get(at))
            .cloned()
            .ok_or_else(|| format!("there is no item {at} in a list of {}", items.len())),
        (Var::Map(entries), Var::Text(name)) => Ok(entries.get(name).cloned().unwrap_or(Var::Null)),
        (_, _) => Err(format!("{} has no index {}", kind(value), shown(key))),
    }
}

fn slice(value: &Var, bounds: &[Var]) -> Result<Var, String> {
    let bound = |at: usize, default: usize| match bounds.get(at) {
        None => Some(default),
        Some(Var::Int(bound)) => usize::try_from(*bound).ok(),
        Some(_) => None,
    };
    let cut = |length: usize| {
        let (from, to) = (bound(0, 0)?, bound(1, length)?);
        (from <= to && to <= length).then_some(from..to)
    };
    let sliced = match value {
        Var::Text(text) => cut(text.len())
            .and_then(|range| text.get(range))
            .map(|text| Var::Text(text.to_owned())),
        Var::List(items) => cut(items.len()).map(|range| Var::List(items[range].to_vec())),
        Var::Null | Var::Bool(_) | Var::Int(_) | Var::Float(_) | Var::Map(_) => None,
    };
    sliced.ok_or_else(|| format!("{} has no such slice", kind(value)))
}

/// A value as text.
pub(super) fn shown(value: &Var) -> String {
    match value {
        Var::Null => String::new(),
        Var::Bool(yes) => yes.to_string(),
        Var::Int(number) => number.to_string(),
        Var::Float(number) => number.to_string(),
        Var::Text(text) => text.clone(),
        Var::List(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(" "))
        }
        Var::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(name, value)| format!("{name}:{}", shown(value)))
                .collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}

/// What a value is, for messages.
pub(super) fn kind(value: &Var) -> &'static str {
    match value {
        Var::Null => "nothing",
        Var::Bool(_) => "a boolean",
        Var::Int(_) | Var::Float(_) => "a number",
        Var::Text(_) => "a text",
        Var::List(_) => "a list",
        Var::Map(_) => "a map",
    }
}
