//! Which program runs a command, and how the command is handed to it. Pure.

use super::project::{Located, ShellDef};

/// What decides on the shell, in the order of its weight.
#[derive(Clone, Copy, Debug)]
pub struct Shell<'a> {
    /// `-H`.
    pub asked: Option<&'a str>,
    /// What the service and its project say, the service first.
    pub written: [&'a ShellDef; 2],
    /// The program that does it where nobody says anything.
    pub usual: &'a str,
}

impl Shell<'_> {
    /// Program and arguments that run `command`.
    pub fn argv(&self, command: &str) -> Vec<String> {
        let (program, argument) = match (self.asked, self.first(|shell| &shell.command)) {
            // The argument that is written is one of the program that is written.
            (Some(asked), _) => (asked, None),
            (None, program) => (program.unwrap_or(self.usual), self.first(|shell| &shell.argument)),
        };
        let words = program
            .split_whitespace()
            .chain(argument.unwrap_or("-c").split_whitespace());
        let mut argv: Vec<String> = words.map(str::to_owned).collect();
        // A shell would take a command that begins like an option for one.
        let looks_like_an_option = command.starts_with(['-', '+']);
        argv.push(if looks_like_an_option {
            format!(" {command}")
        } else {
            command.to_owned()
        });
        argv
    }

    /// What runs a program as another user. A password is typed into the service's own terminal, so that `sudo`
    /// needs no flag for it.
    pub fn elevating(&self) -> Vec<String> {
        let program = self.first(|shell| &shell.elevated_command).unwrap_or("sudo");
        let argument = self.first(|shell| &shell.elevated_argument).unwrap_or_default();
        let words = program.split_whitespace().chain(argument.split_whitespace());
        words.map(str::to_owned).collect()
    }

    fn first(&self, part: impl Fn(&ShellDef) -> &Option<Located<String>>) -> Option<&str> {
        let mut written = self.written.iter().filter_map(|shell| part(shell).as_ref());
        written
            .find(|written| !written.value.is_empty())
            .map(|written| written.value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Shell;
    use crate::config::project::{Located, ShellDef};
    use crate::config::source::{decode, span};

    fn shell(command: &str, argument: &str) -> ShellDef {
        let located = |text: &str| {
            let source = decode("ovr.yaml", b"x").unwrap();
            (!text.is_empty()).then(|| Located {
                value: text.to_owned(),
                span: span(&source, 0, 1),
            })
        };
        ShellDef {
            command: located(command),
            argument: located(argument),
            elevated_command: located("doas"),
            elevated_argument: None,
        }
    }

    #[test]
    fn a_flag_goes_before_what_is_written_and_that_before_what_is_usual() {
        for (asked, own, project, expected) in [
            (None, ("", ""), ("", ""), &["bash", "-c", "x"][..]),
            (None, ("", ""), ("zsh", "-fc"), &["zsh", "-fc", "x"]),
            (None, ("fish", ""), ("zsh", "-fc"), &["fish", "-fc", "x"]),
            (None, ("", "-lc"), ("", ""), &["bash", "-lc", "x"]),
            (
                Some("sh -eu"),
                ("fish", "-a"),
                ("", ""),
                &["sh", "-eu", "-c", "x"],
            ),
        ] {
            let (own, project) = (shell(own.0, own.1), shell(project.0, project.1));
            let shell = Shell {
                asked,
                written: [&own, &project],
                usual: "bash",
            };
            assert_eq!(shell.argv("x"), expected);
            assert_eq!(shell.elevating(), ["doas"]);
        }
    }

    #[test]
    fn a_command_is_never_an_option() {
        let (own, project) = (ShellDef::default(), ShellDef::default());
        let shell = Shell {
            asked: None,
            written: [&own, &project],
            usual: "sh",
        };
        assert_eq!(shell.argv("-v y"), ["sh", "-c", " -v y"]);
        assert_eq!(shell.elevating(), ["sudo"]);
    }
}
