//! The protocol on the wire: every message as it has always been written.

use super::super::order_text::Orders;
use super::{Ended, Order, Report, extension_in, said_ready, status_in};
use crate::model::{Exit, Launch, Limits, Listen, ListenAddress, RunId, Signal, StopPlan};
use std::time::Duration;

/// The order that this line is, if it is one.
fn order(line: &str) -> Option<Order> {
    let mut orders = Orders::default();
    orders.push(format!("{line}\n").as_bytes());
    orders.next().unwrap()
}

/// Golden texts, asserted both ways. Append-only: an older peer sends and expects exactly these.
#[test]
fn messages_keep_their_text() {
    let run = Order::Run {
        run: RunId(7),
        launch: Launch {
            argv: vec!["/bin/sh".into(), "-c".into(), "echo".into()],
            cwd: "/srv".into(),
            env: [("A".into(), "1".into())].into_iter().collect(),
            ..Launch::default()
        },
        stop: StopPlan::default(),
        files: None,
    };
    let golden = r#"{"do":"run","run":7,"launch":{"argv":["/bin/sh","-c","echo"],"cwd":"/srv","env":[["A","1"]]},"stop":{"signal":2,"grace":{"secs":5,"nanos":0},"command":null}}"#;
    assert_eq!(serde_json::to_string(&run).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Order>(golden).unwrap(), run);
    assert_eq!(order(golden).as_ref(), Some(&run));
    let elsewhere = golden.replace(r#""do":"run","#, "");
    let elsewhere = elsewhere.strip_suffix('}').unwrap().to_owned() + r#","do":"run"}"#;
    assert_eq!(order(&elsewhere).as_ref(), Some(&run));
    assert_eq!(order(r#"{"do":"close"}"#), Some(Order::Close));
    assert_eq!(order(r#"{"do":"dance"}"#), None);

    let ended = Report::Ended(Ended {
        run: RunId(7),
        exit: Exit::Signal(Signal::KILL),
        at_ms: 5,
        began_ms: None,
        asked: true,
        killed: vec![],
        why: None,
        silent: None,
    });
    let golden = r#"{"is":"ended","run":7,"exit":{"signal":9},"at_ms":5,"asked":true,"killed":[]}"#;
    assert_eq!(serde_json::to_string(&ended).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Report>(golden).unwrap(), ended);
    let reasoned = golden.replace(r#""killed":[]"#, r#""killed":[],"why":"unhealthy""#);
    let Report::Ended(ended) = serde_json::from_str::<Report>(&reasoned).unwrap() else {
        panic!("{reasoned}");
    };
    assert_eq!(ended.why.as_deref(), Some("unhealthy"));
    assert_eq!(serde_json::to_string(&Report::Ended(ended)).unwrap(), reasoned);
    let timed = golden.replace(r#""at_ms":5"#, r#""at_ms":5,"began_ms":2"#);
    let Report::Ended(ended) = serde_json::from_str::<Report>(&timed).unwrap() else {
        panic!("{timed}");
    };
    assert_eq!(ended.began_ms, Some(2));
    assert_eq!(serde_json::to_string(&Report::Ended(ended)).unwrap(), timed);
    let short = r#"{"is":"ended","run":7,"exit":{"code":3},"at_ms":5}"#;
    assert!(serde_json::from_str::<Report>(short).is_ok());
}

#[test]
fn messages_of_the_second_version_keep_their_text() {
    let run = Order::Run {
        run: RunId(7),
        launch: Launch {
            argv: vec!["web".into()],
            cwd: "/srv".into(),
            limits: Limits {
                memory: Some(1024),
                cpu: Some(150),
                nofile: Some(64),
            },
            listen: vec![
                Listen {
                    address: ListenAddress::Tcp("127.0.0.1:5000".parse().unwrap()),
                    name: "http".into(),
                },
                Listen {
                    address: ListenAddress::Unix("/srv/web.sock".into()),
                    name: "local".into(),
                },
            ],
            notify: true,
            daemon: true,
            ..Launch::default()
        },
        stop: StopPlan {
            grace: Duration::from_secs(1),
            keys: Some("q\n".into()),
            parent_only: true,
            ..StopPlan::default()
        },
        files: Some(1024),
    };
    let golden = r#"{"do":"run","run":7,"launch":{"argv":["web"],"cwd":"/srv","env":[],"limits":{"memory":1024,"cpu":150,"nofile":64},"listen":[{"address":{"tcp":"127.0.0.1:5000"},"name":"http"},{"address":{"unix":"/srv/web.sock"},"name":"local"}],"notify":true,"daemon":true},"stop":{"signal":2,"grace":{"secs":1,"nanos":0},"command":null,"keys":"q\n","parent_only":true},"files":1024}"#;
    assert_eq!(serde_json::to_string(&run).unwrap(), golden);
    assert_eq!(order(golden).as_ref(), Some(&run));

    let (run, text) = (RunId(7), "READY=1".to_owned());
    let notify = Report::Notify { run, text };
    let golden = r#"{"is":"notify","run":7,"text":"READY=1"}"#;
    assert_eq!(serde_json::to_string(&notify).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Report>(golden).unwrap(), notify);
    let text = "no cgroup".to_owned();
    let golden = r#"{"is":"caution","run":7,"text":"no cgroup"}"#;
    let caution = Report::Caution {
        run,
        text,
        stuck: false,
    };
    assert_eq!(serde_json::to_string(&caution).unwrap(), golden);
}

#[test]
fn messages_of_the_third_version_keep_their_text() {
    let launch = Launch {
        watchdog: Some(Duration::from_millis(1500)),
        ..Launch::default()
    };
    let golden = r#"{"argv":[],"cwd":"","env":[],"watchdog":{"secs":1,"nanos":500000000}}"#;
    assert_eq!(serde_json::to_string(&launch).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Launch>(golden).unwrap(), launch);
    let (run, text) = (RunId(7), "no WATCHDOG=1 for 2 s".to_owned());
    let silent = Report::Silent { run, text };
    let golden = r#"{"is":"silent","run":7,"text":"no WATCHDOG=1 for 2 s"}"#;
    assert_eq!(serde_json::to_string(&silent).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Report>(golden).unwrap(), silent);
    let golden = r#"{"do":"intend","run":7,"intent":"again"}"#;
    let intent = Some("again".to_owned());
    let intend = Order::Intend { run, intent };
    assert_eq!(serde_json::to_string(&intend).unwrap(), golden);
    assert_eq!(order(golden), Some(intend));
}

#[test]
fn a_notification_says_where_it_stands_and_how_much_time_it_wants() {
    assert_eq!(status_in("READY=1\nSTATUS=up\u{1b}[2J"), Some("up[2J".to_owned()));
    assert_eq!(status_in("STATUS="), Some(String::new()));
    assert_eq!(status_in("READY=1"), None);
    let wanted = Some(Duration::from_millis(2500));
    assert_eq!(extension_in("STOPPING=1\nEXTEND_TIMEOUT_USEC=2500000\n"), wanted);
    assert_eq!(extension_in("EXTEND_TIMEOUT_USEC=soon"), None);
}

#[test]
fn a_notification_says_ready_by_its_last_word_on_it() {
    assert_eq!(said_ready("STATUS=up\nREADY=1\n"), Some(true));
    assert_eq!(said_ready("RELOADING=1\nMONOTONIC_USEC=5"), Some(false));
    assert_eq!(said_ready("STOPPING=1"), Some(false));
    assert_eq!(said_ready("WATCHDOG=1\nREADY=10"), None);
}
