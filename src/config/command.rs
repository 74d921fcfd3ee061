//! What a shell would run for a command, as far as that can be told without running a shell. Pure: whether a
//! file is there is asked of the caller.

use std::path::{Path, PathBuf};

/// Words that a POSIX shell, bash or zsh carries out itself.
const BUILTINS: &[&str] = &[
    ".",
    ":",
    "[",
    "[[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "case",
    "cd",
    "command",
    "compgen",
    "complete",
    "continue",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "do",
    "done",
    "echo",
    "elif",
    "else",
    "enable",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "fi",
    "for",
    "function",
    "getopts",
    "hash",
    "help",
    "history",
    "if",
    "in",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "print",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "select",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "then",
    "time",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "until",
    "wait",
    "while",
    "{",
    "}",
    "!",
];

/// The program of a simple command; `None` where only a shell can tell.
///
/// A command is simple if it is one program with arguments: no pipes, lists, groups or substitutions, no
/// assignment in front. Quotes, `$NAME` and redirections in the arguments do no harm. A leading `exec` is
/// looked through.
pub fn program(command: &str) -> Option<&str> {
    if !is_one_command(command) {
        return None;
    }
    let mut words = command.split([' ', '\t']).filter(|word| !word.is_empty());
    let mut word = words.next()?;
    if word == "exec" {
        word = words.next().filter(|word| !word.starts_with('-'))?;
    }
    let plain = word
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ',' | '@' | ':' | '%'));
    (plain && !word.starts_with('-') && !BUILTINS.contains(&word)).then_some(word)
}

/// Whether nothing outside quotes makes this more than one command.
fn is_one_command(command: &str) -> bool {
    let mut chars = command.chars().peekable();
    let mut quote = None;
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => {
                chars.next();
            }
            (_, '$') if chars.peek() == Some(&'(') => return false,
            (None, '\'' | '"') => quote = Some(c),
            (_, '`' | '\n' | '\0') | (None, '|' | '&' | ';' | '(' | ')') => return false,
            (_, _) => {}
        }
    }
    quote.is_none()
}

/// The files that a shell would try for `program`, in its order: itself if it holds a slash, else one in each
/// directory of `search_path` (an empty one is `cwd`).
pub fn candidates(program: &str, search_path: &str, cwd: &Path) -> Vec<PathBuf> {
    if program.contains('/') {
        return vec![cwd.join(program)];
    }
    search_path
        .split(':')
        .map(|directory| cwd.join(directory).join(program))
        .collect()
}

/// Programs that hand what they start to somebody else's daemon, if they are told to.
const LAUNCHERS: &[&str] = &["docker", "docker-compose", "nerdctl", "podman", "podman-compose"];

/// Whether a command starts containers and leaves them to themselves: `docker compose up -d`.
pub fn leaves_containers(command: &str) -> bool {
    let mut words = command.split_whitespace();
    let launches = words.any(|word| {
        let program = word.rsplit('/').next().unwrap_or(word);
        LAUNCHERS.contains(&program)
    });
    launches && words.any(|word| matches!(word, "-d" | "--detach" | "-dit" | "-itd" | "start"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn containers_that_are_left_to_themselves_are_told_from_others() {
        for launches in [
            "docker compose up -d zookeeper",
            "cd infra && docker-compose up --detach",
            "/usr/bin/podman run --name db -d postgres",
            "docker start db",
        ] {
            assert!(super::leaves_containers(launches), "{launches}");
        }
        for stays in [
            "docker compose up db",
            "docker run -p 1:1 x",
            "serve -d docker",
            "npm start",
        ] {
            assert!(!super::leaves_containers(stays), "{stays}");
        }
    }

    use super::{candidates, program};
    use std::path::{Path, PathBuf};

    #[test]
    fn the_program_of_a_simple_command_is_its_first_word() {
        for (command, expected) in [
            ("bin/askk", "bin/askk"),
            ("bin/rails s -p $PORT", "bin/rails"),
            ("python3 -m http.server ${PORT}", "python3"),
            ("node 'a | b' \"c; d\" e\\;f", "node"),
            ("exec ./server", "./server"),
            ("server > log 2>err", "server"),
            ("  g++ x", "g++"),
        ] {
            assert_eq!(program(command), Some(expected), "{command}");
        }
    }

    #[test]
    fn what_only_a_shell_can_tell_is_left_to_it() {
        for command in [
            "",
            "a | b",
            "a && b",
            "a; b",
            "a || b",
            "a &",
            "(a)",
            "{ a; }",
            "A=1 b",
            "$A b",
            "\"a\" b",
            "'a' b",
            "~/a",
            "a* b",
            "a `b`",
            "a $(b)",
            "a \"$(b)\"",
            "echo x",
            "while true",
            "exec -a x y",
            "exec",
            ". ./env",
            "cd x",
            "a\nb",
            "a 'b",
            "-x",
            "if true",
        ] {
            assert_eq!(program(command), None, "{command}");
        }
    }

    #[test]
    fn candidates_follow_the_search_path() {
        let cwd = Path::new("/srv/app");
        assert_eq!(
            candidates("bin/a", "/usr/bin", cwd),
            [PathBuf::from("/srv/app/bin/a")]
        );
        assert_eq!(candidates("/opt/a", "/usr/bin", cwd), [PathBuf::from("/opt/a")]);
        assert_eq!(
            candidates("a", "/usr/bin::rel", cwd),
            [
                PathBuf::from("/usr/bin/a"),
                PathBuf::from("/srv/app/a"),
                PathBuf::from("/srv/app/rel/a")
            ]
        );
    }
}
