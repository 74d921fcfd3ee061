//! A control group of its own for a run (Linux's cgroup v2), where one can be made: found, made, entered, removed; and
//! those that shims have left which were killed, removed by the controller. Why the limits are what they are is told in `limits.rs`.

use crate::model::{Limits, RunId};
use crate::platform::processes;
use rustix::fs::{Mode, OFlags, open};
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A directory in the tree of control groups; gone with the run.
pub(super) struct Cgroup {
    dir: PathBuf,
    /// What a process enters by.
    door: OwnedFd,
    pub(super) memory: bool,
    pub(super) cpu: bool,
}

/// One controller of those that are asked for, and what is written for it.
struct Wish {
    controller: &'static str,
    file: &'static str,
    value: String,
}

/// How long a share of a processor is counted, in microseconds: the system's own default.
const PERIOD: u64 = 100_000;

/// Removes what shims have left that were killed, of any session of this user: the groups near this process's own
/// whose maker is not alive. What still has a process stays. May block.
pub fn sweep() {
    let Some((top, own)) = place() else { return };
    for parent in own.ancestors().take_while(|dir| dir.starts_with(&top)) {
        sweep_in(parent, |pid| processes::one(pid).is_some());
    }
}

fn sweep_in(parent: &Path, is_alive: impl Fn(u32) -> bool) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().and_then(maker).is_some_and(|pid| !is_alive(pid)) {
            // Busy, or another user's.
            fs::remove_dir(entry.path()).ok();
        }
    }
}

/// What a group of this shim's is called.
pub(super) fn name(shim: u32, token: &str, run: RunId) -> String {
    format!("ovr-{shim}-{token}-{run}")
}

/// The shim that gave a group this name, if one did.
fn maker(name: &str) -> Option<u32> {
    let mut parts = name.strip_prefix("ovr-")?.split('-');
    let (shim, token, run) = (parts.next()?, parts.next()?, parts.next()?);
    let is_token = token.len() == 16 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_run = run.parse::<u64>().is_ok() && parts.next().is_none();
    shim.parse().ok().filter(|_| is_token && is_run)
}

/// Where the tree of groups begins, and this process's place in it.
fn place() -> Option<(PathBuf, PathBuf)> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    own_group(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo"))
}

/// Makes a group with as many of the limits as can be had, as near as possible to the one this process is in. The
/// error is the reason, for the user.
pub(super) fn create(limits: &Limits, name: &str) -> Result<Cgroup, String> {
    let (top, own) = place().ok_or("there are no control groups (cgroup v2) here")?;
    let wishes = wishes(limits);
    let none = || {
        format!(
            "no control group below {} may be made by this user",
            top.display()
        )
    };
    if !has_any(&top.join("cgroup.controllers"), &wishes) {
        return Err("the system's control groups (cgroup v2) have no controller for it".to_owned());
    }
    // All of them at one place, if there is one; else what there is.
    for least in (1..=wishes.len()).rev() {
        for parent in own.ancestors().take_while(|dir| dir.starts_with(&top)) {
            let usable: Vec<&Wish> = wishes.iter().filter(|wish| is_usable(parent, wish)).collect();
            if usable.len() >= least
                && let Ok(made) = Cgroup::make(&parent.join(name), &usable)
            {
                return Ok(made);
            }
        }
    }
    Err(none())
}

fn wishes(limits: &Limits) -> Vec<Wish> {
    let memory = limits.memory.map(|bytes| Wish {
        controller: "memory",
        file: "memory.max",
        value: bytes.to_string(),
    });
    let cpu = limits.cpu.map(|hundredths| Wish {
        controller: "cpu",
        file: "cpu.max",
        value: format!("{} {PERIOD}", u64::from(hundredths) * PERIOD / 100),
    });
    memory.into_iter().chain(cpu).collect()
}

fn has_any(list: &Path, wishes: &[Wish]) -> bool {
    let list = fs::read_to_string(list).unwrap_or_default();
    list.split_ascii_whitespace()
        .any(|word| wishes.iter().any(|wish| wish.controller == word))
}

/// Whether groups in `parent` have the controller, or can be made to.
fn is_usable(parent: &Path, wish: &Wish) -> bool {
    let control = parent.join("cgroup.subtree_control");
    has_any(&control, std::slice::from_ref(wish))
        || (has_any(&parent.join("cgroup.controllers"), std::slice::from_ref(wish))
            && may_be_shared(parent)
            && fs::write(&control, format!("+{}", wish.controller)).is_ok())
}

/// Whether a group's controllers may be handed on to groups in it: not where it has processes of its own. With some
/// controllers (`cpu`) the system allows it even then, but lets only threads into what is made there. The topmost
/// group is exempt, and known by having no type.
fn may_be_shared(group: &Path) -> bool {
    !group.join("cgroup.type").exists()
        || fs::read_to_string(group.join("cgroup.procs")).is_ok_and(|procs| procs.is_empty())
}

/// Where the tree is mounted, and this process's place in it as a path.
fn own_group(groups: &str, mounts: &str) -> Option<(PathBuf, PathBuf)> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let (root, top) = mounts.lines().find_map(|line| {
        let (place, system) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        system
            .starts_with("cgroup2 ")
            .then_some((place.next()?, place.next()?))
    })?;
    // In a container the mount may show only a part of the tree.
    let below = Path::new(own).strip_prefix(root).ok()?;
    Some((top.into(), Path::new(top).join(below)))
}

impl Cgroup {
    fn make(dir: &Path, wishes: &[&Wish]) -> io::Result<Self> {
        fs::create_dir(dir)?;
        // One that only threads may enter is of no use.
        let kind = fs::read_to_string(dir.join("cgroup.type"));
        if kind.is_ok_and(|kind| kind.trim() != "domain") {
            fs::remove_dir(dir)?;
            return Err(io::ErrorKind::Unsupported.into());
        }
        let set = wishes
            .iter()
            .try_for_each(|wish| fs::write(dir.join(wish.file), &wish.value));
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let door = set.and_then(|()| Ok(open(dir.join("cgroup.procs"), flags, Mode::empty())?));
        let has = |controller| wishes.iter().any(|wish| wish.controller == controller);
        match door {
            Ok(door) => Ok(Self {
                dir: dir.to_owned(),
                door,
                memory: has("memory"),
                cpu: has("cpu"),
            }),
            Err(error) => {
                let _busy = fs::remove_dir(dir);
                Err(error)
            }
        }
    }

    /// A process that writes `0` here enters.
    pub(super) fn door(&self) -> BorrowedFd<'_> {
        self.door.as_fd()
    }
}

impl Drop for Cgroup {
    /// The run's tree is empty, so the group is.
    fn drop(&mut self) {
        let _busy = fs::remove_dir(&self.dir);
    }
}

#[cfg(test)]
mod tests {
    use super::{Cgroup, is_usable, may_be_shared, name, own_group, sweep_in, wishes};
    use crate::model::{Limits, RunId};
    use std::fs;
    use std::path::Path;

    #[test]
    fn a_process_finds_its_group_in_every_layout() {
        let unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
        let found = own_group("0::/user.slice/a.scope\n", unified).unwrap();
        assert_eq!(found.0, Path::new("/sys/fs/cgroup"));
        assert_eq!(found.1, Path::new("/sys/fs/cgroup/user.slice/a.scope"));
        let hybrid = "31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      32 23 0:28 /docker/x /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let found = own_group("4:memory:/a\n0::/docker/x/b\n", hybrid).unwrap();
        assert_eq!(found.1, Path::new("/sys/fs/cgroup/unified/b"));
        assert_eq!(own_group("4:memory:/a\n0::/elsewhere\n", hybrid), None);
        assert_eq!(own_group("4:memory:/a\n", hybrid), None);
        assert_eq!(own_group("0::/\n", ""), None);
    }

    #[test]
    fn what_a_killed_shim_has_left_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let token = "0123456789abcdef";
        let (dead, alive) = (name(7, token, RunId(3)), name(8, token, RunId(1)));
        let busy = name(7, token, RunId(4));
        let others = [&alive, "ovr-7", "ovr-7-web-1", "ovr-7-0123456789abcdef-1-x", "7"];
        for name in others.iter().copied().chain([dead.as_str(), &busy]) {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        // As the system refuses to remove a group with a process in it.
        fs::write(dir.path().join(&busy).join("cgroup.procs"), "9\n").unwrap();
        sweep_in(dir.path(), |pid| pid == 8);
        assert!(!dir.path().join(&dead).exists());
        for name in others.iter().copied().chain([busy.as_str()]) {
            assert!(dir.path().join(name).exists(), "{name}");
        }
    }

    #[test]
    fn a_group_is_given_its_limits() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("cgroup.subtree_control"), "memory pids\n").unwrap();
        fs::write(at("cgroup.controllers"), "cpu memory pids\n").unwrap();
        let limits = Limits {
            memory: Some(4096),
            cpu: Some(150),
            nofile: None,
        };
        let wishes = wishes(&limits);
        assert!(wishes.iter().all(|wish| is_usable(dir.path(), wish)));
        assert_eq!(fs::read_to_string(at("cgroup.subtree_control")).unwrap(), "+cpu");
        // One with processes of its own hands nothing on, unless it is the topmost one.
        fs::write(at("cgroup.subtree_control"), "\n").unwrap();
        fs::write(at("cgroup.procs"), "7\n").unwrap();
        assert!(may_be_shared(dir.path()));
        fs::write(at("cgroup.type"), "domain\n").unwrap();
        assert!(!wishes.iter().any(|wish| is_usable(dir.path(), wish)));
        // The system makes the files with the directory; without them there is nothing to enter.
        assert!(Cgroup::make(&at("web"), &wishes.iter().collect::<Vec<_>>()).is_err());
        assert_eq!(fs::read_to_string(at("web/memory.max")).unwrap(), "4096");
        assert_eq!(fs::read_to_string(at("web/cpu.max")).unwrap(), "150000 100000");
    }
}
