//! Reading back what was written: filters, runs, cursors, cuts.

use super::{Query, RunChoice, Since};
use crate::logs::store::{Cursor, EntryKind, Keep, Overlap, Store};
use crate::model::{InstanceId, RunId};
use regex::bytes::Regex;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;

#[path = "query_tests/last.rs"]
mod last;

const WEB: InstanceId = InstanceId(0);
const DB: InstanceId = InstanceId(1);
/// A time that files are surely written after.
const T: u64 = 1_000_000_000_000;

struct Logs {
    dir: TempDir,
    store: Store,
}

impl Logs {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, _troubles) = Store::start(dir.path().to_owned(), Keep::for_instances(2)).unwrap();
        store.name(WEB, "web".into());
        store.name(DB, "db".into());
        Self { dir, store }
    }

    fn line(&mut self, at: u64, instance: InstanceId, run: u64, text: &str) {
        let (run, text) = (RunId(run), text.as_bytes());
        self.store.line(T + at, instance, run, EntryKind::Output, text);
    }

    fn begin(&mut self, at: u64, instance: InstanceId, run: u64) {
        let run = RunId(run);
        self.store.line(T + at, instance, run, EntryKind::Begin, b"run");
    }

    async fn written(&mut self) {
        let flushed = self.store.flushed();
        timeout(Duration::from_secs(20), flushed).await.unwrap().unwrap();
    }

    fn query(&self, instances: &[&str]) -> Query {
        query(self.dir.path(), instances)
    }
}

fn query(dir: &Path, instances: &[&str]) -> Query {
    let instances = instances.iter().map(ToString::to_string).collect();
    Query::new(dir.to_owned(), instances)
}

fn texts(query: &Query) -> Vec<String> {
    let lines = query.run().unwrap().lines;
    let lines = lines.into_iter().filter(|line| line.kind == EntryKind::Output);
    lines.map(|line| String::from_utf8(line.text).unwrap()).collect()
}

#[tokio::test]
async fn lines_of_several_instances_come_in_the_order_of_time_without_colours() {
    let mut logs = Logs::new();
    logs.line(1, WEB, 1, "\x1b[32mone\x1b[0m");
    logs.line(3, WEB, 1, "three");
    logs.line(2, DB, 1, "two");
    logs.line(3, DB, 1, "three too");
    logs.written().await;
    assert_eq!(
        texts(&logs.query(&["db", "web"])),
        ["one", "two", "three too", "three"]
    );
    assert_eq!(texts(&logs.query(&["web"])), ["one", "three"]);
    assert_eq!(texts(&logs.query(&["nobody"])), Vec::<String>::new());
    let last = Query {
        last: Some(2),
        ..logs.query(&["db", "web"])
    };
    assert_eq!(texts(&last), ["three too", "three"]);
}

#[tokio::test]
async fn time_and_text_choose_lines_and_a_match_may_show_its_neighbours() {
    let mut logs = Logs::new();
    for at in 0..10 {
        logs.line(at, WEB, 1, &format!("GET /{at}"));
        logs.line(at, DB, 1, &format!("query {at}"));
    }
    logs.written().await;
    let since = Query {
        since: Some(Since::Time(T + 8)),
        ..logs.query(&["web"])
    };
    assert_eq!(texts(&since), ["GET /8", "GET /9"]);
    let until = Query {
        until_ms: Some(T + 1),
        last: Some(1),
        ..logs.query(&["web"])
    };
    assert_eq!(texts(&until), ["GET /1"]);
    let grep = Query {
        grep: Some(Regex::new("(GET|query) .*5").unwrap()),
        context: 1,
        ..logs.query(&["web", "db"])
    };
    assert_eq!(
        texts(&grep),
        ["GET /4", "GET /5", "GET /6", "query 4", "query 5", "query 6"]
    );
    let found = grep.run().unwrap();
    assert_eq!((found.summary.matches, found.summary.lines), (2, 6));
    let nothing = Query {
        grep: Some(Regex::new("no such thing").unwrap()),
        ..logs.query(&["web"])
    };
    assert_eq!(nothing.run().unwrap().summary.matches, 0);
}

#[tokio::test]
async fn a_run_is_found_by_its_number_and_counted_from_the_last_also_over_sessions() {
    let mut logs = Logs::new();
    logs.line(0, WEB, 0, "before");
    for (at, run) in [(1, 1), (3, 2), (5, 1), (7, 2), (9, 3)] {
        logs.begin(at, WEB, run);
        logs.line(at + 1, WEB, run, &format!("at {at}"));
    }
    logs.written().await;
    for (choice, text) in [
        (RunChoice::Back(0), "at 9"),
        (RunChoice::Back(1), "at 7"),
        (RunChoice::Back(4), "at 1"),
        (RunChoice::Back(5), "before"),
        (RunChoice::Number(RunId(3)), "at 9"),
        (RunChoice::Number(RunId(1)), "at 5"),
    ] {
        let query = Query {
            run: Some(choice),
            ..logs.query(&["web"])
        };
        assert_eq!(texts(&query), [text], "{choice:?}");
    }
    for choice in [RunChoice::Back(6), RunChoice::Number(RunId(4))] {
        let query = Query {
            run: Some(choice),
            ..logs.query(&["web"])
        };
        assert_eq!(texts(&query), Vec::<String>::new(), "{choice:?}");
    }
}

#[tokio::test]
async fn a_cursor_goes_on_exactly_where_the_last_reading_ended() {
    let mut logs = Logs::new();
    let mut cursor = Cursor::default();
    let mut seen = Vec::new();
    let rounds: [&[(u64, InstanceId, &str)]; 5] = [
        &[(1, WEB, "a"), (1, DB, "b")],
        &[(1, DB, "c"), (1, WEB, "d")],
        &[],
        &[(2, WEB, "e"), (2, WEB, "f")],
        &[(2, WEB, "g"), (2, DB, "h"), (5, DB, "i")],
    ];
    for round in rounds {
        for (at, instance, text) in round {
            logs.line(*at, *instance, 1, text);
        }
        logs.written().await;
        let query = Query {
            since: Some(Since::Cursor(cursor.clone())),
            ..logs.query(&["web", "db"])
        };
        let found = query.run().unwrap();
        let mut texts: Vec<_> = found.lines.iter().map(|line| line.text.clone()).collect();
        texts.sort();
        let expected: Vec<_> = round
            .iter()
            .map(|(_, _, text)| text.as_bytes().to_vec())
            .collect();
        assert_eq!(texts, expected);
        seen.extend(texts);
        // As a script would hand it on.
        cursor = found.summary.cursor.to_string().parse().unwrap();
    }
    assert_eq!(seen.concat(), b"abcdefghi");
}

#[tokio::test]
async fn what_is_cut_is_counted() {
    let mut logs = Logs::new();
    for at in 0..10 {
        logs.line(at, WEB, 1, "0123456789");
    }
    logs.written().await;
    let query = Query {
        max_bytes: Some(35),
        ..logs.query(&["web"])
    };
    let found = query.run().unwrap();
    assert_eq!((found.lines.len(), found.summary.cut), (3, 7));
}

#[tokio::test]
async fn a_bounded_reading_from_a_cursor_ends_at_its_bound_and_the_next_goes_on_there() {
    let mut logs = Logs::new();
    for at in 0..10 {
        logs.line(at / 3, WEB, 1, &format!("line {at}"));
        logs.line(at / 3, DB, 1, "not wanted");
    }
    logs.written().await;
    let mut cursor = Cursor::default();
    let mut pages = Vec::new();
    let wanted = Regex::new("line").unwrap();
    loop {
        let query = Query {
            since: Some(Since::Cursor(cursor.clone())),
            grep: Some(wanted.clone()),
            max_bytes: Some(25),
            ..logs.query(&["web", "db"])
        };
        let mut page = Vec::new();
        let summary = query
            .each(|line| {
                page.push(String::from_utf8(line.text).unwrap());
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(summary.cut, 0);
        cursor = summary.cursor;
        pages.push(page);
        if !summary.more {
            break;
        }
    }
    let sizes: Vec<_> = pages.iter().map(Vec::len).collect();
    assert_eq!(sizes, [3, 3, 3, 1]);
    let expected: Vec<_> = (0..10).map(|at| format!("line {at}")).collect();
    assert_eq!(pages.concat(), expected);
    let too_small = Query {
        since: Some(Since::Cursor(Cursor::default())),
        max_bytes: Some(1),
        ..logs.query(&["web"])
    };
    assert_eq!(texts(&too_small), ["line 0"]);
}

#[tokio::test]
async fn the_newest_match_may_come_first_and_keeps_its_neighbours_around_it() {
    let mut logs = Logs::new();
    for at in 0..10 {
        logs.line(at, WEB, 1, &format!("GET /{at}"));
        logs.line(at, DB, 1, &format!("query {at}"));
    }
    logs.written().await;
    let grep = Query {
        grep: Some(Regex::new("/[27]$|query 5").unwrap()),
        context: 1,
        ..logs.query(&["web", "db"])
    };
    let found = grep.run().unwrap().newest_first();
    let texts: Vec<_> = found
        .lines
        .iter()
        .map(|line| String::from_utf8_lossy(&line.text))
        .collect();
    assert_eq!(
        texts,
        [
            "GET /6", "GET /7", "GET /8", "query 4", "query 5", "query 6", "GET /1", "GET /2", "GET /3"
        ]
    );
}

#[tokio::test]
async fn a_reading_ends_where_nobody_wants_more() {
    let mut logs = Logs::new();
    for at in 0..10 {
        logs.line(at, WEB, 1, "a line");
    }
    logs.written().await;
    for last in [None, Some(8)] {
        let query = Query {
            last,
            ..logs.query(&["web"])
        };
        let mut taken = 0;
        query
            .each(|_| {
                taken += 1;
                if taken == 3 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
            .unwrap();
        assert_eq!(taken, 3, "{last:?}");
    }
}

#[tokio::test]
async fn the_beginning_of_a_run_says_whether_the_next_line_says_more() {
    let mut logs = Logs::new();
    logs.begin(1, WEB, 1);
    logs.line(2, WEB, 1, "up");
    logs.begin(3, WEB, 2);
    let told = "── run 2, pid 7 ──".as_bytes();
    logs.store.line(T + 3, WEB, RunId(2), EntryKind::Event, told);
    logs.written().await;
    let lines = logs.query(&["web", "db"]).run().unwrap().lines;
    let begins: Vec<_> = lines
        .iter()
        .filter(|line| line.kind == EntryKind::Begin)
        .map(|line| line.is_told_again)
        .collect();
    assert_eq!(begins, [false, true]);
}

#[tokio::test]
async fn what_was_printed_is_told_apart_from_what_ovr_said_in_the_same_moment() {
    let mut logs = Logs::new();
    logs.begin(1, WEB, 1);
    logs.line(1, WEB, 1, "first");
    logs.written().await;
    let summary = logs.query(&["web"]).run().unwrap().summary;
    let mut overlap = Overlap::with(summary.printed);
    assert!(!overlap.is_new("web", T + 1, 1));
    assert!(
        overlap.is_new("web", T + 1, 2),
        "a second line of the same moment"
    );
}

#[tokio::test]
async fn the_last_lines_end_at_a_place_that_the_next_reading_goes_on_from_though_they_are_of_one_moment() {
    let mut logs = Logs::new();
    for number in 0..500 {
        logs.line(if number < 10 { 1 } else { 2 }, WEB, 1, &format!("line {number}"));
    }
    logs.written().await;
    let last = Query {
        last: Some(3),
        ..logs.query(&["web"])
    };
    assert_eq!(texts(&last), ["line 497", "line 498", "line 499"]);
    let summary = last.run().unwrap().summary;
    logs.line(2, WEB, 1, "new");
    logs.written().await;
    for since in [
        Since::Cursor(summary.cursor),
        Since::Printed(summary.printed.clone()),
    ] {
        let next = Query {
            since: Some(since),
            ..logs.query(&["web"])
        };
        assert_eq!(texts(&next), ["new"]);
        // Who goes on from there once more is at the same place.
        assert_eq!(
            next.run().unwrap().summary.printed.to_string(),
            format!("c1.{}.web=491", T + 2)
        );
    }
    assert!(!Overlap::with(summary.printed).is_new("web", T + 2, 490));
}

#[tokio::test]
async fn what_was_printed_behind_a_place_is_counted_though_less_of_it_is_wanted() {
    let mut logs = Logs::new();
    for number in 0..400 {
        logs.line(number / 100, WEB, 1, &format!("line {number}"));
        logs.line(number / 100, DB, 1, &format!("query {number}"));
    }
    logs.written().await;
    let mut from = Cursor::default();
    from.reach("web", T + 1, 40);
    for (last, grep) in [(Some(2), None), (None, None), (None, Some("9"))] {
        let query = Query {
            last,
            grep: grep.map(|grep| Regex::new(grep).unwrap()),
            counted_from: Some(from.clone()),
            ..logs.query(&["web", "db"])
        };
        // Of moment 1, none of the other's lines were passed.
        assert_eq!(query.run().unwrap().summary.behind, 60 + 200 + 300, "{last:?}");
    }
}
