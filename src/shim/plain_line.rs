//! What a shell would make of a command line that is so plain that no shell is needed: words, quotes, variables
//! that are set, assignments in front, `cd DIR &&`, `exec`. Whoever starts it directly saves a process's worth of
//! work at each start. Pure. Of everything else (and of all that a shell decides by itself) it says nothing, and
//! then a shell runs it: a wrong guess would be worse than a millisecond.

use crate::model::Variables;
use std::path::Path;

/// A line taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PlainLine {
    /// The program and its arguments; not empty.
    pub(super) argv: Vec<String>,
    /// Where it runs, from the service's own directory.
    pub(super) directory: Option<String>,
    /// What stands in front of the program, in order.
    pub(super) assignments: Vec<(String, String)>,
}

/// Their `-c` is what is read here, and they take no other files or options into account than [`MEDDLING`] names.
const SHELLS: [&str; 2] = ["sh", "bash"];

/// With one of these in its environment a shell may do more than the line says.
const MEDDLING: [&str; 4] = ["BASHOPTS", "BASH_ENV", "ENV", "SHELLOPTS"];

/// bash hands functions on in variables of such names.
const A_FUNCTION: &str = "BASH_FUNC_";

/// Variables that a shell sets for itself whatever it was given, or that mean something to it. So does every one
/// that begins with `BASH`.
const THE_SHELLS_OWN: [&str; 30] = [
    "_",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTCMD",
    "HOSTNAME",
    "HOSTTYPE",
    "IFS",
    "LINENO",
    "MACHTYPE",
    "OLDPWD",
    "OPTARG",
    "OPTIND",
    "OSTYPE",
    "PATH",
    "PIPESTATUS",
    "POSIXLY_CORRECT",
    "PPID",
    "PS1",
    "PS2",
    "PS4",
    "PWD",
    "RANDOM",
    "SECONDS",
    "SHLVL",
    "SRANDOM",
    "UID",
];

/// Builtins and reserved words of the shells that are `sh` somewhere: not programs, or not those on the path.
const NOT_PROGRAMS: &str = " ! . : [ [[ ]] alias autoload bg bind bindkey break builtin caller case cd chdir command \
    compgen complete compopt continue coproc declare dirs disable disown do done echo echotc elif else emulate \
    enable end esac eval exec exit export false fc fg fi float for foreach function functions getln getopts hash \
    help history if in integer jobs kill let limit local log logout mapfile newgrp nocorrect noglob popd print \
    printf pushd pwd r read readarray readonly rehash repeat return sched select set setopt shift shopt source \
    suspend test then time times trap true ttyctl type typeset ulimit umask unalias unfunction unhash unlimit \
    unset unsetopt until vared wait whence where which while zle zmodload { } ";

/// Takes `argv` apart if it is a shell with such a line, in this environment. `hidden` says of which variables the
/// process is given another value than `environment` has.
pub(super) fn take_apart(
    argv: &[String],
    environment: &Variables,
    hidden: impl Fn(&str) -> bool,
) -> Option<PlainLine> {
    let [shell, dash_c, line] = argv else {
        return None;
    };
    let name = Path::new(shell).file_name()?.to_str()?;
    let is_told_more =
        || MEDDLING.iter().any(|name| environment.get(name).is_some()) || environment.has_like(A_FUNCTION);
    if !SHELLS.contains(&name) || dash_c != "-c" || is_told_more() {
        return None;
    }
    // What a shell looks for on a path of its own is its business.
    environment.get("PATH").filter(|path| !path.is_empty())?;
    let reader = Reader {
        rest: line.trim_end_matches('\n'),
        assigned: Vec::new(),
        environment,
        hidden: &hidden,
    };
    match reader.parts()?.as_slice() {
        [words] => command(words, &hidden),
        [enter, words] if environment.get("CDPATH").is_none() => Some(PlainLine {
            directory: Some(entered(enter)?.to_owned()),
            ..command(words, &hidden)?
        }),
        _ => None,
    }
}

/// The directory of `cd DIR`.
fn entered(words: &[Word]) -> Option<&str> {
    match words {
        [cd, directory] if cd.text == "cd" => {
            let directory = directory.text.as_str();
            // Nothing that a shell would look for elsewhere, and no way up: by the path's text or by the
            // directory's is the shell's choice.
            let is_simple = !directory.is_empty()
                && !directory.starts_with(['-', '+'])
                && !directory.starts_with("//")
                && directory.split('/').all(|part| part != "..");
            is_simple.then_some(directory)
        }
        _ => None,
    }
}

/// Assignments, perhaps `exec`, a program, its arguments.
fn command(mut words: &[Word], hidden: &impl Fn(&str) -> bool) -> Option<PlainLine> {
    let mut assignments = Vec::new();
    while let [first, rest @ ..] = words
        && let Some((name, value)) = first.assignment()
    {
        if is_the_shells_own(name) || hidden(name) || MEDDLING.contains(&name) {
            return None;
        }
        assignments.push((name.to_owned(), value.to_owned()));
        words = rest;
    }
    let is_exec = words.first()?.text == "exec";
    if is_exec {
        words = &words[1..];
    }
    let program = words.first()?;
    let is_a_program = !program.text.is_empty()
        && !program.text.starts_with(['-', '+', '='])
        && program.assignment().is_none()
        && (is_exec || program.text.contains('/') || !is_known_to_shells(&program.text));
    is_a_program.then(|| PlainLine {
        argv: words.iter().map(|word| word.text.clone()).collect(),
        directory: None,
        assignments,
    })
}

fn is_the_shells_own(name: &str) -> bool {
    THE_SHELLS_OWN.contains(&name) || name.starts_with("BASH")
}

fn is_known_to_shells(word: &str) -> bool {
    NOT_PROGRAMS.split_whitespace().any(|known| known == word)
}

/// Means itself where it stands without quotes, also in the value of a variable.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-./:,+@%=".contains(&byte)
}

/// Never cut in two and never matched against file names.
fn is_one_word(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(is_plain)
}

#[derive(Debug, Default)]
struct Word {
    text: String,
    /// Bytes at its beginning that stand in the line as they are, without quotes.
    bare: usize,
    /// Nothing but such so far.
    is_bare: bool,
}

impl Word {
    /// Name and value, if it is an assignment where one may stand.
    fn assignment(&self) -> Option<(&str, &str)> {
        let (name, value) = self.text.split_once('=')?;
        (name.len() < self.bare && is_a_name(name)).then_some((name, value))
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        if self.is_bare {
            self.bare = self.text.len();
        }
    }
}

fn is_a_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

struct Reader<'a, H> {
    /// What is still to be read.
    rest: &'a str,
    /// What has been assigned so far: whether what follows sees the new value depends on where it stands.
    assigned: Vec<String>,
    environment: &'a Variables,
    hidden: &'a H,
}

impl<'a, H: Fn(&str) -> bool> Reader<'a, H> {
    /// The words on each side of every `&&`.
    fn parts(mut self) -> Option<Vec<Vec<Word>>> {
        let mut parts = vec![Vec::new()];
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            if self.rest.is_empty() {
                return Some(parts);
            }
            if let Some(rest) = self.rest.strip_prefix("&&") {
                self.rest = rest;
                parts.push(Vec::new());
            } else if self.rest.starts_with('&') {
                return None;
            } else {
                let word = self.word()?;
                self.assigned
                    .extend(word.assignment().map(|(name, _)| name.to_owned()));
                parts.last_mut().expect("there is one from the start").push(word);
            }
        }
    }

    fn word(&mut self) -> Option<Word> {
        let mut word = Word {
            is_bare: true,
            ..Word::default()
        };
        while let Some(first) = self.rest.bytes().next() {
            match first {
                b' ' | b'\t' | b'&' => break,
                b'\'' => {
                    word.is_bare = false;
                    let (text, rest) = self.rest[1..].split_once('\'')?;
                    word.push(text);
                    self.rest = rest;
                }
                b'"' => {
                    word.is_bare = false;
                    self.rest = &self.rest[1..];
                    self.quoted(&mut word)?;
                }
                b'$' => {
                    word.is_bare = false;
                    let value = self.expansion()?;
                    word.push(is_one_word(value).then_some(value)?);
                }
                _ => {
                    let text = self.take_while(is_plain);
                    word.push((!text.is_empty()).then_some(text)?);
                }
            }
        }
        Some(word)
    }

    /// Up to the closing quote, whose opening has been read.
    fn quoted(&mut self, word: &mut Word) -> Option<()> {
        loop {
            let text = self.take_while(|byte| !b"\"$`\\".contains(&byte));
            word.push(text);
            match self.rest.bytes().next()? {
                b'"' => {
                    self.rest = &self.rest[1..];
                    return Some(());
                }
                b'$' => word.push(self.expansion()?),
                _ => return None,
            }
        }
    }

    /// `$NAME`, `${NAME}`, `${NAME:-word}`.
    fn expansion(&mut self) -> Option<&'a str> {
        self.rest = &self.rest[1..];
        let braced = self.rest.strip_prefix('{');
        self.rest = braced.unwrap_or(self.rest);
        let name = self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let is_uncertain = (self.hidden)(name) || self.assigned.iter().any(|known| known == name);
        if !is_a_name(name) || is_the_shells_own(name) || is_uncertain {
            return None;
        }
        let value = self.environment.get(name);
        if braced.is_none() {
            return value;
        }
        let otherwise = match self.rest.strip_prefix(":-") {
            Some(rest) => {
                self.rest = rest;
                Some(self.take_while(is_plain))
            }
            None => None,
        };
        self.rest = self.rest.strip_prefix('}')?;
        match otherwise {
            Some(otherwise) => value.filter(|value| !value.is_empty()).or(Some(otherwise)),
            None => value,
        }
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a str {
        let end = self
            .rest
            .bytes()
            .position(|byte| !wanted(byte))
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        text
    }
}

#[cfg(test)]
#[path = "plain_line_tests.rs"]
mod tests;
