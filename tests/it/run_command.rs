//! `ovr run`: a command in the services' environment, with the terminal, and its exit code.

use crate::harness::Project;

#[test]
fn run_mirrors_the_exit_code_of_its_command() {
    let project = Project::with("web: sleep 1000\n");
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)] {
        assert_eq!(project.ovr(&["run", "sh", "-c", script]).code, code, "{script}");
    }
    assert!(project.ovr(&["run", "no-such-command"]).code >= 126);
}

#[test]
fn run_has_the_environment_of_the_project_or_of_one_service() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n").file(".env", "A=1\n");
    project.ovr(&["run", "printenv", "A"]).success().says(&["1"]);
    let port = project.ovr(&["run", "--service", "worker", "printenv", "PORT"]);
    assert_eq!(port.success().stdout, "5100\n");
    let other = project.ovr(&["run", "printenv", "OVERMIND_PROCESS_worker_PORT"]);
    assert_eq!(other.success().stdout, "5100\n");
}

#[test]
fn run_takes_arguments_as_they_are() {
    let project = Project::with("web: sleep 1000\n");
    let output = project.ovr(&["run", "printf", "%s|", "a b", "$HOME", "--help", "*"]);
    assert_eq!(output.success().stdout, "a b|$HOME|--help|*|");
}

#[test]
fn run_gives_its_command_the_terminal() {
    let project = Project::with("web: sleep 1000\n");
    let terminal = project
        .cmd(&[
            "run",
            "sh",
            "-c",
            "test -t 0 && printf 'name? '; read n; echo hello $n",
        ])
        .terminal();
    terminal.wait_for_output("name? ");
    terminal.type_keys("Ada\r");
    terminal.wait_for_output("hello Ada");
    assert_eq!(terminal.wait_exit(), 0);
}

#[test]
fn ctrl_c_of_run_is_its_commands() {
    let project = Project::with("web: sleep 1000\n");
    let terminal = project
        .cmd(&[
            "run",
            "sh",
            "-c",
            "trap 'exit 9' INT; echo up; while :; do sleep 0.05; done",
        ])
        .terminal();
    terminal.wait_for_output("up");
    terminal.ctrl_c();
    assert_eq!(terminal.wait_exit(), 9);
}
