//! What starts services without being asked (schedules, changed files), and what is run beside them (hooks).

use crate::harness::wait::stays_true_for;
use crate::harness::{Project, Terminal};
use ovr::model::StateWord;
use rustix::process::Signal;
use std::fs;
use std::time::Duration;

/// More than one debounce and one restart take.
const A_WHILE: Duration = Duration::from_secs(1);

fn configured(yaml: &str) -> Project {
    Project::new().file("ovr.yaml", yaml)
}

/// The session, once all that is to be watched is.
fn watching(project: &Project) -> Terminal {
    let console = project.start_piped(&[]);
    console.wait_for_output("watching ");
    console
}

/// How often a service has written a line to `$OUT/name`.
fn lines(project: &Project, name: &str) -> usize {
    project.out(name).lines().count()
}

fn wait_lines(project: &Project, name: &str, count: usize) {
    project.wait_until(&format!("{count} lines in $OUT/{name}"), || {
        lines(project, name) >= count
    });
}

/// Each run adds its line, and stays.
const SERVED: &str = "echo run >> $OUT/web; exec sleep 1000";

fn watched(extra: &str) -> Project {
    let project = configured(&format!(
        "processes:\n  web:\n    command: '{SERVED}'\n    watch:\n      debounce: 100ms\n      paths:\n        \
         - path: .\n{extra}"
    ));
    project.write("src/main.rs", "");
    project
}

#[test]
fn a_schedule_runs_again_and_again_and_a_stop_pauses_it_until_a_start() {
    let project = configured(
        "processes:\n  tick:\n    command: 'echo run >> $OUT/tick'\n    schedule: { interval: 1s }\n",
    );
    project.start_detached(&[]);
    let between = project.service("tick");
    assert!(between.next_run.is_some(), "{between:?}");
    wait_lines(&project, "tick", 2);
    project.wait_state("tick", StateWord::Scheduled);
    project.ovr(&["stop", "tick"]).success().says(&["stopped tick"]);
    let stopped = project.service("tick");
    assert_eq!(stopped.next_run, None, "{stopped:?}");
    let count = lines(&project, "tick");
    assert!(stays_true_for(A_WHILE * 2, || lines(&project, "tick") == count));
    project.ovr(&["start", "tick"]).success();
    wait_lines(&project, "tick", count + 3);
}

#[test]
fn a_schedule_that_was_paused_between_two_runs_stays_so_under_another_controller() {
    let project = configured(
        "processes:\n  job:\n    command: 'echo run >> $OUT/job'\n    schedule: { interval: 1s }\n  idle:\n    command: \
         date\n    schedule: { interval: 10h }\n  keeper:\n    command: exec sleep 1000\n",
    );
    project.start_detached(&[]);
    wait_lines(&project, "job", 1);
    project.wait_state("job", StateWord::Scheduled);
    project.ovr(&["stop", "job", "idle"]).success();
    let count = lines(&project, "job");
    crate::adoption::kill_controller(&project);
    project.start_detached(&[]);
    let idle = project.wait_state("idle", StateWord::Stopped);
    assert_eq!((idle.next_run, project.service("job").next_run), (None, None));
    assert!(stays_true_for(A_WHILE * 2, || lines(&project, "job") == count));
    project.ovr(&["start", "job"]).success();
    wait_lines(&project, "job", count + 2);
}

#[test]
fn a_due_run_is_left_out_while_the_last_one_is_at_work() {
    let project = configured(
        "processes:\n  slow:\n    command: 'echo run >> $OUT/slow; exec sleep 1000'\n    schedule: { interval: 1s }\n",
    );
    let console = project.start_piped(&[]);
    console.wait_for_output("left out: the run before is not over (running)");
    assert_eq!(lines(&project, "slow"), 1);
}

#[test]
fn what_runs_on_start_does_so_once_and_a_new_controller_resumes_the_schedule() {
    let project = configured(
        "processes:\n  job:\n    command: 'echo run >> $OUT/job'\n    schedule: { cron: '0 0 29 2 *', timezone: \
         Europe/Berlin, run_on_start: true }\n  keeper:\n    command: exec sleep 1000\n",
    );
    project.start_detached(&[]);
    wait_lines(&project, "job", 1);
    let before = project.wait_state("job", StateWord::Scheduled);
    let controller = project.status().session.pid;
    let pid = rustix::process::Pid::from_raw(i32::try_from(controller).unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
    project.wait_until("the controller to be gone", || project.try_status().is_none());
    project.start_detached(&[]);
    let after = project.wait_state("job", StateWord::Scheduled);
    assert!(after.next_run.is_some());
    assert_eq!(after.next_run, before.next_run);
    assert_eq!(lines(&project, "job"), 1);
}

#[test]
fn a_wrong_cron_expression_is_an_error_before_anything_starts() {
    let project =
        configured("processes:\n  job:\n    command: date\n    schedule:\n      cron: '0 25 * * *'\n");
    project
        .ovr(&["check"])
        .code(78)
        .says(&["ovr.yaml:5", "must be in range 0..=23; found 25"]);
    let project = configured(
        "processes:\n  job:\n    command: date\n    schedule:\n      cron: '@daily'\n      timezone: Europe/Berlim\n",
    );
    project
        .ovr(&["check"])
        .code(78)
        .says(&["ovr.yaml:6", "Europe/Berlim"]);
}

#[test]
fn a_changed_file_restarts_its_service_and_fifty_changes_at_once_restart_it_once() {
    let project = watched("");
    let console = watching(&project);
    wait_lines(&project, "web", 1);
    project.write("src/main.rs", "changed");
    console.wait_for_output("restarts: src/main.rs changed");
    wait_lines(&project, "web", 2);
    // At once for the controller, however long this takes on a busy machine.
    console.signal(Signal::STOP);
    for n in 0..50 {
        project.write(&format!("src/{}.rs", n % 5), "changed");
    }
    console.signal(Signal::CONT);
    wait_lines(&project, "web", 3);
    assert!(stays_true_for(A_WHILE, || lines(&project, "web") == 3));
}

#[test]
fn a_file_in_a_new_directory_counts_and_one_that_is_ignored_does_not() {
    let project = watched("");
    project.write(".gitignore", "private\n");
    let console = watching(&project);
    wait_lines(&project, "web", 1);
    project.write("private/data", "");
    project.write("node_modules/x/index.js", "");
    project.write("src/server.log", "");
    assert!(stays_true_for(A_WHILE, || lines(&project, "web") == 1));
    project.write("lib/deep/util.rs", "");
    console.wait_for_output("restarts: lib/deep/util.rs changed");
    wait_lines(&project, "web", 2);
}

#[test]
fn an_editor_that_replaces_the_file_restarts_its_service() {
    let project = watched("");
    let console = watching(&project);
    wait_lines(&project, "web", 1);
    fs::write(project.root.join("src/main.rs.tmp"), "new").unwrap();
    fs::rename(
        project.root.join("src/main.rs.tmp"),
        project.root.join("src/main.rs"),
    )
    .unwrap();
    console.wait_for_output("restarts: src/main.rs changed");
    wait_lines(&project, "web", 2);
}

#[test]
fn a_service_that_failed_runs_again_when_its_file_is_mended_and_the_session_lives() {
    let project = configured(
        "processes:\n  web:\n    command: 'echo run >> $OUT/web; . ./web.sh'\n    availability: { restart: \
         exit_on_failure }\n    watch: { debounce: 50ms, paths: [{ path: web.sh }] }\n",
    );
    project.write("web.sh", "exec sleep 1000");
    let _console = watching(&project);
    wait_lines(&project, "web", 1);
    project.write("web.sh", "exit 1");
    project.wait_state("web", StateWord::Failed);
    project.write("web.sh", "exec sleep 1000");
    wait_lines(&project, "web", 3);
    project.wait_state("web", StateWord::Running);
}

#[test]
fn what_somebody_stopped_is_not_started_by_a_change() {
    let project = watched("");
    let _console = watching(&project);
    wait_lines(&project, "web", 1);
    project.ovr(&["stop", "web"]).success();
    project.write("src/main.rs", "changed");
    assert!(stays_true_for(A_WHILE, || project.service("web").state == StateWord::Stopped));
    project.ovr(&["start", "web"]).success();
    wait_lines(&project, "web", 2);
    project.write("src/main.rs", "changed again");
    wait_lines(&project, "web", 3);
}

#[test]
fn with_cascade_the_dependents_restart_after_it() {
    let project = watched(&format!(
        "      cascade: true\n  front:\n    command: '{}'\n    depends_on:\n      web: {{ condition: process_started }}\n",
        SERVED.replace("/web", "/front")
    ));
    let _console = watching(&project);
    wait_lines(&project, "front", 1);
    project.write("src/main.rs", "changed");
    wait_lines(&project, "front", 2);
    assert_eq!(lines(&project, "web"), 2);
}

#[test]
fn no_watch_means_no_restarts() {
    let by_flag = watched("");
    by_flag.start_detached(&["--no-watch"]);
    let by_variable = watched("").env("PC_NO_WATCH", "1");
    by_variable.start_detached(&[]);
    let projects = [by_flag, by_variable];
    for project in &projects {
        wait_lines(project, "web", 1);
        project.write("src/main.rs", "changed");
    }
    assert!(stays_true_for(A_WHILE, || projects
        .iter()
        .all(|project| lines(project, "web") == 1)));
}

#[test]
fn hooks_run_in_the_services_surroundings_and_know_what_happened() {
    let project = configured(
        "processes:\n  web:\n    command: 'echo up; while [ ! -e go ]; do sleep 0.1; done; exit 3'\n    ready_log_line: up\n    environment: [COLOUR=red]\n    hooks:\n      on_ready: \
         'echo $OVR_EVENT $OVR_RUN $COLOUR >> $OUT/ready'\n      on_exit: 'echo $OVR_EVENT $OVR_EXIT_CODE >> \
         $OUT/exit'\n      on_fail: 'echo help is on its way; exit 4'\n  keeper:\n    command: exec sleep 1000\n",
    );
    let console = project.start_piped(&[]);
    assert_eq!(project.wait_out("ready"), "ready 1 red");
    project.write("go", "");
    assert_eq!(project.wait_out("exit"), "exit 3");
    console.wait_for_output("hook on_fail: help is on its way");
    console.wait_for_output("hook on_fail: ended with code 4");
    assert_eq!(project.service("keeper").state, StateWord::Running);
}

#[test]
fn a_hook_that_does_not_end_keeps_nobody_and_goes_with_the_session() {
    let project = configured(
        "processes:\n  web:\n    command: exec sleep 1000\n    hooks: { on_ready: 'trap \"\" TERM INT; echo >> $OUT/hook; \
         sleep 4711; sleep 4711' }\n",
    );
    project.start_detached(&[]);
    project.wait_out("hook");
    project.ovr(&["restart", "web"]).success();
    project.ovr(&["quit"]).success();
    assert!(project.processes_with("sleep 4711").is_empty());
}

#[test]
fn each_replica_has_the_schedule_and_the_watch_of_its_service() {
    let project = configured(
        "processes:\n  job:\n    command: 'echo run >> $OUT/job$PC_REPLICA_NUM'\n    replicas: 2\n    schedule: { interval: 1s }\n  \
         web:\n    command: 'echo run >> $OUT/web$PC_REPLICA_NUM; exec sleep 1000'\n    replicas: 2\n    watch: { paths: [src], \
         debounce: 50ms }\n",
    )
    .file("src/main.rs", "");
    let console = watching(&project);
    for name in ["job0", "job1"] {
        wait_lines(&project, name, 2);
    }
    for name in ["web0", "web1"] {
        wait_lines(&project, name, 1);
    }
    project.write("src/main.rs", "changed");
    for name in ["web0", "web1"] {
        wait_lines(&project, name, 2);
    }
    drop(console);
}

#[test]
fn what_is_left_out_is_not_watched() {
    let project = configured(&format!(
        "processes:\n  web: {{ command: '{SERVED}', watch: {{ paths: [.], debounce: 50ms }} }}\n  api: {{ command: 'echo run >> \
             $OUT/api; exec sleep 1000', watch: {{ paths: [.], debounce: 50ms }} }}\n"
    ))
    .file("src/main.rs", "");
    let console = project.start_piped(&["-x", "web"]);
    console.wait_for_output("for api");
    // What has not been started finds the file as it is.
    wait_lines(&project, "api", 1);
    project.write("src/main.rs", "changed");
    wait_lines(&project, "api", 2);
    assert_eq!(lines(&project, "web"), 0);
    drop(console);
}

#[test]
fn a_pattern_that_cannot_be_read_is_an_error_with_its_place_before_anything_starts() {
    let project = configured(
        "processes:\n  web:\n    command: x\n    watch: { paths: [{ path: ., include: ['[a'], exclude: [a, '{b'] }] }\n",
    );
    project.ovr(&["check"]).code(78).says(&[
        "ovr.yaml:4:43: the pattern \"[a\" cannot be read",
        "ovr.yaml:4:63: the pattern \"{b\" cannot be read",
    ]);
}

#[test]
fn a_reload_gives_and_takes_schedules_and_watches_and_touches_no_process() {
    let text = |watch: &str, interval: &str| {
        format!(
            "processes:\n  web: {{ command: '{SERVED}'{watch} }}\n  job: {{ command: 'echo run >> $OUT/job'{interval} }}\n"
        )
    };
    let (watch, often) = (
        ", watch: { paths: [src], debounce: 50ms }",
        ", schedule: { interval: 1s }",
    );
    let project = configured(&text("", ", schedule: { interval: 10h }")).file("src/main.rs", "");
    let console = project.start_piped(&[]);
    let [pid] = project.wait_running(["web"]);
    project.write("ovr.yaml", &text(watch, often));
    project.ovr(&["reload"]).success().says(&["web", "job"]);
    console.wait_for_output("watching ");
    assert_eq!(project.wait_running(["web"]), [pid]);
    wait_lines(&project, "job", 2);
    project.write("src/main.rs", "changed");
    wait_lines(&project, "web", 2);
    let [pid] = project.wait_running(["web"]);
    project.write("ovr.yaml", &text("", ", schedule: { interval: 10h }"));
    project.ovr(&["reload"]).success();
    let count = lines(&project, "job");
    project.write("src/main.rs", "changed again");
    assert!(stays_true_for(A_WHILE * 2, || {
        lines(&project, "job") <= count + 1 && lines(&project, "web") == 2
    }));
    assert_eq!(project.wait_running(["web"]), [pid]);
    drop(console);
}
