//! Which panes our session has, and how to ask for them. Whose they are is not known here.

use super::client::SESSION;
use super::command::Command;
use super::whole::listing;
use super::{PaneId, WindowId};

pub(super) const PANES: &str = "#{window_id} #{pane_id} #{pane_pid} #{pane_start_command} .";
pub(super) const NAMED_PANES: &str = "#{window_id} #{pane_id} #{pane_pid} #{window_name} .";

/// A pane, as a new controller finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pane {
    pub window: WindowId,
    pub pane: PaneId,
    /// 0: no program has begun in it yet.
    pub pid: u32,
    /// What it was started with, as tmux quotes it.
    pub command: String,
}

impl Pane {
    /// The words that it was started with.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        let mut rest = self.command.chars();
        while let Some(c) = rest.next() {
            match (c, quote) {
                (' ', None) => words.extend(word.take()),
                ('"' | '\'', None) => {
                    quote = Some(c);
                    word.get_or_insert_default();
                }
                (_, Some(open)) if c == open => quote = None,
                // Within single quotes nothing is escaped.
                ('\\', None | Some('"')) => word.get_or_insert_default().extend(rest.next()),
                _ => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word);
        words
    }
}

impl Command {
    /// All panes of our session; read the reply with [`panes`].
    pub fn list_panes() -> Self {
        Self::new("list-panes").args(["-s", "-t", &format!("={SESSION}:"), "-F", PANES])
    }

    /// The same with the names of their windows; read the reply with [`named_panes`].
    pub fn list_named_panes() -> Self {
        Self::new("list-panes").args(["-s", "-t", &format!("={SESSION}:"), "-F", NAMED_PANES])
    }
}

/// Reads the reply to [`Command::list_panes`]; `None` if it was cut and has to be asked for again.
pub fn panes(text: &str) -> Option<Vec<Pane>> {
    let pane = |line: &str| {
        let (pane, command) = pane(line)?;
        let command = command.to_owned();
        Some(Pane { command, ..pane })
    };
    listing(text, pane)
}

/// Reads the reply to [`Command::list_named_panes`]: panes, with what they were started with left out, and the names of
/// their windows. `None` if it was cut and has to be asked for again.
pub fn named_panes(text: &str) -> Option<Vec<(Pane, String)>> {
    listing(text, |line| {
        pane(line).map(|(pane, name)| (pane, name.to_owned()))
    })
}

/// A pane, and what else its line says.
fn pane(line: &str) -> Option<(Pane, &str)> {
    let mut words = line.splitn(4, ' ');
    let pane = Pane {
        window: words.next()?.parse().ok()?,
        pane: words.next()?.parse().ok()?,
        pid: match words.next()? {
            "" => 0,
            pid => pid.parse().ok()?,
        },
        command: String::new(),
    };
    Some((pane, words.next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::{Pane, named_panes, panes};
    use crate::tmux::{PaneId, WindowId};

    #[test]
    fn a_list_of_panes_is_read() {
        assert_eq!(
            panes("@0 %0 12 /x/ovr shim \"a b\" .\n@1 %3 13  .\n@2 %4   .\nnonsense .\n").unwrap(),
            [
                Pane {
                    window: WindowId(0),
                    pane: PaneId(0),
                    pid: 12,
                    command: "/x/ovr shim \"a b\"".into()
                },
                Pane {
                    window: WindowId(1),
                    pane: PaneId(3),
                    pid: 13,
                    command: String::new()
                },
                Pane {
                    window: WindowId(2),
                    pane: PaneId(4),
                    pid: 0,
                    command: String::new()
                },
            ]
        );
    }

    #[test]
    fn what_tmux_quotes_are_the_words_that_it_was_given() {
        let words = |command: &str| {
            let pane = Pane {
                window: WindowId(0),
                pane: PaneId(0),
                pid: 1,
                command: command.into(),
            };
            pane.words()
        };
        assert_eq!(
            words("/x/ovr shim /run/s web"),
            ["/x/ovr", "shim", "/run/s", "web"]
        );
        assert_eq!(
            words("\"/a b/$c\" shim '/run \"d\"' \"web#1\""),
            ["/a b/$c", "shim", "/run \"d\"", "web#1"]
        );
        assert_eq!(words("\"a\\\"b\" \\~x '' \\;"), ["a\"b", "~x", "", ";"]);
        assert!(words("").is_empty());
    }

    #[test]
    fn a_window_has_the_name_that_tmux_shows() {
        let named = named_panes("@1 %2 345 web .\n@2 %3  a b .\n").unwrap();
        let said: Vec<_> = named
            .iter()
            .map(|(pane, name)| (pane.pid, name.as_str()))
            .collect();
        assert_eq!(said, [(345, "web"), (0, "a b")]);
        assert_eq!(named_panes("@1 %2 345 we"), None);
    }
}
