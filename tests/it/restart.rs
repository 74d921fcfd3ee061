//! Restarts: asked for and automatic, by name and pattern, many at once, and that they lose nothing.

use crate::harness::wait::stays_true_for;
use crate::harness::{Project, Terminal, processes};
use ovr::model::StateWord;
use std::time::Duration;

#[test]
fn restart_gives_a_new_process_and_one_line() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&[]);
    let [old, worker] = project.wait_running(["web", "worker"]);
    let output = project.ovr(&["restart", "web"]);
    let new = project.service("web").pid.unwrap();
    assert_ne!(new, old);
    output
        .success()
        .says(&["restarted web", &old.to_string(), &new.to_string(), "ms"]);
    assert_eq!(output.stdout.lines().count(), 1, "{output}");
    assert!(!processes::is_alive(old));
    assert_eq!(project.service("worker").pid, Some(worker));
}

#[test]
fn restart_takes_patterns_and_several_names() {
    let project = Project::with("side1: sleep 1000\nside2: sleep 1000\nweb: sleep 1000\ndb: sleep 1000\n");
    project.start_detached(&[]);
    let before = project.wait_running(["side1", "side2", "web", "db"]);
    project.ovr(&["restart", "side*", "db"]).success();
    let after = project.wait_running(["side1", "side2", "web", "db"]);
    let same: Vec<bool> = before.iter().zip(after).map(|(old, new)| *old == new).collect();
    assert_eq!(same, [false, false, true, false]);
}

#[test]
fn many_restarts_at_once_leave_exactly_one_process() {
    let project = Project::with("web: exec sleep 4010\nworker: sleep 1000\n");
    project.start_detached(&[]);
    project.wait_running(["web"]);
    let calls: Vec<Terminal> = (0..20)
        .map(|_| project.cmd(&["restart", "web"]).piped())
        .collect();
    for call in &calls {
        call.wait_exit();
    }
    let [web] = project.wait_running(["web"]);
    let alive: Vec<u32> = project
        .processes_with("sleep 4010")
        .iter()
        .map(|p| p.pid)
        .collect();
    assert_eq!(alive, [web]);
}

#[test]
fn restarting_everything_never_ends_the_session() {
    for procfile in ["web: sleep 1000\n", "web: sleep 1000\nworker: sleep 1000\n"] {
        let project = Project::with(procfile);
        let console = project.start_piped(&[]);
        let [old] = project.wait_running(["web"]);
        project.ovr(&["restart"]).success().says(&["restarted web"]);
        assert_ne!(project.wait_running(["web"]), [old]);
        assert!(!console.has_ended());
    }
}

#[test]
fn the_fifth_run_has_the_environment_of_the_first() {
    let project = Project::with("web: dump-env\n").env("SPECIAL", "a b\n'c' \"$d\" \\e");
    project.start_detached(&[]);
    for run in 1..=5 {
        let name = format!("env.{run}");
        project.wait_until(&name, || !project.out(&name).is_empty());
        if run < 5 {
            project.ovr(&["restart", "web"]).success();
        }
    }
    assert_eq!(project.out("env.1"), project.out("env.5"));
    assert!(project.out("env.5").contains("PORT=5000\0"));
    assert!(project.out("env.5").contains("SPECIAL=a b\n'c' \"$d\" \\e\0"));
}

#[test]
fn a_restart_never_meets_its_own_port() {
    let project = Project::with("web: exec listener\n").env("PORT", "15310");
    let console = project.start_piped(&[]);
    console.wait_for_output("│ listening on 15310");
    for _ in 0..5 {
        project.ovr(&["restart", "web"]).success();
    }
    project.wait_running(["web"]);
    assert!(!console.plain().contains("cannot bind"), "{}", console.plain());
}

#[test]
fn three_automatic_restarts_come_at_once_then_they_wait() {
    let project = Project::with("web: echo run >>$OUT/runs; exit 1\nworker: sleep 1000\n");
    project.start_detached(&["-r", "web"]);
    let web = project.wait_state("web", StateWord::Backoff);
    assert!(web.restarts >= 3, "{web:?}");
    assert!(project.out("runs").lines().count() >= 4);
    project.wait_service("web", "to be restarted again", |service| {
        service.restarts > web.restarts
    });
}

#[test]
fn a_killed_process_is_restarted_every_time_and_adopted_into_the_same_window() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&["-r", "all"]);
    let [mut pid] = project.wait_running(["web"]);
    let shim = processes::parent(pid);
    for _ in 0..3 {
        processes::kill(pid, rustix::process::Signal::KILL);
        let old = pid;
        pid = project.wait_replaced("web", old);
        assert_eq!(processes::parent(pid), shim);
    }
}

#[test]
fn a_crash_loop_costs_next_to_nothing() {
    let project = Project::with("a: exit 1\nb: exit 2\nc: true\nweb: sleep 1000\n");
    project.start_detached(&["-r", "a,b,c"]);
    for name in ["a", "b", "c"] {
        project.wait_service(name, "to back off", |service| service.restarts >= 5);
    }
    let controller = project.status().session.pid;
    let (ticks, memory) = (processes::cpu_ticks(controller), processes::own_kib(controller));
    assert!(stays_true_for(Duration::from_secs(2), || processes::is_alive(
        controller
    )));
    // A tick is 10 ms: at most a fortieth of the two seconds.
    assert!(processes::cpu_ticks(controller) <= ticks.map(|ticks| ticks + 5));
    assert!(processes::own_kib(controller) <= memory.map(|memory| memory + 1024));
    project.wait_running(["web"]);
}

#[test]
fn may_die_and_auto_restart_do_not_cancel_each_other() {
    let project = Project::with("both: exit 1\ndies: exit 2\nweb: sleep 1000\n");
    project.ovr(&["start", "-D", "-c", "both,dies", "-r", "both"]);
    project.wait_service("both", "to be restarted", |service| service.restarts >= 3);
    let dies = project.wait_state("dies", StateWord::Failed);
    assert_eq!((dies.restarts, dies.exit_code), (0, Some(2)));
    project.wait_running(["web"]);
}

#[test]
fn a_restart_that_does_not_come_up_fails_and_shows_the_last_words() {
    let project = Project::with(
        "web: if [ -e $OUT/bad ]; then echo out of luck; exit 5; fi; sleep 1000\nx: sleep 1000\n",
    );
    project.start_detached(&["--any-can-die"]);
    project.wait_running(["web"]);
    std::fs::write(project.path("out").join("bad"), "").unwrap();
    let output = project.ovr(&["restart", "web"]);
    // It may have counted as started before it failed; then the state tells.
    if output.code == 0 {
        project.wait_state("web", StateWord::Failed);
    } else {
        output.code(74).says(&["web", "out of luck", "5"]);
    }
    let web = project.wait_state("web", StateWord::Failed);
    assert_eq!(web.exit_code, Some(5));
    assert_eq!(web.last_line.as_deref(), Some("out of luck"));
}

#[test]
fn the_very_last_line_of_a_failed_restart_is_shown_every_time() {
    let web = "web: {command: seq 1 3000; echo out of luck; exit 5, ready_log_line: ready to serve}";
    let yaml = format!("processes:\n  {web}\n  x: {{command: sleep 1000}}\n");
    let project = Project::new().file("ovr.yaml", &yaml);
    project.start_detached(&[]);
    for _ in 0..5 {
        project.ovr(&["restart", "web"]).code(74).says(&[
            "failed web: it ended with code 5",
            "│ 3000",
            "│ out of luck",
        ]);
    }
}

#[test]
fn no_wait_returns_before_it_is_done() {
    let project = Project::with("web: stubborn\nworker: sleep 1000\n");
    project.start_detached(&["-t", "600"]);
    project.wait_running(["web"]);
    project.ovr(&["restart", "--no-wait", "web"]).success();
    project.wait_service("web", "to be restarting", |service| {
        matches!(service.state, StateWord::Restarting | StateWord::Stopping)
    });
    project.ovr(&["kill", "web"]).success();
}

#[test]
fn quick_exits_have_their_codes_every_time() {
    let project = Project::with_many(51, |n| {
        if n < 50 {
            format!("exit {n}")
        } else {
            "sleep 1000".to_owned()
        }
    });
    project.ovr(&["start", "-D", "--any-can-die"]);
    for _ in 0..4 {
        let mut last = Vec::new();
        project.wait_until("all to have ended with their codes", || {
            last = project
                .try_status()
                .map_or_else(Vec::new, |status| status.services);
            last.len() == 51 && last.iter().take(50).all(|service| service.exit_code.is_some())
        });
        for (code, service) in last.iter().take(50).enumerate() {
            assert_eq!(
                service.exit_code,
                Some(i32::try_from(code).unwrap()),
                "{service:?}"
            );
            let expected = if code == 0 {
                StateWord::Exited
            } else {
                StateWord::Failed
            };
            assert_eq!(service.state, expected, "{service:?}");
        }
        project.ovr(&["restart", "s*"]);
    }
}

#[test]
fn what_the_old_run_printed_stays_readable_after_a_restart() {
    let project = Project::with("web: echo words of $$; exec sleep 1000\n");
    project.start_detached(&[]);
    let [old] = project.wait_running(["web"]);
    project.ovr(&["restart", "web"]).success();
    let [new] = project.wait_running(["web"]);
    let pane = project
        .tmux(&["capture-pane", "-p", "-S", "-", "-t", "=ovr:=web"])
        .stdout;
    for pid in [old, new] {
        assert!(pane.contains(&format!("words of {pid}")), "{pane}");
    }
}
