//! The log as its readers and the next controller see it: order, resumption, gaps, and what outlives a kill.

use super::log::EventLog;
use super::ring::{MOST_EVENTS, Reader, Wanted};
use crate::api::call::{EventCursor, EventsSince};
use crate::api::messages::events::{Event, EventKind};
use crate::model::{InstanceId, InstanceName, RunId};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

fn names() -> BTreeMap<InstanceName, InstanceId> {
    [("web", 0), ("api", 1)]
        .map(|(name, id)| (name.parse().unwrap(), InstanceId(id)))
        .into()
}

fn log(dir: &Path, goes_on: bool) -> EventLog {
    EventLog::new(dir.join("events.jsonl"), goes_on, &names())
}

fn event(kind: EventKind, instance: &str, run: u64) -> Event {
    Event {
        event: kind,
        instance: Some(instance.to_owned()),
        run: Some(run),
        ..Event::default()
    }
}

fn record(log: &mut EventLog, kind: EventKind, instance: u32) {
    let name = if instance == 0 { "web" } else { "api" };
    log.record(Some(InstanceId(instance)), event(kind, name, 1));
}

/// What there is to read now.
fn read(reader: &mut Reader) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        let items = reader.take();
        if items.is_empty() {
            return events;
        }
        events.extend(
            items
                .iter()
                .map(|item| serde_json::from_slice::<Event>(&item.line).unwrap()),
        );
    }
}

fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.seq).collect()
}

fn cursor(text: &str) -> EventsSince {
    EventsSince::Cursor(text.parse().unwrap())
}

#[test]
fn events_are_read_in_order_and_a_reading_goes_on_behind_its_cursor() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path(), false);
    for _ in 0..5 {
        record(&mut log, EventKind::Starting, 0);
    }
    let first = read(&mut log.reader(Wanted::default(), &EventsSince::Start));
    assert_eq!(numbers(&first), [1, 2, 3, 4, 5]);
    let rest = read(&mut log.reader(Wanted::default(), &cursor(&first[2].cursor)));
    assert_eq!(numbers(&rest), [4, 5]);
    let last = read(&mut log.reader(Wanted::default(), &EventsSince::Last(2)));
    assert_eq!(numbers(&last), [4, 5]);
    let mut now = log.reader(Wanted::default(), &EventsSince::Now);
    assert_eq!(read(&mut now), []);
    record(&mut log, EventKind::Running, 0);
    log.flush();
    assert_eq!(numbers(&read(&mut now)), [6]);
}

#[test]
fn a_reader_of_some_instances_or_kinds_gets_these_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path(), false);
    log.record(None, Event::default());
    record(&mut log, EventKind::Starting, 0);
    record(&mut log, EventKind::Exited, 1);
    record(&mut log, EventKind::Exited, 0);
    let wanted = |instances, kinds: &[EventKind]| Wanted {
        instances,
        kinds: kinds.to_vec(),
    };
    let mut numbers_of = |wanted, since| numbers(&read(&mut log.reader(wanted, &since)));
    assert_eq!(
        numbers_of(wanted(Some(vec![InstanceId(0)]), &[]), EventsSince::Start),
        [2, 4]
    );
    assert_eq!(
        numbers_of(wanted(None, &[EventKind::Exited]), EventsSince::Start),
        [3, 4]
    );
    assert_eq!(
        numbers_of(wanted(None, &[EventKind::Exited]), EventsSince::Last(1)),
        [4]
    );
    assert_eq!(
        numbers_of(wanted(None, &[EventKind::Starting]), EventsSince::Last(9)),
        [2]
    );
}

#[test]
fn a_reading_that_does_not_follow_ends_with_what_there_was_when_it_began() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path(), false);
    for _ in 0..3 {
        record(&mut log, EventKind::Starting, 0);
    }
    let mut reader = log.reader(Wanted::default(), &EventsSince::Last(2));
    reader.end_here();
    record(&mut log, EventKind::Running, 0);
    log.flush();
    assert_eq!(numbers(&read(&mut reader)), [2, 3]);
    let mut nothing = log.reader(Wanted::default(), &EventsSince::Now);
    nothing.end_here();
    assert_eq!(read(&mut nothing), []);
}

#[test]
fn a_reader_that_journal_and_ring_overtake_gets_one_counted_gap_and_then_the_oldest() {
    let dir = tempfile::tempdir().unwrap();
    // Nothing can be written there: the ring is all that there is.
    let mut log = log(&dir.path().join("gone"), false);
    record(&mut log, EventKind::Starting, 0);
    let mut slow = log.reader(Wanted::default(), &EventsSince::Start);
    assert_eq!(numbers(&read(&mut slow)), [1]);
    let all = u64::try_from(MOST_EVENTS).unwrap() * 2;
    for _ in 1..all {
        record(&mut log, EventKind::Starting, 0);
        log.flush();
    }
    let events = read(&mut slow);
    let (gap, rest) = events.split_first().unwrap();
    assert_eq!(gap.event, EventKind::Gap);
    let missed = gap.missed.unwrap();
    assert!(missed >= all / 2 - 1, "{missed}");
    assert_eq!(gap.seq, 1 + missed);
    assert_eq!(numbers(rest), (missed + 2..=all).collect::<Vec<_>>());
    // From the gap's own cursor one goes on where it ends.
    let rest_again = read(&mut log.reader(Wanted::default(), &cursor(&gap.cursor)));
    assert_eq!(rest_again, rest);
}

#[test]
fn more_events_in_one_turn_than_the_ring_has_are_all_there_for_their_reader() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path(), false);
    record(&mut log, EventKind::Starting, 0);
    let mut all = log.reader(Wanted::default(), &EventsSince::Start);
    let wanted = Wanted {
        instances: Some(vec![InstanceId(1)]),
        kinds: vec![EventKind::Exited],
    };
    let mut some = log.reader(wanted, &EventsSince::Now);
    assert_eq!(numbers(&read(&mut all)), [1]);
    let many = u64::try_from(MOST_EVENTS).unwrap() * 2;
    for seq in 2..=many {
        match seq {
            7 => record(&mut log, EventKind::Exited, 0),
            8 => record(&mut log, EventKind::Exited, 1),
            _ => record(&mut log, EventKind::Starting, 1),
        }
        if seq == 5 {
            log.note_published(1);
        }
    }
    log.flush();
    assert_eq!(numbers(&read(&mut all)), (2..=many).collect::<Vec<_>>());
    assert_eq!(numbers(&read(&mut some)), [8]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_reader_that_waits_for_the_disk_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path(), false);
    record(&mut log, EventKind::Starting, 0);
    let mut reader = log.reader(Wanted::default(), &EventsSince::Start);
    for _ in 0..MOST_EVENTS {
        record(&mut log, EventKind::Running, 0);
    }
    log.flush();
    // A pipe in the journal's place gives nothing before somebody has written into it.
    let journal = dir.path().join("events.jsonl");
    let text = fs::read(&journal).unwrap();
    fs::remove_file(&journal).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &journal, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let reading = std::thread::spawn(move || read(&mut reader));
    // Opening it succeeds when the reader has opened it too: it reads from here on.
    let mut pipe = fs::OpenOptions::new().write(true).open(&journal).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let recording = std::thread::spawn(move || {
        record(&mut log, EventKind::Exited, 0);
        log.flush();
        tell.send(()).unwrap();
        log
    });
    told.recv_timeout(std::time::Duration::from_secs(20))
        .expect("recording waits for the reader");
    // The ring has gone on: what it has dropped meanwhile is looked for in the file.
    let file = dir.path().join("file");
    fs::write(&file, &text).unwrap();
    fs::rename(file, &journal).unwrap();
    pipe.write_all(&text).unwrap();
    drop(pipe);
    let _log = recording.join().unwrap();
    let events = reading.join().unwrap();
    assert_eq!(numbers(&events), (1..=MOST_EVENTS as u64 + 2).collect::<Vec<_>>());
}

#[test]
fn only_what_the_journal_no_longer_has_is_counted_as_missing() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path(), false);
    record(&mut log, EventKind::Starting, 0);
    let mut slow = log.reader(Wanted::default(), &EventsSince::Start);
    assert_eq!(numbers(&read(&mut slow)), [1]);
    let all = u64::try_from(MOST_EVENTS).unwrap() * 5;
    for _ in 1..all {
        record(&mut log, EventKind::Starting, 0);
        log.flush();
    }
    let text = fs::read_to_string(dir.path().join("events.jsonl")).unwrap();
    let oldest: Event = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    let events = read(&mut slow);
    let (gap, rest) = events.split_first().unwrap();
    assert_eq!((gap.event, gap.missed), (EventKind::Gap, Some(oldest.seq - 2)));
    assert_eq!(numbers(rest), (oldest.seq..=all).collect::<Vec<_>>());
}

#[test]
fn a_cursor_of_another_session_or_from_the_future_is_a_gap_that_nobody_can_count() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path(), false);
    record(&mut log, EventKind::Starting, 0);
    let future = EventCursor {
        epoch: log.epoch().to_owned(),
        seq: 7,
    };
    for since in [cursor("0-1"), EventsSince::Cursor(future)] {
        let events = read(&mut log.reader(Wanted::default(), &since));
        let kinds: Vec<_> = events.iter().map(|event| event.event).collect();
        assert_eq!(kinds, [EventKind::Gap, EventKind::Starting]);
        assert_eq!(events[0].missed, None);
    }
}

#[test]
fn the_next_controller_goes_on_counting_and_its_readers_miss_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = log(dir.path(), false);
    first.record(Some(InstanceId(0)), event(EventKind::Exited, "web", 2));
    first.record(Some(InstanceId(1)), event(EventKind::Ready, "api", 1));
    let seen = read(&mut first.reader(Wanted::default(), &EventsSince::Start));
    first.record(Some(InstanceId(1)), event(EventKind::WaitsForInput, "api", 1));
    first.note_published(2);
    first.flush();
    // Killed: nothing of it is dropped in order.
    std::mem::forget(first);
    let mut second = log(dir.path(), true);
    assert_eq!(second.published, Some(2));
    second.record(None, Event::default());
    let rest = read(&mut second.reader(Wanted::default(), &cursor(&seen[0].cursor)));
    assert_eq!(numbers(&rest), [2, 3, 4]);
    let of_web = Wanted {
        instances: Some(vec![InstanceId(0)]),
        kinds: Vec::new(),
    };
    assert_eq!(
        numbers(&read(&mut second.reader(of_web, &EventsSince::Start))),
        [1]
    );
    // And it knows what need not be told again.
    assert!(!second.owes_end(InstanceId(0), RunId(2)) && second.owes_end(InstanceId(0), RunId(3)));
    assert_eq!(second.ready(InstanceId(1), RunId(1)), Some(true));
    assert_eq!(second.ready(InstanceId(1), RunId(2)), None);
    assert_eq!(second.waits(InstanceId(1)), Some(RunId(1)));
}

#[test]
fn a_line_that_a_kill_has_cut_was_seen_by_nobody_and_its_number_is_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = log(dir.path(), false);
    record(&mut first, EventKind::Starting, 0);
    first.flush();
    std::mem::forget(first);
    let path = dir.path().join("events.jsonl");
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"schema\":1,\"seq\":2,\"cur").unwrap();
    let mut second = log(dir.path(), true);
    record(&mut second, EventKind::Running, 0);
    second.flush();
    let third = log(dir.path(), true);
    assert_eq!(third.last(), 2);
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
}

#[test]
fn a_journal_that_cannot_be_written_or_read_costs_the_numbers_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone");
    let mut nowhere = log(&gone, false);
    record(&mut nowhere, EventKind::Starting, 0);
    record(&mut nowhere, EventKind::Running, 0);
    let events = read(&mut nowhere.reader(Wanted::default(), &EventsSince::Start));
    assert_eq!(numbers(&events), [1, 2]);
    for garbage in [
        "",
        "garbage\n",
        "{\"epoch\":\"a\"}\n{\"schema\":1,\"seq\":1,\"cursor\":\"a-1\",\"at\":\"\",\"event\":\"ready\"}\n{\"schema\":1,\"seq\":3,\"cursor\":\"a-3\",\"at\":\"\",\"event\":\"ready\"}\n",
    ] {
        fs::write(dir.path().join("events.jsonl"), garbage).unwrap();
        let anew = log(dir.path(), true);
        assert_eq!(anew.last(), 0, "{garbage}");
        assert_ne!(anew.epoch(), "a");
    }
}

#[test]
fn a_journal_stays_bounded_and_whole_however_long_the_session_runs() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = log(dir.path(), false);
    for _ in 0..20_000 {
        record(&mut first, EventKind::Starting, 0);
        first.flush();
    }
    let size = fs::metadata(dir.path().join("events.jsonl")).unwrap().len();
    assert!(size < 2 * 1024 * 1024, "{size}");
    std::mem::forget(first);
    let second = log(dir.path(), true);
    assert_eq!(second.last(), 20_000);
}

#[test]
fn a_journal_that_somebody_removed_is_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let mut first = log(dir.path(), false);
    record(&mut first, EventKind::Starting, 0);
    first.flush();
    fs::remove_file(&path).unwrap();
    first.renew();
    record(&mut first, EventKind::Running, 0);
    first.flush();
    std::mem::forget(first);
    assert_eq!(log(dir.path(), true).last(), 2);
}

#[tokio::test]
async fn who_waits_is_woken_by_the_next_event_and_gets_the_rest_before_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log(dir.path(), false);
    let mut reader = log.reader(Wanted::default(), &EventsSince::Start);
    let waiting = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(items) = reader.next().await {
            seen.extend(items.iter().map(|item| item.cursor.seq));
        }
        seen
    });
    tokio::task::yield_now().await;
    record(&mut log, EventKind::Starting, 0);
    log.flush();
    tokio::task::yield_now().await;
    record(&mut log, EventKind::Running, 0);
    drop(log);
    assert_eq!(waiting.await.unwrap(), [1, 2]);
}
