//! A template's text to a tree of its texts, actions and blocks.

use super::expression::{Pipe, pipe};
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

/// Reads a whole template. With [`Unknown::Keep`] an action that cannot be read is text.
pub(super) fn parse(text: &str, unknown: Unknown) -> Result<Vec<Node<'_>>, Fault> {
    let mut parser = Parser {
        text,
        items: items(text, unknown)?,
        next: 0,
        depth: 0,
        unknown,
    };
    let (nodes, end) = parser.nodes()?;
    match end {
        End::Text => Ok(nodes),
        End::Else { at, .. } | End::Closed(at) => Err(fault("this closes no block", at)),
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
    Closed(Range<usize>),
}

struct Parser<'a> {
    text: &'a str,
    items: Vec<Item<'a>>,
    next: usize,
    /// So many blocks are open.
    depth: usize,
    unknown: Unknown,
}

/// How deep blocks may stand in each other.
const MAX_DEPTH: usize = 100;

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
                ("end", None) => return Ok((nodes, End::Closed(at))),
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
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} blocks stand in each other");
            return Err(fault(message, at));
        }
        let (then, end) = self.nodes()?;
        let (otherwise, end) = match end {
            End::Closed(end) => (Vec::new(), end.end),
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
                (nodes, End::Closed(end)) => (nodes, end.end),
                (_, End::Else { at, .. }) => return Err(fault("a second {{else}}", at)),
                (_, End::Text) => return Err(fault("this block has no {{end}}", at)),
            },
            End::Text => return Err(fault("this block has no {{end}}", at)),
        };
        self.depth -= 1;
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
