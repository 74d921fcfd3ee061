//! The command line as a whole: the commands with their aliases, in order of daily use, and what all of them
//! share. What one command takes stands in that command's file. Nothing here touches the world.

use super::alone;
use super::complete::{self, Kind};
use super::{
    api, check, clean, completions, config, connect, detach, down, echo, env, events, graph, help, hook,
    kill, logs, ls, man, mcp, quit, reload, restart, run, scale, settings, signal, start, status, stop, up,
    wait, why,
};
use crate::shim;
use clap::builder::BoolishValueParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

/// One line of a command's examples: what to type, and what it does.
pub type Example = (&'static str, &'static str);

/// Words that can never be a command, an alias or a suggestion: `main` hands them elsewhere.
pub const RESERVED: &[&str] = &[shim::SUBCOMMAND, shim::errand::SUBCOMMAND];

/// What was typed.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "ovr",
    version,
    about = "Run the services of a project, each in a live terminal of its own",
    max_term_width = 80,
    args_override_self = true
)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The command has a flag `--json`, and it was given.
    #[arg(skip)]
    pub json: bool,
}

/// What every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct GlobalArgs {
    /// Mean this session: path or tcp://HOST:PORT
    #[arg(short, long, global = true, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub socket: Option<PathBuf>,
    /// Take -s as HOST:PORT on TCP
    #[arg(short = 'S', long, global = true, value_name = "KIND", value_parser = ["unix", "tcp"], hide_short_help = true)]
    pub network: Option<String>,
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true, help = "Read the token for TCP here [OVR_TOKEN]")]
    pub token_file: Option<PathBuf>,
}

/// Where the project is, for commands that read the configuration themselves.
#[derive(Args, Clone, Debug, Default)]
pub struct ProjectArgs {
    /// Read this Procfile or YAML; one more is laid over the first
    #[arg(short = 'f', long, visible_alias = "config", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub procfile: Vec<PathBuf>,
    /// Take this directory as the project's root
    #[arg(short = 'd', long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,
    /// Read variables from this file as well, as if OVR_ENV named it
    #[arg(short = 'e', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub env: Vec<String>,
}

impl ProjectArgs {
    /// The same, as what `start` takes: a plan is made of that.
    pub fn as_start(&self) -> start::StartArgs {
        let text = |path: &PathBuf| path.display().to_string();
        start::StartArgs {
            procfile: self.procfile.iter().map(text).collect(),
            root: self.root.as_ref().map(text),
            env: self.env.clone(),
            ..start::StartArgs::default()
        }
    }
}

/// Which services a command acts on.
#[derive(Args, Clone, Debug, Default)]
pub struct AnyNames {
    /// Services (`web`), instances (`web#2`), patterns (`'side*'`); none means all
    #[arg(value_name = "NAME", add = complete::names(Kind::Any))]
    pub names: Vec<String>,
}

/// The same, offering what runs.
#[derive(Args, Clone, Debug, Default)]
pub struct LiveNames {
    /// Services (`web`), instances (`web#2`), patterns (`'side*'`); none means all
    #[arg(value_name = "NAME", add = complete::names(Kind::Live))]
    pub names: Vec<String>,
}

/// Which of them, by group.
#[derive(Args, Clone, Debug, Default)]
pub struct Namespaces {
    /// Only what is in this namespace of the configuration; may be given more than once
    #[arg(short = 'n', long, value_name = "NAMESPACE", add = complete::namespaces())]
    pub namespace: Vec<String>,
}

/// The commands, in the order that help lists them.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    #[command(visible_alias = "s")]
    Start(Box<start::StartArgs>),
    #[command(visible_aliases = ["c", "attach"])]
    Connect(connect::ConnectArgs),
    #[command(visible_alias = "r")]
    Restart(restart::RestartArgs),
    #[command(visible_aliases = ["interrupt", "i"])]
    Stop(stop::StopArgs),
    #[command(visible_alias = "q")]
    Quit(quit::QuitArgs),
    Up(up::UpArgs),
    Down(down::DownArgs),
    Reload(reload::ReloadArgs),
    Scale(scale::ScaleArgs),
    Wait(wait::WaitArgs),
    #[command(visible_alias = "ps")]
    Status(status::StatusArgs),
    #[command(visible_alias = "explain")]
    Why(why::WhyArgs),
    Logs(logs::LogsArgs),
    Events(events::EventsArgs),
    Graph(graph::GraphArgs),
    Echo(echo::EchoArgs),
    Ls(ls::LsArgs),
    #[command(visible_aliases = ["exec", "e"])]
    Run(run::RunArgs),
    Signal(signal::SignalArgs),
    #[command(visible_alias = "k")]
    Kill(kill::KillArgs),
    Detach(detach::DetachArgs),
    Check(check::CheckArgs),
    Config(config::ConfigArgs),
    Env(env::EnvArgs),
    Clean(clean::CleanArgs),
    Mcp(mcp::McpArgs),
    Hook(hook::HookArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Api(api::ApiArgs),
}

/// The definition of the command line, complete but for the look of its help (that is `help`'s).
pub fn definition() -> clap::Command {
    Cli::command().mut_subcommand("start", |start| settings::describe(switches(start)))
}

/// Reads a command line; the first word is the program's name. The help texts are only made for somebody who
/// asks for them, and the definitions of other commands for whoever did not name one: every other command should not
/// wait for that.
pub fn parse<I, T>(words: I) -> Result<Cli, clap::Error>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString>,
{
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    if let Some(start) = alone::plain_start(&words) {
        return Ok(start);
    }
    let named = words.get(1).and_then(|word| alone::definition(word.to_str()?));
    if let Some(Ok(cli)) = named.map(|alone| read(alone, &words)) {
        return Ok(cli);
    }
    match read(definition(), &words) {
        Err(error) if error.kind() == ErrorKind::DisplayHelp => read(help::dressed(definition()), &words),
        read => read,
    }
}

/// Reads it by this definition.
pub(super) fn read(definition: clap::Command, words: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = definition.try_get_matches_from(words)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    let command = matches.subcommand().map(|(_, command)| command);
    cli.json = command.is_some_and(|command| matches!(command.try_get_one("json"), Ok(Some(true))));
    Ok(cli)
}

/// Lets every yes-or-no setting be written as a switch (`-D`) and, to undo a variable, with its value
/// (`--daemonize=false`).
pub(super) fn switches(command: clap::Command) -> clap::Command {
    command.mut_args(|arg| {
        if !settings::is_switch(arg.get_id().as_str()) {
            return arg;
        }
        arg.num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_name("BOOL")
            .value_parser(BoolishValueParser::new())
    })
}

/// The examples of a command, by its name.
pub fn examples(command: &str) -> &'static [Example] {
    match command {
        "start" => start::EXAMPLES,
        "connect" => connect::EXAMPLES,
        "restart" => restart::EXAMPLES,
        "stop" => stop::EXAMPLES,
        "quit" => quit::EXAMPLES,
        "up" => up::EXAMPLES,
        "down" => down::EXAMPLES,
        "reload" => reload::EXAMPLES,
        "scale" => scale::EXAMPLES,
        "wait" => wait::EXAMPLES,
        "status" => status::EXAMPLES,
        "why" => why::EXAMPLES,
        "logs" => logs::EXAMPLES,
        "events" => events::EXAMPLES,
        "graph" => graph::EXAMPLES,
        "echo" => echo::EXAMPLES,
        "ls" => ls::EXAMPLES,
        "run" => run::EXAMPLES,
        "signal" => signal::EXAMPLES,
        "kill" => kill::EXAMPLES,
        "detach" => detach::EXAMPLES,
        "check" => check::EXAMPLES,
        "config" => config::EXAMPLES,
        "env" => env::EXAMPLES,
        "clean" => clean::EXAMPLES,
        "completions" => completions::EXAMPLES,
        "man" => man::EXAMPLES,
        "api" => api::EXAMPLES,
        "hook" => hook::EXAMPLES,
        "mcp" => mcp::EXAMPLES,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, RESERVED, definition, examples, parse};

    #[test]
    fn the_definition_is_sound() {
        definition().debug_assert();
    }

    #[test]
    fn every_command_has_an_example_that_parses() {
        for command in definition().get_subcommands() {
            let examples = examples(command.get_name());
            assert!(!examples.is_empty(), "{} has no example", command.get_name());
            for (line, what) in examples {
                assert!(!what.is_empty());
                for part in line.split(" | ").flat_map(|part| part.split(" && ")) {
                    let part = part.trim_start_matches("source <(").trim_end_matches(')');
                    if !part.starts_with("ovr ") {
                        continue;
                    }
                    let words = part
                        .split(" > ")
                        .next()
                        .unwrap()
                        .split_whitespace()
                        .map(|w| w.trim_matches('\''));
                    parse(words).unwrap_or_else(|e| panic!("{line}: {e}"));
                }
            }
        }
    }

    #[test]
    fn every_command_says_what_it_does_in_the_imperative() {
        for command in definition().get_subcommands() {
            let about = command.get_about().unwrap().to_string();
            assert!(!about.ends_with('.'), "{about}");
            assert!(about.starts_with(char::is_uppercase), "{about}");
            let first = about.split(' ').next().unwrap();
            assert!(!first.ends_with('s'), "not imperative: {about}");
            for arg in command.get_arguments() {
                let help = arg.get_help().unwrap().to_string();
                assert!(!help.ends_with('.'), "{}: {help}", arg.get_id());
            }
        }
    }

    #[test]
    fn reserved_words_are_no_commands() {
        for command in definition().get_subcommands() {
            assert!(!RESERVED.contains(&command.get_name()));
            assert!(command.get_all_aliases().all(|alias| !RESERVED.contains(&alias)));
        }
    }

    #[test]
    fn the_aliases_of_overmind_work() {
        let aliases = [
            ("s", "start"),
            ("c", "connect"),
            ("attach", "connect"),
            ("r", "restart"),
            ("i", "stop"),
            ("interrupt", "stop"),
            ("k", "kill"),
            ("q", "quit"),
            ("ps", "status"),
            ("e", "run"),
            ("exec", "run"),
            ("explain", "why"),
        ];
        let definition = definition();
        for (alias, name) in aliases {
            assert_eq!(definition.find_subcommand(alias).unwrap().get_name(), name);
        }
    }

    #[test]
    fn the_socket_may_stand_before_and_after_the_command() {
        for line in [["ovr", "-s", "x", "status"], ["ovr", "status", "--socket", "x"]] {
            let cli = parse(line).unwrap();
            assert_eq!(cli.global.socket.as_deref(), Some(std::path::Path::new("x")));
            assert!(matches!(cli.command, Some(Command::Status(_))));
        }
    }

    #[test]
    fn flags_after_the_command_of_run_belong_to_that_command() {
        let cli = parse(["ovr", "run", "--service", "web", "ls", "-l", "--help"]).unwrap();
        let Some(Command::Run(run)) = cli.command else {
            panic!("not run");
        };
        assert_eq!(run.service.as_deref(), Some("web"));
        assert_eq!(run.command, ["ls", "-l", "--help"]);
    }

    #[test]
    fn short_switches_can_be_written_together() {
        let cli = parse(["ovr", "start", "-DTN", "-p5100", "worker"]).unwrap();
        let Some(Command::Start(start)) = cli.command else {
            panic!("not start");
        };
        assert_eq!(
            (start.daemonize, start.show_timestamps, start.no_port),
            (Some(true), Some(true), Some(true))
        );
        assert_eq!(start.port.as_deref(), Some("5100"));
        assert_eq!(start.names, ["worker"]);
    }
}
