//! `ovr start`: what comes up, where, and what the screen says about it.

use crate::harness::{Project, processes};
use ovr::model::StateWord;

#[test]
fn every_service_gets_a_window_and_a_shim_of_its_own() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\ndb: sleep 1000\n");
    project.start_detached(&[]);
    let pids = project.wait_running(["web", "worker", "db"]);
    let panes = project
        .tmux(&["list-panes", "-a", "-F", "#{window_id} #{pane_pid}"])
        .stdout;
    let mut windows = Vec::new();
    for pid in pids {
        let shim = processes::parent(pid).to_string();
        let pane = panes.lines().find(|line| line.ends_with(&format!(" {shim}")));
        windows.push(pane.unwrap_or_else(|| panic!("no pane of shim {shim} in\n{panes}")));
    }
    windows.sort_unstable();
    windows.dedup();
    assert_eq!(windows.len(), 3, "{panes}");
}

#[test]
fn a_small_program_beside_ovr_is_the_shim_and_where_there_is_none_ovr_is_it_itself() {
    let beside = Project::with("web: sleep 1000\n");
    beside.start_detached(&[]);
    let shim_of = |project: &Project| {
        let [web] = project.wait_running(["web"]);
        processes::process(processes::parent(web)).unwrap().command
    };
    let shim = shim_of(&beside);
    assert!(shim.contains("/ovr-shim shim "), "{shim}");
    beside.ovr(&["quit"]).success();

    let alone = Project::with("web: sleep 1000\n");
    std::fs::create_dir_all(alone.path("alone")).unwrap();
    let program = alone.path("alone").join("ovr");
    std::fs::copy(env!("CARGO_BIN_EXE_ovr"), &program).unwrap();
    let started = alone
        .cmd(&["start", "-D"])
        .program(program.to_str().unwrap())
        .output();
    started.success();
    let shim = shim_of(&alone);
    assert!(shim.contains("/alone/ovr shim "), "{shim}");
    alone.ovr(&["quit"]).success();
}

#[test]
fn the_first_screen_names_services_ports_commands_and_the_next_steps() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1001\n").on_free_ports();
    let ports = [0, 1].map(|place| project.port(place).to_string());
    let console = project.start(&[]);
    for text in ["Procfile", "web", &ports[0], "worker", &ports[1], "sleep 1001"] {
        console.wait_for_screen_text(text);
    }
    for text in ["ovr connect", "ovr status", "Ctrl-C"] {
        console.wait_for_screen_text(text);
    }
    console.wait_for_screen("that both are up", |screen| {
        screen.contents().contains("2 services up")
    });
    let text = console.plain();
    for internal in ["tmux.sock", "shim.sock", project.path("run").to_str().unwrap()] {
        assert!(!text.contains(internal), "internals on the first screen: {text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "wider than 80:\n{text}"
    );
}

#[test]
fn a_question_without_a_newline_is_shown_with_a_hint_to_connect() {
    let project = Project::with("ask: asker\n");
    let console = project.start(&[]);
    console.wait_for_screen_text("continue?");
    console.wait_for_screen_text("ovr connect ask");
}

#[test]
fn a_session_started_from_below_runs_its_services_in_the_projects_root() {
    let project = Project::with("web: pwd >$OUT/dir; exec sleep 1000\n").file("sub/deep/x", "");
    project.cmd(&["start", "-D"]).dir("sub/deep").output().success();
    assert_eq!(project.wait_out("dir"), project.root.to_str().unwrap());
    let status = project.cmd(&["status"]).dir("sub").output();
    status.success().says(&["web", "running"]);
}

#[test]
fn what_was_left_out_can_be_started_later_and_the_others_stay_as_they_are() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&["-l", "web"]);
    let [web] = project.wait_running(["web"]);
    assert_eq!(project.service("worker").state, StateWord::Disabled);
    project.ovr(&["start", "worker"]).success().says(&["worker"]);
    let worker = project.service("worker");
    assert_eq!((worker.state, worker.port), (StateWord::Running, Some(5100)));
    assert_eq!(project.service("web").pid, Some(web));
}

#[test]
fn ignoring_a_service_wins_over_choosing_it() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\ndb: sleep 1000\n");
    project.start_detached(&["-l", "web,worker", "-x", "worker"]);
    project.wait_running(["web"]);
    assert_eq!(project.service("worker").state, StateWord::Disabled);
    assert_eq!(project.service("db").state, StateWord::Disabled);
}

#[test]
fn a_formation_runs_instances_under_their_own_names() {
    let project =
        Project::with("web: echo \"$PS on $PORT\" >$OUT/$PS; exec sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&["-m", "web=2"]);
    project.wait_running(["web#1", "web#2", "worker"]);
    assert_eq!(project.wait_out("web#1"), "web#1 on 5000");
    assert_eq!(project.wait_out("web#2"), "web#2 on 5010");
    project.ovr(&["restart", "web#2"]).success().says(&["web#2"]);
}

#[test]
fn a_command_that_does_not_exist_is_named_with_service_and_line() {
    let project = Project::with("web: sleep 1000\n\nask: ./askk --now\n");
    let console = project.start_piped(&[]);
    console.wait_exit();
    let text = console.plain() + &console.stderr();
    for part in ["ask", "./askk", "not found"] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

#[test]
fn the_shell_can_be_chosen() {
    let project = Project::with("web: echo \"v${BASH_VERSION:-none}\" >$OUT/version; exec sleep 1000\n");
    project.start_detached(&["-H", "bash"]);
    assert_ne!(project.wait_out("version"), "vnone");
}

#[test]
fn settings_come_from_flags_then_ovr_then_overmind_variables() {
    let project = Project::with("web: sleep 1000\n").env("OVERMIND_PORT", "6000");
    let port = |call: crate::harness::Invocation| {
        call.output().success();
        let port = project.service("web").port;
        project.ovr(&["quit"]).success();
        port
    };
    assert_eq!(port(project.cmd(&["start", "-D"])), Some(6000));
    assert_eq!(
        port(project.cmd(&["start", "-D"]).env("OVR_PORT", "6100")),
        Some(6100)
    );
    let flag = project
        .cmd(&["start", "-D", "-p", "6200"])
        .env("OVR_PORT", "6100");
    assert_eq!(port(flag), Some(6200));
}

#[test]
fn services_begin_with_default_signals_and_a_terminal() {
    let project = Project::with(
        "web: grep -E '^Sig(Ign|Blk)' /proc/self/status >$OUT/signals; test -t 0 && test -t 1 && echo tty >$OUT/tty; exec sleep 1000\n",
    );
    project.start_piped(&[]);
    assert_eq!(project.wait_out("tty"), "tty");
    for line in project.wait_out("signals").lines() {
        let mask = line.split_whitespace().nth(1).unwrap();
        // 32 and 33 are the C library's own, and ignored in whatever it spawns.
        let mask = u64::from_str_radix(mask, 16).unwrap() & !(0b11 << 31);
        assert_eq!(mask, 0, "{line}");
    }
}

#[test]
fn a_service_without_a_pid_is_never_shown_as_running() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    let _console = project.start_piped(&[]);
    project.wait_until("both to run", || {
        let Some(status) = project.try_status() else {
            return false;
        };
        for service in &status.services {
            let runs = service.state == StateWord::Running;
            assert!(
                !runs || service.pid.is_some_and(processes::is_alive),
                "{service:?}"
            );
        }
        status
            .services
            .iter()
            .all(|service| service.state == StateWord::Running)
    });
}

const DB_FAILS: &str = "processes:
  db: {command: exit 4, readiness_probe: {exec: {command: 'false'}}}
  web: {command: sleep 1000, depends_on: [db]}
  worker: {command: sleep 1000}
";

#[test]
fn only_what_is_up_counts_as_up_and_the_others_are_named() {
    let project = Project::new().file("ovr.yaml", DB_FAILS);
    let console = project.start(&[]);
    console.wait_for_screen_text("1 of 3 services up in");
    console.wait_for_screen_text(", not db, web");
}

#[test]
fn a_start_in_the_background_fails_where_a_service_is_skipped() {
    // What cannot be started is known before the start is over; an end would be a matter of luck.
    let project = Project::new().file(
        "ovr.yaml",
        &DB_FAILS.replace("command: exit 4", "entrypoint: [./none]"),
    );
    project
        .ovr(&["start", "-D"])
        .code(74)
        .says(&["web skipped: needs db: ready, but db could not start: ./none: not found"]);
    project.wait_running(["worker"]);
}

#[test]
fn options_of_a_start_that_a_running_session_does_not_heed_are_named() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&["-t", "2", "-l", "web"]);
    project
        .ovr(&["start", "-p", "9999", "-r", "worker", "-t", "2", "-N", "worker"])
        .success()
        .says(&[
            "warning: the session runs already, so -r, -p and -N change nothing",
            "ovr quit, then ovr start -r worker -p 9999 -N",
            "started worker",
        ]);
    // What chooses services is heeded, and so is how to wait; -D asks for what is so.
    project
        .ovr(&["start", "-D", "--no-deps", "--no-wait", "web"])
        .success()
        .never_says(&["warning"]);
}

#[test]
fn a_service_that_runs_in_no_instance_is_not_called_unknown() {
    let project = Project::with("web: sleep 1000\nweb2: sleep 1000\n");
    project.start_detached(&["-m", "web2=0"]);
    project
        .ovr(&["start", "web2"])
        .code(65)
        .says(&["web2 is configured, and runs in no instance", "ovr scale web2=1"])
        .never_says(&["did you mean"]);
    project.ovr(&["start", "web3"]).code(65).says(&["did you mean"]);
    project.ovr(&["scale", "web2=1"]).success();
    project.wait_running(["web2"]);
}

#[test]
fn a_service_called_as_ovr_itself_and_a_variable_nearly_called_as_one_of_ovrs_are_warnings() {
    let project = Project::with("ovr: sleep 1000\n").file(".ovr.env", "OVR_PROT=7700\n");
    project.ovr(&["start", "-D"]).success().says(&[
        "Procfile:1:",
        "look as if ovr said them",
        ".ovr.env:1:1: OVR_PROT is no variable that ovr reads",
        "did you mean OVR_PORT?",
    ]);
}
