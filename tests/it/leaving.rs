//! `ovr connect` that ends by another way than its keys: signals, suspension; and terminals in which it cannot begin.

use crate::harness::{Project, Terminal, processes};
use rustix::process::Signal;

/// A shell with job control that has called `ovr connect ARGS`, and that call's pid. The terminal is the shell's: what
/// becomes of the call hangs nobody up.
fn connected(project: &Project, args: &str) -> (Terminal, u32) {
    let shell = project.shell();
    shell.type_keys(&format!("ovr connect {args}\r"));
    let shown = if args.starts_with("-c") {
        "%session-changed $"
    } else {
        "leave: Ctrl-b d"
    };
    project.wait_until("the view", || {
        String::from_utf8_lossy(&shell.raw()).contains(shown)
    });
    let found = project.processes_with(&format!("connect {args}"));
    assert_eq!(found.len(), 1, "{}", processes::table(&found));
    (shell, found[0].pid)
}

/// tmux's key to detach.
const DETACH: &str = "\x02d";

fn leave(shell: &Terminal) {
    shell.type_keys("exit\r");
    shell.wait_exit();
}

fn clients_are_gone(project: &Project) {
    project.wait_until("the view's client to be gone", || {
        project.processes_with("ovr-view").is_empty()
    });
    project.wait_service("web", "to be alone", |service| service.attached == 0);
}

#[test]
fn a_signal_to_connect_takes_its_tmux_client_along_and_gives_the_terminal_back() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    let [web] = project.wait_running(["web"]);
    for (signal, code) in [
        (Signal::TERM, 143),
        (Signal::HUP, 129),
        (Signal::INT, 130),
        (Signal::QUIT, 131),
    ] {
        let (shell, pid) = connected(&project, "web");
        processes::kill(pid, signal);
        clients_are_gone(&project);
        shell.type_keys("echo code $?.\r");
        shell.wait_for_output(&format!("code {code}."));
        shell.wait_for_screen("the screen of before", |screen| !screen.alternate_screen());
        leave(&shell);
    }
    assert_eq!(project.wait_running(["web"]), [web]);
}

#[test]
fn a_signal_to_connect_in_control_mode_takes_its_tmux_client_along() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    let (shell, pid) = connected(&project, "-c web");
    processes::kill(pid, Signal::TERM);
    clients_are_gone(&project);
    leave(&shell);
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_connect_takes_its_tmux_client_along() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    let (shell, pid) = connected(&project, "web");
    processes::kill(pid, Signal::KILL);
    clients_are_gone(&project);
    shell.wait_for_screen("the screen of before", |screen| !screen.alternate_screen());
    leave(&shell);
}

#[test]
fn a_signal_ends_a_view_whose_tmux_server_is_stopped() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    let server = project.tmux_pid();
    let (shell, pid) = connected(&project, "web");
    processes::kill(server, Signal::STOP);
    processes::kill(pid, Signal::TERM);
    project.wait_until("connect to be gone", || {
        project.processes_with("ovr-view").is_empty() && !processes::is_alive(pid)
    });
    processes::kill(server, Signal::CONT);
    // Until it knows, it still reads the terminal.
    clients_are_gone(&project);
    shell.type_keys("echo still $((40 + 2))\r");
    shell.wait_for_output("still 42");
    leave(&shell);
}

#[test]
fn a_view_that_is_suspended_gives_the_shell_its_prompt_and_comes_back() {
    let project = Project::with("web: echo here is web; sleep 1000\n");
    project.start_detached(&[]);
    let (shell, _) = connected(&project, "web");
    // What comes within a millisecond is a paste to tmux, and no key; only this test types as fast.
    project.tmux(&["set-option", "-g", "assume-paste-time", "0"]);
    shell.type_keys("\x02\x1a");
    shell.wait_for_screen("the screen of before", |screen| !screen.alternate_screen());
    shell.type_keys("echo prompt $((40 + 2))\r");
    shell.wait_for_output("prompt 42");
    shell.type_keys("fg\r");
    shell.wait_for_screen("the window again", |screen| {
        screen.alternate_screen() && screen.contents().contains("here is web")
    });
    shell.type_keys("\x1b[24~");
    shell.wait_for_output("left web, still running");
    leave(&shell);
}

#[test]
fn a_terminal_that_cannot_show_a_window_is_an_error_that_says_what_to_type() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    for (terminal, what) in [
        ("dumb", "TERM=dumb"),
        ("", "no TERM"),
        ("no-such-terminal", "TERM=no-such-terminal"),
    ] {
        let view = project.cmd(&["connect", "web"]).env("TERM", terminal).terminal();
        assert_eq!(view.wait_exit(), 75, "{}", view.plain());
        let said = view.plain();
        assert!(said.contains(what), "{said}");
        assert!(said.contains("TERM=xterm-256color ovr connect web"), "{said}");
        assert!(said.contains("ovr logs web"), "{said}");
        assert!(!said.contains("left web"), "{said}");
    }
}

#[test]
fn a_terminal_of_today_that_this_machine_does_not_know_is_taken_for_its_like() {
    let project = Project::with("web: echo here is web; sleep 1000\n");
    project.start_detached(&[]);
    for terminal in ["xterm-no-such-one", "alacritty-no-such-one"] {
        let view = project.cmd(&["connect", "web"]).env("TERM", terminal).terminal();
        view.wait_for_output(&format!(
            "{terminal} is not known here, and is taken for xterm-256color"
        ));
        view.wait_for_screen_text("here is web");
        view.wait_for_screen_text("leave: Ctrl-b d");
        view.type_keys(DETACH);
        assert_eq!(view.wait_exit(), 0);
    }
}

#[test]
fn without_a_terminal_connect_in_control_mode_and_a_wrong_name_are_told_as_they_are() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    project
        .ovr(&["connect", "-c", "web"])
        .code(75)
        .says(&["connect needs a terminal", "ovr logs web"])
        .never_says(&["tcgetattr"]);
    project.ovr(&["connect"]).code(75).says(&["ovr logs web"]);
    project
        .ovr(&["connect", "wbe"])
        .code(65)
        .says(&["did you mean"])
        .never_says(&["ovr logs wbe"]);
}
