//! The commands that variables come from (`env_cmds`): what they give, and that they end with whoever had them run.

use crate::harness::{Project, Terminal, processes, program, wait};
use ovr::cli::plan::printed::Runner;
use ovr::config::Checked;
use ovr::config::environment::{Assignment, Environment};
use ovr::config::project::{Located, ShellDef};
use ovr::config::shell::Shell;
use ovr::config::source::decode;
use ovr::diag::Span;
use rustix::process::Signal;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Ignores every request to end, and has a child that has left its group and its session.
const STUBBORN: &str = "trap '' HUP INT TERM; setsid sleep 1000 & echo $! >$OUT/asked; sleep 1000 | cat";

fn asking(command: &str) -> Project {
    Project::new().file(
        "ovr.yaml",
        &format!(
            "env_cmds:\n  SAID: {}\nprocesses:\n  web: {{ command: exec sleep 1000 }}\n",
            serde_json::to_string(command).unwrap()
        ),
    )
}

/// The parent of the command that has written this.
fn parent(project: &Project) -> u32 {
    let grandchild: u32 = project.wait_out("asked").trim().parse().unwrap();
    let parent = processes::parent(processes::parent(grandchild));
    let command = processes::process(parent).unwrap().command;
    assert!(command.contains(" errand "), "{command}");
    parent
}

#[test]
fn ctrl_c_ends_whoever_reads_the_configuration_at_once_and_what_is_run_for_it() {
    for line in ["start", "start -D", "check", "env web", "graph"] {
        let project = asking(STUBBORN);
        let words: Vec<&str> = line.split(' ').collect();
        let console = project.cmd(&words).terminal();
        let parent = parent(&project);
        console.ctrl_c();
        assert_eq!(console.wait_exit(), 130, "{line}");
        project.wait_gone();
        project.wait_until("its parent to end", || !processes::is_alive(parent));
    }
}

#[test]
fn whatever_ends_the_reader_ends_what_is_run_for_it() {
    for (signal, code) in [
        (Signal::TERM, 143),
        (Signal::HUP, 129),
        (Signal::QUIT, 131),
        (Signal::KILL, 137),
    ] {
        let project = asking(STUBBORN);
        let reader = project.cmd(&["check"]).piped();
        project.wait_out("asked");
        reader.signal(signal);
        assert_eq!(reader.wait_exit(), code);
        project.wait_gone();
    }
}

#[test]
fn a_parent_that_is_killed_takes_its_command_along() {
    let project = asking(STUBBORN);
    let reader = project.cmd(&["check"]).piped();
    processes::kill(parent(&project), Signal::KILL);
    assert_eq!(reader.wait_exit(), 78);
    assert!(reader.stderr().contains("it was lost"), "{}", reader.stderr());
    assert_eq!(project.processes(), []);
}

/// A session whose second reading of its configuration does not come to an end.
fn session_that_reads_for_ever() -> (Project, Terminal) {
    let project = asking(&format!("if [ -e $OUT/armed ]; then {STUBBORN}; fi; echo value"));
    let console = project.start(&[]);
    project.wait_running(["web"]);
    fs::write(project.path("out").join("armed"), "").unwrap();
    (project, console)
}

#[test]
fn a_session_that_ends_ends_what_a_reload_has_run() {
    let (project, console) = session_that_reads_for_ever();
    let reload = project.cmd(&["reload"]).piped();
    project.wait_out("asked");
    console.ctrl_c();
    assert_eq!(console.wait_exit(), 130);
    assert_ne!(reload.wait_exit(), 0);
    project.wait_gone();
}

#[test]
fn ctrl_c_ends_a_start_that_asks_again_how_many_instances_there_are() {
    // The number that was asked for is not in the file, so the configuration is read once more for it.
    let twice = "if [ -e $OUT/armed ]; then if [ -e $OUT/once ]; then";
    let project = asking(&format!("{twice} {STUBBORN}; fi; : >$OUT/once; fi; echo value"));
    let console = project.start(&[]);
    project.wait_running(["web"]);
    project.ovr(&["scale", "web=2"]).success();
    console.signal(Signal::KILL);
    console.wait_exit();
    fs::write(project.path("out").join("armed"), "").unwrap();
    let next = project.start(&[]);
    project.wait_out("asked");
    next.ctrl_c();
    assert_eq!(next.wait_exit(), 130);
    fs::remove_file(project.path("out").join("armed")).unwrap();
    project.ovr(&["quit"]).success();
    project.wait_gone();
}

#[test]
fn an_agent_that_a_command_starts_for_others_stays() {
    let project = asking("setsid sleep 1000 >/dev/null 2>&1 & echo $! >$OUT/agent; echo value");
    project
        .ovr(&["env", "web", "--explain"])
        .success()
        .says(&["SAID=value"]);
    let agent: u32 = project.wait_out("agent").trim().parse().unwrap();
    assert!(processes::is_alive(agent), "{}", project.report());
    let parent = processes::process(processes::parent(agent)).unwrap().command;
    assert!(!parent.contains(" errand "), "{parent}");
    processes::kill(agent, Signal::KILL);
}

#[test]
fn a_command_that_wants_the_terminal_waits_for_it_and_ends_with_the_reader() {
    let project = asking("echo $$$$ >$OUT/asked; read answer </dev/tty; echo $answer");
    let console = project.cmd(&["check"]).terminal();
    let pid: u32 = project.wait_out("asked").trim().parse().unwrap();
    let stands_still = || processes::process(pid).is_some_and(|process| process.state == 'T');
    project.wait_until("the command to stand still", stands_still);
    // Not stopped again and again.
    assert!(wait::stays_true_for(Duration::from_millis(200), stands_still));
    console.ctrl_c();
    assert_eq!(console.wait_exit(), 130);
    project.wait_gone();
}

// ── by the room's own interface ──

fn run(commands: &[(&str, &str)], cwd: &Path, patience: Duration) -> Checked<Vec<Assignment>> {
    let commands: Vec<(String, Located<String>)> = commands
        .iter()
        .map(|(name, command)| {
            let source = decode("ovr.yaml", command.as_bytes()).unwrap();
            let located = Located {
                value: (*command).to_owned(),
                span: Span {
                    source,
                    line: 1,
                    column: 1,
                    length: command.chars().count(),
                },
            };
            ((*name).to_owned(), located)
        })
        .collect();
    let path = std::env::var("PATH").unwrap();
    let environment = Environment::from_caller([("PATH", path.as_str()), ("A", "from the environment")]);
    let written = ShellDef::default();
    let shell = Shell {
        asked: None,
        written: [&written, &written],
        usual: "sh",
    };
    let runner = Runner {
        program: program(),
        patience,
    };
    runner.run(&commands, &shell, cwd, &environment)
}

#[test]
fn each_variable_has_what_its_command_printed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("port"), " 7474\n\n").unwrap();
    let commands = [("PORT", "cat port"), ("A", "echo \"$A\""), ("NONE", "true")];
    let checked = run(&commands, dir.path(), wait::deadline());
    assert_eq!(checked.diagnostics, []);
    let found: Vec<_> = checked
        .value
        .iter()
        .map(|assignment| (assignment.name.as_str(), assignment.value.as_str()))
        .collect();
    assert_eq!(
        found,
        [("PORT", "7474"), ("A", "from the environment"), ("NONE", "")]
    );
    assert_eq!(checked.value[0].origin.to_string(), "ovr.yaml:1");
}

#[test]
fn commands_run_side_by_side() {
    // Each waits for what the other one makes.
    let dir = tempfile::tempdir().unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .args([dir.path().join("there"), dir.path().join("back")])
            .status()
            .unwrap()
            .success()
    );
    let commands = [
        ("A", "echo hello >there; cat back"),
        ("B", "cat there; echo goodbye >back"),
    ];
    let values = run(&commands, dir.path(), wait::deadline()).value;
    assert_eq!(
        (values[0].value.as_str(), values[1].value.as_str()),
        ("goodbye", "hello")
    );
}

#[test]
fn every_failure_is_told_with_code_and_last_words() {
    let commands = [
        ("A", "echo nope >&2; exit 3"),
        ("B", "echo fine"),
        ("C", "kill -9 $$"),
        ("D", "printf '\\377'"),
    ];
    let checked = run(&commands, Path::new("/"), wait::deadline());
    let told: Vec<String> = checked.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(
        told[0],
        "error: ovr.yaml:1:1: env_cmds: A has no value: `echo nope >&2; exit 3` failed\n    \
         |\n  1 | echo nope >&2; exit 3\n    | ^^^^^^^^^^^^^^^^^^^^^\n  \
         because: it exited with code 3\n  because: nope"
    );
    assert!(
        told[1].ends_with("because: it was ended by signal 9"),
        "{}",
        told[1]
    );
    assert!(
        told[2].ends_with("because: what it printed is no text"),
        "{}",
        told[2]
    );
    assert_eq!(checked.value.len(), 1);
}

#[test]
fn a_command_that_never_answers_is_ended_with_all_it_has_started() {
    let dir = tempfile::tempdir().unwrap();
    let checked = run(
        &[("A", "trap '' HUP TERM; setsid sleep 1000 & sleep 1000 | cat")],
        dir.path(),
        Duration::from_millis(50),
    );
    assert_eq!(checked.diagnostics[0].causes, ["it gave no answer within 0 s"]);
    let here = fs::canonicalize(dir.path()).unwrap();
    let cwd = |pid: u32| fs::read_link(format!("/proc/{pid}/cwd")).ok();
    let left: Vec<_> = processes::all()
        .into_iter()
        .filter(|process| cwd(process.pid).as_ref() == Some(&here))
        .collect();
    assert_eq!(left, []);
}
