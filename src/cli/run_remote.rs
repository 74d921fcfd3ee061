//! `ovr run` at a session on TCP: the command is the session's machine's, its input and output are ours. Between two
//! terminals it has a terminal there; else its streams are pipes, as they are here.

use super::event_loop::event_loop;
use super::report;
use super::run::RunArgs;
use super::terminal::{self, Terminal};
use crate::api::Remote;
use crate::api::messages::ErrorBody;
use crate::api::messages::run::{INPUT_WINDOW, RunNews, RunOrder, RunRequest, RunTerminal, is_terminal_type};
use crate::api::run_socket::{self, FromCommand, Said, ToCommand};
use crate::diag::{Diagnostic, Kind};
use crate::model::{Exit, Signal};
use futures_util::StreamExt;
use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGWINCH};
use signal_hook_tokio::Signals;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use tokio::sync::{Semaphore, mpsc};

/// So many times Ctrl-C is passed on; then it ends this side.
const PATIENCE: u32 = 2;

/// Runs the command there and mirrors its exit code.
pub(super) fn run(remote: &Remote, args: &RunArgs) -> Result<ExitCode, Diagnostic> {
    let on_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let request = RunRequest {
        command: args.command.clone(),
        service: args.service.clone(),
        terminal: on_terminal.then(|| {
            let (cols, rows) = terminal::size();
            let term = std::env::var("TERM").ok().filter(|term| is_terminal_type(term));
            RunTerminal { cols, rows, term }
        }),
    };
    let system = |error: io::Error| {
        Diagnostic::error(Kind::System, "cannot run it from here").cause(error.to_string())
    };
    let runtime = event_loop()?;
    let screen = Terminal::note();
    let ended = runtime.block_on(async {
        let (to, mut from) = run_socket::run(remote, request).await?;
        if let Some(ended) = begun(&mut from).await {
            return Ok(ended);
        }
        if on_terminal {
            screen.make_raw().map_err(system)?;
        }
        attend(to, from, on_terminal).await.map_err(system)
    });
    match &ended {
        _ if !on_terminal => {}
        // It has put its screen away, if it had one.
        Ok(Ended::Exit(_) | Ended::Refused { .. }) => screen.restore_settings(),
        Ok(Ended::Left(_) | Ended::Cut(_)) | Err(_) => screen.restore(),
    }
    ended.map(|ended| code_of(ended, remote))
}

/// How it ended, here or there.
#[derive(Debug)]
enum Ended {
    Exit(Exit),
    Refused {
        error: Diagnostic,
        exit_code: Option<u8>,
    },
    /// A signal was meant for this side, or nobody reads here any more.
    Left(i32),
    /// The connection is over.
    Cut(Option<String>),
}

fn code_of(ended: Ended, remote: &Remote) -> ExitCode {
    match ended {
        Ended::Exit(exit) => ExitCode::from(exit.shell_code()),
        Ended::Refused { error, exit_code } => {
            let code = report::report(&error);
            exit_code.map_or(code, ExitCode::from)
        }
        Ended::Left(signal) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX)),
        Ended::Cut(reason) => {
            let message = format!(
                "the connection to {} ended before the command had",
                remote.address
            );
            let error = Diagnostic::error(Kind::System, message);
            let error = reason
                .filter(|reason| !reason.is_empty())
                .into_iter()
                .fold(error, Diagnostic::cause);
            report::report(&error.hint("the command was ended with it"))
        }
    }
}

/// Waits until the command runs; how it ended, if it does not.
async fn begun(from: &mut FromCommand) -> Option<Ended> {
    loop {
        match from.next().await {
            Said::News(RunNews::Started { .. }) => return None,
            said => {
                if let Some(ended) = end_in(said) {
                    return Some(ended);
                }
            }
        }
    }
}

/// The end that is told of, if it is one.
fn end_in(said: Said) -> Option<Ended> {
    match said {
        Said::News(RunNews::Ended {
            exit_code,
            exit_signal,
        }) => {
            let signal = exit_signal.and_then(|signal| signal.parse().ok());
            Some(Ended::Exit(match (exit_code, signal) {
                (Some(code), _) => Exit::Code(code),
                (None, signal) => Exit::Signal(signal.unwrap_or(Signal::KILL)),
            }))
        }
        Said::News(RunNews::Refused { error, exit_code }) => Some(Ended::Refused {
            error: Diagnostic::from(ErrorBody { error }),
            exit_code,
        }),
        Said::Closed(reason) => Some(Ended::Cut(reason)),
        Said::Out(_) | Said::Err(_) | Said::News(RunNews::Started { .. } | RunNews::Took { .. }) => None,
    }
}

/// Passes on what either side says, both ways at once, to the end.
async fn attend(mut to: ToCommand, mut from: FromCommand, on_terminal: bool) -> io::Result<Ended> {
    let typed = terminal::typed()?;
    // In a terminal of its own Ctrl-C is a key like others; from elsewhere a signal is for this side.
    let listened: &[i32] = if on_terminal {
        &[SIGWINCH, SIGINT, SIGQUIT, SIGTERM, SIGHUP]
    } else {
        &[SIGINT, SIGQUIT]
    };
    let signals = Signals::new(listened)?;
    let window = Semaphore::new(INPUT_WINDOW);
    // No good-bye is said: it could wait for a machine that has gone, and the connection's end says the same.
    tokio::select! {
        ended = show(&mut from, &window) => ended,
        signal = send(&mut to, typed, signals, &window, on_terminal) => Ok(Ended::Left(signal)),
    }
}

async fn show(from: &mut FromCommand, window: &Semaphore) -> io::Result<Ended> {
    loop {
        let shown = match from.next().await {
            Said::Out(bytes) => write(io::stdout().lock(), &bytes),
            Said::Err(bytes) => write(io::stderr().lock(), &bytes),
            Said::News(RunNews::Took { bytes }) => {
                window.add_permits(bytes.min(INPUT_WINDOW));
                Ok(())
            }
            said => match end_in(said) {
                Some(ended) => return Ok(ended),
                None => Ok(()),
            },
        };
        match shown {
            // As it would for the command here, if it were one.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(Ended::Left(SIGPIPE)),
            shown => shown?,
        }
    }
}

fn write(mut out: impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    out.flush()
}

/// Until a signal ends this side.
async fn send(
    to: &mut ToCommand,
    mut typed: mpsc::Receiver<Vec<u8>>,
    mut signals: Signals,
    window: &Semaphore,
    on_terminal: bool,
) -> i32 {
    let (mut is_open, mut interrupts) = (true, 0);
    // What was typed and there is no room for yet.
    let mut held: Option<Vec<u8>> = None;
    loop {
        let wanted = held
            .as_ref()
            .map_or(0, |bytes| u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        tokio::select! {
            room = window.acquire_many(wanted), if held.is_some() => {
                room.expect("nobody closes it").forget();
                if let Some(bytes) = held.take() {
                    to.input(bytes).await;
                }
            }
            bytes = typed.recv(), if is_open && held.is_none() => {
                is_open = bytes.is_some();
                held = bytes;
                if !is_open {
                    to.order(&RunOrder::EndOfInput {}).await;
                }
            }
            Some(signal) = signals.next() => match signal {
                SIGWINCH => {
                    let (cols, rows) = terminal::size();
                    to.order(&RunOrder::Resize { cols, rows }).await;
                }
                signal if on_terminal || interrupts == PATIENCE => return signal,
                signal => {
                    interrupts += 1;
                    let signal = signal.to_string();
                    to.order(&RunOrder::Signal { signal }).await;
                }
            },
        }
    }
}
