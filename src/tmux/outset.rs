//! How a server begins: the command line that makes its session, its first windows, and the window that stands aside for
//! others to be made in. Why it takes these steps is in `docs/design/control-mode.md`.

use super::client::SESSION;
use super::command::{Command, literal, sequence, without_shell};
use super::heap;
use super::opening::{Aside, New, higher, resized};
use super::setup::Size;
use std::path::Path;

/// Where the window that stands aside stands, out of the way of those that are counted from the start.
const ASIDE: &str = ":9999";
/// What tmux takes of a command line is 16 KiB, with what it adds.
const COMMAND_LINE: usize = 15_000;
/// More windows than ever fit in there.
pub const MOST: usize = 64;

/// How a server begins: with a session, and a window in it that runs a program. All of it is carried out before tmux
/// sees to anything else.
#[derive(Clone, Debug)]
pub struct Outset {
    pub(super) commands: Vec<Command>,
}

impl Outset {
    /// One window, which runs a program without a shell. Windows that a user opens begin in `root`.
    pub fn window(name: &str, program: &str, arguments: &[String], root: &Path, size: Size) -> Self {
        let session = session(name, root, size).arg("--");
        Self {
            commands: vec![session.args(without_shell(program, arguments)), heap::kept_back()],
        }
    }

    /// The program's window stands aside: it is [`Aside::FIRST`].
    pub fn aside(program: &str, arguments: &[String], root: &Path, size: Size) -> Self {
        let window = Aside::FIRST.window;
        let mut outset = Self::window(SESSION, program, arguments, root, size);
        outset.commands.extend([
            // A pane is named by its number below; a user may count from another.
            Command::set_window_option(window, "pane-base-index", "0"),
            Command::new("move-window").args(["-s", &window.to_string(), "-t", ASIDE]),
        ]);
        outset
    }

    /// The windows of services: of the first of these, and of as many of the others as one command line takes; how many
    /// that are is told. An empty window stands aside: it is [`Aside::SECOND`]. `None` without any.
    ///
    /// When tmux tells that it has begun, the first window has its size: before that it is a row higher, as the one
    /// that stands aside is while panes are made in it. Which of the others are there has to be asked, see [`Aside::make`].
    pub fn services(windows: &[New], root: &Path, size: Size) -> Option<(Self, usize)> {
        let (first, others) = windows.split_first()?;
        let mut count = others.len();
        loop {
            let outset = Self::of_services(first, &others[..count], root, size);
            let length: usize = sequence(&outset.commands).iter().map(|word| word.len() + 1).sum();
            if length <= COMMAND_LINE || count == 0 {
                return Some((outset, 1 + count));
            }
            // Each takes much the same.
            count = (count * COMMAND_LINE / length).min(count - 1);
        }
    }

    fn of_services(new: &New, others: &[New], root: &Path, size: Size) -> Self {
        let first = Aside::FIRST;
        let window = first.window.to_string();
        let mut commands = vec![
            session(&new.name, root, higher(size))
                .args(["-e", heap::OF_A_SHIM, "--"])
                .args(without_shell(&new.program, &new.arguments)),
            heap::kept_back(),
            heap::kept_back_in(SESSION),
            first.empty_pane(),
            resized(first.window, size),
            // It follows those that look at it, again; and windows by themselves do not begin higher.
            Command::new("set-option").args(["-wu", "-t", &window, "window-size"]),
            Command::new("set-option").args(["-u", "-t", &format!("={SESSION}:"), "default-size"]),
            first.move_out(SESSION).args(["-t", ASIDE]),
        ];
        if !others.is_empty() {
            commands.extend(Aside::SECOND.make(others, size));
        }
        Self { commands }
    }
}

fn session(window: &str, root: &Path, size: Size) -> Command {
    Command::new("new-session")
        .args(["-s", SESSION, "-n"])
        .arg(literal(window))
        .args(["-x".to_owned(), size.columns.to_string()])
        .args(["-y".to_owned(), size.rows.to_string()])
        .arg("-c")
        .arg(literal(&root.to_string_lossy()))
        // Our client has no size and must not set one for those that have.
        .args(["-f", "ignore-size"])
}

#[cfg(test)]
mod tests {
    use super::{COMMAND_LINE, Outset};
    use crate::tmux::command::sequence;
    use crate::tmux::command::tests::line;
    use crate::tmux::opening::New;
    use crate::tmux::setup::Size;
    use std::path::Path;

    const SIZE: Size = Size {
        columns: 80,
        rows: 24,
    };

    fn services(count: usize, program: &str) -> Option<(Outset, usize)> {
        let new = |index| New::of(&format!("s#{index}"), program, vec!["shim".into()]).unwrap();
        let windows: Vec<_> = (1..=count).map(new).collect();
        Outset::services(&windows, Path::new("/a #{b}"), SIZE)
    }

    fn lines(outset: &Outset) -> Vec<String> {
        outset
            .commands
            .iter()
            .map(|command| line(command).trim_end().to_owned())
            .collect()
    }

    #[test]
    fn a_server_begins_with_the_first_services_window_and_an_empty_one() {
        let (outset, count) = services(1, "/ovr").unwrap();
        assert_eq!(count, 1);
        assert_eq!(
            lines(&outset),
            [
                "new-session -s ovr -n \"s##1\" -x 80 -y 25 -c \"/a ##{b}\" -f ignore-size -e GLIBC_TUNABLES=glibc.malloc.tcache_count=0 -- /ovr shim",
                "set-environment -gu GLIBC_TUNABLES",
                "set-environment -u -t =ovr: GLIBC_TUNABLES",
                "split-window -d -v -l 1 -t \"%0\" \"\"",
                "resize-window -t @0 -x 80 -y 24",
                "set-option -wu -t @0 window-size",
                "set-option -u -t =ovr: default-size",
                "break-pane -d -s @0.1 -n ovr -t :9999",
            ]
        );
    }

    #[test]
    fn as_many_windows_are_made_at_first_as_one_command_line_takes() {
        let length = |outset: &Outset| {
            sequence(&outset.commands)
                .iter()
                .map(|word| word.len() + 1)
                .sum::<usize>()
        };
        let (outset, count) = services(3, "/ovr").unwrap();
        assert_eq!(count, 3);
        assert!(lines(&outset)[8].contains("s#3"));
        let (outset, count) = services(100, "/ovr").unwrap();
        assert!((30..100).contains(&count), "{count}");
        assert!((COMMAND_LINE / 2..=COMMAND_LINE).contains(&length(&outset)));
        // However long it is, one there must be.
        let (_, count) = services(9, &"/x".repeat(9000)).unwrap();
        assert_eq!(count, 1);
        assert!(services(0, "/ovr").is_none());
    }

    #[test]
    fn a_server_without_a_service_to_begin_with_holds_a_window_aside() {
        let outset = Outset::aside("/ovr", &["hold".into()], Path::new("/"), SIZE);
        assert_eq!(
            lines(&outset)[1..],
            [
                "set-environment -gu GLIBC_TUNABLES",
                "set-option -w -t @0 -- pane-base-index 0",
                "move-window -s @0 -t :9999"
            ]
        );
    }
}
