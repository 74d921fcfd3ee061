//! Ends of sessions that something is in the way of: a terminal that does not read, a tmux, a shim or a controller that
//! is stopped, a tmux server that went while its client was being replaced.

use crate::harness::{Project, Terminal, processes};
use rustix::process::Signal;
use std::fs;

fn clients(project: &Project) -> Vec<String> {
    let names = project.tmux(&["list-clients", "-F", "#{client_name}"]).stdout;
    names.lines().map(str::to_owned).collect()
}

#[track_caller]
fn stop(project: &Project, pid: u32) {
    processes::kill(pid, Signal::STOP);
    project.wait_until(&format!("{pid} to be stopped"), || {
        processes::process(pid).is_some_and(|process| process.state == 'T')
    });
}

#[test]
fn a_session_whose_tmux_went_right_after_its_client_was_replaced_comes_to_its_end() {
    // The first shim outlives the server; the talker tells when the next client has seen all panes.
    let project = Project::with(
        "web: trap '' HUP INT TERM; sleep 4949 & wait; sleep 4949\nb: exec sleep 4950\n\
         talker: until [ -e $OUT/go ]; do sleep 0.02; done; echo seen again; exec sleep 4951\n",
    );
    project.start_detached(&["-t", "1"]);
    let before = project.wait_running(["web", "b", "talker"]);
    let first = clients(&project);
    for client in &first {
        project.tmux(&["detach-client", "-t", client]).success();
    }
    project.wait_until("another client", || {
        let now = clients(&project);
        !now.is_empty() && now != first
    });
    fs::write(project.path("out").join("go"), "").unwrap();
    project.wait_service("talker", "to be heard", |talker| {
        talker.last_line.as_deref() == Some("seen again")
    });
    project.tmux(&["kill-server"]).success();
    for (name, old) in ["web", "b", "talker"].into_iter().zip(before) {
        project.wait_replaced(name, old);
    }
    project.ovr(&["quit"]).success();
    project.wait_gone();
}

/// A session on a terminal that has stopped reading in the middle of a flood, which has ended by now.
#[track_caller]
fn flooded(procfile: &str, args: &[&str]) -> (Project, Terminal) {
    let project = Project::with(procfile);
    let start = project.cmd(&[&["start"], args].concat()).blind().terminal();
    start.wait_for_output("flood");
    start.stop_reading();
    fs::write(project.path("out").join("go"), "").unwrap();
    project.wait_service("flood", "to have printed all", |flood| {
        flood.last_line.as_deref() == Some("FINISHED")
    });
    (project, start)
}

const FLOOD: &str = "flood: echo begun; until [ -e $OUT/go ]; do sleep 0.02; done; \
    yes some words of output | head -c 3150000; echo FINISHED; exec sleep 1000\n";

#[test]
fn quit_returns_though_the_terminal_of_the_session_does_not_read() {
    let (project, start) = flooded(FLOOD, &[]);
    project.ovr(&["quit"]).success().says(&["ended"]);
    assert!(
        start.has_ended() || !processes::is_alive(start.pid),
        "{}",
        project.report()
    );
    project
        .ovr(&["status"])
        .code(69)
        .says(&["ended", "ovr quit", "did not take the last"]);
    assert_eq!(start.wait_exit(), 0);
}

#[test]
fn a_third_signal_ends_at_once_whatever_the_terminal_does() {
    let (project, start) = flooded(&format!("{FLOOD}db: stubborn\n"), &["-t", "600"]);
    project.wait_running(["db"]);
    start.signal(Signal::TERM);
    project.wait_until("the session to be ending", || {
        project.try_status().is_some_and(|status| status.session.ending)
    });
    project.ovr(&["start"]).code(73).says(&["ending"]);
    for _ in 0..2 {
        start.signal(Signal::TERM);
        // Two that come at once are one.
        project.wait_until("the signal to be taken", || {
            start.has_ended() || !is_pending(start.pid, Signal::TERM)
        });
    }
    assert_eq!(start.wait_exit(), 143);
    project.wait_gone();
}

/// Whether a signal waits to be delivered to this process.
fn is_pending(pid: u32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
    let pending = pending.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    pending.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

const ENDS: &str = "flood: echo begun; until [ -e $OUT/go ]; do sleep 0.02; done; \
    yes some words of output | head -c 3150000; echo FINISHED; until [ -e $OUT/end ]; do sleep 0.02; done; exit 3\n";

#[test]
fn a_session_that_ends_by_itself_is_over_and_its_terminal_gets_the_rest_when_it_goes_on() {
    let (project, start) = flooded(ENDS, &[]);
    fs::write(project.path("out").join("end"), "").unwrap();
    project.wait_until("the session to be over", || project.try_status().is_none());
    project
        .ovr(&["status"])
        .code(69)
        .says(&["flood exited with code 3"]);
    project
        .ovr(&["quit"])
        .code(69)
        .says(&["flood exited with code 3"]);
    assert!(!start.has_ended());
    start.go_on_reading();
    assert_eq!(start.wait_exit(), 3);
    let text = start.plain();
    assert!(text.contains("│ FINISHED"), "{}", project.report());
    assert!(text.contains("which stopped the session"), "{}", project.report());
}

#[test]
fn a_terminal_that_is_waited_for_is_given_up_by_a_signal() {
    let (project, start) = flooded(ENDS, &[]);
    fs::write(project.path("out").join("end"), "").unwrap();
    project.wait_until("the session to be over", || project.try_status().is_none());
    start.signal(Signal::TERM);
    assert_eq!(start.wait_exit(), 3);
}

#[test]
fn quit_ends_a_session_that_is_suspended() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    project.wait_running(["web"]);
    stop(&project, project.status().session.pid);
    project.ovr(&["quit"]).success().says(&["stopped web"]);
    project.wait_gone();
}

#[test]
fn a_shim_that_is_stopped_goes_on_when_it_is_needed() {
    let project = Project::with("web: exec sleep 1000\ndb: exec sleep 1000\n");
    project.start_detached(&["-t", "1"]);
    let [web, db] = project.wait_running(["web", "db"]);
    let shims = [processes::parent(web), processes::parent(db)];
    // Else tmux would have them go on.
    stop(&project, project.tmux_pid());
    for shim in shims {
        stop(&project, shim);
    }
    project.ovr(&["restart", "web"]).success();
    project.wait_replaced("web", web);
    stop(&project, shims[0]);
    project.ovr(&["quit"]).success();
    project.wait_gone();
}

#[test]
fn quit_ends_a_session_whose_tmux_is_stopped() {
    let project = Project::with(
        "web: trap 'echo going; exit 0' INT; while :; do sleep 0.02; done\ndb: exec sleep 1000\n",
    );
    project.start_detached(&["-t", "1"]);
    project.wait_running(["web", "db"]);
    stop(&project, project.tmux_pid());
    project.ovr(&["quit"]).success();
    project.wait_gone();
}

#[test]
fn a_start_in_the_background_that_fails_returns_when_its_session_is_gone() {
    let project = Project::with("web: exec sleep 1000\ndb: stubborn\nworker: exec sleep 1000\n");
    project.start_detached(&[]);
    project.ovr(&["quit"]).success();
    for _ in 0..3 {
        project.ovr(&["start", "-D", "-H", "nosuchshell"]).code(74);
        for command in ["status", "quit"] {
            let told = project.ovr(&[command]);
            told.code(69).says(&["nosuchshell", "ended", "ovr start"]);
        }
        project.start_detached(&[]);
        project.ovr(&["quit"]).success();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn tmux_ends_well_though_all_windows_end_at_once() {
    use rustix::process::{Pid, WaitOptions, getpid, set_child_subreaper, waitpid};

    // What has lost its parent is this process's then, which so hears how it ends.
    set_child_subreaper(Some(getpid())).unwrap();
    let names = ["a", "b", "c", "d", "e", "f"];
    let services: String = names.map(|name| format!("{name}: sleep 4952\n")).concat();
    for _ in 0..4 {
        let project = Project::with(&services);
        project.start_detached(&[]);
        project.wait_running(names);
        let server = Pid::from_raw(i32::try_from(project.tmux_pid()).unwrap());
        project.ovr(&["quit"]).success();
        let (_, status) = waitpid(server, WaitOptions::empty())
            .unwrap()
            .expect("it was waited for");
        assert_eq!(
            status.exit_status(),
            Some(0),
            "tmux ended by signal {:?}",
            status.terminating_signal()
        );
        project.wait_gone();
    }
}
