//! Stopping: Ctrl-C, signals, `stop`, `kill`, `quit`; whole trees, bounded times, and that a stop sticks.

use crate::harness::wait::stays_true_for;
use crate::harness::{Project, processes};
use ovr::model::StateWord;
use rustix::process::Signal;
use std::time::Duration;

#[test]
fn ctrl_c_stops_everything_and_exits_130() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    let console = project.start(&[]);
    project.wait_running(["web", "worker"]);
    console.ctrl_c();
    assert_eq!(console.wait_exit(), 130);
    assert!(project.processes().is_empty(), "{}", project.report());
    // The terminal has echoed the key, and the next line stands over it.
    let (raw, screen) = (console.raw(), console.screen_text());
    assert!(raw.windows(2).any(|echo| echo == b"^C"), "{screen}");
    assert!(!screen.contains("^C"), "{screen}");
}

#[test]
fn a_second_ctrl_c_kills_what_ignores_the_first() {
    let project = Project::with("web: stubborn\n");
    let console = project.start(&["-t", "600"]);
    console.wait_for_output("│ stubborn");
    console.ctrl_c();
    project.wait_until("the session to be ending", || {
        project.try_status().is_some_and(|status| status.session.ending)
    });
    console.ctrl_c();
    assert_eq!(console.wait_exit(), 130);
    project.wait_gone();
}

#[test]
fn sigterm_is_a_graceful_quit_with_143() {
    let project = Project::with("web: trapper\n");
    let console = project.start_piped(&[]);
    console.wait_for_output("│ trapping");
    console.signal(Signal::TERM);
    assert_eq!(console.wait_exit(), 143);
    assert_eq!(project.out("signal"), "INT\n");
}

#[test]
fn what_ignores_every_signal_is_gone_within_its_time_and_named() {
    let project = Project::with("web: stubborn\nworker: sleep 1000\n");
    let console = project.start_piped(&["-t", "1"]);
    console.wait_for_output("│ stubborn");
    let output = project.ovr(&["stop", "web"]);
    output.says(&["web", "SIGKILL"]);
    assert!(project.processes_with("stubborn").is_empty());
    let web = project.service("web");
    assert_eq!((web.state, web.pid), (StateWord::Stopped, None));
}

#[test]
fn pipelines_and_chains_of_shells_are_gone_after_a_stop() {
    let project =
        Project::with("pipe: sleep 4003 | sleep 4004 | sleep 4005\nchain: npmish\nweb: sleep 1000\n");
    project.start_detached(&["-t", "1"]);
    for command in ["sleep 4001", "sleep 4003", "sleep 4004", "sleep 4005"] {
        project.wait_until(command, || !project.processes_with(command).is_empty());
    }
    project.ovr(&["stop", "pipe", "chain"]).success();
    let left = project.processes_with("sleep 40");
    assert!(left.is_empty(), "{}", processes::table(&left));
    project.wait_running(["web"]);
}

#[test]
fn a_daemon_that_is_left_behind_counts_as_running_and_stop_ends_it() {
    let project = Project::with("db: daemonizer\nweb: sleep 1000\n");
    project.start_detached(&["-t", "1"]);
    let db = project.wait_state("db", StateWord::Daemonized);
    let daemon: u32 = project.wait_out("daemon").parse().unwrap();
    assert_eq!(db.pids, [daemon]);
    project.ovr(&["status"]).says(&["daemonized"]);
    project.ovr(&["stop", "db"]).success();
    assert!(!processes::is_alive(daemon));
    assert_eq!(project.service("db").state, StateWord::Stopped);
}

#[test]
fn stop_prints_one_line_and_the_state_sticks() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&["-r", "all"]);
    let [web, worker] = project.wait_running(["web", "worker"]);
    let output = project.ovr(&["stop", "worker"]);
    output
        .success()
        .says(&["stopped worker", &worker.to_string(), "SIGINT", "ms"]);
    assert_eq!(output.stdout.lines().count(), 1, "{output}");
    let state = project.service("worker");
    assert_eq!((state.state, state.needs_attention), (StateWord::Stopped, false));
    assert_eq!(project.service("web").pid, Some(web));
    assert!(stays_true_for(Duration::from_millis(700), || {
        project.service("worker").state == StateWord::Stopped
    }));
}

#[test]
fn stopping_everything_leaves_the_session_running() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    let console = project.start_piped(&[]);
    project.wait_running(["web", "worker"]);
    project
        .ovr(&["stop"])
        .success()
        .says(&["stopped web", "stopped worker"]);
    assert_eq!(project.service("web").state, StateWord::Stopped);
    assert!(!console.has_ended());
    project.ovr(&["restart", "web"]).success();
    project.wait_running(["web"]);
}

#[test]
fn stop_and_start_are_idempotent() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&[]);
    let [web] = project.wait_running(["web"]);
    project.ovr(&["stop", "worker"]).success();
    project
        .ovr(&["stop", "worker"])
        .success()
        .says(&["worker", "already stopped"]);
    project
        .ovr(&["start", "web"])
        .success()
        .says(&["web", "already running"]);
    assert_eq!(project.service("web").pid, Some(web));
}

#[test]
fn a_stop_during_back_off_sticks() {
    let project = Project::with("web: echo x >>$OUT/runs; exit 1\nworker: sleep 1000\n");
    project.start_detached(&["-r", "web"]);
    project.wait_state("web", StateWord::Backoff);
    project.ovr(&["stop", "web"]).success();
    assert_eq!(project.service("web").state, StateWord::Stopped);
    let runs = project.out("runs");
    assert!(stays_true_for(Duration::from_millis(1500), || project
        .out("runs")
        == runs));
    assert_eq!(project.service("web").state, StateWord::Stopped);
}

#[test]
fn one_ctrl_c_is_one_sigint() {
    let project = Project::with("web: exec count-int\n");
    let console = project.start(&[]);
    console.wait_for_output("│ counting");
    console.ctrl_c();
    assert_eq!(console.wait_exit(), 130);
    assert_eq!(project.out("ints"), "INT\n");
}

#[test]
fn each_service_is_stopped_by_its_own_signal() {
    let project = Project::with("web: exec trapper\nworker: sleep 1000\n");
    project.start_detached(&["-i", "web=TERM"]);
    project.wait_running(["web", "worker"]);
    // Each run names its own process as soon as its traps are set.
    let set = |project: &Project| {
        project.wait_service("web", "to have set its traps", |web| {
            let pid = web.pid.map(|pid| format!("trapping {pid}"));
            pid.is_some() && web.last_line == pid
        });
    };
    set(&project);
    // The second run keeps it too.
    project.ovr(&["restart", "web"]).success();
    assert_eq!(project.wait_out("signal"), "TERM");
    set(&project);
    project
        .ovr(&["stop", "web"])
        .success()
        .says(&["stopped web", "code 0"]);
}

#[test]
fn closing_the_terminal_is_a_graceful_quit() {
    let project = Project::with("web: exec trapper\nworker: trap '' HUP; sleep 1000\n");
    let mut console = project.start(&[]);
    console.wait_for_output("│ trapping");
    console.hang_up();
    project.wait_gone();
    assert_eq!(project.out("signal"), "INT\n");
    let status = project.ovr(&["status"]);
    status.code(69).says(&["terminal"]);
    project.start_detached(&[]);
}

#[test]
fn a_hangup_means_nothing_to_a_detached_session() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    let [web] = project.wait_running(["web"]);
    let controller = project.status().session.pid;
    processes::kill(controller, Signal::HUP);
    assert!(stays_true_for(
        Duration::from_millis(300),
        || processes::is_alive(controller)
    ));
    assert_eq!(project.service("web").pid, Some(web));
}

#[test]
fn in_the_background_of_a_script_it_stops_on_sigint_and_on_sigterm() {
    for (signal, code) in [("INT", "130"), ("TERM", "143")] {
        let project = Project::with("web: sleep 1000\n");
        let script = format!(
            "\"$0\" start & until \"$0\" status >/dev/null 2>&1; do sleep 0.02; done; kill -{signal} $!; wait $!; echo \"code $?\""
        );
        let ovr = env!("CARGO_BIN_EXE_ovr");
        let output = project.cmd(&["-c", &script, ovr]).program("/bin/sh").output();
        output.says(&[&format!("code {code}")]);
    }
}

#[test]
fn what_nohup_starts_outlives_its_terminal() {
    let project = Project::with("web: sleep 1000\n");
    let script = "trap '' HUP; exec \"$0\" start";
    let ovr = env!("CARGO_BIN_EXE_ovr");
    let console = project.cmd(&["-c", script, ovr]).program("/bin/sh").piped();
    project.wait_running(["web"]);
    console.signal(Signal::HUP);
    project.ovr(&["restart", "web"]).success();
    assert!(!project.status().session.ending && !console.has_ended());
    // The services do not ignore it.
    project.ovr(&["signal", "HUP", "web"]).success();
    assert_eq!(console.wait_exit(), 129);
}

#[test]
fn quit_says_what_it_stopped_and_returns_when_all_is_gone() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    let console = project.start_piped(&[]);
    project.wait_running(["web", "worker"]);
    project.ovr(&["quit"]).success().says(&["web", "worker"]);
    let left = project.processes_with("sleep 1000");
    assert!(left.is_empty(), "{}", processes::table(&left));
    assert_eq!(console.wait_exit(), 0);
}

#[test]
fn quit_returns_in_every_state() {
    let project =
        Project::with("loop: exit 1\nbad: /no/such/program\nstub: stubborn\ndone: true\nweb: sleep 1000\n");
    project.ovr(&["start", "-D", "-r", "loop", "--any-can-die", "-t", "1"]);
    project.wait_state("loop", StateWord::Backoff);
    project.wait_running(["web", "stub"]);
    project.ovr(&["stop", "web"]).success();
    project.ovr(&["quit"]).success();
    project.wait_gone();
}

#[test]
fn kill_ends_the_whole_tree_at_once() {
    let project = Project::with("web: stubborn\nworker: sleep 1000\n");
    project.start_detached(&["-t", "600"]);
    project.wait_running(["web", "worker"]);
    project.ovr(&["kill", "web"]).success().says(&["web"]);
    assert!(project.processes_with("stubborn").is_empty());
    assert_eq!(project.service("web").state, StateWord::Stopped);
}

#[test]
fn signal_delivers_any_signal_and_changes_nothing_else() {
    let project = Project::with(
        "web: trap 'echo usr2 >$OUT/got' USR2; echo set >$OUT/trap; while :; do sleep 0.05; done\n",
    );
    project.start_detached(&[]);
    let [web] = project.wait_running(["web"]);
    project.wait_out("trap");
    project.ovr(&["signal", "USR2", "web"]).success().says(&["web"]);
    assert_eq!(project.wait_out("got"), "usr2");
    assert_eq!(project.service("web").pid, Some(web));
    project.ovr(&["signal", "TREM", "web"]).code(64);
    project.ovr(&["stop", "web"]).success();
    let refused = project.ovr(&["signal", "USR2", "web"]);
    refused.code(74).says(&["web is not running\n"]);
}
