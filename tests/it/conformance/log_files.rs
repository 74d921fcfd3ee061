//! Log files that a configuration asks for: `docs/process-compose.md`, "Logs".

use super::project;
use crate::harness::processes::kill;
use rustix::process::Signal;
use std::fs;

#[test]
fn output_goes_to_the_log_location_as_well_in_the_form_that_is_written() {
    let project = project(
        "log_location: '${OUT}/${DIR}/all.log'\nprocesses:\n  json: { command: 'echo hello; printf last' }\n  text:\n    command: echo \"it's text\"\n    \
         log_location: ~/text.log\n    log_configuration: { disable_json: true, add_timestamp: true, timestamp_format: '2006 Jan', \
         fields_order: [level, message, time], no_color: true, flush_each_line: true }\n",
    )
    .env("DIR", "made/here")
    .file("~/text.log", "before\n");
    project.ovr(&["check"]).success().never_says(&["warning"]);
    project.ovr(&["start"]).success();
    let all = fs::read_to_string(project.path("out").join("made/here/all.log")).unwrap();
    let line = |text: &str| {
        format!("{{\"level\":\"info\",\"process\":\"json\",\"replica\":0,\"message\":\"{text}\"}}\n")
    };
    assert_eq!(all, line("hello") + &line("last"));
    let text = fs::read_to_string(project.path("home").join("text.log")).unwrap();
    assert!(text.starts_with("before\nINF it's text 20"), "{text}");
    assert!(text.ends_with(" process=text replica=0\n"), "{text}");
    assert!(project.ovr(&["logs", "--plain"]).stdout.contains("hello"));
}

#[test]
fn a_file_is_of_all_who_name_it_and_replicas_have_their_own_and_a_second_session_appends() {
    let project = project(
        "log_configuration: { no_metadata: true, disable_json: true, fields_order: [message] }\nprocesses:\n  one: { command: echo 1, \
         log_location: both.log }\n  two: { command: echo 2, log_location: ./both.log }\n  many: { command: echo $PC_REPLICA_NUM, \
         replicas: 2, log_location: '${OUT}/many.log' }\n  named: { command: echo $PC_REPLICA_NUM, replicas: 2, log_location: \
         '${OUT}/n{PC_REPLICA_NUM}.log' }\n",
    )
    .file("both.log", "");
    project.ovr(&["start"]).success();
    project.ovr(&["start"]).success();
    let both = fs::read_to_string(project.root.join("both.log")).unwrap();
    let mut both: Vec<String> = both.lines().map(str::to_owned).collect();
    both.sort();
    assert_eq!(both, ["1", "1", "2", "2"]);
    for number in ["0", "1"] {
        for name in [format!("many.log.{number}"), format!("n{number}.log")] {
            assert_eq!(project.out(&name), format!("{number}\n{number}\n"));
        }
    }
}

#[test]
fn a_log_location_that_cannot_be_written_is_told_and_the_service_runs() {
    let project = project(
        "processes:\n  web: { command: 'echo hello; echo again', log_location: /proc/none/web.log }\n",
    );
    let started = project.ovr(&["start"]);
    started.success().says(&["the log_location of web"]);
    assert_eq!(started.stdout.matches("log_location").count(), 1, "{started}");
    project
        .ovr(&["logs", "web", "--plain"])
        .success()
        .says(&["again"]);
}

#[test]
fn a_full_log_file_is_put_aside_and_those_that_are_too_many_go() {
    let project = project(
        "processes:\n  web:\n    command: seq 1 100000\n    log_location: '${OUT}/logs/web.log'\n    log_configuration: { rotation: { max_size_mb: 1, \
         max_backups: 2 } }\n",
    );
    project.ovr(&["start"]).success();
    let files = fs::read_dir(project.path("out").join("logs")).unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(
        names[0].starts_with("web-20") && names[2] == "web.log",
        "{names:?}"
    );
    let last = fs::read_to_string(project.path("out").join("logs/web.log")).unwrap();
    assert!(last.ends_with("\"message\":\"100000\"}\n"));
}

#[test]
fn a_reload_moves_a_services_lines_to_another_file_and_leaves_its_process() {
    let text = |file: &str| {
        let command = "trap 'echo again' USR1; echo up; while true; do sleep 1000 & wait $!; done";
        format!("processes:\n  web: {{ command: \"{command}\", log_location: '{file}' }}\n")
    };
    let project = project(&text("${OUT}/one.log"));
    project.start_detached(&[]);
    let has = |file: &str, text: &str| project.out(file).contains(text);
    project.wait_until("the first line", || has("one.log", "up"));
    let [pid] = project.wait_running(["web"]);
    project.write("process-compose.yaml", &text("${OUT}/two.log"));
    project.ovr(&["reload"]).success().says(&["web"]);
    assert_eq!(project.wait_running(["web"]), [pid]);
    kill(pid, Signal::USR1);
    project.wait_until("the second line", || has("two.log", "again"));
    assert!(!has("one.log", "again"));
}

#[test]
fn a_log_location_in_a_watched_directory_restarts_nobody_under_any_name() {
    let project = project(
        "processes:\n  web:\n    command: 'echo up; while :; do echo line; sleep 0.05; done'\n    log_location: '${OUT}/src/app.out'\n    \
         watch: { paths: [{ path: '${OUT}/src' }], debounce: 50ms }\n  other:\n    command: seq 1 60000; sleep 1000\n    log_location: \
         '${OUT}/src/other.txt'\n    log_configuration: { rotation: { max_size_mb: 1 } }\n",
    );
    fs::create_dir_all(project.path("out").join("src")).unwrap();
    let source = project.path("out").join("src/main.rs");
    fs::write(&source, "").unwrap();
    let console = project.start_piped(&[]);
    console.wait_for_output("watching");
    let put_aside = || {
        let files = fs::read_dir(project.path("out").join("src")).unwrap();
        let mut names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.any(|name| name.starts_with("other-"))
    };
    project.wait_until("a log file to be put aside", put_aside);
    fs::write(&source, "changed").unwrap();
    console.wait_for_output("src/main.rs changed");
    project.wait_running(["web"]);
    let restarts = console.plain().matches("restarts: ").count();
    assert_eq!(restarts, 1, "{}", console.plain());
}
