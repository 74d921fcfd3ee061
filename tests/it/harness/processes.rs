//! The process table as the kernel shows it: who lives, whose child it is, what carries a test's mark. A zombie
//! counts as dead (whoever should reap it may be slow), and nothing here asks `ovr` for its opinion.

use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// One living process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    /// The kernel's letter: R, S, D, T, …
    pub(crate) state: char,
    pub(crate) command: String,
}

/// Reads one process; `None` if there is none or it is a zombie.
pub(crate) fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain anything, parentheses too; what follows the last one is regular.
    let (head, tail) = stat.rsplit_once(')')?;
    let mut fields = tail.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    if matches!(state, 'Z' | 'X') {
        return None;
    }
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = if arguments.is_empty() {
        head.split_once('(').map_or(head, |(_, name)| name).to_owned()
    } else {
        String::from_utf8_lossy(&arguments)
            .trim_end_matches('\0')
            .replace('\0', " ")
    };
    Some(Process {
        pid,
        parent,
        state,
        command,
    })
}

/// Whether this process runs. A zombie does not, once its other threads are gone: until then it holds its files,
/// sockets and locks.
pub(crate) fn is_alive(pid: u32) -> bool {
    let has_threads = || fs::read_dir(format!("/proc/{pid}/task")).is_ok_and(|threads| threads.count() > 1);
    process(pid).is_some() || has_threads()
}

/// Every living process, by pid.
pub(crate) fn all() -> Vec<Process> {
    let mut found: Vec<Process> = fs::read_dir("/proc")
        .expect("/proc is mounted")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(process)
        .collect();
    found.sort_by_key(|process| process.pid);
    found
}

/// Every living process that has `mark` in its environment, or works inside `dir`, or names `dir` in its command.
pub(crate) fn marked(mark: &str, dir: &Path) -> Vec<Process> {
    let own = std::process::id();
    let mut found = all();
    found.retain(|process| {
        process.pid != own
            && (environment_contains(process.pid, mark)
                || fs::read_link(format!("/proc/{}/cwd", process.pid)).is_ok_and(|cwd| cwd.starts_with(dir))
                || dir.to_str().is_some_and(|dir| process.command.contains(dir)))
    });
    found
}

fn environment_contains(pid: u32, mark: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment
        .windows(mark.len())
        .any(|window| window == mark.as_bytes())
}

/// The living processes below `pid`, children first, without itself.
pub(crate) fn descendants(pid: u32) -> Vec<Process> {
    let mut children: HashMap<u32, Vec<Process>> = HashMap::new();
    for process in all() {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut open = vec![pid];
    while let Some(parent) = open.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            open.push(child.pid);
            found.push(child);
        }
    }
    found
}

/// `pid` and everything below it, for signals that must not miss one.
pub(crate) fn tree(pid: u32) -> Vec<u32> {
    std::iter::once(pid)
        .chain(descendants(pid).into_iter().map(|process| process.pid))
        .collect()
}

/// The parent of a living process: for a service's process, its shim.
#[track_caller]
pub(crate) fn parent(pid: u32) -> u32 {
    process(pid)
        .unwrap_or_else(|| panic!("{pid} is not alive"))
        .parent
}

/// Sends a signal to one process; one that is gone already is fine.
pub(crate) fn kill(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .expect("a pid is a positive int");
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => panic!("cannot send {signal:?} to {pid:?}: {error}"),
    }
}

/// How much processor time it has used, in clock ticks.
pub(crate) fn cpu_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, tail) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = tail.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// Resident memory in KiB.
pub(crate) fn resident_kib(pid: u32) -> Option<u64> {
    memory_kib(pid, "VmRSS:")
}

/// What of it is the process's own, in KiB: all that a leak adds to. The pages of its program come as they are used.
pub(crate) fn own_kib(pid: u32) -> Option<u64> {
    memory_kib(pid, "RssAnon:")
}

fn memory_kib(pid: u32, kind: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(kind))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// How many sockets it has open.
pub(crate) fn open_sockets(pid: u32) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

/// A table for a failure's report.
pub(crate) fn table(processes: &[Process]) -> String {
    let row = |p: &Process| format!("  {:>7} {:>7} {} {}", p.pid, p.parent, p.state, p.command);
    processes.iter().map(row).collect::<Vec<_>>().join("\n")
}
