//! `GET /v1/logs`: kept lines over the API, bounded, page by page, followed, and refused where they make no sense.

use crate::harness::Project;
use ovr::model::StateWord;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Nothing here takes long; what hangs ends with this.
const DEADLINE: Duration = Duration::from_secs(20);

/// A request that the answer is still coming to.
struct Answer {
    status: u16,
    content_type: String,
    body: BufReader<UnixStream>,
}

fn get(project: &Project, target: &str) -> Answer {
    let socket = Path::new(&project.status().session.runtime_dir).join("api.sock");
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nhost: ovr\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut body = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(body.read_line(&mut head).unwrap(), 0, "{head}");
    }
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let field = |line: &str| line.strip_prefix("content-type: ").map(str::to_owned);
    let content_type = head.lines().find_map(field).unwrap_or_default();
    Answer {
        status,
        content_type,
        body,
    }
}

impl Answer {
    /// The next chunk's text; empty at the end.
    fn chunk(&mut self) -> String {
        let mut size = String::new();
        self.body.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut text = vec![0; size + 2];
        self.body.read_exact(&mut text).unwrap();
        text.truncate(size);
        String::from_utf8(text).unwrap()
    }

    fn text(mut self) -> String {
        assert_eq!(self.status, 200);
        let mut text = String::new();
        loop {
            let chunk = self.chunk();
            if chunk.is_empty() {
                return text;
            }
            text.push_str(&chunk);
        }
    }

    /// What was printed, and the last object.
    fn lines(self) -> (Vec<String>, Value) {
        let text = self.text();
        let mut objects: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let end = objects.pop().unwrap();
        let printed = objects.iter().filter(|object| object["kind"] == "output");
        (
            printed
                .map(|object| object["text"].as_str().unwrap().to_owned())
                .collect(),
            end,
        )
    }

    fn error(mut self) -> (u16, Value) {
        let mut text = String::new();
        self.body.read_to_string(&mut text).unwrap();
        (self.status, serde_json::from_str(&text).unwrap())
    }
}

#[test]
fn kept_lines_are_read_over_the_api_with_the_bounds_and_filters_of_ovr_logs() {
    let project = Project::with("web: seq 300; echo last words; exit 3\nworker: echo hello; sleep 1000\n");
    project.start_detached(&["--any-can-die"]);
    project.wait_state("web", StateWord::Failed);
    let (last, end) = get(&project, "/v1/logs?names=web&lines=4").lines();
    assert_eq!(last[..], ["299", "300", "last words"], "and how it ended");
    assert!(end["cut"].as_u64() > Some(0), "there is more before: {end}");
    let (all, end) = get(&project, "/v1/logs?names=web&since=1h").lines();
    assert_eq!((all.len(), &end["cut"]), (301, &Value::from(0)));
    let (found, _) = get(&project, "/v1/logs?grep=%5E29.%24&run=last").lines();
    assert_eq!(found.len(), 10);
    let (around, _) = get(&project, "/v1/logs?grep=%5E250%24&context=1").lines();
    assert_eq!(around, ["249", "250", "251"]);
    let plain = get(&project, "/v1/logs?names=worker&plain=true");
    assert_eq!(plain.content_type, "text/plain; charset=utf-8");
    assert_eq!(plain.text(), "hello\n");
}

#[test]
fn a_reading_is_cut_into_pages_that_miss_and_repeat_nothing() {
    let project = Project::with("web: seq 2000; sleep 1000\n");
    project.start_detached(&[]);
    project.wait_service("web", "to have counted", |service| {
        service.last_line.as_deref() == Some("2000")
    });
    let (mut cursor, mut seen) = ("c1.0.".to_owned(), Vec::new());
    loop {
        let target = format!("/v1/logs?names=web&max_bytes=1500&since={cursor}");
        let (lines, end) = get(&project, &target).lines();
        assert!(lines.iter().map(|line| line.len() + 1).sum::<usize>() <= 1500);
        seen.extend(lines);
        end["cursor"].as_str().unwrap().clone_into(&mut cursor);
        if end["more"] == Value::Bool(false) {
            break;
        }
    }
    let expected: Vec<String> = (1..=2000).map(|number| number.to_string()).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_follower_gets_what_is_kept_and_then_what_comes_and_each_line_once() {
    let project =
        Project::with("web: seq 500; until [ -e $OUT/go ]; do sleep 0.02; done; seq 501 1000; sleep 1000\n");
    project.start_detached(&[]);
    project.wait_service("web", "to have counted", |service| {
        service.last_line.as_deref() == Some("500")
    });
    let mut answer = get(
        &project,
        "/v1/logs?names=web&since=1h&grep=0%24&follow=true&plain=true",
    );
    let mut text = String::new();
    while !text.ends_with("500\n") {
        text.push_str(&answer.chunk());
    }
    std::fs::write(project.path("out").join("go"), "").unwrap();
    while !text.ends_with("1000\n") {
        text.push_str(&answer.chunk());
    }
    let expected: Vec<String> = (1..=100).map(|tens| format!("{tens}0\n")).collect();
    let expected = expected.concat();
    assert_eq!(text, expected);
    project.ovr(&["quit"]).success();
    assert_eq!(answer.chunk(), "", "the stream ends with the session");
}

/// How many lines it prints that are too many to wait for a follower, which has room for 4 MiB.
const FLOOD: u32 = 100_000;

fn flood() -> Project {
    Project::with(&format!(
        "web: echo begun; until [ -e $OUT/go ]; do sleep 0.02; done; seq -f '%.0f {}' 1 {FLOOD}; sleep 1000\n",
        "x".repeat(200)
    ))
}

/// A follower that has read its first line, and no more of the flood that is over by now.
fn slow(project: &Project, how: &str) -> Answer {
    project.start_detached(&[]);
    project.wait_service("web", "to have begun", |service| service.last_line.is_some());
    let mut answer = get(project, &format!("/v1/logs?names=web&follow=true&{how}"));
    while !answer.chunk().contains("begun") {}
    std::fs::write(project.path("out").join("go"), "").unwrap();
    let last = format!("{FLOOD} x");
    project.wait_service("web", "to have counted", |service| {
        service
            .last_line
            .as_ref()
            .is_some_and(|line| line.starts_with(&last))
    });
    answer
}

/// The line's number, which the text or the object has in front of what makes it long.
fn number(line: &str) -> Option<u32> {
    let text = line.split(" x").next()?;
    text.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[test]
fn a_follower_that_was_too_slow_for_memory_gets_the_rest_from_the_files_and_each_line_once() {
    for (how, every) in [
        ("plain=true", 1),
        ("plain=true&grep=%5Cd0%20x%7Cbegun", 10),
        ("lines=5", 1),
    ] {
        let project = flood();
        let mut answer = slow(&project, how);
        let mut shown = Vec::new();
        while shown.last() != Some(&FLOOD) {
            let text = answer.chunk();
            // What is whole comes; what has been begun, or is ovr's own word, may come too.
            let lines = text.lines().filter(|line| !line.contains("\"kind\":\"open\""));
            let lines = lines.filter(|line| !line.contains("\"kind\":\"event\""));
            shown.extend(lines.map(|line| number(line).unwrap_or_else(|| panic!("{how}: {line}"))));
        }
        let expected: Vec<u32> = (1..=FLOOD).filter(|number| number % every == 0).collect();
        let first = shown
            .iter()
            .zip(&expected)
            .position(|(shown, wanted)| shown != wanted);
        assert_eq!(first.map(|at| (shown[at], expected[at])), None, "{how}");
        assert_eq!(shown.len(), expected.len(), "{how}");
    }
}

#[test]
fn what_the_files_no_longer_have_is_counted_for_a_follower_that_was_too_slow() {
    let project = flood();
    let mut answer = slow(&project, "lines=5");
    project
        .ovr(&["logs", "web", "--since", "1h", "-n", "1"])
        .success();
    let logs = project.path("state").join("ovr/logs");
    for project in std::fs::read_dir(logs).unwrap().flatten() {
        for log in std::fs::read_dir(project.path()).unwrap().flatten() {
            std::fs::remove_file(log.path()).unwrap();
        }
    }
    let (mut shown, mut missing, mut last) = (0, 0, None);
    while last != Some(FLOOD) {
        for line in answer.chunk().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = line["text"].as_str().unwrap();
            match line["kind"].as_str().unwrap() {
                "output" => {
                    shown += 1;
                    last = number(text);
                }
                "gap" => missing += text.parse::<u32>().unwrap(),
                _ => {}
            }
        }
    }
    assert!(missing > 0, "{shown} shown");
    assert_eq!(shown + missing, FLOOD, "{shown} shown, {missing} missing");
}

#[test]
fn a_question_that_makes_no_sense_is_refused_with_a_code_and_what_to_do() {
    let project = Project::with("web: echo hello; sleep 1000\n");
    project.start_detached(&[]);
    for (query, status, code) in [
        ("names=wbe", 404, "no_such_service"),
        ("since=yesterday", 400, "usage"),
        ("until=c1.0.", 400, "usage"),
        ("grep=%28", 400, "usage"),
        ("run=first", 400, "usage"),
        ("lines=-1", 400, "usage"),
        ("line=1", 400, "usage"),
    ] {
        let (answered, error) = get(&project, &format!("/v1/logs?{query}")).error();
        assert_eq!(
            (answered, &error["error"]["code"]),
            (status, &Value::from(code)),
            "{query}: {error}"
        );
    }
}

#[test]
fn without_files_a_question_for_them_says_so_and_the_last_lines_are_still_shown() {
    let project = Project::with("web: echo hello; sleep 1000\n");
    project.start_detached(&["--logs=off"]);
    project.wait_service("web", "its line", |service| service.last_line.is_some());
    let (status, error) = get(&project, "/v1/logs").error();
    assert_eq!(status, 400);
    assert!(error.to_string().contains("--logs=off"), "{error}");
    project.ovr(&["logs", "web"]).success().says(&["hello"]);
    project
        .ovr(&["logs", "--since", "1h"])
        .code(64)
        .says(&["--logs=off"]);
    assert!(!project.path("state").join("ovr/logs").exists());
}
