//! What clap says about a command line, as one [`Diagnostic`]: what is wrong, what was probably meant, and one
//! example. No page of usage.

use super::args::{RESERVED, examples};
use crate::diag::{Diagnostic, Kind};
use crate::model::suggest;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use std::ffi::OsString;

/// `error` for `words` (the first one is the program's name), read by `definition`.
pub fn diagnostic(error: &Error, words: &[OsString], definition: &clap::Command) -> Diagnostic {
    let command = command_of(words, definition);
    let place = match command {
        Some(command) => format!("ovr {}", command.get_name()),
        None => "ovr".to_owned(),
    };
    let scope = command.unwrap_or(definition);
    let text = |kind| context(error, kind).unwrap_or_default();
    let argument = text(ContextKind::InvalidArg);
    let value = text(ContextKind::InvalidValue);
    let usage = |message: String| Diagnostic::error(Kind::Usage, message);
    match error.kind() {
        ErrorKind::InvalidSubcommand => unknown_command(&text(ContextKind::InvalidSubcommand), definition),
        ErrorKind::UnknownArgument if is_too_early(&argument, words, command) => {
            let after = usage(format!("{argument} stands before the command, and means {place}"));
            after.hint(format!("options of a command come after it: {place} {argument}"))
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            unknown_flag(&argument, &place, scope, definition)
        }
        ErrorKind::UnknownArgument => {
            with_example(usage(format!("{place} does not take {argument:?}")), scope)
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = argument.replace('\n', " ");
            with_example(usage(format!("{place} needs {missing}")), scope)
        }
        ErrorKind::InvalidValue if value.is_empty() => usage(format!("{argument} of {place} needs a value")),
        ErrorKind::InvalidValue => bad_value(error, &argument, &value),
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(ToString::to_string);
            let message = format!("{argument}: {value:?} is not allowed");
            why.into_iter().fold(usage(message), Diagnostic::cause)
        }
        ErrorKind::ArgumentConflict => {
            let other = text(ContextKind::PriorArg).replace('\n', " ");
            let twice = other == argument || other.is_empty();
            let message = if twice {
                format!("{argument} of {place} is given twice")
            } else {
                format!("{argument} and {other} of {place} exclude each other")
            };
            usage(message)
        }
        ErrorKind::NoEquals => usage(format!("{argument} of {place} takes its value behind `=`")),
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => with_example(
            usage(format!("{argument} of {place} has the wrong number of values")),
            scope,
        ),
        ErrorKind::InvalidUtf8 => usage(format!("an argument of {place} is not valid UTF-8")),
        _ => usage(first_line(error)),
    }
}

/// Whether a command line that may have other mistakes asks for JSON.
pub fn wants_json(words: &[OsString], definition: &clap::Command) -> bool {
    // What stands behind the command that `run` is to run is that command's.
    if command_of(words, definition).is_some_and(|command| command.get_name() == "run") {
        return false;
    }
    let mut own = words.iter().skip(1).take_while(|word| *word != "--");
    own.any(|word| word == "--json")
}

fn unknown_command(typed: &str, definition: &clap::Command) -> Diagnostic {
    let error = Diagnostic::error(Kind::Usage, format!("no command {typed:?}"));
    let known = definition
        .get_subcommands()
        .flat_map(|command| std::iter::once(command.get_name()).chain(command.get_all_aliases()))
        .filter(|word| word.len() > 1 && !RESERVED.contains(word));
    match suggest(typed, known) {
        Some(word) => error.hint(format!("did you mean {word:?}?")),
        None => error.hint("`ovr --help` lists the commands"),
    }
}

fn unknown_flag(typed: &str, place: &str, scope: &clap::Command, definition: &clap::Command) -> Diagnostic {
    let flag = typed.split('=').next().unwrap_or(typed);
    let error = Diagnostic::error(Kind::Usage, format!("{place} has no flag {flag:?}"));
    let longs: Vec<String> = scope
        .get_arguments()
        .filter_map(|arg| arg.get_long())
        .chain(["help", "socket", "network", "token-file"])
        .map(|long| format!("--{long}"))
        .collect();
    if let Some(word) = suggest(flag, longs.iter().map(String::as_str)) {
        return error.hint(format!("did you mean {word:?}?"));
    }
    let owners: Vec<&str> = definition
        .get_subcommands()
        .filter(|command| command.get_arguments().any(|arg| spells(arg, flag)))
        .map(clap::Command::get_name)
        .collect();
    let error = match owners.as_slice() {
        [] => error,
        [one] => error.hint(format!("it belongs to `ovr {one}`")),
        several => error.hint(format!("it belongs to: {}", several.join(", "))),
    };
    error.hint(format!("`{place} --help` lists the flags"))
}

/// Whether this is a flag of the command that it stands in front of.
fn is_too_early(argument: &str, words: &[OsString], command: Option<&clap::Command>) -> bool {
    let flag = argument.split('=').next().unwrap_or(argument);
    let Some(command) = command.filter(|command| command.get_arguments().any(|arg| spells(arg, flag))) else {
        return false;
    };
    let names = |word: &OsString| {
        let word = word.to_str().unwrap_or_default();
        word == command.get_name() || command.get_all_aliases().any(|alias| alias == word)
    };
    let of_flag = |word: &OsString| word.to_str().is_some_and(|word| word.starts_with(flag));
    let place = words.iter().position(names);
    words
        .iter()
        .position(of_flag)
        .is_some_and(|flag| Some(flag) < place)
}

fn spells(arg: &clap::Arg, flag: &str) -> bool {
    match flag.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => arg.get_short().is_some_and(|short| flag == format!("-{short}")),
    }
}

fn bad_value(error: &Error, argument: &str, value: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error(Kind::Usage, format!("{argument}: {value:?} is not allowed"));
    let valid = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(valid)) => valid.clone(),
        _ => Vec::new(),
    };
    let diagnostic = match suggest(value, valid.iter().map(String::as_str)) {
        Some(word) => diagnostic.hint(format!("did you mean {word:?}?")),
        None => diagnostic,
    };
    if valid.is_empty() {
        return diagnostic;
    }
    diagnostic.hint(format!("it is one of: {}", valid.join(", ")))
}

fn with_example(diagnostic: Diagnostic, scope: &clap::Command) -> Diagnostic {
    match examples(scope.get_name()).first() {
        Some((line, what)) => diagnostic.hint(format!("for example `{line}`: {what}")),
        None => diagnostic.hint("`ovr --help` lists the commands"),
    }
}

/// The command that `words` name, if they name one.
fn command_of<'a>(words: &[OsString], definition: &'a clap::Command) -> Option<&'a clap::Command> {
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        let word = word.to_str()?;
        match word {
            "-s" | "--socket" | "-S" | "--network" | "--token-file" => {
                words.next();
            }
            "help" => {}
            _ if word.starts_with('-') => {}
            _ => return definition.find_subcommand(word),
        }
    }
    None
}

fn context(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => Some(texts.join(" ")),
        ContextValue::StyledStr(text) => Some(text.to_string()),
        ContextValue::StyledStrs(texts) => {
            let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
            Some(texts.join(" "))
        }
        _ => None,
    }
}

fn first_line(error: &Error) -> String {
    let text = error.render().to_string();
    let line = text
        .lines()
        .next()
        .unwrap_or("the command line is not understood");
    line.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::{diagnostic, wants_json};
    use crate::cli::args::{definition, parse};
    use crate::diag::Kind;
    use std::ffi::OsString;

    fn refused(line: &str) -> String {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let error = parse(words.clone()).unwrap_err();
        let diagnostic = diagnostic(&error, &words, &definition());
        assert_eq!(diagnostic.kind, Kind::Usage);
        diagnostic.to_string()
    }

    #[test]
    fn a_mistyped_command_gets_a_suggestion_and_no_page_of_usage() {
        assert_eq!(
            refused("ovr strat"),
            "error: no command \"strat\"\n  hint: did you mean \"start\"?"
        );
        assert_eq!(
            refused("ovr deploy"),
            "error: no command \"deploy\"\n  hint: `ovr --help` lists the commands"
        );
        assert_eq!(
            refused("ovr help restrat"),
            "error: no command \"restrat\"\n  hint: did you mean \"restart\"?"
        );
        assert!(!refused("ovr shmi").contains("shim"));
    }

    #[test]
    fn json_is_asked_for_by_the_flag_of_the_command_itself() {
        for (line, expected) in [
            ("ovr status --jsno --json", true),
            ("ovr strat --json", true),
            ("ovr status --jsno", false),
            ("ovr logs web -- --json", false),
            ("ovr -s x run ls --json", false),
        ] {
            let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            assert_eq!(wants_json(&words, &definition()), expected, "{line}");
        }
    }

    #[test]
    fn a_mistyped_flag_gets_a_suggestion() {
        assert_eq!(
            refused("ovr start --procfle x"),
            "error: ovr start has no flag \"--procfle\"\n  hint: did you mean \"--procfile\"?"
        );
        assert_eq!(
            refused("ovr -s x ps --jsno"),
            "error: ovr status has no flag \"--jsno\"\n  hint: did you mean \"--json\"?"
        );
        assert_eq!(
            refused("ovr quit --explain"),
            "error: ovr quit has no flag \"--explain\"\n  hint: it belongs to `ovr env`\n  \
             hint: `ovr quit --help` lists the flags"
        );
        assert_eq!(
            refused("ovr -D start"),
            "error: -D stands before the command, and means ovr start\n  \
             hint: options of a command come after it: ovr start -D"
        );
        assert!(refused("ovr --port=1 s").contains("ovr start --port"));
        assert!(refused("ovr restart -web").contains("no flag \"-w\""));
    }

    #[test]
    fn missing_surplus_and_wrong_values_are_named_with_an_example() {
        assert_eq!(
            refused("ovr signal HUP"),
            "error: ovr signal needs <NAME>...\n  hint: for example `ovr signal HUP web`: make web read its \
             configuration again"
        );
        assert!(refused("ovr quit web").contains("ovr quit does not take \"web\""));
        assert!(refused("ovr signal TREM web").contains("no signal is called \"TREM\""));
        let shell = refused("ovr completions bsh");
        assert!(shell.contains("did you mean \"bash\"?"), "{shell}");
        assert!(shell.contains("bash, zsh, fish"), "{shell}");
        assert!(refused("ovr status --json --short").contains("exclude each other"));
        assert!(refused("ovr start --port").contains("needs a value"));
        assert!(refused("ovr echo -n many").contains("\"many\" is not allowed"));
        assert!(refused("ovr start --daemonize=perhaps").contains("perhaps"));
    }
}
