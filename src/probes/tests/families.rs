//! exec checks that start processes of their own: nothing of them is left. With `setsid` and `/proc`.

use super::commands::shell;
use super::{LONG, attempt, run, surroundings};
use crate::model::Check;
use crate::probes::Surroundings;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A command that writes the pids of itself and two children into files, one of which has left its group.
struct Family {
    dir: tempfile::TempDir,
}

impl Family {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn check(&self, end: &str) -> Check {
        let command = format!(
            "echo $$ >self; sleep 600 & echo $! >child; setsid sh -c 'echo $$ >stray; exec sleep 600' & \
             until read stray <stray && read name </proc/$stray/comm && test $name = sleep && \
             grep -q PROBE_TOKEN /proc/$stray/environ; do sleep 0.01; done 2>/dev/null; echo >there; {end}"
        );
        shell(&command, self.dir.path())
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            end_marked: kill_marked,
            ..surroundings(&self.dir.path().display().to_string())
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn pid(&self, name: &str) -> Pid {
        let text = fs::read_to_string(self.path(name)).unwrap();
        Pid::from_raw(text.trim().parse().unwrap()).unwrap()
    }

    /// All of it, with the programs that it is to run: [`kill_marked`] sees no environment while one is being loaded.
    fn is_there(&self) -> bool {
        self.path("there").exists()
    }

    fn is_gone(&self) -> bool {
        let mut pids = ["self", "child", "stray"].map(|name| self.pid(name)).into_iter();
        pids.all(has_ended)
    }
}

/// Whether there is no such process, or only what is left of one that nobody has waited for.
fn has_ended(pid: Pid) -> bool {
    let path = format!("/proc/{}/stat", pid.as_raw_nonzero());
    fs::read_to_string(path).map_or(true, |stat| stat.contains(") Z "))
}

fn kill_marked(token: &str) {
    let mark = format!("PROBE_TOKEN={token}").into_bytes();
    for entry in fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        let environment = fs::read(path.join("environ")).unwrap_or_default();
        let number = path.file_name().and_then(|name| name.to_str()?.parse().ok());
        if environment.split(|byte| *byte == 0).any(|entry| entry == mark) {
            kill_process(Pid::from_raw(number.unwrap()).unwrap(), Signal::KILL).unwrap();
        }
    }
}

#[test]
fn a_command_that_takes_too_long_is_killed_with_all_that_it_started() {
    let family = Family::new();
    let limit = Duration::from_secs(2);
    let told = run(attempt(&family.check("sleep 600"), family.surroundings(), limit)).unwrap_err();
    assert_eq!(told, "no answer within 2 s");
    run(until(|| family.is_gone()));
}

#[test]
fn what_a_command_leaves_behind_ends_with_it() {
    let family = Family::new();
    assert!(run(attempt(&family.check("exit 0"), family.surroundings(), LONG)).is_ok());
    run(until(|| family.is_gone()));
}

#[test]
fn an_attempt_that_is_cancelled_leaves_nothing() {
    let family = Family::new();
    run(async {
        let check = family.check("sleep 600");
        let surroundings = family.surroundings();
        let attempt = tokio::spawn(async move { attempt(&check, surroundings, LONG).await });
        until(|| family.is_there()).await;
        attempt.abort();
        until(|| family.is_gone()).await;
    });
}

async fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < deadline, "it never came to be");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
