//! The commands that make windows. One by itself is made with its program. Of many at once each is made empty, in the
//! room of a window that stands aside, and its program begins afterwards: for a pane that was empty tmux does not run
//! the helper that enters it among the logins (utempter), which takes as long as all the rest of a new window. Why it
//! takes these steps is in `docs/design/control-mode.md`.

use super::client::SESSION;
use super::command::{Command, literal, without_shell};
use super::heap;
use super::setup::Size;
use super::whole::whole;
use super::{PaneId, WindowId};

/// What [`Command::new_window`] makes tmux print.
pub(super) const OPENED: &str = "#{window_id} #{pane_id} #{pane_pid} .";
/// What [`Aside::move_out`] makes tmux print.
pub(super) const PLACED: &str = "#{window_id} #{pane_id} .";

/// Where the window that stands aside stands, out of the way of those that are counted from the start.
const ASIDE: &str = ":9999";

/// A window as `new-window` reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    pub window: WindowId,
    pub pane: PaneId,
    /// The pane's process.
    pub pid: u32,
}

impl Opened {
    /// Reads the reply to [`Command::new_window`]. A window that was made and a reply that is none: the reply was
    /// cut, and [`Command::list_panes`] tells.
    pub fn from_reply(line: &str) -> Option<Self> {
        let mut words = whole(line)?.split(' ');
        let opened = Self {
            window: words.next()?.parse().ok()?,
            pane: words.next()?.parse().ok()?,
            pid: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(opened)
    }
}

/// An empty window that waits for its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    pub window: WindowId,
    pub pane: PaneId,
}

impl Placed {
    /// Reads the reply to [`Aside::move_out`], as [`Opened::from_reply`] does.
    pub fn from_reply(line: &str) -> Option<Self> {
        let mut words = whole(line)?.split(' ');
        let placed = Self {
            window: words.next()?.parse().ok()?,
            pane: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(placed)
    }
}

/// The window that others are made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aside {
    pub window: WindowId,
    pub pane: PaneId,
}

impl Aside {
    /// The first window of a server that has just begun: tmux counts from 0.
    pub const FIRST: Self = Self {
        window: WindowId(0),
        pane: PaneId(0),
    };

    /// Sets the window aside.
    pub fn commands(self) -> [Command; 2] {
        let window = self.window.to_string();
        [
            // A pane is named by its number below; a user may count from another.
            Command::set_window_option(self.window, "pane-base-index", "0"),
            Command::new("move-window").args(["-s", &window, "-t", ASIDE]),
        ]
    }

    /// Closes the window. Whoever attaches to the session by hand sees its first window then.
    pub fn close(self) -> [Command; 2] {
        [
            Command::new("select-window").args(["-t", ":^"]),
            Command::kill_window(self.window),
        ]
    }

    /// How many empty panes fit at once into a window that is to have this size: a row and a border for each.
    pub fn room(size: Size) -> usize {
        usize::from(size.rows.saturating_sub(1) / 2).clamp(1, 8)
    }

    /// Makes as many empty panes, at most [`Aside::room`].
    ///
    /// A pane without a program keeps the sizes that it has had until it has one. If the first is the last, tmux gives
    /// that program the one between and, a moment later, the last; else it takes the last alone, which the program has
    /// anyway. So the window has another size while panes are made in it than when they leave.
    pub fn empty_panes(self, count: usize, size: Size) -> Vec<Command> {
        let resized = |rows: u16| {
            let (columns, rows) = (size.columns.to_string(), rows.to_string());
            let window = self.window.to_string();
            Command::new("resize-window").args(["-t", &window, "-x", &columns, "-y", &rows])
        };
        let pane = self.pane.to_string();
        let empty = || Command::new("split-window").args(["-d", "-v", "-l", "1", "-t", &pane, ""]);
        let mut commands = vec![resized(size.rows + 1)];
        commands.extend(std::iter::repeat_with(empty).take(count));
        commands.push(resized(size.rows));
        commands
    }

    /// One of the empty panes becomes a window of its own. The reply is a [`Placed`]; there is none to take if there
    /// is no such pane.
    pub fn move_out(self, name: &str) -> Command {
        // Not the first pane, which is the window's own. The name is none of tmux's formats here.
        Command::new("break-pane")
            .args([
                "-d",
                "-P",
                "-F",
                PLACED,
                "-s",
                &format!("{}.1", self.window),
                "-n",
            ])
            .arg(name)
    }
}

/// The window of this name in our session, whichever number it has; `None` where tmux would take the name for more.
pub fn target(name: &str) -> Option<String> {
    // Behind a point stands a pane, and a number is an index first.
    let is_more = name.contains('.') || name.bytes().all(|byte| byte.is_ascii_digit());
    (!is_more).then(|| format!("={SESSION}:={name}"))
}

/// The program of the empty window at this target (a pane will do) begins, without a shell. Fails where one runs. It has
/// to reset its terminal: an empty pane begins each line at its left edge by itself, and goes on with that.
pub fn begin(target: &str, program: &str, arguments: &[String]) -> Command {
    Command::new("respawn-pane")
        .args(["-e", heap::OF_A_SHIM, "-t", target, "--"])
        .args(without_shell(program, arguments))
}

impl Command {
    /// A new window in the client's own session that runs `program` with `arguments`, without a shell. Takes
    /// nobody's view there. The reply is an [`Opened`].
    pub fn new_window(name: &str, program: &str, arguments: &[String]) -> Self {
        Self::new("new-window")
            .args(["-d", "-P", "-F", OPENED, "-e", heap::OF_A_SHIM, "-n"])
            .arg(literal(name))
            .arg("--")
            .args(without_shell(program, arguments))
    }
}

#[cfg(test)]
mod tests {
    use super::{Aside, Opened, Placed, target};
    use crate::tmux::command::Command;
    use crate::tmux::command::tests::line;
    use crate::tmux::setup::Size;
    use crate::tmux::{PaneId, WindowId};

    #[test]
    fn a_new_window_runs_its_program_without_a_shell() {
        let command = Command::new_window("web#2", "/opt/my ovr", &["shim".into(), "a;b".into()]);
        assert_eq!(
            line(&command),
            "new-window -d -P -F \"#{window_id} #{pane_id} #{pane_pid} .\" -e GLIBC_TUNABLES=glibc.malloc.tcache_count=0 -n \"web##2\" -- \"/opt/my ovr\" shim \"a;b\"\n"
        );
        assert!(line(&Command::new_window("a", "sh", &[])).ends_with(" -- env sh\n"));
    }

    #[test]
    fn the_reply_to_a_new_window_is_three_ids() {
        assert_eq!(
            Opened::from_reply("@1 %2 345 ."),
            Some(Opened {
                window: WindowId(1),
                pane: PaneId(2),
                pid: 345
            })
        );
        for bad in ["", "@1 %2 ", "@1 %2 3", "@1 %2 x .", "@1 %2 3 4 .", "%1 @2 3 ."] {
            assert_eq!(Opened::from_reply(bad), None);
        }
    }

    #[test]
    fn the_reply_to_an_empty_window_is_two_ids() {
        let placed = Placed {
            window: WindowId(1),
            pane: PaneId(2),
        };
        assert_eq!(Placed::from_reply("@1 %2 ."), Some(placed));
        for bad in ["", "@1 %2 ", "@1 %2", "@1 .", "@1 %2 3 .", "%1 @2 ."] {
            assert_eq!(Placed::from_reply(bad), None);
        }
    }

    #[test]
    fn a_name_that_tmux_takes_for_more_is_no_target() {
        assert_eq!(target("web#2").as_deref(), Some("=ovr:=web#2"));
        assert_eq!([target("a.b"), target("1")], [None, None]);
    }

    #[test]
    fn no_more_empty_panes_are_made_at_once_than_have_a_row() {
        let room = |rows| Aside::room(Size { columns: 80, rows });
        assert_eq!([room(5), room(9), room(17), room(500)], [2, 4, 8, 8]);
    }
}
