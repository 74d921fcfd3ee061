//! What services printed is kept: read while the session runs and after it, searched, followed, never in the way.

use crate::harness::Project;
use ovr::model::StateWord;
use rustix::process::{Signal, kill_process};
use std::fs;
use std::path::PathBuf;

const COUNTING: &str = "web: seq 1 30; echo last words of web; exit 3\nworker: echo hello; sleep 1000\n";

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// The directory that holds the project's logs.
fn logs_dir(project: &Project) -> PathBuf {
    let logs = project.path("state").join("ovr/logs");
    let mut entries = fs::read_dir(logs).expect("logs are kept");
    let first = entries.next().expect("a session has run");
    first.expect("the directory can be listed").path()
}

/// How many runs of web the files know.
fn logged_runs(project: &Project) -> usize {
    let told = project.ovr(&["logs", "web", "--json", "-n", "all"]);
    told.stdout.lines().filter(|line| line.contains("run of")).count()
}

#[test]
fn the_last_lines_are_there_while_the_session_runs_and_when_it_is_over() {
    let project = Project::with(COUNTING);
    project.start_detached(&["--any-can-die"]);
    project.wait_state("web", StateWord::Failed);
    let told = project.ovr(&["logs", "web", "-n", "2", "--plain"]);
    assert_eq!(
        lines(&told.success().stdout),
        ["30", "last words of web"],
        "{told}"
    );
    let told = project.ovr(&["logs", "worker", "-n", "20"]);
    assert!(told.success().stdout.contains("worker │ hello"), "{told}");
    project.ovr(&["quit"]).success();
    let told = project.ovr(&["logs", "web", "-n", "3", "--plain"]);
    assert_eq!(
        lines(&told.success().stdout),
        ["29", "30", "last words of web"],
        "{told}"
    );
    let told = project.ovr(&["logs", "web", "-n", "3"]);
    assert_eq!(lines(&told.success().stdout).len(), 3, "{told}");
    let told = project.ovr(&["logs", "--grep", "^2.$", "--plain"]);
    assert_eq!(lines(&told.success().stdout).len(), 10);
    project.ovr(&["logs", "--grep", "no such line"]).code(1);
    project.ovr(&["logs", "wbe"]).code(65).says(&["wbe", "web"]);
}

#[test]
fn as_many_lines_are_shown_as_were_asked_for_whatever_ovr_said_between_them() {
    let project = Project::with("web: echo one; echo two; sleep 1000\nask: echo hello; asker\n");
    project.start_detached(&[]);
    project.wait_service("ask", "to wait for input", |service| service.waits_for_input);
    for run in 1..=4 {
        project.wait_until("the run's lines to be kept", || {
            let told = project.ovr(&["logs", "web", "-n", "all", "--plain"]);
            lines(&told.stdout).len() == 2 * run
        });
        let verb = if run < 4 { "restart" } else { "stop" };
        project.ovr(&[verb, "web"]).success();
    }
    project.wait_until("web's last words to be kept", || {
        let told = project.ovr(&["logs", "web", "-n", "1"]);
        told.stdout.contains("stopped")
    });
    let told = project.ovr(&["logs", "web", "--plain", "--grep", "one", "-C", "1"]);
    assert_eq!(told.success().stdout, ["one\ntwo\n"; 4].join("--\n"), "{told}");
    for (count, printed) in [(1, &["two"][..]), (3, &["two", "one", "two"])] {
        let count = count.to_string();
        let told = project.ovr(&["logs", "web", "--plain", "-n", &count]);
        assert_eq!(lines(&told.success().stdout), printed, "{told}");
        let told = project.ovr(&["logs", "web", "--plain", "-n", &count, "--grep", "^[a-z]*$"]);
        assert_eq!(lines(&told.success().stdout), printed, "{told}");
        let follower = project
            .cmd(&["logs", "web", "--plain", "-f", "-n", &count])
            .piped();
        follower.wait_for_output(&(printed.join("\n") + "\n"));
        assert_eq!(follower.plain().lines().count(), printed.len());
    }
    for count in ["1", "2", "5"] {
        let told = project.ovr(&["logs", "-n", count]);
        assert_eq!(lines(&told.success().stdout).len().to_string(), count, "{told}");
        let told = project.ovr(&["logs", "-n", count, "--plain"]);
        assert_eq!(lines(&told.success().stdout).len().to_string(), count, "{told}");
    }
    let told = project.ovr(&["logs", "ask", "-n", "2", "--plain"]);
    assert_eq!(lines(&told.success().stdout), ["hello", "continue? "], "{told}");
}

#[test]
fn the_run_before_the_last_one_can_be_read_and_a_crashed_service_shows_its_last_run() {
    let project = Project::with("web: echo run of $$; exit 3\nworker: sleep 1000\n");
    project.start_detached(&["--any-can-die"]);
    project.wait_state("web", StateWord::Failed);
    for run in 2..=3 {
        project.ovr(&["restart", "web", "--no-wait"]).success();
        project.wait_service("web", &format!("to have failed in run {run}"), |service| {
            service.state == StateWord::Failed && logged_runs(&project) == run
        });
    }
    let runs: Vec<String> = ["last", "-1", "-2"]
        .iter()
        .map(|run| {
            project
                .ovr(&["logs", "web", "--run", run, "--plain"])
                .success()
                .stdout
                .clone()
        })
        .collect();
    assert!(runs.iter().all(|run| lines(run).len() == 1), "{runs:?}");
    assert!(runs[0] != runs[1] && runs[1] != runs[2], "{runs:?}");
    assert_eq!(project.ovr(&["logs", "web", "--plain"]).success().stdout, runs[0]);
}

#[test]
fn json_ends_with_a_cursor_that_the_next_reading_goes_on_from() {
    let project = Project::with("web: echo one; read line; echo two; sleep 1000\n");
    project.start_detached(&[]);
    let read = |args: &[&str]| {
        let mut command = vec!["logs", "--json"];
        command.extend(args);
        let told = project.ovr(&command);
        let mut objects: Vec<serde_json::Value> = told
            .success()
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let cursor = objects.pop().unwrap()["cursor"].as_str().unwrap().to_owned();
        let texts: Vec<String> = objects
            .iter()
            .filter(|object| object["kind"] == "output")
            .map(|object| object["text"].as_str().unwrap().to_owned())
            .collect();
        (texts, cursor)
    };
    let mut cursor = String::new();
    project.wait_until("the first line to be read", || {
        let (texts, now) = read(&[]);
        cursor = now;
        texts == ["one"]
    });
    assert_eq!(read(&["--since", &cursor]).0, Vec::<String>::new());
    let window = project.connect("web");
    window.type_keys("\r");
    project.wait_until("the rest to be read, and nothing twice", || {
        let (texts, _) = read(&["--since", &cursor]);
        texts.iter().any(|text| text == "two") && !texts.iter().any(|text| text == "one")
    });
}

#[test]
fn following_goes_on_over_a_restart_and_another_controller_and_ends_with_the_session() {
    let project = Project::with("web: echo up as $$; sleep 1000\n");
    project.start_detached(&[]);
    let follower = project.cmd(&["logs", "-f", "web"]).piped();
    follower.wait_for_output("up as");
    let [old] = project.wait_running(["web"]);
    project.ovr(&["restart", "web"]).success();
    let [new] = project.wait_running(["web"]);
    assert_ne!(old, new);
    follower.wait_for_output(&format!("up as {new}"));
    let pid = i32::try_from(project.status().session.pid).unwrap();
    kill_process(rustix::process::Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    project.start_detached(&[]);
    follower.wait_for_output("a new controller has taken over");
    project.ovr(&["restart", "web"]).success();
    let [newest] = project.wait_running(["web"]);
    follower.wait_for_output(&format!("up as {newest}"));
    project.ovr(&["quit"]).success();
    follower.wait_for_output("the session has ended");
    assert_eq!(follower.wait_exit(), 0);
}

#[test]
fn a_log_that_was_removed_or_moved_is_made_anew() {
    let project = Project::with("web: while read line; do echo \"got $line\"; done\n");
    project.start_detached(&[]);
    let window = project.connect("web");
    window.type_keys("first\r");
    let read = || {
        project
            .ovr(&["logs", "web", "--since", "1h", "--plain"])
            .success()
            .stdout
            .clone()
    };
    project.wait_until("the first line to be kept", || read().contains("got first"));
    let log = logs_dir(&project).join("web.log");
    fs::rename(&log, log.with_extension("old")).unwrap();
    window.type_keys("second\r");
    project.wait_until("the next line to be kept", || read().contains("got second"));
    assert!(!fs::read_to_string(&log).unwrap().contains("got first"));
}

#[test]
fn a_full_disk_costs_lines_and_never_a_service() {
    let project = Project::with("web: while read line; do echo \"got $line\"; done\n");
    let logs = project.path("state").join("ovr");
    fs::create_dir_all(&logs).unwrap();
    // Root may write anywhere, so what stands in the way is a file in the directory's place.
    fs::write(logs.join("logs"), "in the way").unwrap();
    let console = project.start(&[]);
    project.wait_running(["web"]);
    let window = project.connect("web");
    window.type_keys("first\r");
    console.wait_for_output("got first");
    console.wait_for_output("logs cannot be kept in");
    fs::remove_file(logs.join("logs")).unwrap();
    window.type_keys("second\r");
    console.wait_for_output("logs are kept again");
    let text = fs::read_to_string(logs_dir(&project).join("web.log")).unwrap();
    assert!(text.contains("missing"), "{text}");
}

#[test]
fn what_is_not_kept_is_an_error_that_says_so() {
    let project = Project::with("web: echo hello; sleep 1000\n").on_free_ports();
    project
        .ovr(&["logs", "web"])
        .code(69)
        .says(&["nothing that web printed is kept", "ovr start"]);
    project.start_detached(&[]);
    project.wait_service("web", "its line", |service| service.last_line.is_some());
    for (run, which) in [("99", "no run 99 of web"), ("-1", "no run -1 of web")] {
        project
            .ovr(&["logs", "web", "--run", run])
            .code(64)
            .says(&[which]);
    }
}

#[test]
fn a_run_of_the_past_begins_with_one_line_that_says_which_it_is() {
    let project = Project::with("web: echo hello; sleep 1000\n");
    project.start_detached(&[]);
    project.wait_service("web", "its line", |service| service.last_line.is_some());
    project.ovr(&["restart", "web"]).success();
    let begins = |run: &str| {
        let found = project.ovr(&["logs", "web", "--run", run]);
        let lines = found.stdout.lines().filter(|line| line.contains("── run"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(begins("1"), ["web │ ── run 1 ──"]);
    // The pid is told where it was known before the first line came.
    let second = begins("2");
    assert_eq!(second.len(), 1, "{second:?}");
    assert!(second[0].starts_with("web │ ── run 2"), "{second:?}");
}

#[test]
fn who_follows_into_a_pipe_leaves_when_nobody_reads_it_any_more() {
    let project = Project::with("web: while :; do echo hello; sleep 0.05; done\n").on_free_ports();
    project.start_detached(&[]);
    for line in ["ovr echo | head -1", "ovr logs -f web | head -1"] {
        let line = line.replace("ovr ", &format!("{} ", env!("CARGO_BIN_EXE_ovr")));
        let output = project.cmd(&["-c", &line]).program("/bin/sh").output();
        output.success().says(&["hello"]);
    }
}

#[test]
fn another_controller_knows_the_lines_of_its_own_session_and_of_none_before() {
    let project = Project::with("web: echo up as $$; sleep 1000\n");
    let up = || {
        project.start_detached(&[]);
        let web = project.wait_service("web", "its line", |service| service.last_line.is_some());
        web.last_line.unwrap()
    };
    let before = up();
    project.ovr(&["quit"]).success();
    let line = up();
    let pid = i32::try_from(project.status().session.pid).unwrap();
    kill_process(rustix::process::Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    assert_eq!(up(), line);
    let lines = project.ovr(&["logs", "web", "-n", "20"]);
    lines.success().says(&[&line]).never_says(&[&before]);
}

#[test]
fn a_line_goes_into_a_pipe_once_and_when_it_is_whole() {
    let project = Project::with("ask: printf 'name? '; read x; echo hi $x; sleep 1000\n");
    project.start_detached(&[]);
    project.wait_service("ask", "to wait for input", |service| service.waits_for_input);
    let followers = [
        &["logs", "-f", "ask"][..],
        &["logs", "-f", "ask", "--plain"],
        &["echo"],
    ];
    let followers = followers.map(|args| project.cmd(args).piped());
    for follower in [&followers[0], &followers[2]] {
        follower.wait_for_output("waits for input");
    }
    // What does not follow shows it as it is.
    project
        .ovr(&["logs", "ask", "--plain"])
        .success()
        .says(&["name? "]);
    project.connect("ask").type_keys("me\r");
    for follower in &followers {
        follower.wait_for_output("hi me");
        let text = follower.plain();
        let asked: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("name? ") && !line.contains("waits"))
            .collect();
        assert!(asked.len() == 1 && asked[0].ends_with("name? me"), "{text}");
    }
}
