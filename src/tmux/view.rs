//! What `ovr connect` runs: a tmux client in a session of its own, grouped with ours, so that each terminal
//! looks at its own window; the status line in it, and which key leaves it.

use super::WindowId;
use super::client::SESSION;
use super::command::{Command, literal, literal_with_time, sequence};
use super::server::Server;
use std::env;
use std::io;
use std::process;
use std::time::Duration;

/// Names the key that leaves a window without a prefix; `none` for no such key.
pub const DETACH_KEY_VARIABLE: &str = "OVR_DETACH_KEY";
const DEFAULT_DETACH_KEY: &str = "F12";

/// The command in place of tmux's last words, `[detached (from session …)]`, which would name the view's session.
const QUIETLY: &str = "exec true";

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

/// The keys that leave a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveKeys {
    /// The key without prefix, as tmux spells it: `F12`.
    pub direct: Option<String>,
    /// Prefix and key, as tmux spells them: `C-b`, `d`.
    pub prefixed: Option<(String, String)>,
    /// The prefix of the tmux that this terminal is in, if it is in one.
    pub outer_prefix: Option<String>,
}

impl LeaveKeys {
    /// The keys of this server as they are now, also after the user's own configuration, and of the tmux
    /// around us if there is one. `direct` is `OVR_DETACH_KEY`.
    ///
    /// # Errors
    /// tmux cannot be asked.
    pub async fn ask(server: &Server, patience: Duration) -> io::Result<Self> {
        let questions = sequence(&[
            Command::new("show-options").args(["-gv", "prefix"]),
            Command::new("list-keys").args(["-T", "prefix"]),
        ]);
        let output = server.run(&questions, patience).await?;
        let prefix = output.text.lines().next().unwrap_or_default();
        let key = output.text.lines().skip(1).find_map(detaching_key);
        Ok(Self {
            direct: direct_key(env::var(DETACH_KEY_VARIABLE).ok()),
            prefixed: key
                .filter(|_| !matches!(prefix, "" | "None"))
                .map(|key| (prefix.to_owned(), key)),
            outer_prefix: outer_prefix(server, patience).await,
        })
    }

    /// In words: `Ctrl-b d or F12`. Where the tmux around us takes the same prefix first, that is said:
    /// `F12 or Ctrl-b Ctrl-b d`.
    pub fn words(&self) -> String {
        let direct = self.direct.as_deref().map(key_in_words);
        match (direct, self.prefixed_words()) {
            (Some(direct), Some(prefixed)) if self.is_taken_outside() => format!("{direct} or {prefixed}"),
            (Some(direct), Some(prefixed)) => format!("{prefixed} or {direct}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => "close this terminal".to_owned(),
        }
    }

    /// The shortest of them.
    fn short_words(&self) -> String {
        match &self.direct {
            Some(direct) => key_in_words(direct),
            None => self.words(),
        }
    }

    fn is_taken_outside(&self) -> bool {
        self.prefixed
            .as_ref()
            .is_some_and(|(prefix, _)| self.outer_prefix.as_ref() == Some(prefix))
    }

    fn prefixed_words(&self) -> Option<String> {
        let (prefix, key) = self.prefixed.as_ref()?;
        let prefix = key_in_words(prefix);
        let key = key_in_words(key);
        Some(if self.is_taken_outside() {
            format!("{prefix} {prefix} {key}")
        } else {
            format!("{prefix} {key}")
        })
    }
}

fn direct_key(named: Option<String>) -> Option<String> {
    let named = named.filter(|key| !key.trim().is_empty());
    match named.as_deref().map(str::trim) {
        None => Some(DEFAULT_DETACH_KEY.to_owned()),
        Some(none) if none.eq_ignore_ascii_case("none") => None,
        Some(key) => Some(key.to_owned()),
    }
}

/// The key of a line of `list-keys` that detaches: `bind-key -r -T prefix d detach-client`.
fn detaching_key(line: &str) -> Option<String> {
    let mut words = line.split_whitespace().skip_while(|w| *w != "prefix").skip(1);
    let key = words.next()?;
    let command: Vec<_> = words.collect();
    // Ours, or tmux's own.
    let detaches =
        command.join(" ") == format!("detach-client -E \"{QUIETLY}\"") || command == ["detach-client"];
    detaches.then(|| key.strip_prefix('\\').unwrap_or(key).to_owned())
}

/// The prefix of the tmux that this terminal is in; its default if it does not say.
async fn outer_prefix(server: &Server, patience: Duration) -> Option<String> {
    let outer = env::var("TMUX").ok().filter(|t| !t.is_empty())?;
    let socket = outer.split(',').next().unwrap_or_default();
    let outer = Server {
        socket: socket.into(),
        ..server.clone()
    };
    let question = Command::new("show-options").args(["-gv", "prefix"]);
    let answer = outer.run(&question.to_arguments(), patience).await.ok();
    Some(
        answer
            .filter(|a| a.ok && !a.text.trim().is_empty())
            .map_or_else(|| "C-b".to_owned(), |a| a.text.trim().to_owned()),
    )
}

/// `C-b` as a person says it: `Ctrl-b`.
fn key_in_words(key: &str) -> String {
    let mut words = String::new();
    let mut rest = key;
    while let Some((modifier, after)) = rest.split_once('-').filter(|(_, after)| !after.is_empty()) {
        words.push_str(match modifier {
            "C" => "Ctrl-",
            "M" => "Alt-",
            "S" => "Shift-",
            _ => break,
        });
        rest = after;
    }
    words.push_str(rest);
    words
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
    use super::{LeaveKeys, detaching_key, direct_key, key_in_words, shortened};

    #[test]
    fn keys_are_said_as_people_say_them() {
        for (key, words) in [
            ("C-b", "Ctrl-b"),
            ("M-C-x", "Alt-Ctrl-x"),
            ("F12", "F12"),
            ("S-F1", "Shift-F1"),
            ("C-Space", "Ctrl-Space"),
            ("-", "-"),
            ("C--", "Ctrl--"),
            ("`", "`"),
        ] {
            assert_eq!(key_in_words(key), words);
        }
    }

    #[test]
    fn the_detaching_key_is_the_one_that_detaches_us() {
        for (line, key) in [
            (
                "bind-key    -T prefix       d                    detach-client",
                Some("d"),
            ),
            ("bind-key -r -T prefix \\; detach-client", Some(";")),
            ("bind-key    -T prefix       D    choose-client -Z", None),
            ("bind-key    -T prefix       x    detach-client -a", None),
            (
                "bind-key    -T prefix       d    detach-client -E \"exec true\"",
                Some("d"),
            ),
            (
                "bind-key    -T prefix       d    detach-client -E \"exec vi\"",
                None,
            ),
            ("bind-key    -T prefix       C-b  send-prefix", None),
        ] {
            assert_eq!(detaching_key(line).as_deref(), key, "{line}");
        }
        assert_eq!(direct_key(None).as_deref(), Some("F12"));
        assert_eq!(direct_key(Some(String::new())).as_deref(), Some("F12"));
        assert_eq!(direct_key(Some("None".into())), None);
        assert_eq!(direct_key(Some("C-q".into())).as_deref(), Some("C-q"));
    }

    #[test]
    fn the_way_out_is_said_also_inside_another_tmux_and_without_a_prefix() {
        let keys = |direct: Option<&str>, prefix: Option<&str>, outer: Option<&str>| {
            LeaveKeys {
                direct: direct.map(str::to_owned),
                prefixed: prefix.map(|p| (p.to_owned(), "d".to_owned())),
                outer_prefix: outer.map(str::to_owned),
            }
            .words()
        };
        assert_eq!(keys(Some("F12"), Some("C-b"), None), "Ctrl-b d or F12");
        assert_eq!(
            keys(Some("F12"), Some("C-b"), Some("C-b")),
            "F12 or Ctrl-b Ctrl-b d"
        );
        assert_eq!(keys(Some("F12"), Some("C-b"), Some("C-a")), "Ctrl-b d or F12");
        assert_eq!(keys(None, Some("C-a"), None), "Ctrl-a d");
        assert_eq!(keys(Some("F12"), None, None), "F12");
        assert_eq!(keys(None, None, None), "close this terminal");
    }

    #[test]
    fn long_texts_are_cut_visibly() {
        assert_eq!(shortened("web", 3), "web");
        assert_eq!(shortened("wébsite", 4), "wéb…");
    }
}
