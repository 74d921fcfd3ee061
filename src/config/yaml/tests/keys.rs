//! Every key of the table does something, and says what it takes. The configurations are made from the table, as
//! JSON, which is YAML.

use super::super::keys::{Fate, Key, Kind, One, PROJECT, Table};
use super::{read_one, told};
use crate::diag::Severity;
use serde_json::{Value, json};

/// A value that a key of this kind takes, different from what goes without saying.
fn sample(kind: Kind) -> Value {
    match kind {
        Kind::One(One::Text | One::Command) | Kind::Any => json!("some text"),
        Kind::One(One::Flag) => json!(true),
        Kind::One(One::Whole(low, _)) => json!(low + 2),
        Kind::One(One::Time) => json!("1m30s"),
        Kind::One(One::Word(words)) => json!(words.last()),
        Kind::One(One::Signal) => json!("USR1"),
        Kind::One(One::Port | One::PortText) => json!(8080),
        Kind::One(One::Bytes) => json!("512M"),
        Kind::One(One::Processors) => json!(1.5),
        Kind::One(One::Keys) => json!("q\\n"),
        Kind::Texts | Kind::MoreTexts | Kind::Argv => json!(["a", "b"]),
        Kind::TextLists => json!({ "dev": ["web"] }),
        Kind::Codes => json!([3]),
        Kind::Environment | Kind::TextMap | Kind::CommandMap | Kind::Vars => json!({ "A": "1" }),
        Kind::Map(table) => filled(table),
        Kind::Named(table) | Kind::NamedOrList(table) => json!({ "db": filled(table) }),
        Kind::ListOf(table) => json!([filled(table)]),
    }
}

/// The mapping of this kind that says as little as it may.
fn least(table: &'static Table) -> Value {
    match table.what {
        "a process" => json!({ "command": "run", "description": "$$" }),
        "a probe" => json!({ "exec": { "command": "check" } }),
        "`exec`" => json!({ "command": "check" }),
        "`schedule`" => json!({ "cron": "* * * * *" }),
        "`watch`" => json!({ "paths": [{ "path": "src" }] }),
        "a watched path" => json!({ "path": "src" }),
        _ => json!({}),
    }
}

fn filled(table: &'static Table) -> Value {
    let mut value = least(table);
    if let Some(first) = table.keys.first() {
        value[first.name] = sample(first.kind);
    }
    value
}

fn wrong(kind: Kind) -> Vec<Value> {
    match kind {
        Kind::One(One::Text | One::Command) => vec![json!(["a"]), json!({ "a": 1 })],
        Kind::One(
            One::Flag
            | One::Whole(..)
            | One::Time
            | One::Word(_)
            | One::Signal
            | One::Port
            | One::PortText
            | One::Bytes
            | One::Processors,
        ) => {
            vec![json!("no such thing"), json!(["a"]), json!({ "a": 1 }), json!(-1)]
        }
        Kind::One(One::Keys) => vec![json!("\\q"), json!(["a"])],
        Kind::Texts | Kind::MoreTexts => vec![json!({ "a": 1 }), json!([["a"]])],
        Kind::Argv => vec![json!("a"), json!({ "a": 1 }), json!([])],
        Kind::Codes => vec![json!("a"), json!(["a"]), json!([256])],
        Kind::Environment => vec![json!("A=1"), json!([["A=1"]]), json!({ "A": [1] }), json!(["=1"])],
        Kind::TextLists => vec![json!("a"), json!(["a"]), json!({ "a": [["b"]] })],
        Kind::TextMap | Kind::CommandMap => vec![json!("a"), json!(["a"]), json!({ "a": [1] })],
        Kind::Vars | Kind::Map(_) | Kind::Named(_) => vec![json!("a"), json!(["a"])],
        Kind::NamedOrList(_) => vec![json!([["a"]]), json!(["a", "a"]), json!({ "a": "b" })],
        Kind::ListOf(_) => vec![json!([["a"]])],
        Kind::Any => vec![],
    }
}

/// Makes a configuration of one of its mappings.
type Whole<'a> = &'a dyn Fn(Value) -> Value;

/// Visits each table with what makes a configuration of a mapping of its kind.
fn each(table: &'static Table, whole: Whole<'_>, visit: &mut dyn FnMut(&'static Table, Whole<'_>)) {
    visit(table, whole);
    for key in table.keys.iter().filter(|key| key.fate == Fate::Read) {
        let around = |value: Value| {
            let mut outer = least(table);
            if table.what == "a configuration" {
                outer["processes"] = json!({ "web": { "command": "run" } });
            }
            if let (Value::Object(outer), Kind::Map(inner)) = (&mut outer, key.kind)
                && ["`http_get`", "`tcp_socket`"].contains(&inner.what)
            {
                outer.remove("exec");
            }
            outer[key.name] = value;
            whole(outer)
        };
        match key.kind {
            Kind::Map(inner) => each(inner, &around, visit),
            Kind::Named(inner) | Kind::NamedOrList(inner) => {
                each(inner, &|value| around(json!({ "db": value })), visit);
            }
            Kind::ListOf(inner) => each(inner, &|value| around(json!([value])), visit),
            _ => {}
        }
    }
}

fn with(table: &'static Table, key: &Key, value: Value) -> Value {
    let mut mapping = least(table);
    if table.what == "a configuration" {
        mapping["processes"] = json!({ "web": { "command": "run", "description": "$$" } });
    }
    if let Value::Object(mapping) = &mut mapping
        && ["http_get", "tcp_socket"].contains(&key.name)
    {
        mapping.remove("exec");
    }
    mapping[key.name] = value;
    mapping
}

/// The values as the reader has them, without their places.
fn meaning(configuration: &Value) -> String {
    let checked = read_one("ovr.yaml", &configuration.to_string());
    let printed = format!("{:?}", checked.value);
    let mut meaning = String::new();
    let mut rest = printed.as_str();
    while let Some(at) = rest.find("Span { source: ") {
        meaning.push_str(&rest[..at]);
        let end = rest[at..].find("length: ").map_or(rest.len(), |end| at + end);
        rest = rest[end..].split_once('}').map_or("", |(_, rest)| rest);
    }
    meaning + rest
}

#[test]
fn every_key_that_is_accepted_changes_what_the_configuration_means() {
    let mut seen = 0;
    each(&PROJECT, &|value| value, &mut |table, whole| {
        for key in table.keys {
            // These are resolved before values are read, and have tests of their own.
            if key.name == "extends" || key.fate != Fate::Read {
                continue;
            }
            let mut without = with(table, key, json!(0));
            if let Value::Object(without) = &mut without {
                match least(table).get(key.name) {
                    Some(value) => without.insert(key.name.to_owned(), value.clone()),
                    None => without.remove(key.name),
                };
            }
            let (with, without) = (whole(with(table, key, sample(key.kind))), whole(without));
            assert_ne!(
                meaning(&with),
                meaning(&without),
                "{} of {}: {with}",
                key.name,
                table.what
            );
            seen += 1;
        }
    });
    assert!(seen > 100, "{seen}");
}

#[test]
fn every_key_says_what_it_takes_when_it_gets_something_else() {
    each(&PROJECT, &|value| value, &mut |table, whole| {
        for key in table
            .keys
            .iter()
            .filter(|key| matches!(key.fate, Fate::Read | Fate::Alias(_)))
        {
            for value in wrong(key.kind) {
                let text = whole(with(table, key, value)).to_string();
                let checked = read_one("ovr.yaml", &text);
                let errors = checked
                    .diagnostics
                    .iter()
                    .filter(|d| d.severity == Severity::Error);
                assert!(errors.clone().count() > 0, "{text}");
                for error in errors {
                    assert!(error.span.is_some(), "{error}");
                }
            }
        }
    });
}

#[test]
fn another_name_of_a_key_means_the_same_and_both_at_once_are_an_error() {
    each(&PROJECT, &|value| value, &mut |table, whole| {
        for key in table.keys {
            if let Fate::Alias(name) = key.fate {
                let same = table.find(name).unwrap();
                let value = sample(key.kind);
                let one = whole(with(table, key, value.clone()));
                assert_eq!(meaning(&one), meaning(&whole(with(table, same, value.clone()))));
                let mut both = with(table, key, value.clone());
                both[name] = value;
                let checked = read_one("ovr.yaml", &whole(both).to_string());
                assert!(told(&checked).contains("says the same as"), "{}", told(&checked));
            }
        }
    });
}

#[test]
fn a_key_without_effect_is_explained_once_and_is_no_error_in_a_strict_file() {
    each(&PROJECT, &|value| value, &mut |table, whole| {
        for key in table.keys {
            let mut configuration = whole(with(table, key, sample(key.kind)));
            configuration["is_strict"] = json!(true);
            let checked = read_one("process-compose.yaml", &configuration.to_string());
            match key.fate {
                Fate::Explained(why) => {
                    let [warning] = checked.diagnostics.as_slice() else {
                        panic!("{}", told(&checked));
                    };
                    assert_eq!(warning.severity, Severity::Warning);
                    assert!(warning.message.contains(why));
                }
                Fate::Granted => assert_eq!(told(&checked), ""),
                Fate::Read | Fate::Alias(_) => {}
            }
        }
    });
}
