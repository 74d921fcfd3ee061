//! `ovr connect`: a service's live terminal, leaving it, and several people looking at once.

use crate::harness::wait::stays_true_for;
use crate::harness::{Project, processes};
use ovr::model::StateWord;
use rustix::process::Signal;
use std::time::Duration;

/// tmux's key to detach.
const DETACH: &str = "\x02d";

#[test]
fn a_question_is_answered_in_the_live_terminal() {
    let project = Project::with("web: sleep 1000\nask: asker\n");
    project.start_detached(&[]);
    project.wait_service("ask", "to wait for input", |service| service.waits_for_input);
    let view = project.connect("ask");
    view.wait_for_screen_text("continue?");
    view.type_keys("yes\r");
    assert_eq!(project.wait_out("answer"), "yes");
    view.wait_for_screen_text("answer: yes");
    project.wait_service("ask", "to wait no more", |service| !service.waits_for_input);
}

#[test]
fn the_status_line_names_service_state_port_and_the_key_that_leaves() {
    let project = Project::with("web: sleep 1000\nask: asker\n");
    project.start_detached(&[]);
    let view = project.connect("ask");
    view.wait_for_screen("the status line", |screen| {
        let contents = screen.contents();
        let last = contents.trim_end().lines().last().unwrap_or_default();
        ["ask", "running", "5100", "Ctrl-b d"]
            .iter()
            .all(|word| last.contains(word))
    });
}

#[test]
fn leaving_a_window_leaves_the_service_running_and_says_so() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    let [pid] = project.wait_running(["web"]);
    let view = project.connect("web");
    view.wait_for_screen_text("leave: Ctrl-b d");
    view.type_keys(DETACH);
    assert_eq!(view.wait_exit(), 0);
    view.wait_for_output("still running");
    assert!(!view.plain().contains("[detached"), "{}", view.plain());
    assert_eq!(project.service("web").pid, Some(pid));
}

#[test]
fn a_window_can_be_opened_and_left_again_and_again() {
    let project = Project::with("web: echo here is web; sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&[]);
    let before = project.wait_running(["web", "worker"]);
    for leave in [DETACH, "\x1b[24~", DETACH] {
        let view = project.connect("web");
        view.wait_for_screen_text("here is web");
        view.wait_for_screen_text("Ctrl-b d");
        view.type_keys(leave);
        assert_eq!(view.wait_exit(), 0);
        view.wait_for_output("left web, still running");
    }
    assert_eq!(project.wait_running(["web", "worker"]), before);
}

#[test]
fn the_sessions_end_gives_every_view_its_terminal_back() {
    let project = Project::with("web: echo here is web; sleep 1000\nask: asker\n");
    for _ in 0..5 {
        project.start_detached(&[]);
        let views = [project.connect("ask"), project.connect("web")];
        for view in &views {
            view.wait_for_screen_text("Ctrl-b d or F12 ");
        }
        project.ovr(&["quit"]).success();
        for view in &views {
            view.wait_exit();
            view.wait_for_screen("the screen of before", |screen| !screen.alternate_screen());
            assert!(view.has_line_editing(), "{}", view.screen_text());
        }
    }
}

#[test]
fn a_view_whose_tmux_is_killed_gets_its_terminal_back() {
    let project = Project::with("web: echo here is web; sleep 1000\n");
    project.start_detached(&[]);
    let [web] = project.wait_running(["web"]);
    let view = project.connect("web");
    view.wait_for_screen_text("Ctrl-b d or F12 ");
    for client in project.processes_with("ovr-view") {
        processes::kill(client.pid, Signal::KILL);
    }
    assert_eq!(view.wait_exit(), 1);
    view.wait_for_screen("the screen of before", |screen| !screen.alternate_screen());
    assert!(view.has_line_editing(), "{}", view.screen_text());
    view.wait_for_output("left web, still running");
    assert_eq!(project.wait_running(["web"]), [web]);
}

#[test]
fn closing_the_terminal_of_a_view_is_leaving() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    let [pid] = project.wait_running(["web"]);
    let mut view = project.connect("web");
    view.wait_for_screen_text("leave: Ctrl-b d");
    project.wait_service("web", "to be looked at", |service| service.attached == 1);
    view.hang_up();
    view.wait_exit();
    project.wait_service("web", "to be alone", |service| service.attached == 0);
    assert_eq!(project.service("web").pid, Some(pid));
}

#[test]
fn two_terminals_look_at_two_services_at_once() {
    let project =
        Project::with("web: echo here is web; sleep 1000\nworker: echo here is worker; sleep 1000\n");
    project.start_detached(&[]);
    let (one, two) = (project.connect("web"), project.connect("worker"));
    one.wait_for_screen_text("here is web");
    two.wait_for_screen_text("here is worker");
    assert!(!one.screen_text().contains("here is worker"));
    two.type_keys(DETACH);
    assert_eq!(two.wait_exit(), 0);
    one.type_keys("typed into web\r");
    one.wait_for_screen_text("typed into web");
}

#[test]
fn a_service_that_ends_while_somebody_looks_never_ends_the_session() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    let console = project.start_piped(&[]);
    let [old, worker] = project.wait_running(["web", "worker"]);
    let view = project.connect("web");
    view.wait_for_screen_text("leave: Ctrl-b d");
    project.wait_service("web", "to be looked at", |service| service.attached == 1);
    view.ctrl_c();
    view.wait_for_screen_text("Enter");
    project.wait_service("web", "to have ended", |service| {
        !service.state.as_str().contains("run")
    });
    assert!(!console.has_ended());
    assert_eq!(project.service("worker").pid, Some(worker));
    view.type_keys("\r");
    let [new] = project.wait_running(["web"]);
    assert_ne!(new, old);
}

#[test]
fn a_window_that_is_closed_while_somebody_looks_never_ends_the_session_and_is_named_as_the_reason() {
    let project = Project::with("web: exec sleep 1000\nstub: stubborn\nworker: exec sleep 1000\n");
    let console = project.start_piped(&["-t", "1"]);
    project.wait_running(["web", "stub", "worker"]);
    let view = project.connect("web");
    let mut left = vec!["web", "stub", "worker"];
    while left.len() > 1 {
        // tmux shows another window then, which one is its own business.
        let mut looked_at = None;
        project.wait_until("a window to be looked at", || {
            looked_at = left.iter().position(|name| project.service(name).attached == 1);
            looked_at.is_some()
        });
        let name = left.remove(looked_at.unwrap());
        view.type_keys("\x02&");
        view.wait_for_screen_text("kill-window");
        view.type_keys("y");
        let ended = project.wait_service(name, "to have ended", |service| service.pid.is_none());
        assert_eq!(ended.state, StateWord::Failed, "{}", project.report());
        let reason = ended.reason.unwrap_or_default();
        assert!(reason.contains("its window was closed"), "{reason}");
        console.wait_for_output(&format!("{name:6} │ ended after "));
    }
    let text = console.plain();
    assert_eq!(text.matches(": its window was closed").count(), 2, "{text}");
    assert!(!text.contains("killed by"), "{text}");
    assert!(project.service(left[0]).pid.is_some(), "{}", project.report());
    project.ovr(&["restart", "web"]).success();
    project.wait_service("web", "to run unseen", |service| {
        service.pid.is_some() && service.attached == 0
    });
}

#[test]
fn the_shim_that_is_killed_under_somebodys_eyes_never_ends_the_session() {
    let project = Project::with("web: exec sleep 1000\nworker: exec sleep 1000\n");
    let console = project.start_piped(&[]);
    let [web, worker] = project.wait_running(["web", "worker"]);
    let view = project.connect("web");
    view.wait_for_screen_text("leave: Ctrl-b d");
    project.wait_service("web", "to be looked at", |service| service.attached == 1);
    processes::kill(processes::parent(web), Signal::KILL);
    let ended = project.wait_service("web", "to have ended", |service| service.pid.is_none());
    assert_eq!(ended.attached, 0);
    assert!(!console.has_ended(), "{}", console.plain());
    assert_eq!(project.service("worker").pid, Some(worker));
}

#[test]
fn the_window_that_nobody_looks_at_any_more_ends_the_session_when_it_is_closed() {
    let project = Project::with("web: exec sleep 1000\nworker: exec sleep 1000\n");
    let console = project.start_piped(&[]);
    project.wait_running(["web", "worker"]);
    let view = project.connect("web");
    view.wait_for_screen_text("leave: Ctrl-b d");
    project.wait_service("web", "to be looked at", |service| service.attached == 1);
    view.type_keys(DETACH);
    assert_eq!(view.wait_exit(), 0);
    project.wait_service("web", "to be looked at no more", |service| service.attached == 0);
    project.tmux(&["kill-window", "-t", "ovr:web"]).success();
    assert_eq!(console.wait_exit(), 130);
    let text = console.stderr() + &console.plain();
    assert!(text.contains("web ended after "), "{text}");
    assert!(
        text.contains(": its window was closed, which stopped the session"),
        "{text}"
    );
}

#[test]
fn ctrl_c_in_a_window_reaches_its_service_once_and_nobody_else() {
    let project = Project::with("web: exec count-int\nworker: sleep 1000\n");
    project.start_detached(&["--any-can-die"]);
    let [_, worker] = project.wait_running(["web", "worker"]);
    let view = project.connect("web");
    view.wait_for_screen_text("counting");
    view.ctrl_c();
    project.wait_state("web", StateWord::Exited);
    assert_eq!(project.out("ints"), "INT\n");
    assert_eq!(project.service("worker").pid, Some(worker));
}

#[test]
fn without_a_terminal_connect_is_an_error_of_its_own() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    project.ovr(&["connect", "web"]).code(75).says(&["terminal"]);
    project.ovr(&["connect", "wbe"]).failure();
    project.wait_running(["web"]);
}

#[test]
fn a_read_only_view_takes_no_keys_but_the_one_that_leaves() {
    let project = Project::with("ask: asker\n");
    project.start_detached(&[]);
    let view = project.cmd(&["connect", "--read-only", "ask"]).terminal();
    view.wait_for_screen_text("continue?");
    view.type_keys("no\r");
    assert!(stays_true_for(Duration::from_millis(300), || project
        .out("answer")
        .is_empty()));
    view.type_keys(DETACH);
    assert_eq!(view.wait_exit(), 0);
    project.wait_running(["ask"]);
}

#[test]
fn with_no_name_the_first_service_is_opened_and_from_below_too() {
    let project = Project::with("zed: echo here is zed; sleep 1000\nabe: sleep 1000\n").file("sub/x", "");
    project.start_detached(&[]);
    let view = project.cmd(&["connect"]).dir("sub").terminal();
    view.wait_for_screen_text("here is zed");
}

#[test]
fn the_window_follows_the_size_of_its_terminal() {
    let project = Project::with("web: exec sh -i\n").env("PS1", "$ ");
    project.start_detached(&[]);
    let view = project.connect("web");
    view.wait_for_screen_text("$");
    view.resize(35, 100);
    // What is typed once too often empties the file again.
    let mut size = String::new();
    project.wait_until("the service to see the new width", || {
        view.type_keys("stty size >$OUT/size\r");
        size = project.out("size");
        size.ends_with(" 100\n")
    });
    let rows: u16 = size.split(' ').next().unwrap().parse().unwrap();
    assert!((33..=35).contains(&rows), "{rows}");
}

#[test]
fn inside_another_tmux_it_works_and_says_how_to_leave() {
    let project = Project::with("web: echo here is web; sleep 1000\n");
    project.start_detached(&[]);
    let view = project
        .cmd(&["connect", "web"])
        .env("TMUX", "/tmp/nobody-is-here/default,1,0")
        .env("TMUX_PANE", "%0")
        .terminal();
    view.wait_for_screen_text("here is web");
    view.wait_for_screen_text("leave");
    project.wait_running(["web"]);
}

#[test]
fn from_the_shell_of_a_service_it_says_what_leaves_the_inner_view() {
    let project = Project::with("web: echo here is web; sleep 1000\nsh: exec sh -i\n").env("PS1", "$ ");
    project.start_detached(&[]);
    project.link_program();
    let view = project.connect("sh");
    view.wait_for_screen_text("leave: Ctrl-b d or F12");
    // Nobody presses keys within the millisecond in which tmux takes them for a paste; this test does.
    project.tmux(&["set-option", "-g", "assume-paste-time", "0"]);
    view.type_keys("ovr connect web\r");
    view.wait_for_screen_text("here is web");
    view.wait_for_screen_text("leave: Ctrl-b Ctrl-b d ");
    view.type_keys("\x02\x02d");
    view.wait_for_screen_text("left web, still running");
    view.wait_for_screen_text("leave: Ctrl-b d or F12");
    view.type_keys(DETACH);
    assert_eq!(view.wait_exit(), 0);
    view.wait_for_output("left sh, still running");
}

#[test]
fn a_restart_does_not_disturb_who_looks() {
    let project = Project::with("web: echo words of $$; exec sleep 1000\n");
    project.start_detached(&[]);
    let [old] = project.wait_running(["web"]);
    let view = project.connect("web");
    view.wait_for_screen_text(&format!("words of {old}"));
    project.ovr(&["restart", "web"]).success();
    let [new] = project.wait_running(["web"]);
    view.wait_for_screen_text(&format!("words of {new}"));
    assert!(!view.has_ended());
}

#[test]
fn a_programs_terminal_is_a_real_one() {
    let project = Project::with(
        "web: stty -a >$OUT/stty; tput -T \"$TERM\" cols >$OUT/cols; echo \"$TERM\" >$OUT/term; exec sleep 1000\n",
    );
    project.start_detached(&[]);
    assert!(project.wait_out("stty").contains("isig"));
    assert_ne!(project.wait_out("cols"), "");
    assert_ne!(project.wait_out("term"), "dumb");
}

#[test]
fn somebody_who_detaches_all_clients_ends_nothing() {
    let project = Project::with("web: sleep 1000\n");
    let console = project.start_piped(&[]);
    let [pid] = project.wait_running(["web"]);
    let view = project.connect("web");
    view.wait_for_screen_text("leave: Ctrl-b d");
    project.tmux(&["detach-client", "-a"]);
    for client in project
        .tmux(&["list-clients", "-F", "#{client_name}"])
        .stdout
        .lines()
    {
        project.tmux(&["detach-client", "-t", client]);
    }
    view.wait_exit();
    project.ovr(&["restart", "web"]).success();
    assert_ne!(project.service("web").pid, Some(pid));
    assert!(!console.has_ended());
    assert!(processes::is_alive(project.status().session.pid));
}

#[test]
fn control_mode_is_spoken_to_terminals_that_draw_windows_themselves() {
    let project = Project::with("web: echo here is web; exec sleep 1000\n");
    project.start_detached(&[]);
    let [pid] = project.wait_running(["web"]);
    let view = project.cmd(&["connect", "--control-mode", "web"]).terminal();
    let said = |what: &str| {
        let raw = String::from_utf8_lossy(&view.raw()).into_owned();
        raw.contains(what)
    };
    // What such a terminal waits for, and then what it is told of.
    project.wait_until("control mode to begin", || said("\x1bP1000p"));
    project.wait_until("the session to be named", || said("%session-changed $"));
    view.type_keys("capture-pane -p\n");
    project.wait_until("the window's text", || said("here is web"));
    view.type_keys("detach-client\n");
    assert_eq!(view.wait_exit(), 0);
    assert!(said("%exit"), "{}", String::from_utf8_lossy(&view.raw()));
    assert_eq!(project.service("web").pid, Some(pid));
}
