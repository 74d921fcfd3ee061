//! exec checks: their outcome, their surroundings, and that nothing of them is left.

use super::{LONG, SHORT, attempt, run, surroundings, tried};
use crate::model::Check;
use crate::probes::Surroundings;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn shell(command: &str, cwd: &Path) -> Check {
    Check::Exec {
        argv: ["/bin/sh", "-c", command].map(str::to_owned).to_vec(),
        cwd: cwd.to_owned(),
    }
}

fn failure(command: &str) -> String {
    tried(&shell(command, Path::new("/")), LONG).unwrap_err()
}

#[test]
fn a_command_is_good_if_it_exits_with_0() {
    assert!(tried(&shell("exit 0", Path::new("/")), LONG).is_ok());
    assert_eq!(failure("exit 3"), "exit 3");
    assert_eq!(failure("kill -9 $$"), "killed by SIGKILL");
}

#[test]
fn a_failure_is_told_with_the_last_line_of_its_output() {
    assert_eq!(
        failure("echo one; echo no database >&2; exit 1"),
        "exit 1: no database"
    );
    assert_eq!(
        failure("printf '\\033[31mred\\033[0m\\n\\n'; exit 2"),
        "exit 2: red"
    );
}

#[test]
fn a_command_that_prints_without_end_holds_nobody_up_and_takes_no_memory() {
    let told = failure("yes | head -c 5000000; echo last; exit 1");
    assert_eq!(told, "exit 1: last");
    let told = tried(&shell("yes", Path::new("/")), SHORT).unwrap_err();
    assert_eq!(told, "no answer within 100 ms: y");
}

#[test]
fn a_command_has_the_environment_and_directory_of_its_service_and_no_input() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    let check = shell("env | sort; pwd -P; cat; exit 1", &dir);
    let told = tried(&check, LONG).unwrap_err();
    assert_eq!(told, format!("exit 1: {}", dir.display()));
    assert!(
        tried(
            &shell("test \"$GREETING\" = hello && test -z \"$HOME\"", &dir),
            LONG
        )
        .is_ok()
    );
}

#[test]
fn what_cannot_be_run_says_what_is_missing() {
    let exec = |program: &str, cwd: &str| Check::Exec {
        argv: vec![program.to_owned()],
        cwd: cwd.into(),
    };
    let told = |program: &str, cwd: &str| tried(&exec(program, cwd), LONG).unwrap_err();
    assert_eq!(told("pg_isnotready", "/"), "pg_isnotready: not found");
    assert_eq!(told("true", "/no/such"), "no directory /no/such");
    assert_eq!(told("/etc", "/"), "/etc: permission denied");
}

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
             until test -s stray; do sleep 0.01; done; {end}"
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

    fn is_there(&self) -> bool {
        fs::read_to_string(self.path("stray")).is_ok_and(|text| text.ends_with('\n'))
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

#[cfg(target_os = "linux")]
#[test]
fn a_command_that_takes_too_long_is_killed_with_all_that_it_started() {
    let family = Family::new();
    let limit = Duration::from_secs(2);
    let told = run(attempt(&family.check("sleep 600"), family.surroundings(), limit)).unwrap_err();
    assert_eq!(told, "no answer within 2 s");
    run(until(|| family.is_gone()));
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_command_leaves_behind_ends_with_it() {
    let family = Family::new();
    assert!(run(attempt(&family.check("exit 0"), family.surroundings(), LONG)).is_ok());
    run(until(|| family.is_gone()));
}

#[cfg(target_os = "linux")]
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
