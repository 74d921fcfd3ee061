//! A session whose configuration changes while it runs: reload, scale, up and down.

use crate::adoption::kill_controller;
use crate::harness::{Project, processes};
use ovr::model::StateWord;

#[test]
fn a_reload_restarts_what_changed_and_leaves_the_rest_alone() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1001\nold: sleep 1002\n");
    project.start_detached(&[]);
    let [web, worker, old] = project.wait_running(["web", "worker", "old"]);
    project.write(
        "Procfile",
        "web: sleep 1000\nworker: sleep 2001\nnew: sleep 1003\n",
    );
    let output = project.ovr(&["reload"]);
    let [web_now, worker_now, new] = project.wait_running(["web", "worker", "new"]);
    output.success().says(&[
        "restarted worker  (command changed)",
        &format!("pid {worker} → {worker_now}"),
        "added new",
        &new.to_string(),
        "removed old",
        "kept 1",
    ]);
    assert_eq!(web_now, web);
    assert!(!processes::is_alive(old));
    let names: Vec<String> = project.status().services.into_iter().map(|s| s.name).collect();
    assert_eq!(names, ["web", "worker", "new"]);
}

#[test]
fn a_second_reload_changes_nothing() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    project.write("Procfile", "web: sleep 1000\napi: sleep 1001\n");
    project.ovr(&["reload"]).success();
    let before = project.wait_running(["web", "api"]);
    let output = project.ovr(&["reload"]);
    output.success();
    assert_eq!(output.stdout, "kept 2\n");
    assert_eq!(project.wait_running(["web", "api"]), before);
}

#[test]
fn an_error_in_the_file_is_shown_with_its_place_and_changes_nothing() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1001\n");
    project.start_detached(&[]);
    let before = project.wait_running(["web", "worker"]);
    project.write("Procfile", "web: sleep 2000\nweb: sleep 2001\n");
    let output = project.ovr(&["reload"]);
    output.code(78).says(&["Procfile:2:1", "nothing was changed"]);
    assert_eq!(project.wait_running(["web", "worker"]), before);
}

#[test]
fn what_was_stopped_stays_stopped_through_a_reload() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1001\n");
    project.start_detached(&[]);
    project.wait_running(["web", "worker"]);
    project.ovr(&["stop", "worker"]).success();
    project.write("Procfile", "web: sleep 1000\nworker: exec sleep 2001\n");
    project.ovr(&["reload"]).success().says(&["changed worker"]);
    assert_eq!(project.service("worker").state, StateWord::Stopped);
    project.ovr(&["start", "worker"]).success();
    project.wait_running(["worker"]);
    assert_eq!(project.processes_with("sleep 2001").len(), 1);
}

#[test]
fn the_output_of_a_new_service_comes_to_console_and_followers() {
    let ticks = "web: while :; do echo tick; sleep 0.05; done\n";
    let project = Project::with(ticks);
    let console = project.start_piped(&[]);
    project.wait_running(["web"]);
    let follower = project.cmd(&["echo"]).piped();
    // It follows from here on.
    follower.wait_for_output("tick");
    project.write(
        "Procfile",
        &format!("{ticks}longer-name: echo hello; sleep 1001\n"),
    );
    project.ovr(&["reload"]).success();
    console.wait_for_output("longer-name │ hello");
    follower.wait_for_output("longer-name │ hello");
    project.ovr(&["quit"]).success();
}

#[test]
fn scaling_up_and_down_leaves_the_others_alone() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1001\n");
    project.start_detached(&["-p", "6100"]);
    let [web, worker] = project.wait_running(["web", "worker"]);
    let port = project.service("worker").port;
    project
        .ovr(&["scale", "web=3"])
        .success()
        .says(&["added web#2", "added web#3", "kept 2"]);
    let [first, second, third, same] = project.wait_running(["web#1", "web#2", "web#3", "worker"]);
    assert_eq!((first, same, project.service("worker").port), (web, worker, port));
    assert_ne!(project.service("web#2").port, project.service("web#3").port);
    project
        .ovr(&["scale", "web=2"])
        .success()
        .says(&["removed web#3", "kept 3"]);
    assert!(!processes::is_alive(third));
    assert_eq!(project.wait_running(["web#1", "web#2"]), [web, second]);
    project.ovr(&["reload"]).success().says(&["kept 3"]);
}

#[test]
fn a_service_that_there_is_not_cannot_be_scaled() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    project
        .ovr(&["scale", "wbe=2"])
        .code(65)
        .says(&["did you mean \"web\"?"]);
    project.ovr(&["scale", "web=x"]).code(64);
}

#[test]
fn a_scale_beyond_all_measure_is_refused_whoever_asks() {
    let project = Project::with("web: sleep 1000\n");
    // Without ports nothing else bounds it.
    project.start_detached(&["-N"]);
    let body = "{\"counts\":{\"web\":1001}}";
    project
        .ovr(&["api", "POST", "/v1/scale", "--data", body])
        .code(64)
        .says(&["web can have 1000 instances at most"]);
    project.ovr(&["status"]).says(&["1 of 1"]);
}

#[test]
fn a_controller_that_comes_later_knows_what_was_scaled() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1001\n");
    project.start_detached(&[]);
    project.wait_running(["web", "worker"]);
    project.ovr(&["scale", "web=2"]).success();
    let before = project.wait_running(["web#1", "web#2", "worker"]);
    kill_controller(&project);
    project.start_detached(&[]);
    assert_eq!(project.wait_running(["web#1", "web#2", "worker"]), before);
}

#[test]
fn up_starts_a_session_and_then_brings_it_up_to_date() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1001\n");
    project.ovr(&["up", "-D"]).success();
    let [web, _] = project.wait_running(["web", "worker"]);
    project.ovr(&["stop", "worker"]).success();
    project.write(
        "Procfile",
        "web: sleep 1000\nworker: sleep 1001\napi: sleep 1002\n",
    );
    project
        .ovr(&["up", "-D"])
        .success()
        .says(&["added api", "started worker"]);
    let before = project.wait_running(["web", "worker", "api"]);
    assert_eq!(before[0], web);
    project.ovr(&["up", "-D"]).success().says(&["everything is up"]);
    assert_eq!(project.wait_running(["web", "worker", "api"]), before);
    project
        .ovr(&["down", "worker"])
        .success()
        .says(&["stopped worker"]);
    assert_eq!(project.service("web").pid, Some(web));
    project.ovr(&["down"]).success().says(&["ended"]);
    assert!(!processes::is_alive(web));
}

#[test]
fn up_says_which_files_a_running_session_does_not_heed() {
    let project = Project::with("web: exec sleep 1000\n")
        .file("more.env", "A=1\n")
        .file("other.env", "A=2\n");
    project.ovr(&["up", "-D", "-e", "more.env"]).success();
    // Those that it was started with are heeded at each reload.
    let again = project.ovr(&["up", "-D", "-f", "Procfile", "-e", "more.env"]);
    assert_eq!(again.success().stderr, "");
    project.ovr(&["up", "-D", "-e", "other.env"]).success().says(&[
        "so -e other.env changes nothing",
        "ovr quit, then ovr up -e other.env",
    ]);
}

#[test]
fn up_that_waits_returns_when_all_are_ready() {
    let project = Project::with("web: sleep 1000\ntask: true\n");
    project
        .cmd(&["up", "--wait", "--timeout", "60s"])
        .env("OVR_ANY_CAN_DIE", "1")
        .output()
        .success()
        .says(&["2 services are ready"]);
    assert_eq!(project.service("web").ready, Some(true));
}

#[test]
fn up_that_waits_names_who_is_not_ready_with_its_last_lines() {
    let project = Project::with("web: sleep 1000\nbad: sleep 0.3; echo went wrong; exit 3\n");
    project
        .cmd(&["up", "--wait", "--timeout", "60s"])
        .env("OVR_ANY_CAN_DIE", "1")
        .output()
        .code(74)
        .says(&["failed bad", "code 3", "went wrong"]);
    assert_eq!(project.service("web").state, StateWord::Running);
}

#[test]
fn up_waits_no_longer_than_it_is_told_to() {
    let project = Project::with("web: sleep 1000\n");
    let output = project.ovr(&["up", "--wait", "--timeout", "1ms"]);
    output.code(74).says(&["web is not ready yet"]);
    project.wait_running(["web"]);
}

#[test]
fn what_failed_is_tried_again_when_its_command_was_mended() {
    let project = Project::with("web: sleep 1000\nbad: exit 3\n");
    project.start_detached(&["--any-can-die"]);
    project.wait_state("bad", StateWord::Failed);
    project.write("Procfile", "web: sleep 1000\nbad: sleep 1001\n");
    project
        .ovr(&["reload"])
        .success()
        .says(&["restarted bad  (command changed)"]);
    project.wait_running(["bad"]);
}

#[test]
fn a_restart_says_that_the_configuration_has_changed_on_disk() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1001\n");
    project.start_detached(&[]);
    project.wait_running(["web", "worker"]);
    project
        .ovr(&["restart", "web"])
        .success()
        .never_says(&["on disk"]);
    project.write("Procfile", "web: sleep 2000\nworker: sleep 1001\n");
    project
        .ovr(&["restart", "web"])
        .success()
        .says(&["restarted web", "changed on disk", "ovr reload"]);
    project
        .ovr(&["restart", "worker"])
        .success()
        .never_says(&["on disk"]);
    project.ovr(&["reload"]).success().says(&["restarted web"]);
    project
        .ovr(&["restart", "web"])
        .success()
        .never_says(&["on disk"]);
}

#[test]
fn a_scale_is_kept_until_the_configuration_has_another_number() {
    let project = Project::with("web: sleep 1000\n").file(".ovr.env", "");
    project.start_detached(&[]);
    project.wait_running(["web"]);
    project.ovr(&["scale", "web=3"]).success();
    project.wait_running(["web#1", "web#2", "web#3"]);
    project.ovr(&["reload"]).success().says(&["kept 3"]);
    // The file is the services' environment as well, so they are restarted.
    project.write(".ovr.env", "OVR_FORMATION=web=2\n");
    project.ovr(&["reload"]).success().says(&["removed web#3"]);
    let names: Vec<String> = project.status().services.into_iter().map(|s| s.name).collect();
    assert_eq!(names, ["web#1", "web#2"]);
}

#[test]
fn two_clients_that_want_the_same_service_get_one_run_though_one_is_killed() {
    let project = Project::with("web: sleep 1000\nslow: exec sleep 4020\n");
    project.start_detached(&["-l", "web"]);
    project.wait_running(["web"]);
    let calls = [0; 2].map(|_| project.cmd(&["up", "slow"]).piped());
    calls[0].signal(rustix::process::Signal::KILL);
    calls[1].wait_exit();
    project.wait_running(["slow"]);
    assert_eq!(project.processes_with("sleep 4020").len(), 1);
}

#[test]
fn every_file_that_was_read_counts_for_what_has_changed_on_disk() {
    let project = Project::new()
        .file(
            "base.yaml",
            "processes:\n  web: { command: exec sleep 1000, env_file: web.env }\n",
        )
        .file(
            "ovr.yaml",
            "extends: base.yaml\nprocesses:\n  api: { command: exec sleep 1001 }\n",
        )
        .file("ovr.override.yaml", "processes:\n  api: { environment: [A=1] }\n")
        .file("web.env", "B=1\n")
        .file("more.env", "C=1\n");
    project.start_detached(&["-e", "more.env"]);
    project.wait_running(["web", "api"]);
    project.ovr(&["restart"]).success().never_says(&["on disk"]);
    for (file, was, is, name) in [
        ("base.yaml", "sleep 1000", "sleep 2000", "web"),
        ("ovr.override.yaml", "A=1", "A=2", "api"),
        ("web.env", "B=1", "B=2", "web"),
        ("more.env", "C=1", "C=2", "api"),
    ] {
        let text = std::fs::read_to_string(project.root.join(file)).unwrap();
        project.write(file, &text.replace(was, is));
        let restarted = project.ovr(&["restart", name]);
        restarted.success().says(&["changed on disk"]);
        project.ovr(&["reload"]).success();
        project.ovr(&["restart"]).success().never_says(&["on disk"]);
    }
    // A file that comes with a reload counts from then on.
    project.write(
        "base.yaml",
        "processes:\n  web: { command: exec sleep 1000, env_file: [web.env, new.env] }\n",
    );
    project.write("new.env", "D=1\n");
    project.ovr(&["reload"]).success();
    project.write("new.env", "D=2\n");
    project
        .ovr(&["restart", "web"])
        .success()
        .says(&["changed on disk"]);
}

#[test]
fn an_override_that_was_not_there_at_the_start_counts_when_it_is() {
    let project = Project::new().file("ovr.yaml", "processes:\n  web: { command: exec sleep 1000 }\n");
    project.start_detached(&[]);
    project.ovr(&["restart"]).success().never_says(&["on disk"]);
    project.write("ovr.override.yaml", "processes:\n  web: { environment: [A=1] }\n");
    project.ovr(&["restart"]).success().says(&["changed on disk"]);
}

#[test]
fn a_reload_changes_the_number_of_replicas_and_their_rules_without_touching_those_that_stay() {
    let text = |count: u32, extra: &str| {
        format!(
            "processes:\n  web: {{ command: exec sleep 1000, replicas: {count}{extra} }}\n  \
             api: {{ command: exec sleep 1000, depends_on: [web] }}\n"
        )
    };
    let project = Project::new().file("ovr.yaml", &text(2, ""));
    project.start_detached(&[]);
    let before = project.wait_running(["web-0", "web-1", "api"]);
    project.write("ovr.yaml", &text(3, ""));
    project.ovr(&["reload"]).success().says(&["web-2"]);
    let [first, second, third, api] = project.wait_running(["web-0", "web-1", "web-2", "api"]);
    assert_eq!([first, second, api], before);
    project.write("ovr.yaml", &text(3, ", description: many"));
    project.ovr(&["reload"]).success();
    assert_eq!(
        project.wait_running(["web-0", "web-1", "web-2"]),
        [first, second, third]
    );
    project.write("ovr.yaml", &text(2, ""));
    project.ovr(&["reload"]).success().says(&["web-2"]);
    assert!(!processes::is_alive(third));
    assert_eq!(project.wait_running(["web-0", "web-1", "api"]), before);
    project.ovr(&["reload"]).success().says(&["kept 3"]);
}
