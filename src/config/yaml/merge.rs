//! Several files into one tree, and a process over the one that it extends. What is written later counts, also
//! if it is `false`, 0 or empty; mappings are merged key by key; lists get longer, except where a list is a
//! choice (namespaces, watched paths). Works on what `normal.rs` makes.

use super::keys::{Kind, Table};
use super::node::{Entry, Node, Value};

/// Keys that are different answers to one question: a later answer replaces an earlier one of another kind.
const ANSWERS: &[&[&str]] = &[
    &["command", "entrypoint"],
    &["disabled", "is_disabled"],
    &["readiness_probe", "ready_log_line", "ready"],
    &["exec", "http_get", "tcp_socket"],
    &["cron", "interval"],
];

/// `upper` over `lower`, both mappings with the keys of `table`.
pub(super) fn merge(mut lower: Node, upper: Node, table: &'static Table) -> Node {
    if let Value::Map(entries) = &mut lower.value {
        for answers in ANSWERS {
            if answers.iter().any(|key| upper.get(key).is_some()) {
                entries.retain(|Entry { key, .. }| {
                    !answers.contains(&key.text.as_str()) || upper.get(&key.text).is_some()
                });
            }
        }
    }
    by_key(lower, upper, |lower, upper, name| {
        match table.find(name).map(|key| key.kind) {
            Some(kind) => values(lower, upper, kind),
            None => upper,
        }
    })
}

fn values(lower: Node, upper: Node, kind: Kind) -> Node {
    match kind {
        Kind::Map(table) => merge(lower, upper, table),
        Kind::Named(table) => by_key(lower, upper, |lower, upper, _| merge(lower, upper, table)),
        // Of a dependency that is there in both, the later one says all.
        Kind::Environment
        | Kind::TextMap
        | Kind::TextLists
        | Kind::CommandMap
        | Kind::Vars
        | Kind::NamedOrList(_) => by_key(lower, upper, |_, upper, _| upper),
        Kind::MoreTexts | Kind::Argv | Kind::Codes => appended(lower, upper),
        Kind::One(_) | Kind::Texts | Kind::ListOf(_) | Kind::Any => upper,
    }
}

fn by_key(lower: Node, upper: Node, both: impl Fn(Node, Node, &str) -> Node) -> Node {
    let span = upper.span.clone();
    let (mut merged, given) = match (lower.value, upper.value) {
        (Value::Map(merged), Value::Map(given)) => (merged, given),
        (_, value) => return Node { value, span },
    };
    for entry in given {
        match merged.iter_mut().find(|other| other.key.text == entry.key.text) {
            Some(there) => {
                let empty = Node::text("", entry.key.span.clone());
                let lower = std::mem::replace(&mut there.value, empty);
                there.value = both(lower, entry.value, &entry.key.text);
                there.key = entry.key;
            }
            None => merged.push(entry),
        }
    }
    Node {
        value: Value::Map(merged),
        span,
    }
}

fn appended(lower: Node, upper: Node) -> Node {
    let span = upper.span.clone();
    match (lower.value, upper.value) {
        (Value::List(mut items), Value::List(more)) => {
            items.extend(more);
            Node {
                value: Value::List(items),
                span,
            }
        }
        (_, value) => Node { value, span },
    }
}
