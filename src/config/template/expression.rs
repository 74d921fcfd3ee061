//! What stands between a template's braces: operands, function calls, pipelines.

use super::super::project::Var;

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

/// Reads what stands between the braces.
pub(super) fn pipe(inner: &str) -> Result<Pipe, String> {
    let mut reader = Reader {
        rest: inner,
        depth: 0,
    };
    let pipe = reader.pipe()?;
    match reader.rest.trim_start() {
        "" => Ok(pipe),
        rest => Err(format!("{rest:?} cannot be understood here")),
    }
}

/// How deep expressions may stand in each other.
const MAX_DEPTH: usize = 100;

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
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
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(format!("more than {MAX_DEPTH} `(` stand in each other"));
                }
                let pipe = self.pipe()?;
                self.depth -= 1;
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
