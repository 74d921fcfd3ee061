//! Starts a service's process as it should find the world: own group, clean signals, the environment it was
//! given and nothing else, the pane as its terminal. What becomes of the process is not known here.

use super::environment_block::EnvironmentBlock;
use super::signals::{self, AllBlocked};
use super::{tree, tree::TOKEN_VARIABLE};
use crate::model::Launch;
use rustix::fs::{Access, OFlags, access, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, getpid, getppid};
use rustix::stdio;
use rustix::termios::tcsetpgrp;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// What describes the terminal, not the user: tmux's word for the pane counts, not that of the terminal in
/// which `ovr start` was typed.
const OF_THE_TERMINAL: [&str; 4] = ["TERM", "COLORTERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION"];

/// Of the tmux that `ovr start` was typed in, if any: the service does not run there.
const OF_ANOTHER_TMUX: [&str; 2] = ["TMUX", "TMUX_PANE"];

/// What a process is started as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The service: has the terminal's keyboard.
    Service,
    /// A stop command: beside the service, without input.
    Helper,
}

/// Starts `argv` in the surroundings of `launch`; returns when the program has been loaded. The error says
/// what is wrong in words for the user.
pub(super) fn spawn(launch: &Launch, argv: &[String], token: &str, role: Role) -> Result<Pid, String> {
    let Some((program, args)) = argv.split_first() else {
        return Err("there is no command".to_owned());
    };
    let mut command = Command::new(program);
    command.args(args).current_dir(&launch.cwd).process_group(0);
    if role == Role::Helper {
        command.stdin(Stdio::null());
    }
    let environment = environment(launch, token)?;
    let shim = getpid();
    // SAFETY: `become_child` makes system calls only, all of them async-signal-safe, and `make_own` writes one
    // word; neither allocates.
    unsafe {
        command.pre_exec(move || {
            become_child(shim, role)?;
            environment.make_own();
            Ok(())
        });
    }
    make_blocking();
    let quiet = AllBlocked::new();
    let started = command.spawn();
    drop(quiet);
    // Dropping the handle neither ends nor reaps the process; the loop does.
    let child = started.map_err(|error| explain(program, &launch.cwd, &error))?;
    tree::pid(child.id()).ok_or_else(|| "the system gave no process number".to_owned())
}

/// The whole environment of the process.
fn environment(launch: &Launch, token: &str) -> Result<EnvironmentBlock, String> {
    let of_the_terminal: Vec<(&str, OsString)> = OF_THE_TERMINAL
        .into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)))
        .collect();
    let is_ours = |name: &str| {
        name == TOKEN_VARIABLE
            || OF_ANOTHER_TMUX.contains(&name)
            || of_the_terminal.iter().any(|(other, _)| *other == name)
    };
    let given = launch
        .env
        .iter()
        .filter(|(name, _)| !is_ours(name))
        .map(|(name, value)| (name, value.as_bytes()));
    let ours = of_the_terminal
        .iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .chain([(TOKEN_VARIABLE, token.as_bytes())]);
    EnvironmentBlock::of(given.chain(ours))
}

/// Between fork and exec, in the child, with every signal blocked (so that SIGTTOU does not stop it here).
fn become_child(shim: Pid, role: Role) -> io::Result<()> {
    if role == Role::Service {
        // Fails if the terminal has just gone; then the shim ends the service soon.
        let _gone = tcsetpgrp(stdio::stdin(), getpid());
    }
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // The shim may have died before that was set.
    if getppid() != Some(shim) {
        return Err(io::ErrorKind::NotFound.into());
    }
    signals::restore_defaults();
    Ok(())
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

/// An error without Rust's `(os error 2)`, in lower case as the middle of a sentence.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
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
