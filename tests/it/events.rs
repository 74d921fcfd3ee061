//! What happens in a session is told: in order, completely, once, over disconnections and over the end of a
//! controller; and who reads slowly is told what it missed.

use crate::adoption::kill_controller;
use crate::harness::{Project, Terminal};
use ovr::api::messages::events::{Event, EventKind};
use ovr::model::StateWord;
use rustix::process::Signal;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

fn parse(text: &str) -> Vec<Event> {
    // The last line may still be coming.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// All that the session tells now.
fn read(project: &Project, args: &[&str]) -> Vec<Event> {
    let told = project.ovr(&[&["events", "--json"], args].concat());
    parse(&told.success().stdout)
}

fn followed(follower: &Terminal) -> Vec<Event> {
    parse(&String::from_utf8(follower.raw()).unwrap())
}

fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.seq).collect()
}

fn kinds(events: &[Event], run: u64) -> Vec<EventKind> {
    let of_run = events.iter().filter(|event| event.run == Some(run));
    of_run.map(|event| event.event).collect()
}

/// A connection to the API's socket, with this request sent.
fn connect(project: &Project, request: &str) -> BufReader<UnixStream> {
    let dir = project.status().session.runtime_dir;
    let mut stream = UnixStream::connect(format!("{dir}/api.sock")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    BufReader::new(stream)
}

#[test]
fn a_crash_loop_is_told_run_by_run_in_order_and_without_a_hole() {
    let project = Project::with("web: sleep 0.05; exit 3\nkeeper: exec sleep 1000\n");
    project.start_detached(&["-r", "web"]);
    project.wait_service("web", "a back-off that waits", |service| service.restarts >= 4);
    project.ovr(&["stop", "web"]).success();
    let events = read(&project, &["-n", "all"]);
    assert_eq!(
        numbers(&events),
        (1..=u64::try_from(events.len()).unwrap()).collect::<Vec<_>>()
    );
    assert_eq!(events[0].event, EventKind::SessionStarted);
    let of_web = read(&project, &["-n", "all", "web"]);
    assert!(of_web.iter().all(|event| event.service.as_deref() == Some("web")));
    for run in 1..=4 {
        let expected = [
            EventKind::Starting,
            EventKind::Running,
            EventKind::Exited,
            EventKind::Backoff,
        ];
        assert_eq!(kinds(&of_web, run), expected, "run {run}");
    }
    let of = |run, kind| {
        let mut of_run = of_web.iter().filter(|event| event.run == Some(run));
        of_run.find(|event| event.event == kind).unwrap()
    };
    let exited = of(1, EventKind::Exited);
    assert_eq!((exited.exit_code, exited.exit_signal.as_deref()), (Some(3), None));
    assert!(exited.duration_ms.is_some_and(|lived| lived >= 40));
    assert_eq!(of(1, EventKind::Starting).why.as_deref(), Some("session"));
    // The fourth restart is the first that waits.
    let backoff = of(4, EventKind::Backoff);
    assert_eq!((backoff.attempt, backoff.delay_ms), (Some(4), Some(250)));
    let again = of(5, EventKind::Starting);
    assert_eq!((again.why.as_deref(), again.attempt), (Some("policy"), Some(4)));
    let last = of_web.last().unwrap();
    assert_eq!(
        (last.event, last.state),
        (EventKind::Stopped, Some(StateWord::Stopped))
    );
}

#[test]
fn a_restart_a_scaling_and_a_reload_are_told_with_what_they_change() {
    let project = Project::with("web: exec sleep 1000\n");
    project.start_detached(&[]);
    project.ovr(&["restart", "web"]).success();
    project.ovr(&["scale", "web=2"]).success();
    project.write("Procfile", "web: exec sleep 1001\nnew: exec sleep 1000\n");
    project.ovr(&["reload"]).success();
    let events = read(&project, &[]);
    let starts = events.iter().filter(|event| event.event == EventKind::Starting);
    let second = starts.filter(|event| event.run == Some(2)).collect::<Vec<_>>();
    assert_eq!(second[0].why.as_deref(), Some("request"));
    let changed = |kind| {
        let event = events.iter().find(|event| event.event == kind).unwrap();
        event
            .changes
            .iter()
            .map(|change| change.name.as_str())
            .collect::<Vec<_>>()
    };
    assert!(changed(EventKind::Scaled).contains(&"web#2"), "{events:?}");
    assert!(changed(EventKind::Reloaded).contains(&"new"), "{events:?}");
    // It is told before what it leads to.
    let place = |found: &dyn Fn(&Event) -> bool| events.iter().position(found).unwrap();
    let reloaded = place(&|event| event.event == EventKind::Reloaded);
    assert!(reloaded < place(&|event| event.instance.as_deref() == Some("new")));
}

#[test]
fn a_reading_goes_on_behind_its_cursor_as_lines_and_as_server_sent_events() {
    let project = Project::with("web: exec sleep 1000\n");
    project.start_detached(&[]);
    let first = read(&project, &[]);
    project.ovr(&["restart", "web"]).success();
    let all = read(&project, &["-n", "all"]);
    let cursor = &first[2].cursor;
    let since = read(&project, &["--since", cursor]);
    assert_eq!(numbers(&since), numbers(&all[3..all.len().min(3 + since.len())]));
    assert!(since.len() >= 3, "{since:?}");
    let mut stream = connect(
        &project,
        &format!(
            "GET /v1/events?follow=true HTTP/1.1\r\nhost: ovr\r\naccept: text/event-stream\r\nlast-event-id: {cursor}\r\n\r\n"
        ),
    );
    let mut id = None;
    let mut seen = Vec::new();
    while seen.len() < since.len() {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).unwrap() > 0, "{seen:?}");
        if let Some(text) = line.strip_prefix("id: ") {
            id = Some(text.trim().to_owned());
        } else if let Some(text) = line.strip_prefix("data: ") {
            let event: Event = serde_json::from_str(text).unwrap();
            assert_eq!(id.take().as_ref(), Some(&event.cursor));
            seen.push(event);
        }
    }
    assert_eq!(numbers(&seen), numbers(&since));
}

#[test]
fn a_follower_misses_nothing_when_the_controller_is_killed_and_another_takes_over() {
    let project = Project::with(
        "web: exec sleep 1000\nshort: until [ -e $OUT/go ]; do sleep 0.02; done; exit 4\nask: printf 'name? '; read x\n",
    );
    project.start_detached(&["--any-can-die"]);
    let follower = project.cmd(&["events", "-f", "-n", "all", "--json"]).piped();
    follower.wait_for_output("waits_for_input");
    let [web, short, _] = project.wait_running(["web", "short", "ask"]);
    project.ovr(&["restart", "web"]).success();
    kill_controller(&project);
    std::fs::write(project.path("out").join("go"), "").unwrap();
    project.wait_until("short to end", || !crate::harness::processes::is_alive(short));
    project.start_detached(&["--any-can-die"]);
    project.ovr(&["stop", "web"]).success();
    project.ovr(&["quit"]).success();
    assert_eq!(follower.wait_exit(), 0);
    assert!(
        follower.stderr().contains("a new controller has taken over"),
        "{}",
        follower.stderr()
    );
    let events = followed(&follower);
    assert_eq!(
        numbers(&events),
        (1..=u64::try_from(events.len()).unwrap()).collect::<Vec<_>>()
    );
    assert_eq!(events.last().unwrap().event, EventKind::SessionEnded);
    let of = |kind| events.iter().filter(move |event| event.event == kind);
    assert_eq!(of(EventKind::SessionAdopted).count(), 1);
    // What ended while nobody looked is told by whoever finds it, and every end once.
    let mut ends: Vec<_> = of(EventKind::Exited)
        .map(|event| (event.instance.clone().unwrap(), event.run.unwrap()))
        .collect();
    let found = of(EventKind::Exited).find(|event| event.instance.as_deref() == Some("short"));
    assert_eq!(found.unwrap().exit_code, Some(4));
    let count = ends.len();
    ends.sort();
    ends.dedup();
    assert_eq!(ends.len(), count, "{events:?}");
    let adopted = of(EventKind::Adopted).find(|event| event.instance.as_deref() == Some("web"));
    assert!(adopted.unwrap().pid.is_some_and(|pid| pid != web));
    // It waited before and it waits still.
    assert_eq!(of(EventKind::WaitsForInput).count(), 1);
}

#[test]
fn a_controller_that_was_sent_to_the_background_goes_on_with_the_same_numbers() {
    let project = Project::with("web: exec sleep 1000\n");
    let console = project.start_piped(&[]);
    project.wait_running(["web"]);
    project.ovr(&["detach"]).success();
    console.wait_exit();
    project.ovr(&["restart", "web"]).success();
    let events = read(&project, &["-n", "all"]);
    assert_eq!(
        numbers(&events),
        (1..=u64::try_from(events.len()).unwrap()).collect::<Vec<_>>()
    );
    let place = |kind| events.iter().position(|event| event.event == kind).unwrap();
    assert!(place(EventKind::ControllerLeft) < place(EventKind::SessionAdopted));
}

#[test]
fn r40_a_reader_of_events_that_is_stopped_delays_nobody_and_is_told_how_many_it_missed() {
    let project = Project::new().file(
        "ovr.yaml",
        "processes:\n  web:\n    command: 'until [ -e $OUT/go ]; do sleep 0.02; done; \
         for i in $(seq 9); do for j in $(seq 1000); do echo up; echo down; done; sleep 0.1; done; echo done > $OUT/done; exec sleep 1000'\n    \
         ready_log_line: up\n    failure_log_line: down\n",
    );
    project.start_detached(&[]);
    let slow = project
        .cmd(&["events", "-f", "-n", "all", "--json"])
        .blind()
        .piped();
    slow.wait_for_output("session_up");
    slow.signal(Signal::STOP);
    std::fs::write(project.path("out").join("go"), "").unwrap();
    assert_eq!(project.wait_out("done"), "done");
    let last = |project: &Project| read(project, &["-n", "1"])[0].seq;
    project.wait_until("all to be told", || last(&project) >= 18_000);
    slow.signal(Signal::CONT);
    project.ovr(&["quit"]).success();
    assert_eq!(slow.wait_exit(), 0);
    let events = followed(&slow);
    let gaps: Vec<_> = events
        .iter()
        .filter(|event| event.event == EventKind::Gap)
        .collect();
    // It may fall behind before its pipe is full, and again behind that.
    assert!(!gaps.is_empty());
    let missed: u64 = gaps.iter().map(|gap| gap.missed.unwrap()).sum();
    let end = events.last().unwrap();
    assert_eq!(end.event, EventKind::SessionEnded);
    // What came and what is counted as missing are all there is.
    assert_eq!(
        u64::try_from(events.len() - gaps.len()).unwrap() + missed,
        end.seq
    );
}

#[test]
fn a_cursor_that_is_too_old_is_a_counted_gap_and_one_of_another_session_is_a_gap() {
    let project = Project::new().file(
        "ovr.yaml",
        "processes:\n  web:\n    command: 'for i in $(seq 9); do for j in $(seq 1000); do echo up; echo down; done; sleep 0.1; done; exec sleep 1000'\n    \
         ready_log_line: up\n    failure_log_line: down\n",
    );
    project.start_detached(&[]);
    project.wait_until("all to be told", || read(&project, &["-n", "1"])[0].seq >= 18_000);
    let newest = read(&project, &["-n", "1"]);
    let epoch = newest[0].cursor.split_once('-').unwrap().0.to_owned();
    let events = read(&project, &["--since", &format!("{epoch}-1")]);
    assert_eq!(events[0].event, EventKind::Gap);
    assert_eq!(events[1].seq, 2 + events[0].missed.unwrap());
    let events = read(&project, &["--since", "abc-7"]);
    assert_eq!((events[0].event, events[0].missed), (EventKind::Gap, None));
    project
        .ovr(&["events", "--since", "yesterday"])
        .code(64)
        .says(&["yesterday"]);
    project
        .ovr(&["events", "--kind", "exitde"])
        .code(64)
        .says(&["did you mean exited"]);
    project.ovr(&["events", "wbe"]).code(65).says(&["wbe"]);
}

#[test]
fn probes_ports_and_input_are_told_when_they_change() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let project = Project::new().on_free_ports().file(
        "ovr.yaml",
        &format!(
            "processes:\n  web:\n    command: 'printf \"name? \"; read x; exec sleep 1000'\n    readiness_probe:\n      \
             exec: {{ command: 'test -e $OUT/good' }}\n      period_seconds: 1\n  api:\n    command: exec sleep 1000\n    \
             port: {port}\n"
        ),
    );
    project.start_detached(&[]);
    let follower = project.cmd(&["events", "-f", "-n", "all"]).piped();
    follower.wait_for_output("web │ readiness probe fails");
    follower.wait_for_output("web │ waits for input: \"name? \"");
    std::fs::write(project.path("out").join("good"), "").unwrap();
    follower.wait_for_output("web │ readiness probe succeeds");
    follower.wait_for_output("web │ ready");
    project.connect("web").type_keys("me\r");
    follower.wait_for_output("web │ waits for input no longer");
    let events = read(&project, &["--kind", "probe,port_taken", "-n", "all"]);
    let probes: Vec<_> = events
        .iter()
        .filter(|event| event.probe.as_deref() == Some("readiness"))
        .collect();
    assert_eq!(
        probes.iter().map(|event| event.ok.unwrap()).collect::<Vec<_>>(),
        [false, true]
    );
    let taken = events
        .iter()
        .find(|event| event.event == EventKind::PortTaken)
        .unwrap();
    assert_eq!((taken.port, taken.pid), (Some(port), Some(std::process::id())));
}

#[test]
fn a_hook_runs_when_its_event_can_be_read_already() {
    let ovr = crate::harness::program();
    let project = Project::new().file(
        "ovr.yaml",
        &format!(
            "processes:\n  web:\n    command: 'until [ -e go ]; do sleep 0.02; done; exit 3'\n    hooks:\n      on_exit: \
             '{} events web -n all --kind exited --json > $OUT/new; mv $OUT/new $OUT/told'\n  keeper:\n    \
             command: exec sleep 1000\n",
            ovr.display()
        ),
    );
    project.start_detached(&[]);
    project.write("go", "");
    let told = project.wait_out("told");
    let event: Event = serde_json::from_str(&told).unwrap();
    assert_eq!((event.event, event.exit_code), (EventKind::Exited, Some(3)));
}

#[test]
fn a_flood_of_status_requests_costs_no_line_and_no_event() {
    let project = Project::with(
        "web: until [ -e $OUT/go ]; do sleep 0.02; done; seq 1 200000; echo > $OUT/done; exec sleep 1000\n",
    );
    project.start_detached(&[]);
    let mut stream = connect(&project, "");
    let request = b"GET /v1/status HTTP/1.1\r\nhost: ovr\r\n\r\n";
    std::fs::write(project.path("out").join("go"), "").unwrap();
    let mut asked = 0;
    while asked < 5000 || project.out("done").is_empty() {
        stream.get_mut().write_all(request).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        assert!(body.starts_with(b"{\"schema\":1"));
        asked += 1;
    }
    let last = || {
        project
            .ovr(&["logs", "web", "-n", "1", "--plain"])
            .stdout
            .trim()
            .to_owned()
    };
    project.wait_until("the last line to be kept", || last() == "200000");
    let kept = project.ovr(&["logs", "web", "-n", "all", "--plain"]);
    let expected: Vec<String> = (1..=200_000).map(|number| number.to_string()).collect();
    assert!(kept.stdout.lines().eq(expected.iter().map(String::as_str)));
    let events = read(&project, &["-n", "all"]);
    assert_eq!(
        numbers(&events),
        (1..=u64::try_from(events.len()).unwrap()).collect::<Vec<_>>()
    );
}
