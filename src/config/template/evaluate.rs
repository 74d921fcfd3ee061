//! A template's tree and its variables to text.

use super::super::project::Var;
use super::expression::{Operand, Pipe};
use super::functions;
use super::parse::{BlockKind, Node};
use super::{Fault, Rendered, Unknown, Variables};
use crate::model::suggest;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

pub(super) fn evaluate<'a>(
    text: &'a str,
    nodes: &[Node<'_>],
    variables: &Variables,
    unknown: Unknown,
) -> Result<Rendered<'a>, Fault> {
    let mut evaluator = Evaluator {
        text,
        root: Var::Map(variables.clone()),
        named: Vec::new(),
        unknown,
        out: String::new(),
        doubts: Vec::new(),
        turns: 0,
        block: 0..0,
    };
    evaluator.nodes(nodes, &Dot::Root)?;
    Ok(Rendered {
        text: Cow::Owned(evaluator.out),
        doubts: evaluator.doubts,
    })
}

/// What `.` is.
enum Dot {
    /// All variables.
    Root,
    Value(Var),
}

/// Why an expression has no value.
enum Stop {
    /// It is about something that nobody has defined.
    Unknown {
        message: String,
        guess: Option<String>,
        /// A letter away from something known: somebody may have meant that.
        nearly: bool,
    },
    Fault {
        message: String,
        guess: Option<String>,
    },
}

impl From<String> for Stop {
    fn from(message: String) -> Self {
        Self::Fault { message, guess: None }
    }
}

struct Evaluator<'a> {
    text: &'a str,
    root: Var,
    /// `$name`, innermost last.
    named: Vec<(String, Var)>,
    unknown: Unknown,
    out: String,
    doubts: Vec<Fault>,
    /// How often the insides of ranges were rendered.
    turns: i64,
    /// The block at hand.
    block: Range<usize>,
}

/// No more turns of ranges, all together, and no longer text: a slip of the finger must not fill the memory.
const MAX_TURNS: i64 = 100_000;
const MAX_LENGTH: usize = 1 << 20;

impl Evaluator<'_> {
    fn nodes(&mut self, nodes: &[Node<'_>], dot: &Dot) -> Result<(), Fault> {
        let scope = self.named.len();
        for node in nodes {
            match node {
                Node::Text(text) => self.out.push_str(text),
                Node::Action { at, pipe } => {
                    let value = self.pipe(pipe, dot);
                    if let Some(value) = self.settled(value, at, at)? {
                        match pipe.declares.first() {
                            Some(name) => self.named.push((name.clone(), value)),
                            None => self.out.push_str(&functions::shown(&value)),
                        }
                    }
                }
                Node::Block {
                    whole,
                    at,
                    kind,
                    pipe,
                    then,
                    otherwise,
                } => {
                    let value = self.pipe(pipe, dot);
                    if let Some(value) = self.settled(value, at, whole)? {
                        self.block = at.clone();
                        self.block(*kind, pipe, value, then, otherwise, dot)?;
                    }
                }
            }
        }
        self.named.truncate(scope);
        Ok(())
    }

    /// The value, or `None` where `whole` is not for us and was put out as it is.
    fn settled(
        &mut self,
        value: Result<Var, Stop>,
        at: &Range<usize>,
        whole: &Range<usize>,
    ) -> Result<Option<Var>, Fault> {
        let fault = |message, guess: Option<String>| Fault {
            message,
            hint: guess.map(|guess| format!("did you mean `{guess}`?")),
            at: at.clone(),
        };
        match (value, self.unknown) {
            (Ok(value), _) => Ok(Some(value)),
            (
                Err(Stop::Unknown {
                    message,
                    guess,
                    nearly,
                }),
                Unknown::Keep,
            ) => {
                self.out.push_str(&self.text[whole.clone()]);
                if nearly {
                    self.doubts.push(fault(message, guess));
                }
                Ok(None)
            }
            (Err(Stop::Unknown { message, guess, .. } | Stop::Fault { message, guess }), _) => {
                Err(fault(message, guess))
            }
        }
    }

    fn block(
        &mut self,
        kind: BlockKind,
        pipe: &Pipe,
        value: Var,
        then: &[Node<'_>],
        otherwise: &[Node<'_>],
        dot: &Dot,
    ) -> Result<(), Fault> {
        let scope = self.named.len();
        match kind {
            BlockKind::Range => self.range(pipe, value, then, otherwise, dot)?,
            BlockKind::If | BlockKind::With if !functions::holds(&value) => self.nodes(otherwise, dot)?,
            BlockKind::If | BlockKind::With => {
                if let Some(name) = pipe.declares.first() {
                    self.named.push((name.clone(), value.clone()));
                }
                match kind {
                    BlockKind::With => self.nodes(then, &Dot::Value(value))?,
                    BlockKind::If | BlockKind::Range => self.nodes(then, dot)?,
                }
            }
        }
        self.named.truncate(scope);
        Ok(())
    }

    fn range(
        &mut self,
        pipe: &Pipe,
        value: Var,
        then: &[Node<'_>],
        otherwise: &[Node<'_>],
        dot: &Dot,
    ) -> Result<(), Fault> {
        let items: Vec<(Var, Var)> = match value {
            Var::List(items) => (0..).map(Var::Int).zip(items).collect(),
            Var::Map(items) => items
                .into_iter()
                .map(|(name, item)| (Var::Text(name), item))
                .collect(),
            Var::Int(count) if count > MAX_TURNS => return Err(self.too_much()),
            Var::Int(count) => (0..count).map(|n| (Var::Int(n), Var::Int(n))).collect(),
            Var::Null | Var::Bool(_) | Var::Float(_) | Var::Text(_) => Vec::new(),
        };
        if items.is_empty() {
            return self.nodes(otherwise, dot);
        }
        for (key, item) in items {
            let scope = self.named.len();
            match pipe.declares.as_slice() {
                [] => {}
                [name] => self.named.push((name.clone(), item.clone())),
                [index, name, ..] => {
                    self.named.push((index.clone(), key));
                    self.named.push((name.clone(), item.clone()));
                }
            }
            self.turns += 1;
            if self.turns > MAX_TURNS || self.out.len() > MAX_LENGTH {
                return Err(self.too_much());
            }
            self.nodes(then, &Dot::Value(item))?;
            self.named.truncate(scope);
        }
        Ok(())
    }

    fn too_much(&self) -> Fault {
        Fault {
            message: format!("a range comes to more than {MAX_TURNS} turns or a megabyte of text"),
            hint: None,
            at: self.block.clone(),
        }
    }

    fn pipe(&self, pipe: &Pipe, dot: &Dot) -> Result<Var, Stop> {
        let mut piped = None;
        for command in &pipe.commands {
            piped = Some(self.command(command, piped, dot)?);
        }
        Ok(piped.unwrap_or(Var::Null))
    }

    fn command(&self, command: &[Operand], piped: Option<Var>, dot: &Dot) -> Result<Var, Stop> {
        let (first, arguments) = command
            .split_first()
            .expect("the parser makes no command without operands");
        let Operand::Function(name) = first else {
            if !arguments.is_empty() || piped.is_some() {
                return Err("only a function takes arguments".to_owned().into());
            }
            return self.operand(first, dot);
        };
        if !functions::NAMES.contains(&name.as_str()) {
            return Err(Stop::Unknown {
                message: format!("there is no function `{name}`"),
                guess: suggest(name, functions::NAMES.iter().copied()).map(str::to_owned),
                nearly: false,
            });
        }
        let values: Result<Vec<Var>, Stop> = arguments
            .iter()
            .map(|argument| self.operand(argument, dot))
            .collect();
        let values: Vec<Var> = values?.into_iter().chain(piped).collect();
        Ok(functions::call(name, &values)?)
    }

    fn operand(&self, operand: &Operand, dot: &Dot) -> Result<Var, Stop> {
        match operand {
            Operand::Dot(fields) => match (dot, fields.is_empty()) {
                (Dot::Root, true) => Err(Stop::Unknown {
                    message: "`.` is all variables here; name one of them".to_owned(),
                    guess: None,
                    nearly: false,
                }),
                (Dot::Root, false) => self.of_root(fields),
                (Dot::Value(value), _) => field(value, fields),
            },
            Operand::Variable(name, fields) if name.is_empty() => self.of_root(fields),
            Operand::Variable(name, fields) => {
                let found = self.named.iter().rev().find(|(known, _)| known == name);
                match found {
                    Some((_, value)) => field(value, fields),
                    None => Err(Stop::Unknown {
                        message: format!("${name} is not defined"),
                        guess: None,
                        nearly: false,
                    }),
                }
            }
            Operand::Literal(value) => Ok(value.clone()),
            Operand::Function(name) => self.command(&[Operand::Function(name.clone())], None, dot),
            Operand::Group(pipe, fields) => field(&self.pipe(pipe, dot)?, fields),
        }
    }

    /// A variable of the template. Only its name can be unknown: what it holds is ours.
    fn of_root(&self, fields: &[String]) -> Result<Var, Stop> {
        let Var::Map(variables) = &self.root else {
            return Ok(Var::Null);
        };
        match fields.split_first() {
            Some((name, rest)) => match variables.get(name) {
                Some(value) => field(value, rest),
                None => Err(Stop::Unknown {
                    message: format!("there is no variable `.{name}`"),
                    guess: suggest(name, names(variables)).map(|guess| format!(".{guess}")),
                    nearly: names(variables).any(|known| strsim::damerau_levenshtein(name, known) == 1),
                }),
            },
            None => Ok(self.root.clone()),
        }
    }
}

fn field(value: &Var, fields: &[String]) -> Result<Var, Stop> {
    let Some((name, rest)) = fields.split_first() else {
        return Ok(value.clone());
    };
    let Var::Map(entries) = value else {
        return Err(format!(
            "`.{name}` is asked of {}, which has no fields",
            functions::kind(value)
        )
        .into());
    };
    match entries.get(name) {
        Some(value) => field(value, rest),
        None => Err(Stop::Fault {
            message: format!("there is no field `.{name}`"),
            guess: suggest(name, names(entries)).map(|guess| format!(".{guess}")),
        }),
    }
}

fn names(entries: &BTreeMap<String, Var>) -> impl Iterator<Item = &str> {
    entries.keys().map(String::as_str)
}
