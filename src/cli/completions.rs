//! `ovr completions`: the script that a shell reads to complete `ovr`. The script asks `ovr` itself for words at
//! each Tab, so that names are always those of the session here.

use super::args::{Example, GlobalArgs};
use crate::diag::{Diagnostic, Kind as ErrorKind};
use clap::{Args, ValueEnum};
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};
use std::io::Write;
use std::process::ExitCode;

/// The variable in which a script tells `ovr` that it wants words, and for which shell.
pub const VARIABLE: &str = "OVR_COMPLETE";

pub const EXAMPLES: &[Example] = &[
    ("source <(ovr completions bash)", "in ~/.bashrc"),
    ("source <(ovr completions zsh)", "in ~/.zshrc, after compinit"),
    ("ovr completions fish | source", "in ~/.config/fish/config.fish"),
];

/// Print the completion script for a shell
///
/// It completes commands, flags, signals and the names of the services that run here. bash needs no further
/// package.
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Shell {
    pub const ALL: [Self; 3] = [Self::Bash, Self::Zsh, Self::Fish];

    /// The file under `completions/` that holds its script.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Bash => "ovr.bash",
            Self::Zsh => "_ovr",
            Self::Fish => "ovr.fish",
        }
    }

    /// The script.
    pub fn script(self) -> String {
        let completer: &dyn EnvCompleter = match self {
            Self::Bash => &Bash,
            Self::Zsh => &Zsh,
            Self::Fish => &Fish,
        };
        let mut script = Vec::new();
        completer
            .write_registration(VARIABLE, "ovr", "ovr", "ovr", &mut script)
            .expect("a Vec takes everything");
        let script = String::from_utf8_lossy(&script);
        format!("{}\n", script.trim())
    }
}

/// Prints the script.
pub fn cmd_completions(_global: &GlobalArgs, args: &CompletionsArgs) -> Result<ExitCode, Diagnostic> {
    let script = args.shell.script();
    std::io::stdout()
        .write_all(script.as_bytes())
        .map_err(|error| Diagnostic::error(ErrorKind::System, format!("cannot print the script: {error}")))?;
    Ok(ExitCode::SUCCESS)
}
