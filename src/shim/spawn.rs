//! Starts a service's process as it should find the world: own group, clean signals, the environment it was
//! given and nothing else, the pane as its terminal. What becomes of the process is not known here.

use super::birth::{Handed, Unborn};
use super::environment_block::{EnvironmentBlock, holds_a_nul};
use super::limits::Bounds;
use super::plain_line::{self, PlainLine};
use super::signals::AllBlocked;
use super::supplies::Supplies;
use super::{plain, tree::TOKEN_VARIABLE};
use crate::model::Launch;
use rustix::fs::{Access, OFlags, access, fcntl_getfl, fcntl_setfl};
use rustix::process::Pid;
use rustix::stdio;
use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What describes the terminal, not the user: tmux's word for the pane counts, not that of the terminal in
/// which `ovr start` was typed.
const OF_THE_TERMINAL: [&str; 4] = ["TERM", "COLORTERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION"];

/// Of the tmux that `ovr start` was typed in, if any: the service does not run there.
const OF_ANOTHER_TMUX: [&str; 2] = ["TMUX", "TMUX_PANE"];

/// Tell a program that the sockets and the watchdog are meant for it and not for what had its environment before.
const PID_OF_THE_LISTENER: &str = "LISTEN_PID";
const PID_OF_THE_WATCHED: &str = "WATCHDOG_PID";

/// What a process is started as.
#[derive(Clone, Copy)]
pub(super) enum Role<'a> {
    /// The service: has the terminal's keyboard, what it is supplied with, and its limits.
    Service(&'a Supplies, &'a Bounds),
    /// A stop command: beside the service, without input.
    Helper,
}

/// What surrounds the process, whether a shell reads its command or nobody needs to.
struct Surroundings<'a> {
    launch: &'a Launch,
    handed: Handed,
    /// Variables that tell it its own number.
    own_pids: Vec<&'static str>,
    /// Variables that the shim itself sets, which count whatever `launch` says.
    ours: Vec<(&'static str, OsString)>,
}

/// Starts `argv` in the surroundings of `launch`; returns when the program has been loaded. The error says
/// what is wrong in words for the user.
pub(super) fn spawn(launch: &Launch, argv: &[String], token: &str, role: Role<'_>) -> Result<Pid, String> {
    let surroundings = Surroundings::of(launch, token, role);
    let line = plain_line::take_apart(argv, &launch.env, |name| surroundings.decides_on(name));
    // Where a program is not found, or is a script that names no interpreter, a shell has its own way with it.
    if let Some(Ok(pid)) = line.map(|line| surroundings.start_plain(&line)) {
        return Ok(pid);
    }
    bear(surroundings.unborn(argv, &launch.cwd, &[])?).map_err(|error| explain(&argv[0], &launch.cwd, &error))
}

impl<'a> Surroundings<'a> {
    fn of(launch: &'a Launch, token: &str, role: Role<'_>) -> Self {
        let (mut ours, mut own_pids) = (Vec::new(), Vec::new());
        let handed = match role {
            Role::Service(supplies, bounds) => {
                let handed = hand(supplies, bounds, &mut ours, &mut own_pids);
                if let Some(every) = launch.watchdog {
                    ours.push(("WATCHDOG_USEC", every.as_micros().to_string().into()));
                    own_pids.push(PID_OF_THE_WATCHED);
                }
                handed
            }
            Role::Helper => Handed::default(),
        };
        ours.extend(
            OF_THE_TERMINAL
                .into_iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        );
        ours.push((TOKEN_VARIABLE, token.into()));
        Self {
            launch,
            handed,
            own_pids,
            ours,
        }
    }

    /// Whether a variable is set here, or kept away, whatever the launch says.
    fn decides_on(&self, name: &str) -> bool {
        OF_ANOTHER_TMUX.contains(&name)
            || self.own_pids.contains(&name)
            || self.ours.iter().any(|(other, _)| *other == name)
    }

    /// Without the shell that the line was meant for.
    fn start_plain(&self, line: &PlainLine) -> Result<Pid, String> {
        let home = &self.launch.cwd;
        let mut assignments = Vec::new();
        let mut cwd = home.clone();
        if let Some(directory) = &line.directory {
            // By its components: without `.` and doubled slashes, as a shell would tell it.
            cwd = home.join(directory).components().collect();
            let text = |path: &Path| path.to_str().map(str::to_owned).ok_or("no text");
            assignments.push(("OLDPWD".to_owned(), text(home)?));
            assignments.push(("PWD".to_owned(), text(&cwd)?));
        }
        assignments.extend(line.assignments.iter().cloned());
        let unborn = self.unborn(&line.argv, &cwd, &assignments)?.without_scripts();
        bear(unborn).map_err(|error| error.to_string())
    }

    fn unborn(
        &self,
        argv: &[String],
        cwd: &Path,
        assignments: &[(String, String)],
    ) -> Result<Unborn<'_>, String> {
        let environment = self.environment(assignments)?;
        let cwd =
            CString::new(cwd.as_os_str().as_bytes()).map_err(|_| "the directory's name holds a NUL byte")?;
        Unborn::new(argv, self.launch.env.get("PATH"), cwd, environment, &self.handed)
    }

    /// The whole environment of the process, with these assignments over what the launch says.
    fn environment(&self, assignments: &[(String, String)]) -> Result<EnvironmentBlock<'a>, String> {
        // The last of a name counts, as in a shell.
        let counts = |(index, (name, _)): &(usize, &(String, String))| {
            assignments[index + 1..].iter().all(|(other, _)| other != name)
        };
        let assigned = assignments.iter().enumerate().filter(counts);
        let assigned = assigned.map(|(_, (name, value))| (name.as_str(), value.as_bytes()));
        let ours = self.ours.iter().map(|(name, value)| (*name, value.as_bytes()));
        let more = || assigned.clone().chain(ours.clone());
        let mut set: Vec<&str> = more().map(|(name, _)| name).collect();
        set.extend(OF_ANOTHER_TMUX.iter().chain(&self.own_pids));
        match self.launch.env.with_nul() {
            Some(name) => Err(holds_a_nul(name)),
            None => EnvironmentBlock::of(self.launch.env.entries_but(&set), more(), &self.own_pids),
        }
    }
}

/// The error is the system's.
fn bear(unborn: Unborn<'_>) -> io::Result<Pid> {
    make_blocking();
    let _quiet = AllBlocked::new();
    unborn.bear()
}

/// What the service is handed, and the variables that tell it so.
fn hand(
    supplies: &Supplies,
    bounds: &Bounds,
    ours: &mut Vec<(&'static str, OsString)>,
    own_pids: &mut Vec<&'static str>,
) -> Handed {
    let (mut sockets, mut names) = (Vec::new(), Vec::new());
    for (socket, name) in supplies.sockets() {
        sockets.push(socket.as_raw_fd());
        names.push(name);
    }
    if !sockets.is_empty() {
        ours.push(("LISTEN_FDS", sockets.len().to_string().into()));
        ours.push(("LISTEN_FDNAMES", names.join(":").into()));
        own_pids.push(PID_OF_THE_LISTENER);
    }
    if let Some(notify) = supplies.notify() {
        ours.push(("NOTIFY_SOCKET", notify.path().into()));
    }
    Handed {
        is_service: true,
        sockets,
        limits: bounds.each.clone(),
        door: bounds.all.as_ref().map(|group| group.door().as_raw_fd()),
    }
}

/// Takes back what an earlier run may have set: all runs share one open file description of the terminal, and
/// a program that is not prepared for non-blocking input would fail on it.
fn make_blocking() {
    for fd in [stdio::stdin(), stdio::stdout(), stdio::stderr()] {
        if let Ok(flags) = fcntl_getfl(fd)
            && flags.contains(OFlags::NONBLOCK)
        {
            let _gone = fcntl_setfl(fd, flags.difference(OFlags::NONBLOCK));
        }
    }
}

/// The system's error as a sentence. It does not say whether directory or program is meant, so look.
fn explain(program: &str, cwd: &Path, error: &io::Error) -> String {
    if let Err(reason) = enterable(cwd) {
        return format!("cannot enter directory {}: {}", cwd.display(), plain(&reason));
    }
    match error.kind() {
        io::ErrorKind::NotFound if program.contains('/') && cwd.join(program).exists() => {
            format!("{program}: the interpreter it asks for is not found")
        }
        io::ErrorKind::NotFound => format!("{program}: not found"),
        io::ErrorKind::PermissionDenied => format!("{program}: permission denied"),
        _ => format!("{program}: {}", plain(error)),
    }
}

fn enterable(cwd: &Path) -> io::Result<()> {
    if !cwd.metadata()?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok(access(cwd, Access::EXEC_OK)?)
}

#[cfg(test)]
mod tests {
    use super::explain;
    use std::io;
    use std::path::Path;

    #[test]
    fn a_refusal_says_what_is_missing() {
        let missing = io::Error::from_raw_os_error(2);
        let denied = io::Error::from_raw_os_error(13);
        let root = Path::new("/");
        assert_eq!(explain("bin/askk", root, &missing), "bin/askk: not found");
        assert_eq!(explain("/etc", root, &denied), "/etc: permission denied");
        assert_eq!(
            explain("/bin/sh", root, &missing),
            "/bin/sh: the interpreter it asks for is not found"
        );
        assert_eq!(
            explain("x", Path::new("/no/such"), &missing),
            "cannot enter directory /no/such: no such file or directory"
        );
        assert_eq!(
            explain("x", Path::new("/bin/sh"), &missing),
            "cannot enter directory /bin/sh: not a directory"
        );
        assert_eq!(
            explain("x", root, &io::Error::from_raw_os_error(7)),
            "x: argument list too long"
        );
    }
}
