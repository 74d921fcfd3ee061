//! A merged configuration as it is shown (`ovr config`): every value with the place that it comes from.

use super::node::{Entry, Node, Value};
use super::substitute::settled;
use crate::config::environment::Origin;
use crate::config::procfile::Entry as Line;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A value, or a part with values in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    what: What,
    /// `ovr.yaml:3`.
    from: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Text {
        text: String,
        /// Written without quotes: a number or a switch, perhaps.
        plain: bool,
    },
    List(Vec<Shown>),
    Map(Vec<(String, Shown)>),
}

impl Shown {
    pub(super) fn of(node: &Node) -> Self {
        Self {
            from: Origin::At(node.span.clone()).to_string(),
            what: match &node.value {
                Value::Scalar(scalar) => What::Text {
                    text: settled(scalar.text.clone()),
                    plain: scalar.plain,
                },
                Value::List(items) => What::List(items.iter().map(Self::of).collect()),
                Value::Map(entries) => {
                    // What a file cannot write is a note of ours.
                    let written = entries.iter().filter(|entry| !entry.key.text.starts_with('\0'));
                    What::Map(
                        written
                            .map(|Entry { key, value }| (key.text.clone(), Self::of(value)))
                            .collect(),
                    )
                }
            },
        }
    }

    /// A Procfile in the shape of a YAML, with `over` laid over it.
    pub fn procfile(lines: &[Line], over: Option<Self>) -> Self {
        let from = lines.first().map_or(String::new(), Line::origin);
        let mut root = over.map_or(Vec::new(), Self::into_map);
        let at = root.iter().position(|(key, _)| key == "processes");
        let mut written = at.map_or(Vec::new(), |at| root.remove(at).1.into_map());
        let mut services = Vec::new();
        for line in lines {
            let name = line.name.as_str();
            let at = written.iter().position(|(key, _)| key == name);
            let mut keys = at.map_or(Vec::new(), |at| written.remove(at).1.into_map());
            if keys
                .iter()
                .all(|(key, _)| key != "command" && key != "entrypoint")
            {
                let text = line.command.clone();
                let command = Self {
                    what: What::Text { text, plain: false },
                    from: line.origin(),
                };
                keys.insert(0, ("command".to_owned(), command));
            }
            services.push((name.to_owned(), Self::map(keys, line.origin())));
        }
        services.extend(written);
        root.push(("processes".to_owned(), Self::map(services, from.clone())));
        Self::map(root, from)
    }

    fn map(entries: Vec<(String, Self)>, from: String) -> Self {
        Self {
            what: What::Map(entries),
            from,
        }
    }

    fn into_map(self) -> Vec<(String, Self)> {
        match self.what {
            What::Map(entries) => entries,
            What::Text { .. } | What::List(_) => Vec::new(),
        }
    }

    /// As YAML, with the place of each value behind it.
    pub fn yaml(&self) -> String {
        let mut out = String::new();
        self.write(0, &mut out);
        out
    }

    fn write(&self, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        let mut line = |lead: &str, value: &Self| {
            out.push_str(&indent);
            out.push_str(lead);
            if let Some(text) = value.leaf() {
                out.extend([" ", &text, "  # ", &value.from, "\n"]);
            } else {
                out.push('\n');
                value.write(depth + 1, out);
            }
        };
        match &self.what {
            What::Text { .. } => {}
            What::List(items) => items.iter().for_each(|item| line("-", item)),
            What::Map(entries) => {
                for (key, value) in entries {
                    line(&format!("{}:", word(key, false)), value);
                }
            }
        }
    }

    /// What fits behind a key; `None` for what has parts.
    fn leaf(&self) -> Option<String> {
        match &self.what {
            What::Text { text, plain } => Some(word(text, *plain)),
            What::List(items) => items.is_empty().then(|| "[]".to_owned()),
            What::Map(entries) => entries.is_empty().then(|| "{}".to_owned()),
        }
    }

    /// The values alone. What was written without quotes is what YAML takes it for.
    pub fn json(&self) -> Json {
        match &self.what {
            What::Text { text, plain: false } => Json::String(text.clone()),
            What::Text { text, plain: true } => match text.as_str() {
                "" | "~" | "null" => Json::Null,
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                text => text
                    .parse()
                    .map_or_else(|_| Json::String(text.to_owned()), Json::Number),
            },
            What::List(items) => items.iter().map(Self::json).collect(),
            What::Map(entries) => entries
                .iter()
                .map(|(key, value)| (key.clone(), value.json()))
                .collect(),
        }
    }

    /// The place of each value, by the JSON pointer of the value.
    pub fn sources(&self) -> BTreeMap<String, String> {
        let mut sources = BTreeMap::new();
        self.collect("", &mut sources);
        sources
    }

    fn collect(&self, at: &str, sources: &mut BTreeMap<String, String>) {
        match &self.what {
            What::Text { .. } => {
                sources.insert(at.to_owned(), self.from.clone());
            }
            What::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    item.collect(&format!("{at}/{index}"), sources);
                }
            }
            What::Map(entries) => {
                for (key, value) in entries {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    value.collect(&format!("{at}/{key}"), sources);
                }
            }
        }
    }
}

/// A scalar as YAML reads it back: as it is where that can only mean itself, else in double quotes, whose escapes
/// are JSON's.
fn word(text: &str, plain: bool) -> String {
    if plain && matches!(text, "" | "~") {
        return "~".to_owned();
    }
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let is_word = text.chars().all(harmless)
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && !MEANINGFUL.contains(&text.to_ascii_lowercase().as_str());
    if is_word || (plain && !text.is_empty() && text.chars().all(harmless)) {
        return text.to_owned();
    }
    Json::String(text.to_owned()).to_string()
}

/// Words that some reader of YAML takes for something else.
const MEANINGFUL: &[&str] = &["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

#[cfg(test)]
mod tests {
    use super::{Shown, What};
    use crate::config::procfile::parse as parse_procfile;
    use crate::config::source::decode;
    use crate::config::yaml::parse::parse;

    fn shown(text: &str) -> Shown {
        let (root, diagnostics) = parse(&decode("ovr.yaml", text.as_bytes()).unwrap());
        assert_eq!(diagnostics, []);
        Shown::of(&root.unwrap())
    }

    #[test]
    fn each_value_is_shown_with_its_place() {
        let text = "processes:\n  web:\n    command: \"a: 'b'\"\n    port: 80\n    disabled: no\n    \
                    success_exit_codes: [1, '2']\n    vars: {}\n  'n': {command: \"two\\nlines\"}\n";
        assert_eq!(
            shown(text).yaml(),
            "processes:\n  web:\n    command: \"a: 'b'\"  # ovr.yaml:3\n    port: 80  # ovr.yaml:4\n    \
             disabled: no  # ovr.yaml:5\n    success_exit_codes:\n      - 1  # ovr.yaml:6\n      \
             - \"2\"  # ovr.yaml:6\n    vars: {}  # ovr.yaml:7\n  \"n\":\n    \
             command: \"two\\nlines\"  # ovr.yaml:8\n"
        );
    }

    #[test]
    fn what_is_shown_reads_back_as_the_same() {
        let text =
            "a: {b: ['#', ':', 'x # y', '', '- z', yes, 'yes', \"\\t\\u00e4\\\"\\\\\"], c: ~, d: }\n1: 2\n";
        let first = shown(text);
        let again = shown(&first.yaml());
        assert_eq!(first.json(), again.json());
    }

    #[test]
    fn for_programs_the_places_stand_beside_the_values() {
        let shown = shown("a: {b: [x, 1]}\nc/d: true\n");
        assert_eq!(shown.json().to_string(), r#"{"a":{"b":["x",1]},"c/d":true}"#);
        let sources: Vec<_> = shown.sources().into_iter().collect();
        let expected = [
            ("/a/b/0", "ovr.yaml:1"),
            ("/a/b/1", "ovr.yaml:1"),
            ("/c~1d", "ovr.yaml:2"),
        ];
        assert_eq!(
            sources,
            expected.map(|(at, from)| (at.to_owned(), from.to_owned()))
        );
    }

    #[test]
    fn a_procfile_is_shown_under_what_is_laid_over_it() {
        let lines = parse_procfile(&decode("Procfile", b"web: a\ndb: b\n").unwrap()).value;
        let over = shown("processes:\n  new: {command: c}\n  db: {tier: '1'}\n");
        assert_eq!(
            Shown::procfile(&lines, Some(over)).yaml(),
            "processes:\n  web:\n    command: a  # Procfile:1\n  db:\n    command: b  # Procfile:2\n    \
             tier: \"1\"  # ovr.yaml:3\n  new:\n    command: c  # ovr.yaml:2\n"
        );
        let alone = Shown::procfile(&lines, None);
        assert!(matches!(&alone.what, What::Map(entries) if entries.len() == 1));
    }
}
