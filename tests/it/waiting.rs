//! `ovr wait`: what can be waited for, what it says and exits with, and that nobody waits for what cannot come.

use crate::harness::{Project, processes};
use rustix::process::Signal;

fn configured(yaml: &str) -> Project {
    Project::new().file("ovr.yaml", yaml)
}

#[test]
fn a_wait_returns_when_a_service_is_ready_by_its_probe() {
    let project = configured(
        "processes:\n  db:\n    command: sleep 1000\n    readiness_probe: {exec: {command: test -e $OUT/go}, period_seconds: 1}\n",
    );
    project.start_detached(&[]);
    for goal in ["ready", "healthy"] {
        let late = project.ovr(&["wait", "db", "--for", goal, "--timeout", "10ms"]);
        late.code(124).says(&["db", goal, "ovr why db"]);
        assert!(late.stdout.is_empty(), "{late}");
    }
    let waiting = project.cmd(&["wait", "db", "--for", "healthy"]).piped();
    std::fs::write(project.path("out").join("go"), "").unwrap();
    assert_eq!(waiting.wait_exit(), 0, "{}", waiting.stderr());
    assert_eq!(waiting.plain(), "db is healthy\n");
}

#[test]
fn exited_tells_how_it_ended_and_exits_0_only_if_that_was_well() {
    let project = Project::with(
        "good: until [ -e $OUT/go ]; do sleep 0.02; done; echo done\n\
         bad: until [ -e $OUT/go ]; do sleep 0.02; done; seq 30; echo boom; exit 3\nweb: sleep 1000\n",
    );
    project.start_detached(&["--any-can-die"]);
    let good = project.cmd(&["wait", "good", "--for", "exited"]).piped();
    let bad = project.cmd(&["wait", "bad", "--for", "exited"]).piped();
    std::fs::write(project.path("out").join("go"), "").unwrap();
    assert_eq!(good.wait_exit(), 0, "{}", good.stderr());
    assert_eq!(good.plain(), "good has exited (code 0)\n");
    assert_eq!(bad.wait_exit(), 74, "{}", bad.stderr());
    for part in ["bad did not end well", "exited with code 3", "│ boom", "│ 30"] {
        assert!(bad.stderr().contains(part), "no {part:?} in {}", bad.stderr());
    }
    let output = project.ovr(&["wait", "bad", "--for", "exited", "--json"]);
    let json = output.code(74).json();
    assert_eq!(json["results"][0]["exit_code"], 3);
    assert_eq!(json["results"][0]["last_lines"][19], "boom");
    let error: serde_json::Value = serde_json::from_str(&output.stderr).unwrap();
    assert_eq!(error["error"]["code"], "service_failed");
}

#[test]
fn nobody_waits_for_what_cannot_come() {
    let project = configured(
        "processes:\n  web: {command: sleep 1000}\n  again:\n    command: sleep 1000\n    \
         availability: {restart: always, max_restarts: 0}\n  off: {command: sleep 1000, disabled: true}\n  \
         done: {command: \"true\"}\n",
    );
    project.start_detached(&[]);
    project.wait_running(["web", "again"]);
    project.ovr(&["wait", "done", "--for", "exited"]).success();
    for (args, why) in [
        (["web", "healthy"], "nothing says whether it is healthy"),
        (["again", "exited"], "started again whenever it ends"),
        (["off", "running"], "left out"),
        (["off", "exited"], "left out"),
        (["done", "running"], "exited with code 0"),
    ] {
        let [name, goal] = args;
        let output = project.ovr(&["wait", name, "--for", goal]);
        output.code(74).says(&[why, "ovr why"]);
        assert!(output.stdout.is_empty(), "{output}");
    }
    project.ovr(&["wait", "--for", "healthy"]).code(64);
    project
        .ovr(&["wait", "done", "web"])
        .success()
        .says(&["2 services are ready"]);
    project.ovr(&["wait", "--for", "running"]).success();
    project
        .ovr(&["wait", "wbe"])
        .code(65)
        .says(&["did you mean \"web\"?"]);
}

#[test]
fn a_stop_ends_the_wait_for_what_it_stops() {
    let project = Project::with("web: sleep 1000\nother: sleep 1000\n");
    project.start_detached(&["--any-can-die"]);
    project.wait_running(["web", "other"]);
    let waiting = project.cmd(&["wait", "web", "--for", "exited", "--json"]).piped();
    // Its question has come when the session answers the next one.
    project.wait_until("the wait to have asked", || {
        processes::open_sockets(waiting.pid) > 0
    });
    project.ovr(&["stop", "web"]).success();
    assert_eq!(waiting.wait_exit(), 74, "{}", waiting.stderr());
    assert!(
        waiting.plain().contains("stopped on request"),
        "{}",
        waiting.plain()
    );
}

#[test]
fn a_wait_goes_on_under_the_next_controller_and_ends_with_the_session() {
    let project = Project::with("web: sleep 1000\nlong: sleep 1000\n");
    project.start_detached(&["--any-can-die"]);
    let [web, long] = project.wait_running(["web", "long"]);
    let waiting = project.cmd(&["wait", "web", "--for", "exited"]).piped();
    let lasting = project.cmd(&["wait", "long", "--for", "exited"]).piped();
    for pid in [waiting.pid, lasting.pid] {
        project.wait_until("the wait to have asked", || processes::open_sockets(pid) > 0);
    }
    processes::kill(project.status().session.pid, Signal::KILL);
    project.start_detached(&["--any-can-die"]);
    let [same, _] = project.wait_running(["web", "long"]);
    assert_eq!(web, same);
    processes::kill(web, Signal::KILL);
    assert_eq!(waiting.wait_exit(), 74, "{}", waiting.stderr());
    assert!(waiting.stderr().contains("SIGKILL"), "{}", waiting.stderr());
    assert!(processes::is_alive(long));
    project.ovr(&["quit"]).success();
    let code = lasting.wait_exit();
    // It is stopped first, or the session is over before that is told.
    assert!(matches!(code, 69 | 74), "{code}: {}", lasting.stderr());
}

#[test]
fn without_a_session_there_is_nothing_to_wait_for() {
    let project = Project::with("web: sleep 1000\n");
    project
        .ovr(&["wait", "--timeout", "60s"])
        .code(69)
        .says(&["ovr start"]);
    project.ovr(&["wait", "--timeout", "soon"]).code(64);
}
