//! exec checks: their outcome and their surroundings.

use super::{LONG, SHORT, tried};
use crate::model::Check;
use std::path::Path;

pub(super) fn shell(command: &str, cwd: &Path) -> Check {
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
