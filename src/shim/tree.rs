//! Process trees: who belongs to one, and how to end all of it. The shim uses it for its own children; the
//! controller, from a thread that may block, for what a killed shim has left behind.

use super::strays;
use crate::platform::process_end::ProcessEnd;
use crate::platform::processes::{self, Process};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, BTreeSet};
use std::thread;

/// The variable in each service's environment that says which shim started it.
pub const TOKEN_VARIABLE: &str = "OVR_RUN_TOKEN";

/// More than these are not named one by one.
const MOST_NAMED: usize = 16;

/// More ancestors than these no process has; what changes them as fast as they are looked at is not followed.
#[cfg(target_os = "linux")]
const MOST_ANCESTORS: usize = 1000;

/// So many are waited for at a time; the next round takes the others.
const MOST_OPEN: usize = 128;

/// What was ended with SIGKILL, for a person to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Killed {
    /// `pid command`, the first sixteen.
    pub named: Vec<String>,
    /// `pid command` of those that the system does not let us end (another user's).
    pub refused: Vec<String>,
    seen: BTreeSet<u32>,
    out_of_reach: Vec<u32>,
}

impl Killed {
    /// Notes a process that the system does not let us end.
    fn refuse(&mut self, pid: u32) {
        self.named.retain(|name| !name.starts_with(&format!("{pid} ")));
        self.out_of_reach.push(pid);
        self.refused.push(format!("{pid} {}", processes::command(pid)));
    }

    /// The numbers of those in [`refused`](Self::refused).
    pub(super) fn refused_pids(&self) -> impl Iterator<Item = u32> {
        self.out_of_reach.iter().copied()
    }

    /// Notes a process that is about to be killed; before, since afterwards its command line is gone.
    fn name(&mut self, pid: u32) {
        if self.named.len() < MOST_NAMED && self.seen.insert(pid) {
            self.named.push(format!("{pid} {}", processes::command(pid)));
        }
    }
}

/// Every process alive below `root`, which itself is not among them.
pub fn descendants(root: u32) -> Vec<Process> {
    let below = below(root, &links());
    below.into_iter().filter_map(processes::one).collect()
}

/// Every process alive of this shim's run: below it, or carrying the marks of a run that has lost its parent, or
/// below such a one.
pub(super) fn of_run(token: &str) -> Vec<Process> {
    let links = links();
    let strays = strays::find(token);
    let mut pids: BTreeSet<u32> = below(std::process::id(), &links).into_iter().collect();
    for stray in &strays {
        pids.insert(stray.pid);
        pids.extend(below(stray.pid, &links));
    }
    pids.into_iter().filter_map(processes::one).collect()
}

/// The processes below each of `roots`, after one look at the table.
pub fn trees(roots: &[u32]) -> Vec<Vec<u32>> {
    let links = links();
    roots.iter().map(|root| below(*root, &links)).collect()
}

/// Parent and child, in order.
fn links() -> Vec<(u32, u32)> {
    let mut links: Vec<(u32, u32)> = processes::all().map(|found| (found.parent, found.pid)).collect();
    links.sort_unstable();
    links
}

fn below(root: u32, links: &[(u32, u32)]) -> Vec<u32> {
    let mut members = vec![root];
    let mut next = 0;
    while let Some(parent) = members.get(next).copied() {
        let first = links.partition_point(|link| link.0 < parent);
        let children = links[first..].iter().take_while(|link| link.0 == parent);
        members.extend(children.map(|link| link.1).filter(|pid| *pid != root));
        next += 1;
    }
    members.split_off(1)
}

/// Whether this process descends from `root`.
#[cfg(target_os = "linux")]
pub(super) fn is_below(root: u32, process: Process) -> bool {
    let mut next = Some(process);
    let mut above = 0;
    while let Some(found) = next {
        if found.parent == root {
            return true;
        }
        if found.parent == 0 || above > MOST_ANCESTORS {
            return false;
        }
        above += 1;
        // A parent that has ended meanwhile has left its child to another one: look again from the start.
        next = processes::one(found.parent).or_else(|| processes::one(process.pid));
    }
    false
}

/// Every process alive in the session that the process `sid` began. None if `sid` itself is alive: then it is
/// not the process that was meant, or the session is not over.
pub fn session_members(sid: u32) -> Vec<Process> {
    let members: Vec<Process> = processes::all()
        .filter(|found| found.session == sid && sid != 0)
        .collect();
    if members.iter().any(|found| found.pid == sid) {
        return Vec::new();
    }
    members
}

/// Every process alive whose environment carries this shim's token.
pub fn marked(token: &str) -> Vec<Process> {
    let assignment = format!("{TOKEN_VARIABLE}={token}");
    processes::all()
        .filter(|found| processes::has_variable(found.pid, &assignment))
        .collect()
}

/// Whether the process's environment carries this shim's token.
pub fn is_marked(pid: u32, token: &str) -> bool {
    processes::has_variable(pid, &format!("{TOKEN_VARIABLE}={token}"))
}

/// Ends everything that a dead shim has left: what carries its token, what lives in its session, and all below
/// these. Blocks until they are gone by the process table, however long the system takes to let go of them.
///
/// Not found is a process that was started with a cleared environment, left the session and lost its parent.
pub fn end_all(token: &str, sid: u32) -> Killed {
    end_found(|| {
        let mut found = marked(token);
        found.extend(session_members(sid));
        found
    })
}

/// Ends what a dead controller's probes of this shim's service have left: it carries the shim's token with more
/// behind it. Those of the controller `living` are left alone.
pub fn end_probes(token: &str, living: u32) -> Killed {
    let any = format!("{TOKEN_VARIABLE}={}", probe_token(token, None));
    let own = format!("{TOKEN_VARIABLE}={}", probe_token(token, Some(living)));
    let is_left = |entry: &[u8]| entry.starts_with(any.as_bytes()) && !entry.starts_with(own.as_bytes());
    end_found(|| {
        processes::all()
            .filter(|found| processes::has_entry(found.pid, is_left))
            .collect()
    })
}

/// What the tokens of a controller's probes begin with; of any controller's without its pid.
pub fn probe_token(token: &str, controller: Option<u32>) -> String {
    match controller {
        Some(pid) => format!("{token}-{pid}-"),
        None => format!("{token}-"),
    }
}

/// Ends what `find` finds and all below it, until it finds nothing any more.
fn end_found(find: impl Fn() -> Vec<Process>) -> Killed {
    let mut killed = Killed::default();
    let mut refused = BTreeSet::new();
    loop {
        let mut left = find();
        let below: Vec<Process> = left.iter().flat_map(|found| descendants(found.pid)).collect();
        left.extend(below);
        left.sort_unstable_by_key(|found| found.pid);
        left.dedup_by_key(|found| found.pid);
        left.retain(|found| !refused.contains(&found.pid));
        if left.is_empty() {
            return killed;
        }
        // None of them forks while the others are being ended.
        for found in &left {
            let _gone = signal(found, Signal::STOP);
        }
        for found in &left {
            killed.name(found.pid);
        }
        for pid in kill_and_wait(&left) {
            refused.insert(pid);
            killed.refuse(pid);
        }
    }
}

/// Sends SIGKILL to everything of the shim's run. What is born meanwhile is found by the next call: make it each
/// time that a child ends, until there is no child any more.
///
/// All are stopped before the first is killed, and each as soon as it is seen: a tree that forks as fast as it
/// can, or a process that lives on by forking and exiting, must not slip through between seeing and killing.
pub(super) fn kill_run(token: &str, killed: &mut Killed) {
    let root = std::process::id();
    // As they were when they were found: by then a number may be another process's.
    let mut members: BTreeMap<u32, Process> = BTreeMap::new();
    for stray in strays::find(token) {
        let _gone = signal(&stray, Signal::STOP);
        members.insert(stray.pid, stray);
    }
    let mut found_some = true;
    while found_some {
        found_some = false;
        for found in processes::all().filter(|found| found.pid != root) {
            let is_below = found.parent == root || members.contains_key(&found.parent);
            if is_below && !members.contains_key(&found.pid) {
                found_some = true;
                let _gone = signal(&found, Signal::STOP);
                members.insert(found.pid, found);
            }
        }
    }
    killed.refused.clear();
    killed.out_of_reach.clear();
    for (pid, found) in members {
        if processes::one(pid).is_some_and(|now| now.started == found.started) {
            killed.name(pid);
            if signal(&found, Signal::KILL) == Err(Errno::PERM) {
                killed.refuse(pid);
            }
        }
    }
}

/// A pid as rustix wants it. Pids of the process table are positive.
pub(super) fn pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().and_then(Pid::from_raw)
}

/// Signals exactly this process; `SRCH` if it is gone.
fn signal(process: &Process, signal: Signal) -> Result<(), Errno> {
    match open(process) {
        Ok(end) => end.signal(signal),
        Err(Errno::NOSYS | Errno::MFILE | Errno::NFILE) => plain(process, signal),
        Err(gone) => Err(gone),
    }
}

/// Kills all, and waits until as many of them as can be watched at once are gone. Returns those that the system
/// refuses to signal.
fn kill_and_wait(left: &[Process]) -> Vec<u32> {
    let mut refused = Vec::new();
    let mut watched = Vec::new();
    for process in left {
        match signal(process, Signal::KILL) {
            Err(Errno::PERM) => refused.push(process.pid),
            Ok(()) if watched.len() < MOST_OPEN => watched.extend(open(process)),
            Ok(()) | Err(_) => {}
        }
    }
    if watched.is_empty() {
        // Nothing to wait on (a kernel without pidfds): look again as soon as others have had a turn.
        thread::yield_now();
    }
    for end in &watched {
        // Readable from its end on. An interrupted wait is made up for by the next look at the table.
        let _ready = poll(&mut [PollFd::new(end, PollFlags::IN)], None);
    }
    refused
}

/// Takes hold of the process, so that no signal reaches a later one with its number.
fn open(process: &Process) -> Result<ProcessEnd, Errno> {
    let end = ProcessEnd::watch(process.pid)?;
    // Opened by number: make sure that it is still the one that was seen.
    let same = processes::one(process.pid).is_some_and(|now| now.started == process.started);
    same.then_some(end).ok_or(Errno::SRCH)
}

fn plain(process: &Process, signal: Signal) -> Result<(), Errno> {
    kill_process(pid(process.pid).ok_or(Errno::SRCH)?, signal)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{TOKEN_VARIABLE, descendants, end_all, end_probes, marked, probe_token};
    use crate::platform::processes;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    #[test]
    fn everything_with_a_token_is_ended_and_named() {
        let token = format!("test-{}", std::process::id());
        let mut child = Command::new("/bin/sh")
            .args([
                "-c",
                "setsid sh -c 'trap \"\" HUP INT TERM; echo up; sleep 60; :' & sleep 60",
            ])
            .env(TOKEN_VARIABLE, &token)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        // A process that is just becoming another program has no environment for an instant.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while marked(&token).len() < 3 {
            assert!(std::time::Instant::now() < deadline, "{:?}", marked(&token));
            std::thread::yield_now();
        }
        assert!(
            descendants(std::process::id())
                .iter()
                .any(|p| p.pid == child.id())
        );

        let killed = end_all(&token, 0);

        assert!(marked(&token).is_empty());
        assert!(processes::one(child.id()).is_none());
        assert!(
            killed.named.iter().any(|name| name.contains("setsid")),
            "{killed:?}"
        );
        assert!(killed.refused.is_empty());
        child.wait().unwrap();
    }

    #[test]
    fn what_a_dead_controllers_probes_left_is_ended_and_a_living_ones_is_not() {
        let shim = format!("shim-{}", std::process::id());
        let probes = |controller| format!("{}readiness-1", probe_token(&shim, Some(controller)));
        let sleep = |token: &str| {
            let mut command = Command::new("sleep");
            command.arg("60").env(TOKEN_VARIABLE, token).spawn().unwrap()
        };
        let mut service = sleep(&shim);
        let mut left = sleep(&probes(1));
        let mut living = sleep(&probes(2));

        let killed = end_probes(&shim, 2);

        assert_eq!(killed.named.len(), 1, "{killed:?}");
        assert!(left.wait().unwrap().code().is_none());
        for child in [&mut service, &mut living] {
            assert_eq!(child.try_wait().unwrap(), None);
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}
