//! A controller that was killed: its services run on, and the next `ovr start` takes them over.

use crate::harness::{Project, processes};
use ovr::model::StateWord;
use rustix::process::Signal;
use std::fs;

/// Kills the controller with SIGKILL and waits until it is gone.
pub(crate) fn kill_controller(project: &Project) {
    let controller = project.status().session.pid;
    processes::kill(controller, Signal::KILL);
    project.wait_until("the controller to be gone", || !processes::is_alive(controller));
}

#[test]
fn after_kill_9_of_the_controller_the_next_start_adopts_the_same_processes() {
    let project = Project::with("web: exec sleep 1000\nworker: npmish\ndb: stubborn\n");
    let console = project.start_piped(&["-t", "1"]);
    let before = project.wait_running(["web", "worker", "db"]);
    kill_controller(&project);
    console.wait_exit();
    assert!(
        before.iter().all(|pid| processes::is_alive(*pid)),
        "{}",
        project.report()
    );
    let output = project.ovr(&["start", "-D", "-t", "1"]);
    output.success().says(&["adopted"]);
    assert_eq!(project.wait_running(["web", "worker", "db"]), before);
    assert_eq!(
        project.processes_with("sleep 1000").len(),
        2,
        "web's and the stubborn one's"
    );
}

#[test]
fn a_new_controller_shows_what_was_printed_while_there_was_none_and_nothing_twice() {
    let project = Project::with(
        "web: seq 1 900; echo all out; until [ -e $OUT/go ]; do sleep 0.02; done; echo meanwhile; \
         echo said > $OUT/said; exec sleep 1000\nworker: exec sleep 1000\n",
    );
    let old = project.start_piped(&[]);
    old.wait_for_output("web    │ all out");
    project.wait_running(["web", "worker"]);
    kill_controller(&project);
    old.wait_exit();
    fs::write(project.path("out").join("go"), "").unwrap();
    project.wait_out("said");
    let console = project.start_piped(&[]);
    console.wait_for_output("web    │ meanwhile");
    assert!(!console.plain().contains("│ all out"), "{}", console.plain());
    let echo = project.cmd(&["echo", "web", "-n", "902"]).piped();
    echo.wait_for_output("meanwhile");
    assert!(echo.plain().contains("web    │ 900\n"), "{}", echo.plain());
    let kept = project.ovr(&[
        "logs",
        "web",
        "-n",
        "all",
        "--grep",
        "^(1|900|all out|meanwhile)$",
        "--plain",
    ]);
    assert_eq!(kept.success().stdout, "1\n900\nall out\nmeanwhile\n");
}

#[test]
fn without_the_files_a_new_controller_shows_the_end_of_what_was_printed_and_says_how_much_there_is() {
    let project = Project::with("web: seq 1 900; echo all out; exec sleep 1000\nworker: exec sleep 1000\n");
    let old = project.start_piped(&[]);
    old.wait_for_output("web    │ all out");
    project.wait_running(["web", "worker"]);
    kill_controller(&project);
    old.wait_exit();
    fs::remove_dir_all(project.path("state")).unwrap();
    let console = project.start_piped(&[]);
    console.wait_for_output("adopted web, worker");
    console.wait_for_output("web    │ all out");
    let text = console.plain();
    assert!(
        text.contains("web    │ … 801 earlier lines · ovr echo web -n 901"),
        "{text}"
    );
    assert!(
        text.contains("web    │ 802\n") && !text.contains("web    │ 801\n"),
        "{text}"
    );
    let echo = project.cmd(&["echo", "web", "-n", "901"]).piped();
    echo.wait_for_output("all out");
    assert!(echo.plain().starts_with("web    │ 1\n"), "{}", echo.plain());
}

#[test]
fn a_daemonized_service_is_adopted_with_its_processes() {
    let project = Project::with("db: daemonizer\nweb: sleep 1000\n");
    project.start_detached(&["-t", "1"]);
    let before = project.wait_state("db", StateWord::Daemonized).pids;
    kill_controller(&project);
    project.start_detached(&["-t", "1"]);
    assert_eq!(project.wait_state("db", StateWord::Daemonized).pids, before);
    project.ovr(&["stop", "db"]).success();
    assert!(!processes::is_alive(before[0]));
}

#[test]
fn what_ended_meanwhile_is_shown_with_its_code() {
    let project =
        Project::with("web: until [ -e $OUT/go ]; do sleep 0.02; done; exit 4\nworker: sleep 1000\n");
    project.start_detached(&["--any-can-die"]);
    let [web, worker] = project.wait_running(["web", "worker"]);
    kill_controller(&project);
    fs::write(project.path("out").join("go"), "").unwrap();
    project.wait_until("web to end", || !processes::is_alive(web));
    let output = project.ovr(&["start", "-D", "--any-can-die"]);
    output.says(&["web", "code 4"]);
    assert_eq!(project.service("worker").pid, Some(worker));
}

#[test]
fn what_was_printed_meanwhile_is_in_the_output_afterwards() {
    let project = Project::with(
        "web: until [ -e $OUT/go ]; do sleep 0.02; done; echo nobody heard this; touch $OUT/said; sleep 1000\n",
    );
    project.start_detached(&[]);
    project.wait_running(["web"]);
    kill_controller(&project);
    fs::write(project.path("out").join("go"), "").unwrap();
    project.wait_until("it to be said", || project.path("out").join("said").exists());
    project.start_detached(&[]);
    let echo = project.cmd(&["echo"]).piped();
    echo.wait_for_output("│ nobody heard this");
}

#[test]
fn fresh_ends_the_old_services_first() {
    let project = Project::with("web: exec sleep 4020\n");
    project.start_detached(&[]);
    let [old] = project.wait_running(["web"]);
    kill_controller(&project);
    project.ovr(&["start", "-D", "--fresh"]).success();
    let [new] = project.wait_running(["web"]);
    assert_ne!(new, old);
    assert_eq!(project.processes_with("sleep 4020").len(), 1);
}

#[test]
fn a_stopped_service_stays_stopped_under_the_next_controller() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&[]);
    let [web] = project.wait_running(["web"]);
    project.ovr(&["stop", "worker"]).success();
    kill_controller(&project);
    project.start_detached(&[]);
    assert_eq!(project.service("web").pid, Some(web));
    assert_eq!(project.service("worker").state, StateWord::Stopped);
}

#[test]
fn a_controller_that_is_killed_at_any_moment_of_its_start_leaves_nothing_in_the_way() {
    let project = Project::with("web: exec sleep 4021\nworker: exec sleep 4022\n");
    for moment in 0..12_u64 {
        let start = project.start_piped(&[]);
        let pause = std::time::Duration::from_millis(moment * 8);
        crate::harness::wait::stays_true_for(pause, || true);
        start.signal(Signal::KILL);
        start.wait_exit();
    }
    project.start_detached(&[]);
    project.wait_running(["web", "worker"]);
    for command in ["sleep 4021", "sleep 4022"] {
        project.wait_until(&format!("exactly one {command}"), || {
            project.processes_with(command).len() == 1
        });
    }
}

#[test]
fn a_controller_that_is_killed_while_it_stops_leaves_nothing_behind() {
    let project = Project::with("web: exec trapper\nstub: stubborn\n");
    for moment in 0..6_u64 {
        let start = project.start_piped(&["-t", "1"]);
        project.wait_running(["web", "stub"]);
        start.signal(Signal::INT);
        let pause = std::time::Duration::from_millis(moment * 5);
        crate::harness::wait::stays_true_for(pause, || true);
        start.signal(Signal::KILL);
        start.wait_exit();
        let again = project.start_piped(&["-t", "1"]);
        project.wait_running(["web", "stub"]);
        assert_eq!(project.status().session.pid, again.pid);
        project.ovr(&["quit"]).success();
        project.wait_gone();
    }
}

#[test]
fn commands_say_that_the_controller_is_dead_and_what_helps() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    let [web] = project.wait_running(["web"]);
    kill_controller(&project);
    project.ovr(&["status"]).code(69).says(&["ovr start"]);
    project.ovr(&["restart", "web"]).code(69);
    assert!(processes::is_alive(web));
    project.start_detached(&[]);
    assert_eq!(project.service("web").pid, Some(web));
}

#[test]
fn without_a_controller_quit_ends_what_still_runs() {
    let project = Project::with("web: sleep 1000\nstub: stubborn\n");
    project.start_detached(&["-t", "1"]);
    project.wait_running(["web", "stub"]);
    kill_controller(&project);
    project
        .ovr(&["quit"])
        .success()
        .says(&["stopped web", "stopped stub"]);
    project.wait_gone();
    project.ovr(&["quit"]).code(69);
}

#[test]
fn a_flood_goes_on_when_the_controller_is_killed_and_nothing_stays_of_its_client() {
    let project = Project::with(
        "web: yes a line of some length | head -c 60000000; touch $OUT/done; exec sleep 1000\n",
    );
    project.start_detached(&[]);
    project.wait_running(["web"]);
    // While tmux has more to say than its client has read.
    kill_controller(&project);
    project.wait_until("the flood to pass", || project.path("out").join("done").exists());
    project.start_detached(&[]);
    project.wait_running(["web"]);
    project.ovr(&["quit"]).success();
    project.wait_gone();
}

#[test]
fn a_fresh_start_that_is_sent_to_the_background_ends_nothing() {
    let project = Project::with("web: sleep 1000\n");
    let console = project.start(&["--fresh"]);
    let before = project.wait_running(["web"]);
    project.ovr(&["detach"]).success();
    assert_eq!(console.wait_exit(), 0);
    assert_eq!(project.wait_running(["web"]), before);
}

#[test]
fn three_controllers_killed_in_a_row_lose_neither_a_process_nor_a_line() {
    let project = Project::with(
        "web: for n in 1 2 3; do until [ -e $OUT/go$n ]; do sleep 0.02; done; echo line $n; touch $OUT/said$n; done; sleep 1000\n",
    );
    project.start_detached(&[]);
    let before = project.wait_running(["web"]);
    for n in 1..=3 {
        kill_controller(&project);
        fs::write(project.path("out").join(format!("go{n}")), "").unwrap();
        let said = project.path("out").join(format!("said{n}"));
        project.wait_until("a line to be said", || said.exists());
        project.start_detached(&[]);
        assert_eq!(project.wait_running(["web"]), before);
    }
    let echo = project.cmd(&["echo"]).piped();
    echo.wait_for_output("line 3");
    let text = echo.plain();
    for n in 1..=3 {
        assert_eq!(text.matches(&format!("line {n}")).count(), 1, "{text}");
    }
}

#[test]
fn a_question_that_was_asked_before_is_still_seen_to_wait() {
    let project = Project::with("web: sleep 1000\nask: asker\n");
    project.start_detached(&[]);
    project.wait_service("ask", "to wait for input", |service| service.waits_for_input);
    kill_controller(&project);
    project.start_detached(&[]);
    let ask = project.wait_service("ask", "to wait for input", |service| service.waits_for_input);
    assert_eq!(ask.last_line.as_deref().map(str::trim_end), Some("continue?"));
}

#[test]
fn a_suspended_controller_is_named_at_once() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    let [web] = project.wait_running(["web"]);
    let controller = project.status().session.pid;
    processes::kill(controller, Signal::STOP);
    project.wait_until("it to be stopped", || {
        processes::process(controller).is_some_and(|process| process.state == 'T')
    });
    let commands: [&[&str]; 5] = [
        &["status"],
        &["restart", "web"],
        &["start"],
        &["start", "-D"],
        &["start", "web"],
    ];
    for args in commands {
        project.ovr(args).code(71).says(&["suspended", "fg"]);
    }
    project.ovr(&["ls"]).success().says(&["suspended"]);
    processes::kill(controller, Signal::CONT);
    assert_eq!(project.wait_running(["web"]), [web]);
}

#[test]
fn a_start_from_another_shell_does_not_take_the_configuration_for_another_one() {
    let project = Project::with("web: exec sleep 1000\n");
    project.start_detached(&[]);
    let before = project.wait_running(["web"]);
    kill_controller(&project);
    let elsewhere = [
        ("_", "/elsewhere/ovr"),
        ("OLDPWD", "/"),
        ("PWD", "/elsewhere"),
        ("SHLVL", "7"),
        ("WINDOWID", "7"),
        ("SSH_TTY", "/dev/pts/7"),
        ("SSH_AUTH_SOCK", "/tmp/x"),
        ("DISPLAY", ":7"),
        ("KITTY_WINDOW_ID", "7"),
        ("VTE_VERSION", "7006"),
        ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/x"),
        ("LANG", "de_DE.UTF-8"),
        ("PS1", "> "),
        ("RAILS_ENV", "test"),
        ("SSH_CONNECTION", "192.0.2.1 7 192.0.2.2 22"),
    ];
    let call = project.cmd(&["start", "-D"]);
    let call = elsewhere
        .iter()
        .fold(call, |call, (name, value)| call.env(name, *value));
    // With the tmux that the tests are to use in front.
    let bin = project.root.parent().unwrap().join("bin");
    let path = format!("{}:/usr/bin:/bin:/opt/bin", bin.display());
    let adopted = call.env("PATH", path).output();
    adopted.success().says(&["adopted web"]);
    assert!(!adopted.stdout.contains("older configuration"), "{adopted}");
    assert_eq!(project.wait_running(["web"]), before);
    kill_controller(&project);
    // What the project's files say is another matter.
    project.write(".env", "RAILS_ENV=test\n");
    let adopted = project.ovr(&["start", "-D"]);
    adopted.success().says(&["web runs with an older configuration"]);
    assert_eq!(project.wait_running(["web"]), before);
    project.ovr(&["restart", "web"]).success();
    kill_controller(&project);
    project.write(".env", "");
    let adopted = project.ovr(&["start", "-D"]);
    adopted.success().says(&["web runs with an older configuration"]);
}
