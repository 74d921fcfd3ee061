//! `ovr completions`: the script that a shell reads to complete `ovr`. The script asks `ovr` itself for words at
//! each Tab, so that names are always those of the session here.

use super::args::{self, Example, GlobalArgs};
use super::report::print_out;
use crate::diag::Diagnostic;
use clap::{Args, ValueEnum};
use clap_complete::env::{EnvCompleter, Fish, Zsh};
use std::ffi::OsString;
use std::process::ExitCode;

/// The variable in which a script tells `ovr` that it wants words, and for which shell.
pub const VARIABLE: &str = "OVR_COMPLETE";

/// bash has a script of its own, since bash splits words at `=`, and what clap writes for it does not put them together.
const BASH: &str = include_str!("completions.bash");

/// As an autoloaded function, the script is run at the first Tab and has to complete then and there.
const ZSH_FIRST_TAB: &str = "[[ ${funcstack[1]} == _ovr ]] && _clap_dynamic_completer_ovr \"$@\" || true\n";

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
        match self {
            Self::Bash => BASH.to_owned(),
            Self::Zsh => format!("{}{ZSH_FIRST_TAB}", written_by(&Zsh)),
            Self::Fish => written_by(&Fish),
        }
    }
}

fn written_by(completer: &dyn EnvCompleter) -> String {
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, "ovr", "ovr", "ovr", &mut script)
        .expect("a Vec takes everything");
    format!("{}\n", String::from_utf8_lossy(&script).trim())
}

/// The definition that completes: commands by their names, not by their aliases too, and flags only where one
/// has been begun or nothing else fits.
pub fn definition() -> clap::Command {
    let begun = word_to_complete(
        std::env::args_os().collect(),
        std::env::var("_CLAP_COMPLETE_INDEX").ok(),
    );
    for_word(&begun)
}

fn for_word(word: &str) -> clap::Command {
    let hide_flags = !word.starts_with('-');
    let quiet = move |command: clap::Command| {
        let aliases: Vec<String> = command.get_all_aliases().map(str::to_owned).collect();
        command
            .visible_alias(None::<&str>)
            .aliases(aliases)
            .mut_args(move |arg| {
                let hide = hide_flags && !arg.is_positional();
                arg.hide(hide)
            })
    };
    // Built first, so that the flags which clap adds by itself are there to be hidden.
    let mut definition = args::definition();
    definition.build();
    quiet(definition).mut_subcommands(quiet)
}

/// The word at the cursor: scripts pass the words of the line behind `--`, and bash and zsh its number.
fn word_to_complete(mut call: Vec<OsString>, index: Option<String>) -> String {
    let line = call
        .iter()
        .position(|word| word == "--")
        .map_or(call.len(), |at| at + 1);
    let line = call.split_off(line);
    let last = line.len().saturating_sub(1);
    let index = index.and_then(|index| index.parse().ok()).unwrap_or(last);
    let word = line.get(index).map(|word| word.to_string_lossy().into_owned());
    word.unwrap_or_default()
}

/// Prints the script.
pub fn cmd_completions(_global: &GlobalArgs, args: &CompletionsArgs) -> Result<ExitCode, Diagnostic> {
    print_out(&args.shell.script())?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::{for_word, word_to_complete};
    use std::ffi::OsString;

    fn offered(line: &[&str]) -> Vec<String> {
        let word = line[line.len() - 1];
        let words: Vec<OsString> = line.iter().map(OsString::from).collect();
        let mut definition = for_word(word);
        clap_complete::engine::complete(&mut definition, words, line.len() - 1, None)
            .unwrap()
            .iter()
            .map(|candidate| candidate.get_value().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn commands_are_offered_once_and_aliases_still_work() {
        let all = offered(&["ovr", ""]);
        assert!(
            all.contains(&"start".to_owned()) && !all.contains(&"s".to_owned()),
            "{all:?}"
        );
        assert!(
            !all.iter().any(|word| word == "shim" || word.starts_with('-')),
            "{all:?}"
        );
        assert_eq!(offered(&["ovr", "r"]), ["restart", "reload", "run"]);
        assert_eq!(offered(&["ovr", "ps", "--v"]), ["--verbose"]);
    }

    #[test]
    fn flags_stay_away_until_one_is_begun_or_nothing_else_fits() {
        assert_eq!(offered(&["ovr", "completions", ""]), ["bash", "zsh", "fish"]);
        assert!(offered(&["ovr", "completions", "--s"]).contains(&"--socket".to_owned()));
        assert!(offered(&["ovr", "status", ""]).contains(&"--json".to_owned()));
        assert_eq!(offered(&["ovr", "signal", "USR"]), ["USR1", "USR2"]);
    }

    #[test]
    fn the_word_at_the_cursor_is_found_in_every_shells_call() {
        let call = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let line = ["ovr", "--", "ovr", "restart", "w"];
        assert_eq!(word_to_complete(call(&line), None), "w");
        assert_eq!(word_to_complete(call(&line), Some("1".into())), "restart");
        assert_eq!(word_to_complete(call(&line), Some("3".into())), "");
        assert_eq!(word_to_complete(call(&["ovr"]), None), "");
    }
}
