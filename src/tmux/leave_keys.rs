//! Which keys leave a view, as the server and the tmux around us have them, and how they are said.

use super::command::{Command, sequence};
use super::server::Server;
use std::env;
use std::io;
use std::time::Duration;

/// Names the key that leaves a window without a prefix; `none` for no such key.
pub const DETACH_KEY_VARIABLE: &str = "OVR_DETACH_KEY";
const DEFAULT_DETACH_KEY: &str = "F12";

/// The command in place of tmux's last words, `[detached (from session …)]`, which would name the view's session.
pub(super) const QUIETLY: &str = "exec true";

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
    pub(super) fn short_words(&self) -> String {
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
}
