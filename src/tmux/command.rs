//! tmux commands and how they are written: as a line for control mode, or as arguments of a `tmux` process.
//! Every byte of an argument arrives as it is; what tmux would expand (formats) is quoted by [`literal`].

use super::{PaneId, SessionId, WindowId};
use std::fmt::Write as _;

/// One tmux command with its arguments, unquoted. Never a sequence: a reply belongs to one command, and of a
/// sequence that fails tmux leaves out the rest, replies included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    words: Vec<String>,
}

impl Command {
    /// The command `name` without arguments.
    pub fn new(name: &'static str) -> Self {
        Self {
            words: vec![name.to_owned()],
        }
    }

    /// Adds one argument, to arrive as it is. NUL cannot arrive and is left out.
    pub fn arg(mut self, word: impl Into<String>) -> Self {
        let mut word = word.into();
        if word.contains('\0') {
            word.retain(|c| c != '\0');
        }
        self.words.push(word);
        self
    }

    /// Adds several arguments.
    pub fn args<I: IntoIterator<Item = S>, S: Into<String>>(self, words: I) -> Self {
        words.into_iter().fold(self, Self::arg)
    }

    /// Ends the window and hangs its process up.
    pub fn kill_window(window: WindowId) -> Self {
        Self::new("kill-window").args(["-t".to_owned(), window.to_string()])
    }

    /// Ends the pane, and its window if it is the only one there.
    pub fn kill_pane(pane: PaneId) -> Self {
        Self::new("kill-pane").args(["-t".to_owned(), pane.to_string()])
    }

    /// Gives the window another name.
    pub fn rename_window(window: WindowId, name: &str) -> Self {
        Self::new("rename-window")
            .args(["-t".to_owned(), window.to_string(), "--".to_owned()])
            .arg(literal(name))
    }

    /// Sets an option of a window; `@` options are what status lines show.
    pub fn set_window_option(window: WindowId, option: &str, value: &str) -> Self {
        Self::new("set-option")
            // tmux stops looking for flags at the first word that is none, so `--` stands before the name.
            .args(["-w", "-t", &window.to_string(), "--", option, value])
    }

    /// Removes an option of a window.
    pub fn unset_window_option(window: WindowId, option: &str) -> Self {
        Self::new("set-option")
            .args(["-w", "-q", "-u", "-t"])
            .args([window.to_string(), option.to_owned()])
    }

    /// Sets an option of a session.
    pub fn set_session_option(session: SessionId, option: &str, value: &str) -> Self {
        // As a pane's target (`$0:`): that is what the option commands take.
        Self::new("set-option").args(["-q", "-t", &format!("{session}:"), "--", option, value])
    }

    /// Runs the commands of a file, each line by itself.
    pub fn source_file(path: &str) -> Self {
        // The path is a glob pattern.
        let path: String = path
            .chars()
            .flat_map(|c| {
                let escape = matches!(c, '*' | '?' | '[' | ']' | '\\').then_some('\\');
                escape.into_iter().chain([c])
            })
            .collect();
        // Without `-q`, which would hide syntax errors as well.
        Self::new("source-file").arg("--").arg(path)
    }

    /// Fails if there is no such window.
    pub fn look_for_window(window: WindowId) -> Self {
        Self::new("list-panes").args(["-t", &window.to_string(), "-F", ""])
    }

    /// Fails if there is no session of ours.
    pub fn look_for_session() -> Self {
        Self::new("has-session").args(["-t", &format!("={}", super::client::SESSION)])
    }

    /// Brings the pane out of its scrollback, if somebody reads there.
    pub fn leave_modes(pane: PaneId) -> Self {
        Self::new("copy-mode").args(["-q", "-t", &pane.to_string()])
    }

    /// Types bytes on the pane's keyboard, whatever they are.
    pub fn type_bytes(pane: PaneId, bytes: &[u8]) -> Self {
        Self::new("send-keys")
            .args(["-H", "-t", &pane.to_string(), "--"])
            .args(bytes.iter().map(|byte| format!("{byte:02x}")))
    }

    /// In which column the cursor of the pane stands; 0 is the first.
    pub fn cursor_column(pane: PaneId) -> Self {
        Self::new("display-message").args(["-p", "-t", &pane.to_string(), "#{cursor_x}"])
    }

    /// Answers with `format`, expanded for the client's session.
    pub fn display_message(format: &str) -> Self {
        Self::new("display-message").args(["-p", "--", format])
    }

    /// Sends this client away; its session goes on.
    pub fn detach_client() -> Self {
        Self::new("detach-client")
    }

    /// Ends the server and all its windows.
    pub fn kill_server() -> Self {
        Self::new("kill-server")
    }

    /// Writes the command as one line of control mode, with its line end.
    pub fn write_line(&self, into: &mut Vec<u8>) {
        for (at, word) in self.words.iter().enumerate() {
            if at > 0 {
                into.push(b' ');
            }
            write_quoted(word, into);
        }
        into.push(b'\n');
    }

    /// The commands as one text, a line each, for a command that takes others.
    pub(super) fn lines<'a>(commands: impl Iterator<Item = &'a Self>) -> String {
        let mut lines = Vec::new();
        for command in commands {
            command.write_line(&mut lines);
        }
        String::from_utf8(lines).expect("commands are written as text")
    }

    /// The arguments for a `tmux` process.
    pub fn to_arguments(&self) -> Vec<String> {
        self.words.iter().map(|w| without_separator(w)).collect()
    }
}

/// Several commands as the arguments of one `tmux` process: the first that fails ends it.
pub fn sequence(commands: &[Command]) -> Vec<String> {
    let mut arguments = Vec::new();
    for command in commands {
        if !arguments.is_empty() {
            arguments.push(";".to_owned());
        }
        arguments.extend(command.to_arguments());
    }
    arguments
}

/// The words that make tmux run a program itself: of a single word it makes a shell command.
pub(super) fn without_shell(program: &str, arguments: &[String]) -> Vec<String> {
    let mut words = vec![program.to_owned()];
    words.extend_from_slice(arguments);
    if words.len() == 1 {
        words.insert(0, "env".to_owned());
    }
    words
}

/// Text for a place where tmux expands formats, to appear as it is. `#[` cannot be told from a style on every
/// supported version, so it loses its bracket's meaning by a space.
pub fn literal(text: &str) -> String {
    text.replace("#[", "# [").replace('#', "##")
}

/// [`literal`], for the places that know dates as well (`status-format`, `display-message`).
pub fn literal_with_time(text: &str) -> String {
    literal(text).replace('%', "%%")
}

/// A last `;` ends the command for tmux, also where a shell had nothing to do with it.
fn without_separator(word: &str) -> String {
    match word.strip_suffix(';') {
        Some(start) => format!("{start}\\;"),
        None => word.to_owned(),
    }
}

fn write_quoted(word: &str, into: &mut Vec<u8>) {
    // A word that opens with `%` and is no id would be a directive (`%if`).
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_./:,+@=-".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        into.extend_from_slice(word.as_bytes());
        return;
    }
    let mut quoted = String::with_capacity(word.len() + 8);
    quoted.push('"');
    for c in word.chars() {
        match c {
            '"' | '\\' | '$' | '~' => {
                quoted.push('\\');
                quoted.push(c);
            }
            // A line end would end the command; the others are written alike.
            '\0'..='\x1f' | '\x7f' => {
                write!(quoted, "\\{:03o}", u32::from(c)).expect("writing to a string does not fail");
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    into.extend_from_slice(quoted.as_bytes());
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Command, literal, literal_with_time, sequence};
    use crate::tmux::{PaneId, WindowId};

    pub(in crate::tmux) fn line(command: &Command) -> String {
        let mut bytes = Vec::new();
        command.write_line(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_means_something_to_tmux_is_quoted() {
        let said = |word: &str| line(&Command::new("x").arg(word));
        assert_eq!(said(""), "x \"\"\n");
        assert_eq!(said("a\nb\t\x7f"), "x \"a\\012b\\011\\177\"\n");
        assert_eq!(said("\"$HOME\\~'"), "x \"\\\"\\$HOME\\\\\\~'\"\n");
        assert_eq!(said(";"), "x \";\"\n");
        assert_eq!(said("%1:pause"), "x \"%1:pause\"\n");
        assert_eq!(said("{é}"), "x \"{é}\"\n");
        assert_eq!(said("a\0b"), "x ab\n");
        assert_eq!(line(&Command::kill_window(WindowId(3))), "kill-window -t @3\n");
        assert_eq!(
            line(&Command::type_bytes(PaneId(5), b"q\0\xc3")),
            "send-keys -H -t \"%5\" -- 71 00 c3\n"
        );
    }

    #[test]
    fn arguments_of_a_process_keep_their_last_semicolon() {
        let one = Command::new("a").arg("x;").arg(";").arg("y;z");
        assert_eq!(one.to_arguments(), ["a", "x\\;", "\\;", "y;z"]);
        assert_eq!(
            sequence(&[one, Command::new("b")]),
            ["a", "x\\;", "\\;", "y;z", ";", "b"]
        );
    }

    #[test]
    fn literal_text_is_not_a_format() {
        assert_eq!(literal("#{pid} #(x)"), "##{pid} ##(x)");
        assert_eq!(literal_with_time("100%"), "100%%");
        assert_eq!(literal("#[fg=red]"), "## [fg=red]");
    }
}
