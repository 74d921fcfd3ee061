//! `ovr connect` to a session on TCP: this terminal, raw, on one side, the session's WebSocket on the other. The
//! view and the keys that leave it are the session's own tmux's.

use super::connect::{ConnectArgs, say_left};
use super::connect_here::Screen;
use super::event_loop::event_loop;
use super::report;
use super::terminal::{self, Terminal};
use crate::api::client::Client;
use crate::api::socket::{FromTerminal, TerminalSocket};
use crate::api::{Peer, Remote};
use crate::diag::{Diagnostic, Kind, exit_code};
use crate::model::{Exit, Signal};
use futures_util::StreamExt;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH};
use std::io::{self, Write};
use std::process::ExitCode;

/// Shows the service until the view is left.
pub(super) fn connect(client: &Client, remote: &Remote, args: &ConnectArgs) -> Result<ExitCode, Diagnostic> {
    if args.control_mode {
        return Err(
            Diagnostic::error(Kind::Usage, "control mode does not go over TCP")
                .hint("leave --control-mode out, or call ovr on the machine that the session runs on (ssh)"),
        );
    }
    let name = client.window(args.name.as_deref())?.name;
    let screen = Screen {
        name: &name,
        control_mode: false,
        drawn_elsewhere: true,
    };
    screen.stand_in()?;
    report::print_out(&format!(
        "{name} at {} · leave with the key on the last line\n",
        remote.address
    ))?;
    let here = Terminal::note();
    let system = |error: io::Error| {
        Diagnostic::error(Kind::System, "cannot use this terminal").cause(error.to_string())
    };
    let runtime = event_loop()?;
    let shown = runtime.block_on(async {
        let socket = TerminalSocket::open(remote, Some(&name), !args.read_only, terminal::size()).await?;
        here.make_raw().map_err(system)?;
        relay(socket).await.map_err(system)
    });
    here.restore();
    let reason = match shown? {
        Over::View(reason) => reason,
        Over::Signal(signal) => {
            let signal =
                Signal::from_number(signal).map_or(exit_code::FAILURE, |s| Exit::Signal(s).shell_code());
            return Ok(ExitCode::from(signal));
        }
    };
    if matches!(client.peer(), Peer::Tcp(_)) {
        say_left(client, &name)?;
    }
    Ok(match reason {
        Some(reason) if !reason.is_empty() && reason != LEFT => {
            report::print(&Diagnostic::error(
                Kind::System,
                format!("the connection ended: {reason}"),
            ));
            ExitCode::from(exit_code::FAILURE)
        }
        Some(_) | None => ExitCode::SUCCESS,
    })
}

/// What ended it.
enum Over {
    /// The session's side, with its reason.
    View(Option<String>),
    /// A signal to this process.
    Signal(i32),
}

/// What the session says at a view's usual end.
const LEFT: &str = "the view has ended";

/// Passes on what either side says, until one of them ends.
async fn relay(mut socket: TerminalSocket) -> io::Result<Over> {
    let mut typed = terminal::typed()?;
    let mut signals = signal_hook_tokio::Signals::new([SIGWINCH, SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    let mut out = io::stdout();
    loop {
        tokio::select! {
            news = socket.next() => match news {
                FromTerminal::Bytes(bytes) => {
                    out.write_all(&bytes)?;
                    out.flush()?;
                }
                FromTerminal::End(reason) => return Ok(Over::View(reason)),
            },
            bytes = typed.recv() => match bytes {
                Some(bytes) => socket.type_bytes(bytes).await,
                None => return Ok(Over::View(None)),
            },
            Some(signal) = signals.next() => match signal {
                SIGWINCH => socket.resize(terminal::size()).await,
                // The terminal is raw, and has to be given back first.
                _ => return Ok(Over::Signal(signal)),
            },
        }
    }
}
