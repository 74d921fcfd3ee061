//! Which keys leave a view, as the server and the tmux around us have them, and how they are said.

use super::command::{Command, sequence};
use super::server::Server;
use std::env;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Names the key that leaves a window without a prefix; `none` for no such key.
pub const DETACH_KEY_VARIABLE: &str = "OVR_DETACH_KEY";
const DEFAULT_DETACH_KEY: &str = "F12";
const DEFAULT_PREFIX: &str = "C-b";
/// Nobody sits deeper, or could count the presses.
const MOST_DOUBLED: usize = 3;

/// The command in place of tmux's last words, `[detached (from session …)]`, which would name the view's session.
pub(super) const QUIETLY: &str = "exec true";

/// The keys that leave a view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaveKeys {
    /// The key without prefix, as tmux spells it: `F12`.
    pub direct: Option<String>,
    /// Prefix and key, as tmux spells them: `C-b`, `d`.
    pub prefixed: Option<(String, String)>,
    /// The prefixes of the tmuxes that this terminal is in, the nearest first.
    pub outer_prefixes: Vec<String>,
    /// One of those takes the key without prefix for itself: it would leave the outer view.
    pub direct_is_taken: bool,
}

/// A tmux that this terminal is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outer {
    /// By its socket.
    Known(PathBuf),
    /// A view of ours of which no more is known.
    View,
}

impl LeaveKeys {
    /// The keys of this server as they are now, also after the user's own configuration, seen from within `outers`.
    /// `direct` is `OVR_DETACH_KEY`.
    ///
    /// # Errors
    /// tmux cannot be asked.
    pub async fn ask(server: &Server, patience: Duration, outers: &[Outer]) -> io::Result<Self> {
        let questions = sequence(&[
            Command::new("show-options").args(["-gv", "prefix"]),
            Command::new("list-keys").args(["-T", "prefix"]),
        ]);
        let output = server.run(&questions, patience).await?;
        let prefix = output.text.lines().next().unwrap_or_default();
        let key = output.text.lines().skip(1).find_map(detaching_key);
        let mut keys = Self {
            direct: direct_key(env::var(DETACH_KEY_VARIABLE).ok()),
            prefixed: key
                .filter(|_| !matches!(prefix, "" | "None"))
                .map(|key| (prefix.to_owned(), key)),
            ..Self::default()
        };
        for outer in outers {
            let told = match outer {
                Outer::Known(socket) => outer_keys(server, socket.clone(), patience).await,
                Outer::View => None,
            };
            let (prefix, taken) = match told {
                Some((prefix, bound)) => (
                    prefix,
                    keys.direct.as_ref().is_some_and(|key| bound.contains(key)),
                ),
                // The usual ones: of a view the direct key too.
                None => (DEFAULT_PREFIX.to_owned(), *outer == Outer::View),
            };
            keys.outer_prefixes.push(prefix);
            keys.direct_is_taken |= taken;
        }
        Ok(keys)
    }

    /// In words: `Ctrl-b d or F12`. Where a tmux around us takes the same prefix first, that is said:
    /// `F12 or Ctrl-b Ctrl-b d`.
    pub fn words(&self) -> String {
        match (self.direct_words(), self.prefixed_words()) {
            (Some(direct), Some(prefixed)) if self.presses() > 1 => format!("{direct} or {prefixed}"),
            (Some(direct), Some(prefixed)) => format!("{prefixed} or {direct}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => "close this terminal".to_owned(),
        }
    }

    /// The shortest of them.
    pub(super) fn short_words(&self) -> String {
        self.direct_words().unwrap_or_else(|| self.words())
    }

    fn direct_words(&self) -> Option<String> {
        let direct = self.direct.as_deref().filter(|_| !self.direct_is_taken);
        direct.map(key_in_words)
    }

    /// How often the prefix is pressed until it comes here: each tmux around us that has the same one passes on every
    /// second.
    fn presses(&self) -> usize {
        let same = |(prefix, _): &(String, String)| {
            let same = self
                .outer_prefixes
                .iter()
                .filter(|outer| *outer == prefix)
                .count();
            1 << same.min(MOST_DOUBLED)
        };
        self.prefixed.as_ref().map_or(1, same)
    }

    fn prefixed_words(&self) -> Option<String> {
        let (prefix, key) = self.prefixed.as_ref()?;
        let prefix = key_in_words(prefix) + " ";
        Some(prefix.repeat(self.presses()) + &key_in_words(key))
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

/// The prefix of a tmux around us, and what keys mean something to it without one.
async fn outer_keys(server: &Server, socket: PathBuf, patience: Duration) -> Option<(String, Vec<String>)> {
    let outer = Server {
        socket,
        ..server.clone()
    };
    let questions = sequence(&[
        Command::new("show-options").args(["-gv", "prefix"]),
        Command::new("list-keys").args(["-T", "root"]),
    ]);
    let answer = outer.run(&questions, patience).await.ok()?;
    let mut lines = answer.text.lines();
    let prefix = lines.next().map(str::trim).filter(|prefix| !prefix.is_empty())?;
    let bound = lines.filter_map(|line| {
        let mut words = line.split_whitespace().skip_while(|word| *word != "root").skip(1);
        words.next().map(str::to_owned)
    });
    Some((prefix.to_owned(), bound.collect()))
}

/// `C-b` as a person says it: `Ctrl-b`.
pub(super) fn key_in_words(key: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::{LeaveKeys, detaching_key, direct_key, key_in_words};

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
        let keys = |direct: Option<&str>, prefix: Option<&str>, outer: &[&str]| {
            LeaveKeys {
                direct: direct.map(str::to_owned),
                prefixed: prefix.map(|p| (p.to_owned(), "d".to_owned())),
                outer_prefixes: outer.iter().map(|&prefix| prefix.to_owned()).collect(),
                direct_is_taken: false,
            }
            .words()
        };
        assert_eq!(keys(Some("F12"), Some("C-b"), &[]), "Ctrl-b d or F12");
        assert_eq!(keys(Some("F12"), Some("C-b"), &["C-b"]), "F12 or Ctrl-b Ctrl-b d");
        assert_eq!(keys(Some("F12"), Some("C-b"), &["C-a"]), "Ctrl-b d or F12");
        assert_eq!(keys(None, Some("C-a"), &[]), "Ctrl-a d");
        assert_eq!(keys(Some("F12"), None, &[]), "F12");
        assert_eq!(keys(None, None, &[]), "close this terminal");
    }

    #[test]
    fn inside_another_view_its_keys_are_not_promised() {
        let keys = |outer: &[&str]| LeaveKeys {
            direct: Some("F12".to_owned()),
            prefixed: Some(("C-b".to_owned(), "d".to_owned())),
            outer_prefixes: outer.iter().map(|&prefix| prefix.to_owned()).collect(),
            direct_is_taken: true,
        };
        assert_eq!(keys(&["C-b"]).words(), "Ctrl-b Ctrl-b d");
        assert_eq!(keys(&["C-b"]).short_words(), "Ctrl-b Ctrl-b d");
        assert_eq!(keys(&["C-a"]).words(), "Ctrl-b d");
        assert_eq!(keys(&["C-b", "C-b"]).words(), "Ctrl-b Ctrl-b Ctrl-b Ctrl-b d");
    }
}
