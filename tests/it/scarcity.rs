//! Where the system gives less than usual: a tmux that takes its time, a directory that takes no file, no file
//! descriptors. What runs goes on, and what is wrong is said once.

use crate::harness::{Project, processes};
use rustix::process::Signal;
use std::fs;
use std::time::{Duration, Instant};

fn is_stopped(pid: u32) -> bool {
    processes::process(pid).is_some_and(|process| process.state == 'T')
}

/// A project whose control clients attach when the file is there that is given back.
fn project_that_attaches_late(procfile: &str) -> (Project, std::path::PathBuf) {
    let project = Project::with(procfile);
    let may = project.path("out").join("attach");
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *' attach-session '*) until [ -e '{}' ]; do sleep 0.01; done;; esac\n\
         exec tmux \"$@\"\n",
        may.display()
    );
    let project = project.script("late-tmux", &script).env("OVR_TMUX", "late-tmux");
    (project, may)
}

fn suspend_and_go_on(project: &Project, controller: u32) {
    processes::kill(controller, Signal::TSTP);
    project.wait_until("the controller to be stopped", || is_stopped(controller));
    processes::kill(controller, Signal::CONT);
}

#[test]
fn a_session_that_is_suspended_while_it_attaches_attaches_when_it_is_back() {
    let (project, may) = project_that_attaches_late(
        "web: until [ -e $OUT/go ]; do sleep 0.02; done; echo seen again; sleep 1000\n",
    );
    project.start_detached(&[]);
    let [web] = project.wait_running(["web"]);
    let controller = project.status().session.pid;
    let clients = || project.tmux(&["list-clients", "-F", "#{client_pid}"]).stdout;
    let client = clients().trim().parse().unwrap();
    processes::kill(client, Signal::KILL);
    project.wait_until("the next client to be on its way", || {
        !project.processes_with("late-tmux").is_empty()
    });
    suspend_and_go_on(&project, controller);
    fs::write(may, "").unwrap();
    fs::write(project.path("out").join("go"), "").unwrap();
    let web_is = project.wait_service("web", "to be heard", |web| {
        web.last_line.as_deref() == Some("seen again")
    });
    assert_eq!(web_is.pid, Some(web));
    let view = project.connect("web");
    view.wait_for_screen_text("seen again");
}

#[test]
fn a_session_that_is_suspended_as_it_starts_has_all_its_windows_when_it_is_back() {
    let project = Project::with("web: echo here is web; sleep 1000\napi: echo here is api; sleep 1000\n");
    let hold = project.path("out").join("held");
    // The server is there, and has told nothing yet.
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *' new-session '*) touch '{0}'; until [ -e '{0}.go' ]; do sleep 0.01; done;; \
         esac\nexec tmux \"$@\"\n",
        hold.display()
    );
    let project = project.script("late-tmux", &script).env("OVR_TMUX", "late-tmux");
    let tmux_conf = project.path("tmux.conf");
    fs::write(&tmux_conf, "").unwrap();
    let start = project.start(&["--tmux-config", tmux_conf.to_str().unwrap()]);
    project.wait_until("tmux to be on its way", || hold.exists());
    let controller = project.status().session.pid;
    processes::kill(controller, Signal::TSTP);
    fs::write(project.path("out").join("held.go"), "").unwrap();
    project.wait_until("the controller to be stopped", || is_stopped(controller));
    processes::kill(controller, Signal::CONT);
    project.wait_running(["web", "api"]);
    for name in ["web", "api"] {
        let view = project.connect(name);
        view.wait_for_screen_text(&format!("here is {name}"));
    }
    start.ctrl_c();
    start.wait_exit();
}

#[test]
fn services_whose_tmux_does_not_answer_are_left_alone_and_adopted_when_it_does() {
    let project = Project::with("web: exec sleep 1000\n");
    project.start_detached(&[]);
    let [web] = project.wait_running(["web"]);
    let (controller, server) = (project.status().session.pid, project.tmux_pid());
    processes::kill(server, Signal::STOP);
    processes::kill(controller, Signal::KILL);
    let refused = project.ovr(&["start", "-D"]);
    refused.code(72).says(&["does not answer", &server.to_string()]);
    processes::kill(server, Signal::CONT);
    project.start_detached(&[]);
    assert_eq!(project.wait_running(["web"]), [web]);
}

#[test]
fn a_session_file_that_cannot_be_written_is_told_of_once_and_written_when_somebody_asks() {
    let project = Project::with("web: exec sleep 1000\n");
    let start = project.start(&[]);
    project.wait_running(["web"]);
    let controller = project.status().session.pid;
    let session = fs::read_dir(project.path("run"))
        .unwrap()
        .map(|entry| entry.unwrap().path().join("session.json"))
        .find(|file| file.exists())
        .unwrap();
    fs::remove_file(&session).unwrap();
    // Nothing can be written over a directory; each try makes a file beside it.
    while fs::create_dir(&session).is_err() {
        fs::remove_file(&session).unwrap();
    }
    start.wait_for_output("cannot write");
    for _ in 0..3 {
        fs::write(session.with_file_name("something"), "").unwrap();
        fs::remove_file(session.with_file_name("something")).unwrap();
        project.status();
    }
    let told = start.plain().matches("cannot write").count();
    assert!(told <= 2, "told {told} times");
    fs::remove_dir(&session).unwrap();
    processes::kill(controller, Signal::USR1);
    project.wait_until("the file to be there again", || session.is_file());
    start.ctrl_c();
    start.wait_exit();
}

#[test]
fn that_no_descriptor_is_left_is_said_and_what_runs_is_ended_in_order() {
    let project = Project::with_many(30, |_| "exec sleep 1000".to_owned());
    let start = project.shell();
    start.type_keys("ulimit -n 32; ovr start; echo ended with $?\r");
    start.wait_for_output("services cannot be started or watched");
    start.ctrl_c();
    start.wait_for_output("ended with");
    start.type_keys("exit 0\r");
    start.wait_exit();
}

#[test]
fn a_probe_that_is_answered_while_the_controller_is_stopped_counts_as_answered() {
    let project = Project::new().file(
        "ovr.yaml",
        "version: \"0.5\"\nprocesses:\n  web:\n    command: exec sleep 1000\n    liveness_probe:\n      \
         exec: { command: \"date > $OUT/asked; until [ -e $OUT/go ]; do sleep 0.02; done\" }\n      \
         period_seconds: 1\n      timeout_seconds: 2\n      failure_threshold: 1\n",
    );
    project.start_detached(&[]);
    let [web] = project.wait_running(["web"]);
    project.wait_out("asked");
    let controller = project.status().session.pid;
    processes::kill(controller, Signal::STOP);
    project.wait_until("the controller to be stopped", || is_stopped(controller));
    fs::write(project.path("out").join("go"), "").unwrap();
    // The attempt's limit, and the patience with it, pass meanwhile.
    let stopped = Instant::now();
    project.wait_until("time to pass", || stopped.elapsed() > Duration::from_secs(4));
    processes::kill(controller, Signal::CONT);
    fs::remove_file(project.path("out").join("asked")).unwrap();
    project.wait_until("the next probe", || project.path("out").join("asked").exists());
    let service = project.service("web");
    assert_eq!((service.pid, service.restarts), (Some(web), 0), "{service:?}");
}
