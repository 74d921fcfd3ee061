//! `ovr status` beyond one look: exit codes by health, resources, the ports that services really have, `--watch`.

use crate::harness::{Project, processes};
use ovr::api::messages::Status;
use ovr::model::StateWord;
use rustix::process::Signal;
use std::net::TcpListener;

#[test]
fn the_exit_code_of_status_is_by_health() {
    let project = Project::new().file(
        "ovr.yaml",
        "processes:\n  db:\n    command: sleep 1000\n    readiness_probe: {exec: {command: test -e $OUT/go}, period_seconds: 1}\n  \
         web: {command: sleep 1000}\n",
    );
    let quiet = |code| {
        let output = project.ovr(&["status", "-q"]);
        output.code(code);
        assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output}");
        project.ovr(&["status", "--json"]).code(code).json();
    };
    quiet(69);
    project.start_detached(&[]);
    quiet(76);
    std::fs::write(project.path("out").join("go"), "").unwrap();
    project.ovr(&["wait", "db"]).success();
    quiet(0);
    project.ovr(&["stop", "db"]).success();
    quiet(0);
    project.ovr(&["start", "db"]).success();
    processes::kill(project.service("db").pid.unwrap(), Signal::KILL);
    project.wait_state("db", StateWord::Failed);
    quiet(74);
    project.ovr(&["status"]).code(74);
}

#[test]
fn resources_are_those_of_the_whole_tree_and_only_told_when_asked() {
    let project = Project::with("web: sleep 1000 & sleep 1001 & touch $OUT/up; wait\ndone: true\n");
    project.start_detached(&["--any-can-die", "--stop-signals", "web=TERM"]);
    project.wait_running(["web"]);
    project.wait_state("done", StateWord::Exited);
    project.wait_until("both children to run", || {
        project
            .processes_with("sleep 100")
            .iter()
            .filter(|found| found.command.starts_with("sleep"))
            .count()
            == 2
    });
    assert!(project.service("web").resources.is_none());
    let output = project.ovr(&["status", "-R", "--json"]);
    let status: Status = serde_json::from_value(output.answered().json()).unwrap();
    let used = status.services[0].resources.clone().unwrap();
    assert_eq!(used.processes, Some(3), "{used:?}");
    assert!(used.rss_bytes.unwrap() >= used.pss_bytes.unwrap(), "{used:?}");
    assert!(
        used.pss_bytes.unwrap() > 0 && used.cpu_percent.is_some(),
        "{used:?}"
    );
    assert!(status.services[1].resources.is_none());
    project
        .ovr(&["status", "--resources"])
        .answered()
        .says(&["CPU AVG", "MEMORY", "MiB"]);
    project.ovr(&["status"]).never_says(&["MEMORY"]);
}

#[test]
fn r61_a_service_that_ignores_its_port_is_shown_with_the_port_that_it_has() {
    let free = || {
        TcpListener::bind(("127.0.0.1", 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port()
    };
    let other = free();
    let project = Project::with(&format!(
        "web: exec listener {other}\ngood: exec listener\nnone: sleep 1000\n"
    ));
    project.start_detached(&["-p", &free().to_string()]);
    let web = project.wait_service("web", "to listen", |service| service.listens == [other]);
    let own = web.port.unwrap();
    let words = format!("listens on {other}, not on its port {own}");
    assert_eq!(web.reason.as_deref(), Some(words.as_str()));
    assert_eq!(web.url, Some(format!("http://127.0.0.1:{other}")));
    project
        .ovr(&["status"])
        .says(&[&words, &format!("http://127.0.0.1:{other}")]);
    project.ovr(&["why", "web"]).says(&[&words]);
    let good = project.wait_service("good", "to listen", |service| !service.listens.is_empty());
    assert_eq!((good.reason, good.listens), (None, vec![good.port.unwrap()]));
    let none = project.service("none");
    assert_eq!((none.reason, none.listens), (None, vec![]));
    // A run that listens on its own port is not told of the last one's.
    let project = project.script("listener", "#!/bin/sh\nexec sleep 1000\n");
    project.ovr(&["restart", "web"]).success();
    let web = project.service("web");
    assert_eq!(
        (web.reason, web.url),
        (None, Some(format!("http://127.0.0.1:{own}")))
    );
}

#[test]
fn watching_redraws_when_something_changes_and_leaves_the_terminal_as_it_was() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&["--any-can-die"]);
    project.wait_running(["web", "worker"]);
    let mut shell = project.shell();
    shell.type_keys("ovr status --watch\n");
    shell.wait_for_screen_text("q leaves");
    assert!(shell.screen_text().contains("SINCE"), "{}", shell.screen_text());
    project.ovr(&["stop", "worker"]).success();
    shell.wait_for_screen_text("stopped at");
    shell.resize(5, 60);
    shell.wait_for_screen("the table to be cut", |screen| {
        screen.contents().contains("q leaves") && screen.contents().lines().count() <= 5
    });
    shell.resize(24, 80);
    shell.ctrl_c();
    shell.wait_for_screen("the shell's own screen", is_at_prompt);
    assert!(!shell.screen_text().contains("SINCE"), "{}", shell.screen_text());
    shell.type_keys("echo code $?\n");
    shell.wait_for_screen_text("code 130");
    shell.type_keys("stty -a\n");
    shell.wait_for_screen_text("icanon iexten echo echoe");
    shell.type_keys("ovr status --watch -R\n");
    shell.wait_for_screen_text("MEMORY");
    shell.type_keys("q");
    shell.wait_for_screen("the shell's own screen", is_at_prompt);
    shell.type_keys("echo code $?\n");
    shell.wait_for_screen_text("code 0");
    shell.type_keys("ovr status --watch\n");
    shell.wait_for_screen_text("q leaves");
    project.ovr(&["quit"]).success();
    shell.wait_for_screen("the end to be told", |screen| {
        !screen.alternate_screen() && screen.contents().contains(": ovr quit\n")
    });
    shell.hang_up();
}

/// Whether the shell has its terminal back: what is typed from here on is its.
fn is_at_prompt(screen: &vt100::Screen) -> bool {
    let text = screen.contents();
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    !screen.alternate_screen() && !screen.hide_cursor() && last.is_some_and(|line| line.trim() == "$")
}

#[test]
fn watching_without_a_terminal_prints_an_object_a_line_or_says_that_it_cannot() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&["--any-can-die"]);
    project.wait_running(["web", "worker"]);
    project
        .ovr(&["status", "--watch"])
        .code(75)
        .says(&["terminal", "--json"]);
    let watching = project.cmd(&["status", "--watch", "--json"]).piped();
    watching.wait_for_output("\n");
    project.ovr(&["stop", "worker"]).success();
    watching.wait_for_output("\"stopped\"");
    // It goes on under another controller.
    processes::kill(project.status().session.pid, Signal::KILL);
    project.start_detached(&["--any-can-die"]);
    project.ovr(&["start", "worker"]).success();
    project.ovr(&["kill", "worker"]).success();
    watching.wait_for_output("SIGKILL");
    project.ovr(&["quit"]).success();
    assert_eq!(watching.wait_exit(), 69, "{}", watching.stderr());
    let text = watching.plain();
    let revisions: Vec<u64> = text
        .lines()
        .map(|line| serde_json::from_str::<Status>(line).unwrap().revision)
        .collect();
    assert!(revisions.len() > 3 && revisions.is_sorted(), "{revisions:?}");
    let error: serde_json::Value = serde_json::from_str(&watching.stderr()).unwrap();
    assert_eq!(error["error"]["code"], "not_running");
}
