//! Ends of sessions that something is in the way of: a terminal that does not read, a tmux, a shim or a controller that
//! is stopped, a tmux server that went while its client was being replaced.

use crate::harness::{Project, processes};
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
