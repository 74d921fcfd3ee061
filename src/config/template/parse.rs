//! A template's text to a tree of its texts, actions and blocks.

use super::super::project::Var;
use super::{Fault, Unknown};
use std::ops::Range;

/// One piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node<'a> {
    Text(&'a str),
    Action {
        at: Range<usize>,
        pipe: Pipe,
    },
    Block {
        /// From the opening to the closing action.
        whole: Range<usize>,
        /// The action with the condition.
        at: Range<usize>,
        kind: BlockKind,
        pipe: Pipe,
        then: Vec<Node<'a>>,
        otherwise: Vec<Node<'a>>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    If,
    With,
    Range,
}

/// `$a, $b := command | command`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Pipe {
    pub(super) declares: Vec<String>,
    pub(super) commands: Vec<Vec<Operand>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    /// `.a.b`; no names is the dot itself.
    Dot(Vec<String>),
    /// `$x.a`; an empty name is what the template began with.
    Variable(String, Vec<String>),
    Literal(Var),
    Function(String),
    Group(Box<Pipe>, Vec<String>),
}

/// Reads a whole template. With [`Unknown::Keep`] an action that cannot be read is text.
pub(super) fn parse(text: &str, unknown: Unknown) -> Result<Vec<Node<'_>>, Fault> {
    let mut parser = Parser {
        text,
        items: items(text, unknown)?,
        next: 0,
        unknown,
    };
    let (nodes, end) = parser.nodes()?;
    match end {
        End::Text => Ok(nodes),
        End::Else { at, .. } | End::End(at) => Err(fault("this closes no block", at)),
    }
}

fn fault(message: impl Into<String>, at: Range<usize>) -> Fault {
    Fault {
        message: message.into(),
        hint: None,
        at,
    }
}

// ── pieces ──

#[derive(Clone, Debug)]
enum Item<'a> {
    Text(&'a str),
    Action { at: Range<usize>, inner: &'a str },
}

/// Cuts a text into what is in braces and what is not. Trim markers take the white space beside them.
fn items(text: &str, unknown: Unknown) -> Result<Vec<Item<'_>>, Fault> {
    let mut items = Vec::new();
    let mut from = 0;
    let mut trim = false;
    while let Some(open) = text[from..].find("{{").map(|at| at + from) {
        let Some(close) = closing(text, open + 2) else {
            match unknown {
                Unknown::Refuse => return Err(fault("this {{ is never closed by }}", open..open + 2)),
                Unknown::Keep => break,
            }
        };
        let inner = &text[open + 2..close];
        let left = inner
            .strip_prefix('-')
            .filter(|rest| rest.starts_with(char::is_whitespace));
        let inner = left.unwrap_or(inner);
        let right = inner
            .strip_suffix('-')
            .filter(|rest| rest.ends_with(char::is_whitespace));
        let inner = right.unwrap_or(inner).trim();
        items.push(Item::Text(trimmed(&text[from..open], trim, left.is_some())));
        if !(inner.starts_with("/*") && inner.ends_with("*/")) {
            items.push(Item::Action {
                at: open..close + 2,
                inner,
            });
        }
        trim = right.is_some();
        from = close + 2;
    }
    items.push(Item::Text(trimmed(&text[from..], trim, false)));
    Ok(items)
}

fn trimmed(text: &str, start: bool, end: bool) -> &str {
    let text = if start { text.trim_start() } else { text };
    if end { text.trim_end() } else { text }
}

/// Where the `}}` of an action begins: not in a string or a comment of it.
fn closing(text: &str, from: usize) -> Option<usize> {
    let rest = text[from..].trim_start_matches('-').trim_start();
    if rest.starts_with("/*") {
        let end = text[from..].find("*/")? + from + 2;
        return text[end..].find("}}").map(|at| at + end);
    }
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut at = from;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(b'"'), b'\\') => at += 1,
            (Some(open), byte) if open == byte => quote = None,
            (None, byte @ (b'"' | b'`')) => quote = Some(byte),
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            (Some(_) | None, _) => {}
        }
        at += 1;
    }
    None
}

// ── blocks ──

/// What a list of nodes ended with.
enum End<'a> {
    Text,
    Else {
        at: Range<usize>,
        /// `else if`: the block that it opens, which shares the `end` of this one.
        opens: Option<(BlockKind, &'a str)>,
    },
    End(Range<usize>),
}

struct Parser<'a> {
    text: &'a str,
    items: Vec<Item<'a>>,
    next: usize,
    unknown: Unknown,
}

impl<'a> Parser<'a> {
    /// The nodes up to what closes them, or the text's end.
    fn nodes(&mut self) -> Result<(Vec<Node<'a>>, End<'a>), Fault> {
        let mut nodes = Vec::new();
        while let Some(item) = self.items.get(self.next).cloned() {
            self.next += 1;
            let (at, inner) = match item {
                Item::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Item::Action { at, inner } => (at, inner),
            };
            let (word, rest) = keyword(inner);
            match (word, block_kind(word)) {
                (_, Some(kind)) => {
                    let block = self.block(kind, at, rest)?;
                    nodes.push(block);
                }
                ("end", None) => return Ok((nodes, End::End(at))),
                ("else", None) => {
                    let (word, condition) = keyword(rest);
                    let opens = block_kind(word).map(|kind| (kind, condition));
                    if opens.is_none() && !rest.is_empty() {
                        return Err(fault("write {{else}} or {{else if CONDITION}}", at));
                    }
                    return Ok((nodes, End::Else { at, opens }));
                }
                (_, None) => nodes.push(self.action(word, inner, at)?),
            }
        }
        Ok((nodes, End::Text))
    }

    fn action(&self, word: &str, inner: &str, at: Range<usize>) -> Result<Node<'a>, Fault> {
        match (pipe(inner), self.unknown) {
            (_, Unknown::Refuse) if UNSUPPORTED.contains(&word) => {
                Err(fault(format!("`{word}` cannot stand in a value"), at))
            }
            (Ok(pipe), _) => Ok(Node::Action { at, pipe }),
            (Err(_), Unknown::Keep) => Ok(Node::Text(&self.text[at])),
            (Err(message), Unknown::Refuse) => Err(fault(message, at)),
        }
    }

    fn block(&mut self, kind: BlockKind, at: Range<usize>, condition: &str) -> Result<Node<'a>, Fault> {
        let pipe = pipe(condition).map_err(|message| fault(message, at.clone()))?;
        let (then, end) = self.nodes()?;
        let (otherwise, end) = match end {
            End::End(end) => (Vec::new(), end.end),
            End::Else {
                at,
                opens: Some((kind, condition)),
            } => {
                let chained = self.block(kind, at, condition)?;
                let end = match &chained {
                    Node::Block { whole, .. } => whole.end,
                    Node::Text(_) | Node::Action { .. } => self.text.len(),
                };
                (vec![chained], end)
            }
            End::Else { opens: None, .. } => match self.nodes()? {
                (nodes, End::End(end)) => (nodes, end.end),
                (_, End::Else { at, .. }) => return Err(fault("a second {{else}}", at)),
                (_, End::Text) => return Err(fault("this block has no {{end}}", at)),
            },
            End::Text => return Err(fault("this block has no {{end}}", at)),
        };
        Ok(Node::Block {
            whole: at.start..end,
            at,
            kind,
            pipe,
            then,
            otherwise,
        })
    }
}

const UNSUPPORTED: &[&str] = &["template", "define", "block", "break", "continue"];

fn block_kind(word: &str) -> Option<BlockKind> {
    match word {
        "if" => Some(BlockKind::If),
        "with" => Some(BlockKind::With),
        "range" => Some(BlockKind::Range),
        _ => None,
    }
}

/// The first word of an action, and what follows it.
fn keyword(inner: &str) -> (&str, &str) {
    let end = inner
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(inner.len());
    (&inner[..end], inner[end..].trim())
}

// ── expressions ──

/// Reads what stands between the braces.
fn pipe(inner: &str) -> Result<Pipe, String> {
    let mut reader = Reader { rest: inner };
    let pipe = reader.pipe()?;
    match reader.rest.trim_start() {
        "" => Ok(pipe),
        rest => Err(format!("{rest:?} cannot be understood here")),
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn pipe(&mut self) -> Result<Pipe, String> {
        let declares = self.declares();
        let mut commands = Vec::new();
        loop {
            let mut command = Vec::new();
            while let Some(operand) = self.operand()? {
                command.push(operand);
            }
            if command.is_empty() {
                return Err("an expression is missing here".to_owned());
            }
            commands.push(command);
            match self.rest.strip_prefix('|') {
                Some(rest) => self.rest = rest,
                None => return Ok(Pipe { declares, commands }),
            }
        }
    }

    /// `$a := ` and `$i, $a := `.
    fn declares(&mut self) -> Vec<String> {
        let Some((names, rest)) = self.rest.split_once(":=") else {
            return Vec::new();
        };
        let names: Option<Vec<String>> = names
            .split(',')
            .map(|name| {
                let name = name.trim().strip_prefix('$')?;
                name.chars().all(is_name).then(|| name.to_owned())
            })
            .collect();
        match names {
            Some(names) => {
                self.rest = rest;
                names
            }
            None => Vec::new(),
        }
    }

    fn operand(&mut self) -> Result<Option<Operand>, String> {
        self.rest = self.rest.trim_start();
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        let operand = match first {
            '|' | ')' => return Ok(None),
            '.' => Operand::Dot(self.fields()),
            '$' => {
                self.rest = &self.rest[1..];
                let name = self.name().to_owned();
                Operand::Variable(name, self.fields())
            }
            '(' => {
                self.rest = &self.rest[1..];
                let pipe = self.pipe()?;
                self.rest = self.rest.strip_prefix(')').ok_or("a `(` is never closed")?;
                Operand::Group(Box::new(pipe), self.fields())
            }
            '"' | '`' => Operand::Literal(Var::Text(self.string(first)?)),
            c if c.is_ascii_digit() || matches!(c, '-' | '+') => Operand::Literal(self.number()?),
            c if is_name(c) => match self.name() {
                "true" => Operand::Literal(Var::Bool(true)),
                "false" => Operand::Literal(Var::Bool(false)),
                "nil" => Operand::Literal(Var::Null),
                name => Operand::Function(name.to_owned()),
            },
            c => return Err(format!("{c:?} cannot stand here")),
        };
        Ok(Some(operand))
    }

    /// `.a.b`; a single dot is no field.
    fn fields(&mut self) -> Vec<String> {
        let mut fields = Vec::new();
        while let Some(rest) = self.rest.strip_prefix('.') {
            self.rest = rest;
            let name = self.name();
            if name.is_empty() {
                break;
            }
            fields.push(name.to_owned());
        }
        fields
    }

    fn name(&mut self) -> &str {
        let end = self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name
    }

    fn number(&mut self) -> Result<Var, String> {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '+' | '_'))
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        let whole = text.parse().ok().map(Var::Int);
        let number = whole.or_else(|| text.parse().ok().map(Var::Float));
        number.ok_or_else(|| format!("{text:?} is no number"))
    }

    fn string(&mut self, quote: char) -> Result<String, String> {
        let mut chars = self.rest.char_indices().skip(1);
        let mut text = String::new();
        while let Some((at, c)) = chars.next() {
            match c {
                _ if c == quote => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(text);
                }
                '\\' if quote == '"' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, c)) => text.push(c),
                    None => break,
                },
                _ => text.push(c),
            }
        }
        Err("a string is never closed".to_owned())
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
