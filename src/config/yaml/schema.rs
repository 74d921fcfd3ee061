//! The JSON Schema of `ovr.yaml`, for editors, made from the same table that the reader goes by.

use super::keys::{Fate, Key, Kind, One, PROJECT, Table};
use serde_json::{Map, Value, json};

/// The schema, as the file `docs/ovr.schema.json` has it.
pub fn schema() -> String {
    let mut definitions = Map::new();
    let mut root = object(&PROJECT, &mut definitions);
    if let Value::Object(root) = &mut root {
        let head = [
            ("$schema", json!("http://json-schema.org/draft-07/schema#")),
            ("title", json!("ovr.yaml")),
            ("definitions", Value::Object(definitions)),
        ];
        root.extend(head.map(|(name, value)| (name.to_owned(), value)));
    }
    let text = serde_json::to_string_pretty(&root).expect("a schema is made of texts and numbers");
    text + "\n"
}

fn object(table: &'static Table, definitions: &mut Map<String, Value>) -> Value {
    let properties: Map<String, Value> = table
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), property(key, definitions)))
        .collect();
    json!({
        "type": "object",
        "properties": properties,
        "patternProperties": { "^x-": {} },
        "additionalProperties": false,
    })
}

fn property(key: &'static Key, definitions: &mut Map<String, Value>) -> Value {
    let mut property = value(key.kind, definitions);
    if let Value::Object(property) = &mut property {
        let description = match key.fate {
            Fate::Explained(why) => format!("{} Without effect here: {why}.", key.doc),
            Fate::Alias(name) => format!("{} The same as `{name}`.", key.doc),
            Fate::Read | Fate::Granted => key.doc.to_owned(),
        };
        property.insert("description".to_owned(), json!(description));
    }
    property
}

/// A value may always be left to `${NAME}`, so a number or a flag may be a text.
fn value(kind: Kind, definitions: &mut Map<String, Value>) -> Value {
    let text = || json!({ "type": ["string", "number", "boolean"] });
    let expression = json!({ "type": "string", "pattern": "\\$\\{" });
    match kind {
        Kind::One(One::Text | One::Command) => text(),
        Kind::One(One::Keys | One::Signal | One::Bytes | One::Processors | One::Time) => {
            json!({ "type": ["string", "number"] })
        }
        Kind::One(One::Flag) => {
            json!({ "anyOf": [{ "type": "boolean" }, { "enum": ["true", "false", "yes", "no", "on", "off"] }, expression] })
        }
        Kind::One(One::Whole(low, i64::MAX)) => {
            json!({ "anyOf": [{ "type": "integer", "minimum": low }, expression] })
        }
        Kind::One(One::Whole(low, high)) => {
            json!({ "anyOf": [{ "type": "integer", "minimum": low, "maximum": high }, expression] })
        }
        Kind::One(One::Word(words)) => json!({ "anyOf": [{ "enum": words }, expression] }),
        Kind::One(One::Port) => {
            json!({ "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 65535 }, { "enum": ["auto"] }, expression] })
        }
        Kind::One(One::PortText) => {
            json!({ "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 65535 }, { "type": "string" }] })
        }
        Kind::Texts | Kind::MoreTexts => {
            json!({ "anyOf": [text(), { "type": "array", "items": text() }] })
        }
        Kind::Argv => json!({ "type": "array", "items": text(), "minItems": 1 }),
        Kind::Codes => {
            json!({ "type": "array", "items": { "type": "integer", "minimum": 0, "maximum": 255 } })
        }
        Kind::Environment => json!({ "anyOf": [
            { "type": "array", "items": { "type": "string", "pattern": "^[^=]+=" } },
            { "type": "object", "additionalProperties": text() },
        ] }),
        Kind::TextMap | Kind::CommandMap => json!({ "type": "object", "additionalProperties": text() }),
        Kind::TextLists => json!({ "type": "object", "additionalProperties": {
            "anyOf": [text(), { "type": "array", "items": text() }],
        } }),
        Kind::Vars => json!({ "type": "object" }),
        Kind::Map(table) => reference(table, definitions),
        Kind::Named(table) => {
            let item = reference(table, definitions);
            json!({ "type": "object", "additionalProperties": { "anyOf": [item, { "type": "null" }] } })
        }
        Kind::NamedOrList(table) => {
            let item = reference(table, definitions);
            json!({ "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" } },
                { "type": "object", "additionalProperties": { "anyOf": [item, { "type": "null" }] } },
            ] })
        }
        Kind::ListOf(table) => {
            let item = reference(table, definitions);
            json!({ "type": "array", "items": { "anyOf": [{ "type": "string" }, item] } })
        }
        Kind::Any => json!({}),
    }
}

/// A reference to the schema of `table`, which is made the first time.
fn reference(table: &'static Table, definitions: &mut Map<String, Value>) -> Value {
    let name = table
        .what
        .trim_start_matches("a ")
        .replace('`', "")
        .replace(' ', "_");
    if !definitions.contains_key(&name) {
        // Held, so that it is made once.
        definitions.insert(name.clone(), Value::Null);
        let made = object(table, definitions);
        definitions.insert(name.clone(), made);
    }
    // A draft 7 schema ignores what stands beside a `$ref`, hence the list of one.
    json!({ "allOf": [{ "$ref": format!("#/definitions/{name}") }] })
}
