//! `${NAME}` and its forms in one text, with bash's meaning; what has another form stays. Knows texts and names
//! only: which texts and which names is `expand.rs`'s. Pure.

mod glob;

use glob::Glob;

/// What is known of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Value(String),
    /// It is not set.
    Unset,
    /// Its value is known later, or to the shell alone: the expression stays as it is written.
    Later,
}

/// What there is to say about a text. Offsets and lengths count characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    pub offset: usize,
    pub length: usize,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A `${` that nothing closes.
    Open,
    /// `${…}` that is no form of ours: a shell may know it.
    Foreign,
    /// Replaced by nothing, for nothing is known of the name.
    Unset(String),
    /// `${NAME:?message}`, and it is not set.
    Required(String, String),
}

/// Stands for a `$` that was written as `$$`, or came with a value, so that nothing later takes it for the beginning
/// of an expression. Never a character of any text: neither an argument nor a variable can carry it, so no file may
/// hold it, and no YAML make it by an escape.
const ESCAPED: char = '\0';

/// The text as it was meant, when nothing more is to be filled in.
pub fn settled(text: String) -> String {
    if text.contains(ESCAPED) {
        text.replace(ESCAPED, "$")
    } else {
        text
    }
}

/// Changes the text as it was meant, but for the `$` that nothing is to take for the beginning of an expression: as if
/// they were letters.
pub fn around_escaped(text: &str, change: impl Fn(&str) -> String) -> String {
    let parts: Vec<String> = text.split(ESCAPED).map(change).collect();
    parts.join(&ESCAPED.to_string())
}

/// A value that means what it is.
pub(super) fn escaped(value: &str) -> String {
    value.replace("${", &format!("{ESCAPED}{{"))
}

/// How deep expressions may stand in each other.
const MAX_DEPTH: usize = 20;
/// How long a text may get: a value that is replaced by ever longer ones is no configuration.
const MAX_LENGTH: usize = 1 << 20;

/// `text` with its expressions replaced; with `dollars`, also every `$$` by a `$`, which [`settled`] brings to light
/// where it stands before a `{`.
pub(super) fn expand(text: &str, lookup: &dyn Fn(&str) -> Known, dollars: bool) -> (String, Vec<Remark>) {
    let chars: Vec<char> = text.chars().collect();
    let mut expander = Expander {
        chars: &chars,
        lookup,
        dollars,
        remarks: Vec::new(),
    };
    let expanded = expander.range(0, chars.len(), 0);
    (expanded, expander.remarks)
}

/// One `${…}`, taken apart. Positions are those of the text.
struct Expression {
    name: String,
    /// `${#NAME}`
    length: bool,
    operator: &'static str,
    argument: (usize, usize),
}

/// Longer ones first.
const OPERATORS: &[&str] = &[
    ":-", ":=", ":?", ":+", "-", "=", "?", "+", "^^", "^", ",,", ",", "##", "#", "%%", "%", "//", "/#", "/%",
    "/", ":",
];

struct Expander<'a> {
    chars: &'a [char],
    lookup: &'a dyn Fn(&str) -> Known,
    /// Whether `$$` is a `$`.
    dollars: bool,
    remarks: Vec<Remark>,
}

impl Expander<'_> {
    fn range(&mut self, start: usize, end: usize, depth: usize) -> String {
        let mut out = String::new();
        let mut at = start;
        while at < end {
            if self.chars[at] != '$' {
                out.push(self.chars[at]);
                at += 1;
                continue;
            }
            match self.chars[..end].get(at + 1) {
                Some('$') => {
                    let opens = self.chars[..end].get(at + 2) == Some(&'{');
                    match (self.dollars, opens) {
                        (true, true) => out.push(ESCAPED),
                        (true, false) => out.push('$'),
                        (false, _) => out.push_str("$$"),
                    }
                    at += 2;
                }
                Some('{') => {
                    let Some(close) = self.close(at + 2, end) else {
                        self.remark(at, 2, What::Open);
                        out.extend(&self.chars[at..end]);
                        return out;
                    };
                    let value = self.expression(at, close, depth);
                    match value {
                        Some(value) if out.len() + value.len() <= MAX_LENGTH => out.push_str(&value),
                        Some(_) | None => out.extend(&self.chars[at..=close]),
                    }
                    at = close + 1;
                }
                Some(_) | None => {
                    out.push('$');
                    at += 1;
                }
            }
        }
        out
    }

    fn remark(&mut self, start: usize, length: usize, what: What) {
        self.remarks.push(Remark {
            offset: start,
            length,
            what,
        });
    }

    /// The `}` that closes what begins at `start`.
    fn close(&self, start: usize, end: usize) -> Option<usize> {
        let mut depth = 0;
        let mut at = start;
        while at < end {
            match self.chars[at] {
                '\\' => at += 1,
                '$' if self.chars[..end].get(at + 1) == Some(&'{') => {
                    depth += 1;
                    at += 1;
                }
                '}' if depth == 0 => return Some(at),
                '}' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// The value of the expression from its `$` at `start` to its `}` at `close`; `None`: it stays.
    fn expression(&mut self, start: usize, close: usize, depth: usize) -> Option<String> {
        let length = close + 1 - start;
        let Some(parsed) = self.parse(start + 2, close).filter(|_| depth < MAX_DEPTH) else {
            self.remark(start, length, What::Foreign);
            return None;
        };
        let value = match (self.lookup)(&parsed.name) {
            Known::Value(value) => Some(value),
            Known::Unset => None,
            Known::Later => return None,
        };
        if parsed.length {
            return Some(value.unwrap_or_default().chars().count().to_string());
        }
        let (from, to) = parsed.argument;
        let filled = value.as_ref().is_some_and(|value| !value.is_empty());
        let there = match parsed.operator {
            ":-" | ":=" | ":?" | ":+" => filled,
            _ => value.is_some(),
        };
        match parsed.operator {
            ":-" | ":=" | "-" | "=" | ":?" | "?" if there => value,
            ":-" | ":=" | "-" | "=" => Some(self.range(from, to, depth + 1)),
            ":+" | "+" if there => Some(self.range(from, to, depth + 1)),
            ":+" | "+" => Some(String::new()),
            ":?" | "?" => {
                let message = self.range(from, to, depth + 1);
                self.remark(start, length, What::Required(parsed.name, message));
                Some(String::new())
            }
            operator => {
                if value.is_none() {
                    self.remark(start, length, What::Unset(parsed.name));
                }
                let value = value.unwrap_or_default();
                self.changed(&value, operator, (from, to), depth).or_else(|| {
                    self.remark(start, length, What::Foreign);
                    None
                })
            }
        }
    }

    fn parse(&self, start: usize, close: usize) -> Option<Expression> {
        let inner = &self.chars[start..close];
        let length = inner.first() == Some(&'#');
        let name: String = inner[usize::from(length)..]
            .iter()
            .take_while(|c| c.is_ascii_alphanumeric() || **c == '_')
            .collect();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return None;
        }
        let behind = start + usize::from(length) + name.len();
        let rest: String = self.chars[behind..close].iter().collect();
        if length || rest.is_empty() {
            return rest.is_empty().then_some(Expression {
                name,
                length,
                operator: "",
                argument: (close, close),
            });
        }
        let operator = OPERATORS.iter().find(|operator| rest.starts_with(**operator))?;
        Some(Expression {
            name,
            length,
            operator,
            argument: (behind + operator.len(), close),
        })
    }

    /// What the operators make of a value; `None` if the argument has a form that bash alone knows.
    fn changed(&mut self, value: &str, operator: &str, at: (usize, usize), depth: usize) -> Option<String> {
        if operator.starts_with('/') {
            return Some(self.replaced(value, operator, at, depth));
        }
        let argument = self.range(at.0, at.1, depth + 1);
        match operator {
            "" => Some(value.to_owned()),
            ":" => slice(value, &argument),
            "^" | "^^" | "," | ",," => {
                let pattern = Glob::new(if argument.is_empty() { "?" } else { &argument });
                Some(cased(value, operator, &pattern))
            }
            "#" | "##" => {
                let value: Vec<char> = value.chars().collect();
                let cut = Glob::new(&argument).prefix(&value, operator == "##").unwrap_or(0);
                Some(value[cut..].iter().collect())
            }
            _ => {
                let value: Vec<char> = value.chars().collect();
                let cut = Glob::new(&argument).suffix(&value, operator == "%%").unwrap_or(0);
                Some(value[..value.len() - cut].iter().collect())
            }
        }
    }

    fn replaced(&mut self, value: &str, operator: &str, (from, to): (usize, usize), depth: usize) -> String {
        let slash = self.separator(from, to);
        let pattern = Glob::new(&self.range(from, slash.unwrap_or(to), depth + 1));
        let by = slash.map_or_else(String::new, |slash| self.range(slash + 1, to, depth + 1));
        let value: Vec<char> = value.chars().collect();
        match operator {
            "/#" => match pattern.prefix(&value, true) {
                Some(length) => by + &value[length..].iter().collect::<String>(),
                None => value.iter().collect(),
            },
            "/%" => match pattern.suffix(&value, true) {
                Some(length) => value[..value.len() - length].iter().collect::<String>() + &by,
                None => value.iter().collect(),
            },
            _ => replace(&value, &pattern, &by, operator == "//"),
        }
    }

    /// The `/` between a pattern and what replaces it.
    fn separator(&self, from: usize, to: usize) -> Option<usize> {
        let mut at = from;
        while at < to {
            match self.chars[at] {
                '\\' => at += 1,
                '/' => return Some(at),
                '$' if self.chars[..to].get(at + 1) == Some(&'{') => at = self.close(at + 2, to)?,
                _ => {}
            }
            at += 1;
        }
        None
    }
}

fn replace(value: &[char], pattern: &Glob, by: &str, all: bool) -> String {
    let mut out = String::new();
    let mut at = 0;
    let mut done = false;
    while at < value.len() {
        let found = if done && !all {
            None
        } else {
            pattern.prefix(&value[at..], true)
        };
        match found.filter(|length| *length > 0) {
            Some(length) if out.len() + by.len() <= MAX_LENGTH => {
                out.push_str(by);
                at += length;
                done = true;
            }
            Some(_) | None => {
                out.push(value[at]);
                at += 1;
            }
        }
    }
    out
}

fn cased(value: &str, operator: &str, pattern: &Glob) -> String {
    let all = operator.len() == 2;
    let mut out = String::new();
    for (index, c) in value.chars().enumerate() {
        let changes = (all || index == 0) && pattern.prefix(&[c], true) == Some(1);
        match (changes, operator.starts_with('^')) {
            (true, true) => out.extend(c.to_uppercase()),
            (true, false) => out.extend(c.to_lowercase()),
            (false, _) => out.push(c),
        }
    }
    out
}

/// `offset` or `offset:length`, either counted from the end if it is negative.
fn slice(value: &str, argument: &str) -> Option<String> {
    let value: Vec<char> = value.chars().collect();
    let (offset, length) = match argument.split_once(':') {
        Some((offset, length)) => (offset, Some(length)),
        None => (argument, None),
    };
    let number = |text: &str| match text.trim() {
        "" => Some(0),
        text => text.parse::<i64>().ok(),
    };
    let whole = i64::try_from(value.len()).ok()?;
    let from_end = |at: i64| if at < 0 { whole.checked_add(at) } else { Some(at) };
    let start = from_end(number(offset)?)?;
    let end = match length {
        None => whole,
        Some(length) => match number(length)? {
            length if length < 0 => whole.checked_add(length)?,
            length => start.saturating_add(length),
        },
    };
    let index = |at: i64| usize::try_from(at.clamp(0, whole)).ok();
    let (start, end) = (if start < 0 { whole } else { start }, end);
    let (start, end) = (index(start)?, index(end)?);
    Some(value.get(start..end).unwrap_or_default().iter().collect())
}

#[cfg(test)]
mod tests;
