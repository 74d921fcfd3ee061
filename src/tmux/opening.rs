//! The commands that make windows in a server that runs; how one begins is `outset.rs`. A window by itself is made with
//! its program. Of many at once each is made empty, in the room of a window that stands aside, and its program begins
//! afterwards: for a pane that was empty tmux does not run the helper that enters it among the logins (utempter), which
//! takes as long as all the rest of a new window. They are made by a hook, of whose deeds tmux tells nobody. Why it takes
//! these steps is in `docs/design/control-mode.md`.

use super::client::SESSION;
use super::command::{Command, literal, without_shell};
use super::heap;
use super::setup::Size;
use super::whole::whole;
use super::{PaneId, WindowId};

/// What [`Command::new_window`] makes tmux print.
pub(super) const OPENED: &str = "#{window_id} #{pane_id} #{pane_pid} .";

/// Runs when the name of its window is set.
const HOOK: &str = "window-renamed";
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

/// A window to be made with others, with its program.
#[derive(Clone, Debug)]
pub struct New {
    pub(super) name: String,
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
}

impl New {
    /// `None` where the window could not be found by its name: tmux takes a number for an index first, and what stands
    /// behind a point for a pane; it shows some characters as others; and one window has the session's name. The program
    /// is run without a shell, and has to reset its terminal: an empty pane begins each line at its left edge by itself,
    /// and goes on with that.
    pub fn of(name: &str, program: &str, arguments: Vec<String>) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'#');
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        let is_found = name.bytes().all(is_plain) && !is_number && name != SESSION;
        is_found.then(|| Self {
            name: name.to_owned(),
            program: program.to_owned(),
            arguments,
        })
    }

    /// The window of this name in our session, whichever number it has.
    fn target(&self) -> String {
        format!("={SESSION}:={}", self.name)
    }

    /// That the program begins in the empty window of this name.
    fn begin(&self) -> Command {
        Command::new("respawn-pane")
            .args(["-e", heap::OF_A_SHIM, "-t", &self.target(), "--"])
            .args(without_shell(&self.program, &self.arguments))
    }
}

/// What a window has while panes are made in it.
pub(super) fn higher(size: Size) -> Size {
    Size {
        rows: size.rows + 1,
        ..size
    }
}

pub(super) fn resized(window: WindowId, size: Size) -> Command {
    let (columns, rows) = (size.columns.to_string(), size.rows.to_string());
    Command::new("resize-window").args(["-t", &window.to_string(), "-x", &columns, "-y", &rows])
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
    /// The second.
    pub const SECOND: Self = Self {
        window: WindowId(1),
        pane: PaneId(1),
    };

    /// Closes the window. Whoever attaches to the session by hand sees its first window then.
    pub fn close(self) -> [Command; 2] {
        [
            Command::new("select-window").args(["-t", ":^"]),
            Command::kill_window(self.window),
        ]
    }

    /// Makes these windows, by a hook of this one. When the last command has been answered, none is left to be made once
    /// tmux answers again. Which of them are there has to be asked.
    pub fn make(self, windows: &[New], size: Size) -> [Command; 2] {
        let target = self.window.to_string();
        let hook = Command::new("set-hook").args(["-w", "-t", &target, HOOK]);
        let unset = Command::new("set-hook").args(["-u", "-w", "-t", &target, HOOK]);
        let groups = self.groups(windows, size);
        let lines = Command::lines(groups.iter().chain([&unset]));
        // It has this name already.
        let run = Command::new("rename-window").args(["-t", &target, SESSION]);
        [hook.arg(lines), run]
    }

    fn groups(self, windows: &[New], size: Size) -> Vec<Command> {
        let groups = windows.chunks(Self::room(size));
        groups.flat_map(|group| self.group(group, size)).collect()
    }

    /// As many windows as there is room for at once.
    fn group(self, windows: &[New], size: Size) -> Vec<Command> {
        let mut commands = self.empty_panes(windows.len(), size);
        commands.extend(windows.iter().map(|new| self.move_out(&new.name)));
        commands.extend(windows.iter().map(New::begin));
        commands
    }

    /// How many empty panes fit at once into a window that is to have this size: a row and a border for each.
    fn room(size: Size) -> usize {
        usize::from(size.rows.saturating_sub(1) / 2).clamp(1, 8)
    }

    /// Makes as many empty panes, at most [`Aside::room`].
    ///
    /// A pane without a program keeps the sizes that it has had until it has one. If the first is the last, tmux gives
    /// that program the one between and, a moment later, the last; else it takes the last alone, which the program has
    /// anyway. So the window has another size while panes are made in it than when they leave.
    fn empty_panes(self, count: usize, size: Size) -> Vec<Command> {
        let mut commands = vec![resized(self.window, higher(size))];
        commands.extend(std::iter::repeat_with(|| self.empty_pane()).take(count));
        commands.push(resized(self.window, size));
        commands
    }

    pub(super) fn empty_pane(self) -> Command {
        let pane = self.pane.to_string();
        Command::new("split-window").args(["-d", "-v", "-l", "1", "-t", &pane, ""])
    }

    /// One of the empty panes becomes a window of its own.
    pub(super) fn move_out(self, name: &str) -> Command {
        // Not the first pane, which is the window's own. The name is none of tmux's formats here.
        Command::new("break-pane")
            .args(["-d", "-s", &format!("{}.1", self.window), "-n"])
            .arg(name)
    }
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
    use super::{Aside, New, Opened};
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
    fn a_name_that_tmux_takes_for_more_is_not_made_with_others() {
        let is_made = |name| New::of(name, "sh", Vec::new()).is_some();
        assert_eq!(
            [is_made("web#2"), is_made("a.b"), is_made("1")],
            [true, false, false]
        );
    }

    #[test]
    fn a_window_is_made_empty_and_its_program_begins_in_it() {
        let size = Size {
            columns: 80,
            rows: 24,
        };
        let new = New::of("s#1", "/ovr", vec!["$a".into()]).unwrap();
        let said = |commands: &[Command]| commands.iter().map(line).collect::<Vec<_>>();
        assert_eq!(
            said(&Aside::SECOND.group(std::slice::from_ref(&new), size)),
            [
                "resize-window -t @1 -x 80 -y 25\n",
                "split-window -d -v -l 1 -t \"%1\" \"\"\n",
                "resize-window -t @1 -x 80 -y 24\n",
                "break-pane -d -s @1.1 -n \"s#1\"\n",
                "respawn-pane -e GLIBC_TUNABLES=glibc.malloc.tcache_count=0 -t \"=ovr:=s#1\" -- /ovr \"\\$a\"\n",
            ]
        );
    }

    #[test]
    fn windows_are_made_by_a_hook_that_goes_with_its_work() {
        let size = Size {
            columns: 80,
            rows: 24,
        };
        let new = |index| New::of(&format!("s#{index}"), "/ovr", vec!["$a".into()]).unwrap();
        let windows: Vec<_> = (1..=11).map(new).collect();
        let commands = Aside::SECOND.make(&windows, size);
        let [set, run] = commands.each_ref().map(line);
        assert!(set.starts_with("set-hook -w -t @1 window-renamed \"resize-window -t @1 -x 80 -y 25\\012"));
        assert!(
            set.contains("-t \\\"=ovr:=s#11\\\" -- /ovr \\\"\\\\\\$a\\\"\\012"),
            "{set}"
        );
        assert!(
            set.ends_with("\\012set-hook -u -w -t @1 window-renamed\\012\"\n"),
            "{set}"
        );
        assert_eq!(run, "rename-window -t @1 ovr\n");
    }

    #[test]
    fn no_more_empty_panes_are_made_at_once_than_have_a_row() {
        let room = |rows| Aside::room(Size { columns: 80, rows });
        assert_eq!([room(5), room(9), room(17), room(500)], [2, 4, 8, 8]);
    }
}
