//! What `ovr connect` runs: a tmux client in a session of its own, grouped with ours, so that each terminal
//! looks at its own window; the status line in it. Which key leaves it is in `leave_keys.rs`.

use super::WindowId;
use super::client::SESSION;
use super::command::{Command, literal, literal_with_time, sequence};
use super::leave_keys::QUIETLY;
use super::server::Server;
use std::env;
use std::process;

pub use super::leave_keys::{DETACH_KEY_VARIABLE, LeaveKeys};

/// The window option that holds what the status line says about a window.
const STATUS_OPTION: &str = "@ovr_status";
/// Below this many columns names are shown short and the line says less.
const NARROW: u32 = 100;
const VERY_NARROW: u32 = 72;
const LONG_NAME: usize = 32;
const SHORT_NAME: usize = 12;
const MAX_STATE: usize = 24;

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
            set("status-format[0]", &self.status_format()),
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

    fn status_format(&self) -> String {
        let mode = match self.mode {
            ViewMode::ReadOnly => " · read-only",
            ViewMode::Terminal | ViewMode::Control => "",
        };
        let leave = choose_by_width(
            VERY_NARROW,
            &literal_in_choice(&self.leave.short_words()),
            &literal_in_choice(&self.leave.words()),
        );
        format!(" #{{?{STATUS_OPTION},#{{T:{STATUS_OPTION}}},#W}}{mode} · leave: {leave} ")
    }
}

/// What a status line says about a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowStatus<'a> {
    pub name: &'a str,
    /// `running`, `exited with code 3`.
    pub state: &'a str,
    /// Since when, in seconds of the Unix epoch; shown as a duration that counts on by itself.
    pub since: Option<u64>,
    pub port: Option<u16>,
    /// What a key does now: `Enter restarts it`.
    pub hint: Option<&'a str>,
}

impl WindowStatus<'_> {
    /// Makes the views of this window say so. To be sent when something of it has changed; time passes without
    /// us.
    pub fn command(&self, window: WindowId) -> Command {
        Command::set_window_option(window, STATUS_OPTION, &self.format())
    }

    fn format(&self) -> String {
        let mut format = choose_by_width(
            NARROW,
            &literal_in_choice(&shortened(self.name, SHORT_NAME)),
            &literal_in_choice(&shortened(self.name, LONG_NAME)),
        );
        format.push_str(" · ");
        format.push_str(&literal_with_time(&shortened(self.state, MAX_STATE)));
        if let Some(since) = self.since {
            format.push(' ');
            format.push_str(&duration_format(since));
        }
        if let Some(hint) = self.hint {
            format.push_str(" · ");
            format.push_str(&literal_with_time(hint));
        } else if let Some(port) = self.port {
            format.push_str(" · :");
            format.push_str(&port.to_string());
        }
        format
    }
}

fn choose_by_width(columns: u32, narrow: &str, wide: &str) -> String {
    format!("#{{?#{{e|<|:#{{client_width}},{columns}}},{narrow},{wide}}}")
}

/// The time since then, computed by tmux at each look: `12 s`, `3 min`, `2 h 5 min`, `4 d 1 h`.
fn duration_format(since: u64) -> String {
    let age = format!("#{{e|-|:%s,{since}}}");
    let whole = |seconds: u32| format!("#{{e|/|:{age},{seconds}}}");
    let rest = |of: u32, seconds: u32| format!("#{{e|/|:#{{e|m|:{age},{of}}},{seconds}}}");
    let below =
        |limit: u32, then: &str, otherwise: &str| format!("#{{?#{{e|<|:{age},{limit}}},{then},{otherwise}}}");
    let hours = format!("{} h {} min", whole(3600), rest(3600, 60));
    let days = format!("{} d {} h", whole(86400), rest(86400, 3600));
    let longer = below(86400, &hours, &days);
    let minutes = below(3600, &format!("{} min", whole(60)), &longer);
    below(60, &format!("{age} s"), &minutes)
}

/// Text inside `#{?…}`, where commas and braces mean something.
fn literal_in_choice(text: &str) -> String {
    literal(text).replace(',', "#,").replace('}', "#}")
}

/// At most `most` characters, the last one an ellipsis if there were more.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn long_texts_are_cut_visibly() {
        assert_eq!(shortened("web", 3), "web");
        assert_eq!(shortened("wébsite", 4), "wéb…");
    }
}
