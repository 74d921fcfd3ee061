//! The command line: clap types, one file a command, printing, completions. The only room that prints or exits.

mod alone;
pub mod api;
pub mod args;
pub mod background;
mod beside;
mod bring_up;
pub mod check;
pub mod clean;
pub mod complete;
pub mod completions;
pub mod config;
pub mod connect;
mod connect_here;
mod connect_remote;
pub mod detach;
pub mod down;
pub mod echo;
mod elsewhere;
pub mod ending;
pub mod env;
mod event_loop;
pub mod events;
mod following;
pub mod graph;
mod health;
pub mod help;
pub mod here;
pub mod hook;
mod in_session;
mod inherit;
mod inquiries;
mod kept;
pub mod kill;
pub mod launch;
mod lines;
mod listen;
pub mod logs;
mod logs_remote;
pub mod ls;
pub mod man;
pub mod mcp;
mod nested;
mod opening;
pub mod place;
pub mod plan;
pub mod quit;
pub mod reference;
pub mod reload;
pub mod report;
pub mod restart;
pub mod run;
mod run_remote;
pub mod scale;
mod screen;
pub mod session;
pub mod settings;
pub mod show;
pub mod signal;
pub mod start;
pub mod status;
pub mod stop;
pub mod style;
mod successor;
pub mod table;
pub mod terminal;
mod unheeded;
pub mod up;
pub mod usage;
mod values;
pub mod wait;
mod watching;
pub mod why;

use crate::diag::Diagnostic;
use args::{Cli, Command};
use clap_complete::CompleteEnv;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command line of this process and returns its exit code.
pub fn main() -> ExitCode {
    CompleteEnv::with_factory(completions::definition)
        .var(completions::VARIABLE)
        .complete();
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = match args::parse(words.clone()) {
        Ok(cli) => cli,
        Err(error) => return refused(&error, &words),
    };
    if cli.json {
        report::speak_json();
    }
    match dispatch(&cli) {
        Ok(code) => code,
        Err(diagnostic) => report::report(&session::in_full(&cli.global, diagnostic)),
    }
}

fn dispatch(cli: &Cli) -> Result<ExitCode, Diagnostic> {
    let global = &cli.global;
    let Some(command) = &cli.command else {
        return bare();
    };
    match command {
        Command::Start(args) => launch::cmd_start(global, args),
        Command::Connect(args) => connect::cmd_connect(global, args),
        Command::Restart(args) => restart::cmd_restart(global, args),
        Command::Stop(args) => stop::cmd_stop(global, args),
        Command::Up(args) => up::cmd_up(global, args),
        Command::Down(args) => down::cmd_down(global, args),
        Command::Reload(args) => reload::cmd_reload(global, args),
        Command::Scale(args) => scale::cmd_scale(global, args),
        Command::Wait(args) => wait::cmd_wait(global, args),
        Command::Quit(args) => quit::cmd_quit(global, args),
        Command::Status(args) => status::cmd_status(global, args),
        Command::Why(args) => why::cmd_why(global, args),
        Command::Logs(args) => logs::cmd_logs(global, args),
        Command::Events(args) => events::cmd_events(global, args),
        Command::Graph(args) => graph::cmd_graph(global, args),
        Command::Echo(args) => echo::cmd_echo(global, args),
        Command::Ls(args) => ls::cmd_ls(global, args),
        Command::Run(args) => run::cmd_run(global, args),
        Command::Signal(args) => signal::cmd_signal(global, args),
        Command::Kill(args) => kill::cmd_kill(global, args),
        Command::Detach(args) => detach::cmd_detach(global, args),
        Command::Check(args) => check::cmd_check(global, args),
        Command::Config(args) => config::cmd_config(global, args),
        Command::Env(args) => env::cmd_env(global, args),
        Command::Clean(args) => clean::cmd_clean(global, args),
        Command::Completions(args) => completions::cmd_completions(global, args),
        Command::Man(args) => man::cmd_man(global, args),
        Command::Api(args) => api::cmd_api(global, args),
        Command::Hook(args) => hook::cmd_hook(global, args),
        Command::Mcp(args) => mcp::cmd_mcp(global, args),
    }
}

/// `ovr` alone: the commands of every day, and what there is here.
fn bare() -> Result<ExitCode, Diagnostic> {
    let paint = style::Paint::for_stdout();
    let mut text = help::overview_short(&help::built(&args::definition()), paint);
    if let Some(here) = here::summary() {
        text.extend(["\n", &here, "\n"]);
    }
    report::print_out(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Help and version are no errors, though clap tells of them as such.
fn refused(error: &clap::Error, words: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        // A reader that has gone away (`ovr --help | head -1`) is no failure.
        error.print().ok();
        return ExitCode::SUCCESS;
    }
    let definition = args::definition();
    if usage::wants_json(words, &definition) {
        report::speak_json();
    }
    report::report(&usage::diagnostic(error, words, &definition))
}
