//! What `ovr connect` runs: a tmux client in a session of its own, grouped with ours, so that each terminal
//! looks at its own window. Which key leaves it is in `leave_keys.rs`, what its last line says in `status_line.rs`.

use super::WindowId;
use super::client::SESSION;
use super::command::{Command, sequence};
use super::leave_keys::QUIETLY;
use super::server::Server;
use super::status_line::{self, StatusLine};
use std::env;
use std::process;

pub use super::leave_keys::{DETACH_KEY_VARIABLE, LeaveKeys, Outer};
pub use super::status_line::WindowStatus;

/// How to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewMode {
    /// In this terminal, with the keyboard.
    Terminal,
    /// In this terminal, with the keys that leave and nothing else.
    ReadOnly,
    /// By a terminal program that speaks tmux's control mode itself (`tmux -CC`).
    Control,
}

/// One view of one window.
#[derive(Clone, Debug)]
pub struct View<'a> {
    pub server: &'a Server,
    pub window: WindowId,
    pub mode: ViewMode,
    pub leave: &'a LeaveKeys,
}

impl View<'_> {
    /// The `tmux` process to spawn on this terminal and wait for: it ends when the view is left, by key, by
    /// the end of the window's session or with the terminal. Our session and its windows go on. It never
    /// starts a server.
    ///
    /// Left by another way than [`LeaveKeys`], it prints a line of its own, `[detached (from session …)]`.
    pub fn command(&self) -> process::Command {
        let mut command = self.server.command();
        command.arg("-N");
        match self.mode {
            ViewMode::Control => {
                command.arg("-CC");
            }
            ViewMode::Terminal | ViewMode::ReadOnly => {
                if env::var("COLORTERM").is_ok_and(|c| matches!(c.as_str(), "truecolor" | "24bit")) {
                    command.args(["-T", "RGB"]);
                }
            }
        }
        command.args(sequence(&self.commands(&process::id().to_string())));
        command
    }

    /// The same for a terminal elsewhere, of which only the type is known: colours and UTF-8 are taken for granted.
    pub(super) fn command_elsewhere(&self, unique: &str) -> process::Command {
        let mut command = self.server.command();
        command
            .args(["-N", "-u", "-T", "RGB"])
            .args(sequence(&self.commands(unique)));
        command
    }

    fn commands(&self, unique: &str) -> Vec<Command> {
        let name = format!("{SESSION}-view-{unique}");
        let target = format!("={name}:");
        let set = |option: &str, value: &str| {
            Command::new("set-option").args(["-q", "-t", &target, "--", option, value])
        };
        let line = StatusLine {
            leave: self.leave,
            read_only: self.mode == ViewMode::ReadOnly,
        };
        let mut session = Command::new("new-session")
            .arg("-t")
            .arg(format!("={SESSION}"))
            .args(["-s", &name]);
        if self.mode == ViewMode::ReadOnly {
            // Somebody who only looks does not resize the window of somebody who works in it.
            session = session.args(["-f", "read-only,ignore-size"]);
        }
        let mut commands = vec![
            session,
            // The view's end is its session's end, and nobody else's.
            set("destroy-unattached", "on"),
            set("status-interval", "1"),
            set("status-style", "reverse"),
            set(status_line::ROOM_OPTION, &line.room()),
            set("status-format[0]", &line.format()),
            set("status", "on"),
            Command::new("select-window").args(["-t".to_owned(), format!("{target}{}", self.window)]),
        ];
        let direct = self.leave.direct.iter().map(|key| ("root", key));
        let prefixed = self.leave.prefixed.iter().map(|(_, key)| ("prefix", key));
        for (table, key) in direct.chain(prefixed) {
            commands.push(Command::new("bind-key").args(["-T", table, key, "detach-client", "-E", QUIETLY]));
        }
        commands
    }
}
