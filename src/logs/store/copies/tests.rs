//! The forms of lines, and what happens to the files.

use super::{Copies, Written};
use crate::logs::store::entry::{Encoder, EntryKind};
use crate::model::{InstanceId, LogFile, LogPart, LogRotation, RunId};
use std::fs;
use std::path::Path;

const WEB: InstanceId = InstanceId(0);
const API: InstanceId = InstanceId(1);

fn file(path: &Path, process: &str) -> LogFile {
    LogFile {
        path: path.to_owned(),
        process: process.to_owned(),
        replica: 0,
        json: false,
        metadata: false,
        timestamp: None,
        parts: vec![LogPart::Message],
        rotation: None,
    }
}

fn entries(texts: &[(EntryKind, &str)]) -> Vec<u8> {
    let mut encoder = Encoder::default();
    let mut lines = Vec::new();
    for (kind, text) in texts {
        encoder.head(1_770_134_706_078, RunId(1), *kind, &mut lines);
        lines.extend_from_slice(text.as_bytes());
        lines.push(b'\n');
    }
    lines
}

fn write(copies: &mut Copies, instance: InstanceId, text: &str) -> Written {
    let lines = entries(&[(EntryKind::Output, text)]);
    copies.write(instance, &lines, 0).unwrap_or_default()
}

#[test]
fn lines_have_the_form_that_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sub/web.log");
    let plain = file(&path, "web-1");
    let json = LogFile {
        json: true,
        metadata: true,
        replica: 1,
        timestamp: Some("2006".to_owned()),
        ..plain.clone()
    };
    let bare = LogFile {
        metadata: false,
        timestamp: None,
        ..json.clone()
    };
    let ordered = LogFile {
        json: false,
        parts: vec![LogPart::Level, LogPart::Time, LogPart::Message],
        ..json.clone()
    };
    let mut copies = Copies::default();
    for form in [json, bare, ordered, plain] {
        copies.set(WEB, Some(form));
        let lines = entries(&[
            (EntryKind::Begin, "run 1"),
            (EntryKind::Output, "say \"hi\""),
            (EntryKind::Event, "exited"),
        ]);
        assert!(copies.write(WEB, &lines, 0).is_some());
    }
    let expected = [
        r#"{"level":"info","process":"web-1","replica":1,"time":"2026","message":"say \"hi\""}"#,
        r#"{"level":"info","message":"say \"hi\""}"#,
        r#"INF 2026 say "hi" process=web-1 replica=1"#,
        r#"say "hi""#,
    ];
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_file_of_two_that_was_emptied_or_moved_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.log");
    let mut copies = Copies::default();
    copies.set(WEB, Some(file(&path, "web")));
    copies.set(API, Some(file(&path, "api")));
    write(&mut copies, WEB, "one");
    write(&mut copies, API, "two");
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    fs::write(&path, "").unwrap();
    write(&mut copies, WEB, "three");
    assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
    fs::rename(&path, dir.path().join("moved")).unwrap();
    write(&mut copies, API, "four");
    assert_eq!(fs::read_to_string(&path).unwrap(), "four\n");
    copies.set(API, None);
    write(&mut copies, API, "five");
    assert_eq!(fs::read_to_string(&path).unwrap(), "four\n");
}

#[test]
fn what_got_lost_on_the_way_is_marked_also_where_nothing_follows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("web.log");
    let mut copies = Copies::default();
    copies.set(WEB, Some(file(&path, "web")));
    write(&mut copies, WEB, "one");
    copies.write(WEB, b"", 1).unwrap();
    write(&mut copies, WEB, "three");
    copies.write(WEB, b"", 2).unwrap();
    assert!(copies.write(WEB, b"", 0).is_none());
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "one\n1 line is missing here\nthree\n2 lines are missing here\n"
    );
}

#[test]
fn what_cannot_be_written_is_told_once_counted_and_made_good() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("blocked");
    fs::write(&blocked, "no directory").unwrap();
    let path = blocked.join("web.log");
    let mut copies = Copies::default();
    copies.set(WEB, Some(file(&path, "web")));
    let said = write(&mut copies, WEB, "one").sentence.unwrap();
    assert!(said.contains("the log_location of web"), "{said}");
    assert_eq!(write(&mut copies, WEB, "two").sentence, None);
    fs::remove_file(&blocked).unwrap();
    let said = write(&mut copies, WEB, "three").sentence.unwrap();
    assert!(said.ends_with("web.log is written again"), "{said}");
    write(&mut copies, WEB, "four");
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "2 lines are missing here\nthree\nfour\n"
    );
}

#[test]
fn a_full_file_is_put_aside_before_the_next_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("web.log");
    let rotation = LogRotation {
        max_size: 10,
        max_backups: 1,
        max_age_days: 0,
        compress: true,
    };
    let mut copies = Copies::default();
    copies.set(
        WEB,
        Some(LogFile {
            rotation: Some(rotation),
            ..file(&path, "web")
        }),
    );
    assert!(write(&mut copies, WEB, "a line that is longer").full.is_empty());
    assert_eq!(write(&mut copies, WEB, "next").full.len(), 1);
    assert!(write(&mut copies, WEB, "more").full.is_empty());
    assert_eq!(fs::read_to_string(&path).unwrap(), "next\nmore\n");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn a_pipe_that_nobody_reads_holds_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    let mut copies = Copies::default();
    copies.set(WEB, Some(file(&path, "web")));
    assert!(write(&mut copies, WEB, "one").sentence.is_some());
}
