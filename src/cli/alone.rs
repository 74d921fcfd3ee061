//! The definition of the one command that was typed: to make that of all takes longer than `ovr status` takes for the
//! rest of its work. Whatever it does not understand is for the whole definition, which has the words for it.

use super::args::{self, Cli, GlobalArgs, switches};
use super::{
    api, check, clean, completions, config, connect, detach, down, echo, env, events, graph, hook, kill,
    logs, ls, man, mcp, quit, reload, restart, run, scale, signal, start, status, stop, up, wait, why,
};
use clap::{Args, Command};
use std::ffi::OsString;

/// What is typed most, `ovr start` and nothing else: that needs no definition.
pub(super) fn plain_start(words: &[OsString]) -> Option<Cli> {
    let [_, word] = words else { return None };
    (word == "start" || word == "s").then(|| Cli {
        global: GlobalArgs::default(),
        command: Some(args::Command::Start(Box::default())),
        json: false,
    })
}

/// A command, and its name.
type Named = (&'static str, Command);

/// The command of this name or alias, under `ovr` and without its neighbours; `None` if there is none, or it is not the
/// first word.
pub(super) fn definition(word: &str) -> Option<Command> {
    let (name, command) = command(word)?;
    let command = if word == name {
        command
    } else {
        command.alias(word.to_owned())
    };
    let ovr = Command::new("ovr").args_override_self(true);
    Some(GlobalArgs::augment_args(ovr.disable_help_subcommand(true)).subcommand(command))
}

fn of<T: Args>(name: &'static str) -> Named {
    (name, T::augment_args(Command::new(name)))
}

fn command(word: &str) -> Option<Named> {
    let named = match word {
        "start" | "s" => {
            let (name, start) = of::<start::StartArgs>("start");
            (name, switches(start))
        }
        "connect" | "c" | "attach" => of::<connect::ConnectArgs>("connect"),
        "restart" | "r" => of::<restart::RestartArgs>("restart"),
        "stop" | "interrupt" | "i" => of::<stop::StopArgs>("stop"),
        "quit" | "q" => of::<quit::QuitArgs>("quit"),
        "up" => of::<up::UpArgs>("up"),
        "down" => of::<down::DownArgs>("down"),
        "reload" => of::<reload::ReloadArgs>("reload"),
        "scale" => of::<scale::ScaleArgs>("scale"),
        "wait" => of::<wait::WaitArgs>("wait"),
        "status" | "ps" => of::<status::StatusArgs>("status"),
        "why" | "explain" => of::<why::WhyArgs>("why"),
        "logs" => of::<logs::LogsArgs>("logs"),
        "events" => of::<events::EventsArgs>("events"),
        "graph" => of::<graph::GraphArgs>("graph"),
        "echo" => of::<echo::EchoArgs>("echo"),
        "ls" => of::<ls::LsArgs>("ls"),
        "run" | "exec" | "e" => of::<run::RunArgs>("run"),
        "signal" => of::<signal::SignalArgs>("signal"),
        "kill" | "k" => of::<kill::KillArgs>("kill"),
        "detach" => of::<detach::DetachArgs>("detach"),
        "check" => of::<check::CheckArgs>("check"),
        "config" => of::<config::ConfigArgs>("config"),
        "env" => of::<env::EnvArgs>("env"),
        "clean" => of::<clean::CleanArgs>("clean"),
        "mcp" => of::<mcp::McpArgs>("mcp"),
        "hook" => of::<hook::HookArgs>("hook"),
        "completions" => of::<completions::CompletionsArgs>("completions"),
        "man" => of::<man::ManArgs>("man"),
        "api" => of::<api::ApiArgs>("api"),
        _ => return None,
    };
    Some(named)
}

#[cfg(test)]
mod tests {
    use super::{command, plain_start};
    use crate::cli::args::{definition, examples, read};
    use std::ffi::OsString;

    #[test]
    fn a_start_without_more_means_what_the_definition_says() {
        for word in ["start", "s"] {
            let words: Vec<OsString> = ["ovr", word].map(Into::into).into();
            let said = format!("{:?}", plain_start(&words).unwrap());
            assert_eq!(said, format!("{:?}", read(definition(), &words).unwrap()));
        }
        for other in [&["ovr", "stop"][..], &["ovr"], &["ovr", "start", "web"]] {
            let words: Vec<OsString> = other.iter().map(Into::into).collect();
            assert!(plain_start(&words).is_none());
        }
    }

    #[test]
    fn every_command_is_here_by_each_of_its_names() {
        for known in definition().get_subcommands() {
            for word in [known.get_name()].into_iter().chain(known.get_all_aliases()) {
                let (name, _) = command(word).unwrap_or_else(|| panic!("{word} is missing"));
                assert_eq!(name, known.get_name(), "{word}");
            }
        }
        assert!(command("help").is_none() && command("-s").is_none());
    }

    /// Both readings of a command line; equal where they are.
    fn readings(line: &str) -> [Option<String>; 2] {
        let words: Vec<OsString> = line
            .split_whitespace()
            .map(|word| word.trim_matches('\'').into())
            .collect();
        let alone = super::definition(&words[1].to_string_lossy()).expect("it is a command");
        [alone, definition()].map(|definition| read(definition, &words).ok().map(|cli| format!("{cli:?}")))
    }

    #[test]
    fn a_command_alone_reads_what_all_of_them_would() {
        let all = definition();
        let lines = all
            .get_subcommands()
            .flat_map(|command| examples(command.get_name()))
            .flat_map(|(line, _)| line.split(" | "))
            .filter(|line| line.starts_with("ovr ") && !line.contains(['>', '&']))
            .map(str::to_owned)
            .chain([
                "ovr s -DTN -p5100 -f a -f b web --daemonize=false -t 3 -t 4".to_owned(),
                "ovr ps --json -s /a -S unix --socket /b".to_owned(),
                "ovr e --service web ls -l --help -- -x".to_owned(),
                "ovr start --no-such-flag".to_owned(),
                "ovr status --help".to_owned(),
                "ovr restart".to_owned(),
                "ovr logs -n x".to_owned(),
            ]);
        for line in lines {
            let [alone, all] = readings(&line);
            assert_eq!(alone, all, "{line}");
        }
    }
}
