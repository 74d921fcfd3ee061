//! A YAML text to its tree: places, anchors and aliases, merge keys; what a tree of ours cannot hold is an error
//! (two documents, a key twice, keys that are no words, more than [`MAX_NODES`] values). Pure.

use super::node::{Entry, Key, Node, Scalar, Value};
use super::syntax;
use crate::diag::{Diagnostic, Kind, Source, Span};
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::BTreeMap;
use std::sync::Arc;

/// So that aliases of aliases of aliases do not fill the memory.
const MAX_NODES: usize = 100_000;
/// Nothing that a configuration says is anywhere near as deep.
const MAX_DEPTH: usize = 64;
const TOO_DEEP: &str = "this is nested too deeply for a configuration";

/// The root of the text, if there is one, and everything that is wrong with it as YAML.
pub(super) fn parse(source: &Arc<Source>) -> (Option<Node>, Vec<Diagnostic>) {
    let mut builder = Builder {
        places: Places::new(source),
        open: Vec::new(),
        root: None,
        documents: 0,
        anchors: BTreeMap::new(),
        nodes: 0,
        diagnostics: Vec::new(),
    };
    for event in Parser::new_from_str(&source.text) {
        let proceed = match event {
            Ok((event, span)) => builder.event(event, span),
            Err(error) => {
                builder.diagnostics.push(syntax::diagnostic(
                    error.info(),
                    builder
                        .places
                        .span(error.marker().index(), error.marker().index()),
                ));
                Err(Stop)
            }
        };
        if proceed.is_err() {
            return (None, builder.diagnostics);
        }
    }
    (builder.root, builder.diagnostics)
}

/// From the parser's places, which are counted in characters, to lines and columns.
struct Places<'a> {
    source: &'a Arc<Source>,
    /// Where each line begins.
    lines: Vec<usize>,
    length: usize,
}

impl<'a> Places<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        let mut lines = vec![0];
        let mut length = 0;
        for c in source.text.chars() {
            length += 1;
            if c == '\n' {
                lines.push(length);
            }
        }
        Self {
            source,
            lines,
            length,
        }
    }

    /// Cut at the end of its first line, and at least one character long.
    fn span(&self, start: usize, end: usize) -> Span {
        // An error at the very end is shown behind the last line that has something in it.
        let start = match self.length.checked_sub(1) {
            Some(last) if start > last && self.source.text.ends_with('\n') => last,
            Some(_) | None => start.min(self.length),
        };
        let line = self.lines.partition_point(|begin| *begin <= start);
        let next = self.lines.get(line).map_or(self.length, |next| next - 1);
        Span {
            source: Arc::clone(self.source),
            line,
            column: start - self.lines[line - 1] + 1,
            length: end.min(next).saturating_sub(start).max(1),
        }
    }
}

/// Nothing after this can be made sense of.
struct Stop;

/// How much there is of a value.
#[derive(Clone, Copy)]
struct Extent {
    values: usize,
    /// Lists and mappings in each other.
    depth: usize,
}

const SCALAR: Extent = Extent { values: 1, depth: 0 };

/// A list or mapping whose end has not come.
struct Open {
    anchor: usize,
    span: Span,
    holds: Holds,
    inside: Extent,
}

enum Holds {
    List(Vec<Node>),
    Map(OpenMap),
}

#[derive(Default)]
struct OpenMap {
    entries: Vec<Entry>,
    /// Where in `entries` each key is.
    known: BTreeMap<String, usize>,
    /// The key whose value has not come.
    key: Option<Key>,
    /// What `<<` brings: it counts where the mapping itself says nothing, the first of several first.
    merged: Vec<Entry>,
}

impl OpenMap {
    fn add(&mut self, key: Key, value: Node, diagnostics: &mut Vec<Diagnostic>) {
        if key.text == "<<" {
            match merge_keys(&value) {
                Some(found) => self.merged.extend(found),
                None => diagnostics.push(
                    Diagnostic::error(
                        Kind::Config,
                        format!("`<<` takes a mapping or a list of mappings, not {}", value.what()),
                    )
                    .at(value.span)
                    .hint("write `<<: *name`, where `&name` stands at a mapping above"),
                ),
            }
            return;
        }
        if let Some(first) = self.known.get(&key.text) {
            diagnostics.push(twice(&key, &self.entries[*first].key));
            return;
        }
        self.insert(Entry { key, value });
    }

    fn insert(&mut self, entry: Entry) {
        self.known.insert(entry.key.text.clone(), self.entries.len());
        self.entries.push(entry);
    }

    fn finish(mut self) -> Vec<Entry> {
        for entry in std::mem::take(&mut self.merged) {
            if !self.known.contains_key(&entry.key.text) {
                self.insert(entry);
            }
        }
        self.entries
    }
}

struct Builder<'a> {
    places: Places<'a>,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    anchors: BTreeMap<usize, (Node, Extent)>,
    nodes: usize,
    diagnostics: Vec<Diagnostic>,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: saphyr_parser::Span) -> Result<(), Stop> {
        let span = self.places.span(span.start.index(), span.end.index());
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => self.document(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                self.nodes += 1;
                let mut text = text.into_owned();
                if text.contains('\0') {
                    let error = Diagnostic::error(Kind::Config, "a NUL byte cannot stand here");
                    self.diagnostics.push(error.at(span.clone()));
                    text.retain(|c| c != '\0');
                }
                let node = Node {
                    value: Value::Scalar(Scalar {
                        text,
                        plain: style == ScalarStyle::Plain && !is_text,
                    }),
                    span,
                };
                self.put(node, anchor, SCALAR)
            }
            Event::SequenceStart(anchor, _) => self.begin(anchor, span, Holds::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.begin(anchor, span, Holds::Map(OpenMap::default())),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
        }
    }

    fn fail(&mut self, message: &str, span: Span) -> Result<(), Stop> {
        self.diagnostics
            .push(Diagnostic::error(Kind::Config, message).at(span));
        Err(Stop)
    }

    fn no_key(&mut self, span: Span) -> Result<(), Stop> {
        self.diagnostics.push(
            Diagnostic::error(Kind::Config, "a list or mapping cannot be a key; a key is a word")
                .at(span)
                .hint(
                    "a text that begins with `{` or `[`, as a template `{{…}}` does, needs quotes around it",
                ),
        );
        Err(Stop)
    }

    fn document(&mut self, span: Span) -> Result<(), Stop> {
        self.documents += 1;
        if self.documents == 1 {
            return Ok(());
        }
        self.diagnostics.push(
            Diagnostic::error(
                Kind::Config,
                "a second document begins here; a configuration is one",
            )
            .at(span)
            .hint("remove the `---`, or put what follows it into a file of its own and name both with -f"),
        );
        Err(Stop)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        let Some((node, extent)) = self.anchors.get(&anchor).cloned() else {
            return self.fail("this alias stands inside of what it is an alias of", span);
        };
        if self.nodes + extent.values > MAX_NODES {
            let message = format!("with this alias the file has more than {MAX_NODES} values");
            return self.fail(&message, span);
        }
        if self.open.len() + extent.depth > MAX_DEPTH {
            return self.fail(TOO_DEEP, span);
        }
        self.nodes += extent.values;
        // Places stay those of the anchor: that is the text to correct.
        self.put(node, 0, extent)
    }

    fn begin(&mut self, anchor: usize, span: Span, holds: Holds) -> Result<(), Stop> {
        if self.open.len() == MAX_DEPTH {
            return self.fail(TOO_DEEP, span);
        }
        if self.wants_key() {
            return self.no_key(span);
        }
        self.nodes += 1;
        self.open.push(Open {
            anchor,
            span,
            holds,
            inside: SCALAR,
        });
        Ok(())
    }

    fn wants_key(&self) -> bool {
        matches!(
            self.open.last().map(|open| &open.holds),
            Some(Holds::Map(OpenMap { key: None, .. }))
        )
    }

    fn end(&mut self) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let extent = Extent {
            values: open.inside.values,
            depth: open.inside.depth + 1,
        };
        let (value, first) = match open.holds {
            Holds::List(items) => (Value::List(items), None),
            Holds::Map(map) => {
                let entries = map.finish();
                let first = entries.first().map(|entry| entry.key.span.clone());
                (Value::Map(entries), first)
            }
        };
        // A block mapping begins where its first key does; an error about it points at that key.
        let span = match first {
            Some(first) if (first.line, first.column) == (open.span.line, open.span.column) => first,
            Some(_) | None => open.span,
        };
        self.put(Node { value, span }, open.anchor, extent)
    }

    /// Puts a finished value where it belongs.
    fn put(&mut self, node: Node, anchor: usize, extent: Extent) -> Result<(), Stop> {
        if self.nodes > MAX_NODES {
            let message = format!("this file has more than {MAX_NODES} values");
            return self.fail(&message, node.span);
        }
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), extent));
        }
        if let Some(open) = self.open.last_mut() {
            open.inside.values += extent.values;
            open.inside.depth = open.inside.depth.max(extent.depth);
        }
        match self.open.last_mut().map(|open| &mut open.holds) {
            None => self.root = Some(node),
            Some(Holds::List(items)) => items.push(node),
            Some(Holds::Map(map)) => match map.key.take() {
                None => return self.key(node),
                Some(key) => map.add(key, node, &mut self.diagnostics),
            },
        }
        Ok(())
    }

    fn key(&mut self, node: Node) -> Result<(), Stop> {
        let Value::Scalar(scalar) = node.value else {
            return self.no_key(node.span);
        };
        if let Some(Holds::Map(OpenMap { key, .. })) = self.open.last_mut().map(|open| &mut open.holds) {
            *key = Some(Key {
                text: scalar.text,
                span: node.span,
            });
        }
        Ok(())
    }
}

fn merge_keys(node: &Node) -> Option<Vec<Entry>> {
    match &node.value {
        Value::Map(entries) => Some(entries.clone()),
        Value::List(items) => {
            let maps: Option<Vec<_>> = items.iter().map(Node::map).collect();
            Some(maps?.concat())
        }
        Value::Scalar(_) => None,
    }
}

fn twice(second: &Key, first: &Key) -> Diagnostic {
    let (name, one, other) = (&second.text, first.span.line, second.span.line);
    let message = format!("{name:?} is there twice: in line {one} and in line {other}");
    Diagnostic::error(Kind::Config, message).at(second.span.clone())
}

#[cfg(test)]
mod tests;
