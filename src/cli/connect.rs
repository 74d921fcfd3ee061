//! `ovr connect`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs};
use super::complete::{self, Kind};
use super::connect_here::{self, Screen, Shown};
use super::event_loop::event_loop;
use super::terminal::Terminal;
use super::{connect_remote, nested, report, session};
use crate::api::Peer;
use crate::api::client::Client;
use crate::diag::{Diagnostic, Kind as ErrorKind, exit_code};
use crate::model::{Exit, Signal};
use crate::tmux::WindowId;
use crate::tmux::server::Server;
use crate::tmux::view::{LeaveKeys, View, ViewMode};
use signal_hook::consts::SIGHUP;
use std::time::Duration;

/// A tmux server that answers at all answers within this.
const PATIENCE: Duration = Duration::from_secs(5);

use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr connect web", "type into web; Ctrl-b d leaves it"),
    ("ovr connect -r web", "only look"),
    ("ovr c", "the first service"),
];

/// Open the live terminal of a service
///
/// What you type goes to the service. The last line of the window always shows the key that leaves it; the
/// service runs on. Each terminal has a view of its own, so two can look at two services. In the window of
/// a service that has ended, Enter starts it again.
///
/// Dragging with the mouse copies to the clipboard; Ctrl-b [ opens the copy mode of tmux, in which you scroll,
/// search and copy by keys. Where Ctrl-b is not the prefix, the last line of the window names the one that is.
#[derive(Args, Clone, Debug, Default)]
pub struct ConnectArgs {
    /// The service (`web`) or instance (`web#2`); none means the first
    #[arg(value_name = "NAME", add = complete::name(Kind::Any))]
    pub name: Option<String>,
    /// Look without typing: keys do not reach the service
    #[arg(short, long)]
    pub read_only: bool,
    /// Speak tmux's control mode, for terminals that draw the windows themselves
    #[arg(short = 'c', long, alias = "control")]
    pub control_mode: bool,
}

/// Attaches this terminal to the service's window, and returns when it is left.
pub fn cmd_connect(global: &GlobalArgs, args: &ConnectArgs) -> Result<ExitCode, Diagnostic> {
    let client = session::reach(global)?;
    if let Peer::Tcp(remote) = client.peer() {
        return connect_remote::connect(&client, remote, args);
    }
    let window = client.window(args.name.as_deref())?;
    let server = Server {
        binary: window.tmux_binary.clone().into(),
        socket: window.tmux_socket.clone().into(),
        // The server runs already; no configuration is read any more.
        config: "/dev/null".into(),
    };
    let id: WindowId = window.window.parse().map_err(|_| {
        Diagnostic::error(
            ErrorKind::System,
            format!("{:?} is no window of tmux", window.window),
        )
    })?;
    let screen = Screen {
        name: &window.name,
        control_mode: args.control_mode,
        drawn_elsewhere: false,
    };
    let stand_in = screen.stand_in()?;
    let keys = ask_keys(&server)?;
    let mode = match (args.control_mode, args.read_only) {
        (true, _) => ViewMode::Control,
        (false, true) => ViewMode::ReadOnly,
        (false, false) => ViewMode::Terminal,
    };
    if mode != ViewMode::Control {
        report::print_out(&format!("{} · leave with {}\n", window.name, keys.words()))?;
    }
    let view = View {
        server: &server,
        window: id,
        mode,
        leave: &keys,
    };
    let terminal = Terminal::note();
    let mut command = view.command();
    if let Some(stand_in) = stand_in {
        command.env("TERM", stand_in);
    }
    let shown = connect_here::show(command)?;
    if !shown.client.success() {
        terminal.restore();
    }
    if let Some(refusal) = shown.refusal(screen) {
        return Err(refusal);
    }
    if mode != ViewMode::Control && shown.signal != Some(SIGHUP) {
        say_left(&client, &window.name)?;
    }
    Ok(code_of(&shown))
}

/// As a shell has it where a signal ended it.
fn code_of(shown: &Shown) -> ExitCode {
    let signal = shown.signal.and_then(Signal::from_number);
    match signal {
        Some(signal) => ExitCode::from(Exit::Signal(signal).shell_code()),
        None if shown.client.success() => ExitCode::SUCCESS,
        None => ExitCode::from(exit_code::FAILURE),
    }
}

fn ask_keys(server: &Server) -> Result<LeaveKeys, Diagnostic> {
    let failed = |error: std::io::Error| {
        Diagnostic::error(ErrorKind::Tmux, "cannot ask tmux for its keys").cause(error.to_string())
    };
    let runtime = event_loop()?;
    runtime
        .block_on(LeaveKeys::ask(server, PATIENCE, &nested::outers()))
        .map_err(failed)
}

/// `left web, still running`: what stands in the terminal afterwards.
pub(super) fn say_left(client: &Client, name: &str) -> Result<(), Diagnostic> {
    let text = match client.status() {
        Ok(status) if status.session.ending => format!("left {name}, the session is ending\n"),
        Ok(status) => match status.services.iter().find(|service| service.name == name) {
            Some(service) if service.pid.is_some() => format!("left {name}, still {}\n", service.state),
            Some(service) => format!("left {name} ({})\n", service.state),
            None => format!("left {name}\n"),
        },
        Err(_) => "the session has ended\n".to_owned(),
    };
    report::print_out(&text)
}
