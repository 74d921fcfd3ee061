//! `ovr connect` to a session on TCP: this terminal, raw, on one side, the session's WebSocket on the other. The
//! view and the keys that leave it are the session's own tmux's.

use super::connect::{ConnectArgs, say_left};
use super::event_loop::event_loop;
use super::report;
use super::terminal::{self, Terminal};
use crate::api::client::Client;
use crate::api::socket::{FromTerminal, TerminalSocket};
use crate::api::{Peer, Remote};
use crate::diag::{Diagnostic, Kind, exit_code};
use futures_util::StreamExt;
use signal_hook::consts::SIGWINCH;
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
    let name = match &args.name {
        Some(name) => name.clone(),
        None => client.window(None)?.name,
    };
    report::print_out(&format!(
        "{name} at {} · leave with the key on the last line\n",
        remote.address
    ))?;
    let screen = Terminal::note();
    let system = |error: io::Error| {
        Diagnostic::error(Kind::System, "cannot use this terminal").cause(error.to_string())
    };
    let runtime = event_loop()?;
    let shown = runtime.block_on(async {
        let socket = TerminalSocket::open(remote, Some(&name), !args.read_only, terminal::size()).await?;
        screen.make_raw().map_err(system)?;
        relay(socket).await.map_err(system)
    });
    screen.restore();
    let reason = shown?;
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

/// What the session says at a view's usual end.
const LEFT: &str = "the view has ended";

/// Passes on what either side says; the reason for the end.
async fn relay(mut socket: TerminalSocket) -> io::Result<Option<String>> {
    let mut typed = terminal::typed()?;
    let mut resized = signal_hook_tokio::Signals::new([SIGWINCH])?;
    let mut out = io::stdout();
    loop {
        tokio::select! {
            news = socket.next() => match news {
                FromTerminal::Bytes(bytes) => {
                    out.write_all(&bytes)?;
                    out.flush()?;
                }
                FromTerminal::End(reason) => return Ok(reason),
            },
            bytes = typed.recv() => match bytes {
                Some(bytes) => socket.type_bytes(bytes).await,
                None => return Ok(None),
            },
            Some(_) = resized.next() => socket.resize(terminal::size()).await,
        }
    }
}
