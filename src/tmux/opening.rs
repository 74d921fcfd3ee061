//! The commands that make windows. One by itself is made with its program. Of many at once each is made empty, in the
//! room of a window that stands aside, and its program begins afterwards: for a pane that was empty tmux does not run
//! the helper that enters it among the logins (utempter), which takes as long as all the rest of a new window. More
//! than a few are made by a hook, of whose deeds tmux tells nobody. Why it takes these steps is in
//! `docs/design/control-mode.md`.

use super::client::SESSION;
use super::command::{Command, literal, without_shell};
use super::heap;
use super::setup::Size;
use super::whole::whole;
use super::{PaneId, WindowId};

/// What [`Command::new_window`] makes tmux print.
pub(super) const OPENED: &str = "#{window_id} #{pane_id} #{pane_pid} .";

/// Where the window that stands aside stands, out of the way of those that are counted from the start.
const ASIDE: &str = ":9999";
/// So many windows are made first.
const FIRST: usize = 2;
/// Up to here windows are made by commands of the client's own: what tmux tells of them comes behind them. More are made
/// by a hook, of whose deeds it tells nobody.
const BY_OURSELVES: usize = 10;
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
    name: String,
    program: String,
    arguments: Vec<String>,
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

    /// Commands that are run as a hook of this window, behind all that is on its way now.
    fn run_as_hook(&self, commands: &[Command]) -> [Command; 2] {
        let target = self.target();
        let hook = Command::new("set-hook").args(["-w", "-t", &target, HOOK]);
        let unset = Command::new("set-hook").args(["-u", "-w", "-t", &target, HOOK]);
        let lines = Command::lines(commands.iter().chain([&unset]));
        let run = Command::new("rename-window").args(["-t", &target]);
        [hook.arg(lines), run.arg(literal(&self.name))]
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

    /// Makes these windows. When the last command has been answered, none is left to be made once tmux answers again.
    /// Which of them are there has to be asked.
    pub fn make(self, windows: &[New], size: Size) -> Vec<Command> {
        let (own, others) = windows.split_at(windows.len().min(BY_OURSELVES));
        // What runs in the first begins while tmux makes the others.
        let (first, next) = own.split_at(own.len().min(FIRST));
        let mut commands = self.groups(first, size);
        commands.extend(self.groups(next, size));
        if let Some(carrier) = first.first()
            && !others.is_empty()
        {
            commands.extend(carrier.run_as_hook(&self.groups(others, size)));
        }
        commands
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

    /// One of the empty panes becomes a window of its own.
    fn move_out(self, name: &str) -> Command {
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

    fn made(count: usize) -> Vec<String> {
        let size = Size {
            columns: 80,
            rows: 24,
        };
        let new = |index| New::of(&format!("s#{index}"), "/ovr", vec!["$a".into()]).unwrap();
        let windows: Vec<_> = (1..=count).map(new).collect();
        let commands = Aside::FIRST.make(&windows, size);
        commands
            .iter()
            .map(|command| line(command).trim_end().to_owned())
            .collect()
    }

    #[test]
    fn a_window_is_made_empty_and_its_program_begins_in_it() {
        assert_eq!(
            made(1),
            [
                "resize-window -t @0 -x 80 -y 25",
                "split-window -d -v -l 1 -t \"%0\" \"\"",
                "resize-window -t @0 -x 80 -y 24",
                "break-pane -d -s @0.1 -n \"s#1\"",
                "respawn-pane -e GLIBC_TUNABLES=glibc.malloc.tcache_count=0 -t \"=ovr:=s#1\" -- /ovr \"\\$a\"",
            ]
        );
        assert!(made(0).is_empty());
    }

    #[test]
    fn many_windows_are_made_by_a_hook_of_the_first() {
        let (ten, eleven) = (made(10), made(11));
        assert_eq!(ten.len(), 10 * 3 + 4);
        let [own @ .., set, run] = eleven.as_slice() else {
            panic!("{eleven:?}");
        };
        assert_eq!(own, ten);
        assert!(set.starts_with(
            "set-hook -w -t \"=ovr:=s#1\" window-renamed \"resize-window -t @0 -x 80 -y 25\\012"
        ));
        assert!(
            set.contains("-t \\\"=ovr:=s#11\\\" -- /ovr \\\"\\\\\\$a\\\"\\012"),
            "{set}"
        );
        assert!(set.ends_with("\\012set-hook -u -w -t \\\"=ovr:=s#1\\\" window-renamed\\012\""));
        assert_eq!(run, "rename-window -t \"=ovr:=s#1\" \"s##1\"");
    }

    #[test]
    fn no_more_empty_panes_are_made_at_once_than_have_a_row() {
        let room = |rows| Aside::room(Size { columns: 80, rows });
        assert_eq!([room(5), room(9), room(17), room(500)], [2, 4, 8, 8]);
    }
}
