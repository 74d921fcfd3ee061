//! The configuration that our server runs with, and the user's own file when asked for. What is set here is
//! what the rest of the room relies on; it is forced again after the user's file.

use super::client::SESSION;
use super::command::{Command, sequence};
use super::server::Server;
use super::terminfo;
use crate::diag::{Diagnostic, Kind};
use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Lines of scrollback for each window: enough for a long stack trace and the way there, at most about
/// 5 MB of tmux's memory when full of 80-column lines.
const HISTORY_LIMIT: &str = "10000";

/// The size of windows that nobody looks at, when the terminal does not say one.
const FALLBACK_SIZE: Size = Size {
    columns: 120,
    rows: 30,
};

/// A terminal's size in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub columns: u16,
    pub rows: u16,
}

impl Size {
    /// A size that tmux takes and programs can use. A terminal that does not know its size says 0×0.
    pub fn sane(self) -> Self {
        if self.columns == 0 || self.rows == 0 {
            return FALLBACK_SIZE;
        }
        Self {
            columns: self.columns.clamp(20, 1000),
            rows: self.rows.clamp(5, 500),
        }
    }
}

/// What the configuration depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Windows have this size until somebody looks at them.
    pub size: Size,
    /// `TERM` inside the windows.
    pub terminal: &'static str,
    /// What a window runs that the user opens by hand.
    pub shell: PathBuf,
}

impl Setup {
    /// The setup for this machine and a terminal of this size (0×0 or none: a default).
    pub fn for_size(size: Option<Size>) -> Self {
        Self {
            size: size.unwrap_or(FALLBACK_SIZE).sane(),
            terminal: terminal(),
            shell: shell(),
        }
    }

    /// The text of the configuration file. Each line stands for itself: one that this tmux does not know
    /// takes no other with it. What tmux has by itself is not in it: each line takes its time at every start.
    pub fn configuration(&self) -> String {
        Command::lines(self.own().iter())
    }

    /// What differs from what tmux has by itself.
    fn own(&self) -> Vec<Command> {
        let size = format!("{}x{}", self.size.columns, self.size.rows);
        let shell = self.shell.to_string_lossy();
        let server = [
            // An Escape typed in a window should not wait.
            ("escape-time", "10"),
            ("focus-events", "on"),
            // Dragging with the mouse copies, by OSC 52.
            ("set-clipboard", "on"),
            ("default-terminal", self.terminal),
        ];
        let session = [
            ("default-shell", &*shell),
            ("default-size", &size),
            ("history-limit", HISTORY_LIMIT),
            ("mouse", "on"),
            ("status", "off"),
            // The shims get their environment from the controller, and views bring none.
            ("update-environment", ""),
        ];
        globals(&server, &session, OWN_WINDOW_OPTIONS)
    }

    /// What tmux has by itself, and a user's file may have changed.
    fn usual() -> Vec<Command> {
        let server = [
            // The server ends with its last window, and with nothing else.
            ("exit-empty", "on"),
            ("exit-unattached", "off"),
        ];
        let session = [
            ("default-command", ""),
            ("destroy-unattached", "off"),
            ("detach-on-destroy", "on"),
            ("key-table", "root"),
            ("lock-after-time", "0"),
            ("renumber-windows", "off"),
            ("set-titles", "off"),
        ];
        globals(&server, &session, USUAL_WINDOW_OPTIONS)
    }

    /// What is set on our own session and its current window, above all globals.
    pub fn session_commands() -> Vec<Command> {
        let target = format!("={SESSION}:");
        let session = [
            ("destroy-unattached", "off"),
            ("status", "off"),
            ("key-table", "root"),
        ];
        let session = session.iter().map(|(name, value)| ("-t", *name, *value));
        let window = OWN_WINDOW_OPTIONS.iter().chain(USUAL_WINDOW_OPTIONS);
        let window = window.map(|(name, value)| ("-wt", *name, *value));
        session
            .chain(window)
            .map(|(scope, name, value)| {
                Command::new("set-option").args(["-q", scope, &target, "--", name, value])
            })
            .collect()
    }

    /// Writes the configuration file, readable for the user alone.
    ///
    /// # Errors
    /// Kind `System`, naming the file.
    pub fn write(&self, file: &Path) -> Result<(), Diagnostic> {
        let write = || -> io::Result<()> {
            fs::write(file, self.configuration())?;
            fs::set_permissions(file, fs::Permissions::from_mode(0o600))
        };
        write().map_err(|error| {
            Diagnostic::error(Kind::System, format!("cannot write {}", file.display()))
                .cause(error.to_string())
        })
    }
}

const OWN_WINDOW_OPTIONS: &[(&str, &str)] = &[
    // Two terminals look at two windows, each in its own full size.
    ("aggressive-resize", "on"),
    // Not `latest`: a view is in our current window for a moment before it selects its own, is that window's
    // latest client from then on, and keeps it from following the size of the terminal that does look at it.
    ("window-size", "smallest"),
    // Windows keep the names we gave them.
    ("automatic-rename", "off"),
];

const USUAL_WINDOW_OPTIONS: &[(&str, &str)] = &[
    ("allow-rename", "off"),
    ("monitor-activity", "off"),
    ("monitor-silence", "0"),
    ("pane-border-status", "off"),
    // A pane lives as long as its shim.
    ("remain-on-exit", "off"),
    ("synchronize-panes", "off"),
];

/// Options by name and value, for all sessions and windows.
type Options<'a> = &'a [(&'a str, &'a str)];

fn globals(server: Options<'_>, session: Options<'_>, window: Options<'_>) -> Vec<Command> {
    let scopes = [("-s", server), ("-g", session), ("-gw", window)];
    let set = |(scope, options): (&'static str, Options<'_>)| {
        let one =
            |(name, value): &(&str, &str)| Command::new("set-option").args(["-q", scope, "--", name, value]);
        options.iter().map(one).collect::<Vec<_>>()
    };
    scopes.into_iter().flat_map(set).collect()
}

/// The best `TERM` for windows that programs on this machine know.
fn terminal() -> &'static str {
    if terminfo::is_known("tmux-256color") {
        "tmux-256color"
    } else {
        "screen-256color"
    }
}

fn shell() -> PathBuf {
    env::var_os("SHELL")
        .map(PathBuf::from)
        .filter(|shell| shell.is_absolute() && shell.to_str().is_some())
        .filter(|shell| {
            shell
                .metadata()
                .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
        })
        .filter(|shell| !shell.ends_with("false") && !shell.ends_with("nologin"))
        .unwrap_or_else(|| PathBuf::from("/bin/sh"))
}

/// Runs the user's configuration file in our running server, then puts back what we rely on: our options,
/// no hooks, no aliases. For `--tmux-config`; to be done while our client is attached and before the windows
/// are made. Gives warnings about what went wrong in the file, which is never a reason not to start.
///
/// A file that brings the whole server down (tmux 3.3a has such bugs) shows as the client's
/// [`super::ClientEvent::Gone`]; then start again without it.
pub async fn apply_user_file(
    server: &Server,
    setup: &Setup,
    file: &Path,
    patience: Duration,
) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    let warn = |text: String| Diagnostic::warning(Kind::Config, text);
    match file.metadata() {
        Ok(_) => {
            let command = Command::source_file(&file.to_string_lossy());
            match server.run(&command.to_arguments(), patience).await {
                Ok(output) if output.ok => {}
                Ok(output) => {
                    // A failing command is told on the one, a syntax error on the other.
                    let lines = output.errors.lines().chain(output.text.lines());
                    let named = file.to_string_lossy();
                    warnings.extend(lines.map(|line| {
                        warn(if line.starts_with(&*named) {
                            line.to_owned()
                        } else {
                            format!("{named}: {line}")
                        })
                    }));
                }
                Err(error) => warnings.push(
                    warn(format!("{}: it did not finish", file.display()))
                        .cause(error.to_string())
                        .hint("commands such as `run-shell` need `-b` if they take long"),
                ),
            }
        }
        Err(error) => {
            warnings.push(
                warn(format!("cannot read tmux's configuration {}", file.display())).cause(error.to_string()),
            );
            return warnings;
        }
    }
    if let Err(error) = put_back(server, setup, patience).await {
        warnings.push(
            warn("cannot put tmux's options back after the user's file".into()).cause(error.to_string()),
        );
    }
    warnings
}

async fn put_back(server: &Server, setup: &Setup, patience: Duration) -> io::Result<()> {
    let aliases = Command::new("set-option").args(["-q", "-s", "-u", "command-alias"]);
    server.run(&aliases.to_arguments(), patience).await?;
    let target = format!("={SESSION}:");
    let mut commands = Vec::new();
    for scope in ["-g", "-gw", "", "-w", "-p"] {
        let scoped = |command: Command| {
            let command = if scope.is_empty() {
                command
            } else {
                command.arg(scope)
            };
            if scope.starts_with("-g") {
                command
            } else {
                command.args(["-t", &target])
            }
        };
        let list = scoped(Command::new("show-hooks"));
        let listed = server.run(&list.to_arguments(), patience).await?;
        commands
            .extend(hooks_set(&listed.text).map(|hook| scoped(Command::new("set-hook").arg("-u")).arg(hook)));
    }
    commands.extend(Setup::usual());
    commands.extend(setup.own());
    commands.extend(Setup::session_commands());
    let output = server.run(&sequence(&commands), patience).await?;
    if output.ok {
        Ok(())
    } else {
        Err(io::Error::other(output.errors))
    }
}

/// The hooks that have commands, from what `show-hooks` prints: `after-new-window[0] kill-window`, and the
/// bare name of each hook without one.
fn hooks_set(listing: &str) -> impl Iterator<Item = &str> {
    let mut last = "";
    listing.lines().filter_map(move |line| {
        let (name, _command) = line.split_once(' ')?;
        let name = name.split_once('[').map_or(name, |(name, _)| name);
        let hook = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        (hook && std::mem::replace(&mut last, name) != name).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::{Setup, Size, hooks_set};

    #[test]
    fn a_terminal_without_a_size_gets_a_usual_one() {
        let sane = |columns, rows| Size { columns, rows }.sane();
        assert_eq!(sane(0, 0), Setup::for_size(None).size);
        assert_eq!(
            sane(0, 50),
            Size {
                columns: 120,
                rows: 30
            }
        );
        assert_eq!(
            sane(80, 24),
            Size {
                columns: 80,
                rows: 24
            }
        );
        assert_eq!(sane(1, 1), Size { columns: 20, rows: 5 });
        assert_eq!(
            sane(u16::MAX, u16::MAX),
            Size {
                columns: 1000,
                rows: 500
            }
        );
    }

    #[test]
    fn each_hook_with_a_command_is_found_once() {
        let listing = "after-bind-key\nafter-new-window[0] kill-window\nafter-new-window[1] \"run-shell 'a b'\"\n\
                       alert-bell\nsession-created[0] kill-session\n";
        assert_eq!(
            hooks_set(listing).collect::<Vec<_>>(),
            ["after-new-window", "session-created"]
        );
    }
}
