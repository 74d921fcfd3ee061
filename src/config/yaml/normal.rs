//! One file's tree into the shape that merging and reading work on: unknown keys told and taken out, other
//! names of a key replaced by its own, the short forms (lists of assignments, of dependencies, of paths)
//! written out, and everything else than the expected list or mapping refused. Scalars stay as they are.

use super::keys::{Fate, Key, Kind, One, Table};
use super::node::{self, Entry, Node, Value};
use super::report::Report;
use crate::diag::Span;

/// `node` as a mapping with the keys of `table`; an empty one if it is none.
pub(super) fn mapping(node: Node, table: &'static Table, report: &mut Report) -> Node {
    let span = node.span.clone();
    let mut entries: Vec<Entry> = Vec::new();
    let given = match node.value {
        Value::Map(given) => given,
        Value::Scalar(_) | Value::List(_) => {
            if !node.is_null() {
                expected(
                    &node,
                    &format!("a mapping with the keys of {}", table.what),
                    report,
                );
            }
            Vec::new()
        }
    };
    for Entry { key, value } in given {
        if key.text.starts_with("x-") || key.text.starts_with("x_") {
            continue;
        }
        let Some(known) = table.find(&key.text) else {
            report.unknown_key(&key.text, table, &key.span);
            continue;
        };
        let name = match known.fate {
            Fate::Read => known.name,
            Fate::Alias(name) => name,
            Fate::Granted => continue,
            Fate::Explained(why) => {
                if !says_nothing(&value) {
                    report.explain(known.name, why, &key.span);
                }
                continue;
            }
        };
        if let Some(first) = entries.iter().find(|entry| entry.key.text == name) {
            let message = format!(
                "`{}` says the same as `{}` in line {}",
                key.text, name, first.key.span.line
            );
            report.error(message, &key.span);
            continue;
        }
        let key = node::Key {
            text: name.to_owned(),
            span: key.span,
        };
        if let Some(value) = value_of(value, known, report) {
            entries.push(Entry { key, value });
        }
    }
    Node {
        value: Value::Map(entries),
        span,
    }
}

/// Whether a key that has no effect is set to what is so without it.
fn says_nothing(value: &Node) -> bool {
    let off = |text: &str| matches!(text, "false" | "no" | "off" | "none" | "0" | "");
    value.is_null() || value.scalar().is_some_and(|scalar| off(&scalar.text))
}

/// `None`: nothing is said, or nothing that can be used.
fn value_of(value: Node, key: &'static Key, report: &mut Report) -> Option<Node> {
    if value.is_null() && !matches!(key.kind, Kind::Vars) {
        return None;
    }
    match key.kind {
        Kind::One(one) => match value.value {
            Value::Scalar(_) => Some(value),
            Value::List(_) | Value::Map(_) => {
                let what = format!("`{}` takes {}", key.name, one_value(one));
                refused(&value, &what, report)
            }
        },
        Kind::Texts | Kind::MoreTexts => Some(texts(value, key, true, report)),
        Kind::Argv | Kind::Codes => Some(texts(value, key, false, report)),
        Kind::Environment => Some(environment(value, report)),
        Kind::TextMap | Kind::CommandMap => match value.value {
            Value::Map(_) => Some(named(value, report, |node, _| node)),
            Value::Scalar(_) | Value::List(_) => refused(
                &value,
                &format!("`{}` takes a mapping of names", key.name),
                report,
            ),
        },
        Kind::TextLists => match value.value {
            Value::Map(_) => Some(named(value, report, |node, report| {
                texts(node, key, true, report)
            })),
            Value::Scalar(_) | Value::List(_) => refused(
                &value,
                &format!("`{}` takes a mapping: a name, and a list of services", key.name),
                report,
            ),
        },
        Kind::Vars => match value.value {
            Value::Map(_) => Some(value),
            Value::Scalar(_) | Value::List(_) if value.is_null() => None,
            Value::Scalar(_) | Value::List(_) => refused(
                &value,
                &format!("`{}` takes a mapping of names", key.name),
                report,
            ),
        },
        Kind::Map(table) => Some(mapping(value, table, report)),
        Kind::Named(table) => match value.value {
            Value::Map(_) => Some(named(value, report, |node, report| mapping(node, table, report))),
            Value::Scalar(_) | Value::List(_) => {
                let what = format!("`{}` takes a mapping: a name, and below it its keys", key.name);
                refused(&value, &what, report)
            }
        },
        Kind::NamedOrList(table) => Some(named_or_list(value, table, report)),
        Kind::ListOf(table) => Some(list_of(value, table, report)),
        Kind::Any => None,
    }
}

fn one_value(one: One) -> &'static str {
    match one {
        One::Flag => "`true` or `false`",
        One::Whole(..) => "a whole number",
        One::Time => "a number of seconds, or a text such as `500ms`",
        One::Word(_) => "one word",
        One::Signal => "a signal's name or number",
        One::Port | One::PortText => "a port",
        One::Bytes => "a size such as `512M`",
        One::Processors => "a number such as `1.5`",
        One::Command => "a command in one text",
        One::Text | One::Keys => "one text",
    }
}

fn expected(node: &Node, what: &str, report: &mut Report) {
    report.error(format!("expected {what}, found {}", node.what()), &node.span);
}

fn refused(node: &Node, what: &str, report: &mut Report) -> Option<Node> {
    report.error(format!("{what}, not {}", node.what()), &node.span);
    None
}

/// A list of scalars; one scalar alone where that may stand for a list of one.
fn texts(node: Node, key: &Key, one: bool, report: &mut Report) -> Node {
    let span = node.span.clone();
    let mut items = Vec::new();
    match node.value {
        Value::List(given) => {
            for item in given {
                if item.scalar().is_some() && !item.is_null() {
                    items.push(item);
                } else {
                    let message = format!("`{}` takes a list of texts; this is {}", key.name, item.what());
                    report.error(message, &item.span);
                }
            }
        }
        Value::Scalar(_) if one => items.push(node),
        Value::Scalar(_) | Value::Map(_) => {
            let message = format!("`{}` takes a list, not {}", key.name, node.what());
            report.error(message, &node.span);
        }
    }
    Node {
        value: Value::List(items),
        span,
    }
}

fn named(node: Node, report: &mut Report, mut each: impl FnMut(Node, &mut Report) -> Node) -> Node {
    let Value::Map(entries) = node.value else {
        return node;
    };
    let entries = entries.into_iter().map(|Entry { key, value }| Entry {
        value: each(value, report),
        key,
    });
    Node {
        value: Value::Map(entries.collect()),
        span: node.span,
    }
}

fn named_or_list(node: Node, table: &'static Table, report: &mut Report) -> Node {
    let span = node.span.clone();
    let mut entries: Vec<Entry> = Vec::new();
    match node.value {
        Value::Map(_) => return named(node, report, |node, report| mapping(node, table, report)),
        Value::Scalar(_) => entries.extend(name_alone(&node)),
        Value::List(items) => {
            for item in items {
                let Some(entry) = name_alone(&item) else {
                    expected(&item, "a name in this list", report);
                    continue;
                };
                if entries.iter().any(|other| other.key.text == entry.key.text) {
                    report.error(
                        format!("{:?} is in this list already", entry.key.text),
                        &item.span,
                    );
                } else {
                    entries.push(entry);
                }
            }
        }
    }
    Node {
        value: Value::Map(entries),
        span,
    }
}

fn name_alone(node: &Node) -> Option<Entry> {
    let scalar = node.scalar().filter(|scalar| !scalar.is_null())?;
    Some(Entry {
        key: node::Key {
            text: scalar.text.clone(),
            span: node.span.clone(),
        },
        value: Node {
            value: Value::Map(Vec::new()),
            span: node.span.clone(),
        },
    })
}

fn list_of(node: Node, table: &'static Table, report: &mut Report) -> Node {
    let span = node.span.clone();
    let first = table.keys.first().map_or("", |key| key.name);
    let items = match node.value {
        Value::List(items) => items,
        Value::Scalar(_) | Value::Map(_) => vec![node],
    };
    let items = items.into_iter().map(|item| match item.value {
        Value::Scalar(_) => {
            let (span, key_span) = (item.span.clone(), item.span.clone());
            let key = node::Key {
                text: first.to_owned(),
                span: key_span,
            };
            let value = Value::Map(vec![Entry { key, value: item }]);
            Node { value, span }
        }
        Value::List(_) | Value::Map(_) => mapping(item, table, report),
    });
    Node {
        value: Value::List(items.collect()),
        span,
    }
}

/// Assignments as a mapping from names to scalars, the last of a name.
fn environment(node: Node, report: &mut Report) -> Node {
    let span = node.span.clone();
    let mut entries: Vec<Entry> = Vec::new();
    match node.value {
        Value::List(items) => {
            for item in items {
                if let Some(entry) = assignment(&item, report) {
                    entries.retain(|other| other.key.text != entry.key.text);
                    entries.push(entry);
                }
            }
        }
        Value::Map(given) => {
            for entry in given {
                if entry.value.is_null() {
                    keeps(&entry.key.text, &entry.key.span, report);
                } else if entry.value.scalar().is_none() {
                    let message = format!("a variable's value is one text, not {}", entry.value.what());
                    report.error(message, &entry.value.span);
                } else if variable(&entry.key.text, &entry.key.span, report) {
                    entries.push(entry);
                }
            }
        }
        Value::Scalar(_) => {
            let message = format!(
                "`environment` takes a list of `NAME=value` or a mapping, not {}",
                node.what()
            );
            report.error(message, &node.span);
        }
    }
    Node {
        value: Value::Map(entries),
        span,
    }
}

fn assignment(item: &Node, report: &mut Report) -> Option<Entry> {
    let Some(scalar) = item.scalar().filter(|scalar| !scalar.is_null()) else {
        let found = item.map().and_then(<[Entry]>::first);
        let message = format!("expected `NAME=value`, found {}", item.what());
        let mut diagnostic =
            crate::diag::Diagnostic::error(crate::diag::Kind::Config, message).at(item.span.clone());
        if let Some(entry) = found {
            let value = entry.value.scalar().map_or("…", |scalar| &scalar.text);
            diagnostic = diagnostic.hint(format!("write `- \"{}={value}\"`", entry.key.text));
        }
        report.push(diagnostic);
        return None;
    };
    let Some((name, value)) = scalar.text.split_once('=') else {
        keeps(scalar.text.trim(), &item.span, report);
        return None;
    };
    let length = name.chars().count();
    let key_span = item.part(0, length);
    if !variable(name, &key_span, report) {
        return None;
    }
    let value_span = item.part(length + 1, value.chars().count());
    let value = Node::text(value, value_span);
    let key = node::Key {
        text: name.to_owned(),
        span: key_span,
    };
    Some(Entry { key, value })
}

/// A name alone, as in other tools' files, asks for what is the case anyway.
fn keeps(name: &str, span: &Span, report: &mut Report) {
    report.ours(
        format!("{name} gets no value here, so it keeps the one it has outside"),
        span,
        Some(format!("write `{name}=` for an empty value, or remove the line")),
    );
}

fn variable(name: &str, span: &Span, report: &mut Report) -> bool {
    let good = !name.is_empty() && !name.contains(|c: char| c == '=' || c == '\0' || c.is_whitespace());
    if !good {
        report.error(format!("{name:?} cannot be a variable's name"), span);
    }
    good
}
