//! What the world does to a running session: shims, tmux servers, clients, windows and socket files that go away.

use crate::harness::{Project, processes};
use ovr::model::StateWord;
use rustix::process::Signal;
use std::fs;

#[test]
fn a_killed_shim_takes_its_tree_along_and_the_service_counts_as_dead() {
    let project = Project::with("stub: stubborn\npipe: sleep 4030 | sleep 4031\nweb: sleep 1000\n");
    project.start_detached(&["--any-can-die"]);
    let [stub, pipe, web] = project.wait_running(["stub", "pipe", "web"]);
    for pid in [stub, pipe] {
        processes::kill(processes::parent(pid), Signal::KILL);
    }
    for command in ["stubborn", "sleep 4030", "sleep 4031"] {
        project.wait_until(&format!("{command} to be gone"), || {
            project.processes_with(command).is_empty()
        });
    }
    let stub = project.wait_state("stub", StateWord::Failed);
    assert!(stub.pid.is_none() && stub.reason.is_some(), "{stub:?}");
    assert_eq!(project.service("web").pid, Some(web));
    project.ovr(&["restart", "stub"]).success();
    project.wait_running(["stub"]);
    project.ovr(&["kill", "stub"]).success();
}

#[test]
fn a_killed_shim_of_an_automatic_service_is_replaced() {
    let project = Project::with("web: exec sleep 4032\n");
    project.start_detached(&["-r", "all"]);
    let [old] = project.wait_running(["web"]);
    processes::kill(processes::parent(old), Signal::KILL);
    project.wait_replaced("web", old);
    assert_eq!(project.processes_with("sleep 4032").len(), 1);
}

#[test]
fn a_killed_tmux_server_orphans_nothing_and_the_session_comes_back() {
    let project = Project::with("web: exec sleep 4033\nhup: trap '' HUP; sleep 4034\ndb: stubborn\n");
    let console = project.start_piped(&["-t", "1"]);
    let before = project.wait_running(["web", "hup", "db"]);
    processes::kill(project.tmux_pid(), Signal::KILL);
    console.wait_for_output("tmux");
    project.wait_until("the old processes to be gone", || {
        before.iter().all(|pid| !processes::is_alive(*pid))
    });
    let after = project.wait_running(["web", "hup", "db"]);
    assert!(before.iter().all(|old| !after.contains(old)));
    assert_eq!(project.processes_with("sleep 4033").len(), 1);
    assert!(!console.has_ended());
}

#[test]
fn with_no_recover_a_killed_tmux_server_ends_the_session() {
    let project = Project::with("web: sleep 1000\ndb: stubborn\n");
    let console = project.start_piped(&["-t", "1", "--no-recover"]);
    project.wait_running(["web", "db"]);
    processes::kill(project.tmux_pid(), Signal::KILL);
    assert_ne!(console.wait_exit(), 0);
    project.wait_gone();
    let text = console.plain() + &console.stderr();
    assert!(text.contains("tmux"), "{text}");
}

#[test]
fn killing_tmux_and_controller_together_orphans_nothing() {
    let project = Project::with("web: trap '' HUP; sleep 1000\ndb: stubborn\npipe: sleep 4035 | npmish\n");
    project.start_detached(&["-t", "1"]);
    project.wait_running(["web", "db", "pipe"]);
    let (tmux, controller) = (project.tmux_pid(), project.status().session.pid);
    // At one moment: a controller that has seen its tmux go opens the next window, in a tmux of its own.
    processes::kill(controller, Signal::STOP);
    project.wait_until("the controller to stand still", || {
        processes::process(controller).is_some_and(|process| process.state == 'T')
    });
    processes::kill(tmux, Signal::KILL);
    processes::kill(controller, Signal::KILL);
    project.wait_gone();
    project.start_detached(&["-t", "1"]);
    project.wait_running(["web", "db", "pipe"]);
}

#[test]
fn a_killed_window_is_a_death_and_its_processes_are_gone() {
    let project = Project::with("web: sleep 1000\ndb: stubborn\n");
    project.start_detached(&["--any-can-die", "-t", "1"]);
    let [web, db] = project.wait_running(["web", "db"]);
    let shim = processes::parent(db).to_string();
    let panes = project
        .tmux(&["list-panes", "-a", "-F", "#{pane_pid} #{window_id}"])
        .stdout;
    let window = panes
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{shim} ")))
        .unwrap();
    project.tmux(&["kill-window", "-t", window]).success();
    project.wait_until("its processes to be gone", || {
        project.processes_with("stubborn").is_empty()
    });
    project.wait_service("db", "to be down", |service| service.pid.is_none());
    assert_eq!(project.service("web").pid, Some(web));
    project.ovr(&["restart", "db"]).success();
    project.wait_running(["db"]);
}

#[test]
fn killing_the_only_window_is_the_end_of_its_service_and_no_loss_of_tmux() {
    let project = Project::with("web: exec sleep 4044\n");
    let console = project.start_piped(&["-t", "1"]);
    project.wait_running(["web"]);
    project.tmux(&["kill-window", "-t", "=ovr:=web"]).success();
    assert_ne!(console.wait_exit(), 0);
    project.wait_gone();
    let text = console.plain() + &console.stderr();
    assert!(!text.contains("tmux server is gone"), "{text}");
    assert!(text.contains("web"), "{text}");
}

#[test]
fn killing_one_window_after_the_other_ends_each_service_and_is_no_loss_of_tmux() {
    let project = Project::with("web: exec sleep 4045\ndb: exec sleep 4046\n");
    let console = project.start_piped(&["--any-can-die", "-t", "1"]);
    project.wait_running(["web", "db"]);
    for name in ["web", "db"] {
        let window = format!("=ovr:={name}");
        project.tmux(&["kill-window", "-t", &window]).success();
    }
    for name in ["web", "db"] {
        let ended = |state| matches!(state, StateWord::Exited | StateWord::Failed);
        project.wait_service(name, "to have ended", |service| ended(service.state));
    }
    let text = console.plain();
    assert!(!text.contains("tmux server is gone"), "{text}");
    project.ovr(&["restart", "web", "db"]).success();
    project.wait_running(["web", "db"]);
}

#[test]
fn the_only_window_killed_comes_back_with_a_service_that_restarts() {
    let project = Project::with("web: exec sleep 4047\n");
    let console = project.start_piped(&["-r", "all", "-t", "1"]);
    let [old] = project.wait_running(["web"]);
    project.tmux(&["kill-window", "-t", "=ovr:=web"]).success();
    project.wait_replaced("web", old);
    assert!(
        !console.plain().contains("tmux server is gone"),
        "{}",
        console.plain()
    );
    assert_eq!(project.processes_with("sleep 4047").len(), 1);
}

#[test]
fn windows_that_a_person_renames_and_splits_are_still_the_right_ones() {
    let project = Project::with("web: sleep 1000\nweb2: sleep 1000\n1: sleep 1000\n");
    project.start_detached(&[]);
    let before = project.wait_running(["web", "web2", "1"]);
    let windows = project.tmux(&["list-windows", "-a", "-F", "#{window_id}"]).stdout;
    for window in windows.lines() {
        project.tmux(&["rename-window", "-t", window, "web"]).success();
        project
            .tmux(&["split-window", "-d", "-t", window, "sleep 4036"])
            .success();
    }
    project.ovr(&["restart", "web2"]).success();
    let after = project.wait_running(["web", "web2", "1"]);
    assert_eq!((after[0], after[2]), (before[0], before[2]));
    assert_ne!(after[1], before[1]);
}

#[test]
fn deleted_sockets_are_made_anew_and_nothing_restarts() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&[]);
    let before = project.wait_running(["web", "worker"]);
    let session = project.status().session;
    for entry in fs::read_dir(&session.runtime_dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sock") {
            fs::remove_file(path).unwrap();
        }
    }
    project.wait_until("the session to answer again", || project.try_status().is_some());
    project.wait_until("the tmux socket to be back", || {
        fs::exists(&session.tmux_socket).unwrap_or(false)
    });
    assert_eq!(project.wait_running(["web", "worker"]), before);
    let view = project.connect("web");
    view.wait_for_screen_text("web");
    project.ovr(&["restart", "web"]).success();
}

#[test]
fn a_killed_control_client_alone_costs_nothing() {
    let project = Project::with("web: while :; do echo tick; sleep 0.05; done\nworker: sleep 1000\n");
    let console = project.start_piped(&[]);
    let before = project.wait_running(["web", "worker"]);
    for _ in 0..3 {
        let clients = project.tmux(&["list-clients", "-F", "#{client_pid}"]).stdout;
        let client = clients.trim().parse().unwrap();
        processes::kill(client, Signal::KILL);
        project.wait_until("another client", || {
            let clients = project.tmux(&["list-clients", "-F", "#{client_pid}"]).stdout;
            !clients.trim().is_empty() && clients.trim() != client.to_string()
        });
    }
    assert_eq!(project.wait_running(["web", "worker"]), before);
    let seen = console.plain().matches("tick").count();
    project.wait_until("more output", || console.plain().matches("tick").count() > seen);
    assert!(
        !console.plain().contains("tmux server is gone"),
        "{}",
        console.plain()
    );
}

#[test]
fn the_killed_shim_of_the_only_window_is_a_death_and_no_loss_of_tmux() {
    let project = Project::with("web: (setsid sleep 4037 &) ; exec sleep 4038\n");
    let console = project.start_piped(&[]);
    let [web] = project.wait_running(["web"]);
    processes::kill(processes::parent(web), Signal::KILL);
    assert_ne!(console.wait_exit(), 0);
    project.wait_gone();
    let text = console.plain() + &console.stderr();
    assert!(!text.contains("tmux server is gone"), "{text}");
    assert!(text.contains("web"), "{text}");
}

#[test]
fn the_killed_shim_of_the_only_window_is_replaced_where_that_is_asked_for() {
    let project = Project::with("web: exec sleep 4039\n");
    project.start_detached(&["-r", "all"]);
    for _ in 0..3 {
        let [old] = project.wait_running(["web"]);
        processes::kill(processes::parent(old), Signal::KILL);
        project.wait_replaced("web", old);
    }
    assert_eq!(project.processes_with("sleep 4039").len(), 1);
}

#[test]
fn a_tmux_server_killed_again_and_again_comes_back_each_time() {
    let project = Project::with("web: exec sleep 4041\nworker: exec sleep 4042\n");
    let console = project.start_piped(&[]);
    for _ in 0..4 {
        let before = project.wait_running(["web", "worker"]);
        processes::kill(project.tmux_pid(), Signal::KILL);
        for (name, old) in ["web", "worker"].into_iter().zip(before) {
            project.wait_replaced(name, old);
        }
        assert!(!console.has_ended(), "{}", console.plain());
    }
    project.ovr(&["quit"]).success();
    assert_eq!(console.wait_exit(), 0);
}

#[test]
fn a_removed_runtime_directory_is_made_anew_and_nothing_restarts() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&[]);
    let before = project.wait_running(["web", "worker"]);
    let session = project.status().session;
    for name in ["lock", "session.json"] {
        let path = std::path::Path::new(&session.runtime_dir).join(name);
        fs::remove_file(&path).unwrap();
        project.wait_until(&format!("{name} to be back"), || path.exists());
    }
    project.wait_until("the directory to be removed", || {
        // It fills again while it is being emptied.
        fs::remove_dir_all(&session.runtime_dir).is_ok()
    });
    project.wait_until("the session to answer again", || project.try_status().is_some());
    project.wait_until("the tmux socket to be back", || {
        fs::exists(&session.tmux_socket).unwrap_or(false)
    });
    assert_eq!(project.wait_running(["web", "worker"]), before);
    project.ovr(&["restart", "web"]).success();
}

#[test]
fn client_and_server_killed_in_a_flood_of_output_cost_no_session() {
    let project = Project::with("flood: exec yes a line of some length\nweb: exec sleep 4043\n");
    project.start_detached(&[]);
    for _ in 0..2 {
        let before = project.wait_running(["flood", "web"]);
        for client in project
            .tmux(&["list-clients", "-F", "#{client_pid}"])
            .stdout
            .lines()
        {
            processes::kill(client.parse().unwrap(), Signal::KILL);
        }
        project.wait_service("web", "to be the same", |service| service.pid == Some(before[1]));
        project.ovr(&["signal", "web", "CONT"]);
        processes::kill(project.tmux_pid(), Signal::KILL);
        for (name, old) in ["flood", "web"].into_iter().zip(before) {
            project.wait_replaced(name, old);
        }
    }
    assert_eq!(project.processes_with("sleep 4043").len(), 1);
}

#[test]
fn a_service_that_is_killed_shows_its_signal_and_no_invented_code() {
    let project = Project::with("web: exec sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&["--any-can-die"]);
    let [web] = project.wait_running(["web"]);
    processes::kill(web, Signal::KILL);
    let web = project.wait_state("web", StateWord::Failed);
    assert_eq!(
        (web.exit_code, web.exit_signal.as_deref()),
        (None, Some("SIGKILL"))
    );
    project.ovr(&["status"]).says(&["SIGKILL"]);
}

#[test]
fn a_missing_tmux_and_an_old_one_are_named_with_what_is_supported() {
    let project = Project::with("web: sleep 1000\n").script("oldtmux", "#!/bin/sh\necho 'tmux 3.1c'\n");
    let old = project.cmd(&["start"]).env("OVR_TMUX", "oldtmux").output();
    old.code(72).says(&["3.1c", "3.2a"]);
    let missing = project.cmd(&["start"]).env("OVR_TMUX", "/no/such/tmux").output();
    missing.code(72).says(&["/no/such/tmux"]);
    project.ovr(&["status"]).code(69);
}

#[test]
fn what_tmux_says_when_it_will_not_start_is_passed_on() {
    let script = "#!/bin/sh\n[ \"$1\" = -V ] && { echo 'tmux 3.3a'; exit 0; }\necho 'cannot allocate a gizmo' >&2\nexit 1\n";
    let project = Project::with("web: sleep 1000\n").script("badtmux", script);
    let output = project.cmd(&["start"]).env("OVR_TMUX", "badtmux").output();
    output.failure().says(&["cannot allocate a gizmo"]);
    project.wait_gone();
}

#[test]
fn answers_that_tmux_cut_short_are_asked_for_again() {
    let project = Project::with(
        "web: echo here is web; sleep 1000\napi: echo here is api; sleep 1000\nworker: sleep 1000\n",
    )
    .env("OVR_TMUX", "cutting-tmux");
    project.start_detached(&[]);
    project.wait_running(["web", "api", "worker"]);
    let windows = project.tmux(&["list-windows", "-F", "#{window_name}"]).stdout;
    assert_eq!(windows.lines().count(), 3, "{windows}");
    // One window is made anew, with its program, after its answer was cut; the others came as they should.
    for name in ["web", "api"] {
        let view = project.connect(name);
        view.wait_for_screen_text(&format!("here is {name}"));
        project.wait_service(name, "to be looked at", |service| service.attached == 1);
    }
}
