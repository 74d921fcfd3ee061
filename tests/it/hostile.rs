//! Machines that mean no good: tmux configurations, terminals without a size, long paths, many services.

use crate::harness::{Project, processes};
use ovr::model::StateWord;
use rustix::process::Signal;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;

const TWO: &str = "web: echo up web; sleep 1000\nworker: echo up worker; sleep 1000\n";

/// Starts, looks, restarts, quits: the life of a session in short.
fn lives(project: &Project, args: &[&str]) {
    let console = project.start(args);
    console.wait_for_output("│ up web");
    console.wait_for_output("│ up worker");
    let before = project.wait_running(["web", "worker"]);
    project.ovr(&["restart", "worker"]).success();
    let after = project.wait_running(["web", "worker"]);
    assert_eq!((before[0] == after[0], before[1] == after[1]), (true, false));
    project.ovr(&["quit"]).success();
    assert_eq!(console.wait_exit(), 0);
}

#[test]
fn hostile_tmux_configurations_change_nothing() {
    for line in [
        "set -g base-index 1\nset -g pane-base-index 1",
        "set -g destroy-unattached on",
        "set -g remain-on-exit off",
        "set -g default-command 'false'",
        "set -g default-shell /bin/false",
        "run-shell 'exit 7'",
        "no-such-command at all",
        "set -g exit-empty on\nset -g exit-unattached on",
        "set -g window-size manual\nnew-session -d -s other",
        "kill-server",
        "kill-window",
        "split-window -d 'exec sleep 1000'",
        "set -g allow-rename on\nset -g automatic-rename on\nset -g renumber-windows on",
    ] {
        let project = Project::with(TWO).file("~/tmux.conf", &format!("{line}\n"));
        let config = project.path("home").join("tmux.conf");
        lives(&project, &["-F", config.to_str().unwrap()]);
    }
}

#[test]
fn the_users_own_configuration_is_not_read_unless_asked_for() {
    let project = Project::with(TWO)
        .file(
            "~/.tmux.conf",
            "run-shell 'touch $OUT/read'\nset -g destroy-unattached on\n",
        )
        .file("~/.config/tmux/tmux.conf", "run-shell 'touch $OUT/read'\n");
    lives(&project, &[]);
    assert!(!project.path("out").join("read").exists());
}

#[test]
fn a_remapped_prefix_is_the_one_that_is_shown() {
    let project = Project::with("web: sleep 1000\n").file("~/tmux.conf", "set -g prefix C-a\nunbind C-b\n");
    let config = project.path("home").join("tmux.conf");
    project.start_detached(&["-F", config.to_str().unwrap()]);
    let view = project.connect("web");
    view.wait_for_screen_text("leave: Ctrl-a d");
    view.type_keys("\x01d");
    assert_eq!(view.wait_exit(), 0);
}

#[test]
fn inside_somebodys_tmux_the_session_is_its_own() {
    let project = Project::with(TWO)
        .env("TMUX", "/tmp/nobody/default,1,0")
        .env("TMUX_PANE", "%7");
    lives(&project, &[]);
}

#[test]
fn all_services_start_on_a_terminal_of_any_size_or_none() {
    for (rows, cols) in [(0, 0), (1, 1), (24, 3)] {
        let project = Project::with(TWO);
        let console = project.cmd(&["start"]).size(rows, cols).terminal();
        project.wait_running(["web", "worker"]);
        console.ctrl_c();
        assert_eq!(console.wait_exit(), 130);
    }
    let project = Project::with(TWO);
    let console = project.start_piped(&[]);
    console.wait_for_output("│ up worker");
    project.wait_running(["web", "worker"]);
}

#[test]
fn poor_terminals_and_locales_are_enough() {
    for (name, value) in [
        ("TERM", "dumb"),
        ("TERM", ""),
        ("TERM", "no-such-terminal"),
        ("LC_ALL", "C"),
    ] {
        let project = Project::with(TWO).env(name, value);
        let console = project.start(&[]);
        console.wait_for_output("up worker");
        project.wait_running(["web", "worker"]);
    }
}

#[test]
fn an_empty_environment_is_enough() {
    let project = Project::with(TWO);
    let call = [
        "HOME",
        "TERM",
        "SHELL",
        "USER",
        "LC_ALL",
        "TMPDIR",
        "XDG_STATE_HOME",
    ]
    .iter()
    .fold(project.cmd(&["start", "-D"]), |call, name| call.env_remove(name));
    let output = call.env("XDG_STATE_HOME", project.path("state")).output();
    output.success();
    project.wait_running(["web", "worker"]);
}

#[test]
fn a_project_300_characters_deep_with_spaces_and_dots_works() {
    let parts: Vec<String> = (0..12)
        .map(|n| format!("a dir.with v{n}.0 and some more"))
        .collect();
    let deep = parts.join("/");
    assert!(deep.len() > 300);
    let project = Project::at(deep).procfile(TWO);
    lives(&project, &[]);
}

#[test]
fn three_hundred_services_come_up_answer_and_go() {
    let project = Project::with_many(300, |_| "exec sleep 1000".to_owned());
    let output = project.ovr(&["start", "-D", "-P", "1"]);
    output.success();
    let status = project.status();
    assert_eq!(status.services.len(), 300);
    assert!(
        status
            .services
            .iter()
            .all(|service| service.state == StateWord::Running)
    );
    project.ovr(&["restart", "s29*"]).success();
    project.ovr(&["quit"]).success();
}

#[test]
fn a_procfile_can_be_named_and_lie_elsewhere() {
    let project = Project::new().file("dev/Procfile.dev", "web: pwd >$OUT/dir; sleep 1000\n");
    project
        .ovr(&["start", "-D", "-f", "dev/Procfile.dev", "-d", "."])
        .success();
    assert_eq!(project.wait_out("dir"), project.root.to_str().unwrap());
}

#[test]
fn a_path_that_is_no_text_can_be_named_on_the_command_line() {
    let project = Project::with(TWO);
    let socket = project.root.join(OsString::from_vec(b"caf\xe9".to_vec()));
    let call = project.cmd(&["start", "-D", "-s"]).arg(&socket);
    call.output().success();
    project.cmd(&["quit", "-s"]).arg(&socket).output().success();
}

#[test]
fn a_tmux_configuration_that_is_not_there_is_told_also_by_a_start_in_the_background() {
    let project = Project::with(TWO);
    for args in [
        &["start", "-D", "-F", "nope.conf"][..],
        &["start", "-D", "-F", "wrong.conf"],
    ] {
        project.write("wrong.conf", "set-option -g no-such-option on\n");
        let output = project.ovr(args);
        output.success().says(&["warning: ", args[3]]);
        project.ovr(&["quit"]).success();
    }
}

#[test]
fn a_umask_that_takes_everything_away_leaves_ovr_its_own_files() {
    let project = Project::with(TWO);
    let script = "umask 777; exec \"$0\" start -D";
    let call = project.cmd(&["-c", script, env!("CARGO_BIN_EXE_ovr")]);
    call.program("/bin/sh").output().success();
    let dir = std::path::PathBuf::from(project.status().session.runtime_dir);
    for name in ["", "lock", "session.json", "api.sock", "shim.sock", "tmux.sock"] {
        let mode = std::fs::metadata(dir.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o677, 0o600, "{name} has mode {mode:o}");
    }
    project.ovr(&["quit"]).success();
}

#[test]
fn a_title_of_odd_characters_reaches_no_terminal_as_it_is() {
    let project = Project::with(TWO);
    let title = "\u{1b}[31mred\nnl";
    project.start_detached(&["-w", title]);
    let output = project.ovr(&["quit"]);
    output.success().never_says(&["\u{1b}", "red\n"]);
    project.start_detached(&["-w", title]);
    processes::kill(project.status().session.pid, Signal::KILL);
    project.wait_until("the controller to be gone", || {
        project.ovr(&["status"]).code == 69
    });
    let output = project.ovr(&["quit"]);
    output
        .success()
        .says(&["its controller had been killed"])
        .never_says(&["\u{1b}", "red\n"]);
}
