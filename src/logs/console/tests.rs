//! The console's writer: order, a terminal that does not read, one that is closed.

use super::{Console, ConsoleFailed};
use std::fs::File;
use std::io::{ErrorKind, PipeReader, Read, pipe};
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(20);

fn console(limit: usize) -> (Console, ConsoleFailed, PipeReader, File) {
    let (reader, writer) = pipe().unwrap();
    let out = File::from(OwnedFd::from(writer));
    let other = out.try_clone().unwrap();
    let (console, failed) = Console::with_limit(out, limit).unwrap();
    (console, failed, reader, other)
}

fn read_all(mut reader: PipeReader) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    })
}

#[tokio::test]
async fn what_was_flushed_has_been_written_in_order() {
    let (console, _failed, reader, other) = console(1 << 20);
    drop(other);
    let text = read_all(reader);
    let mut expected = String::new();
    for number in 0..20_000 {
        let line = format!("line {number}\n");
        console.push(line.as_bytes());
        expected.push_str(&line);
        if number % 5000 == 0 {
            timeout(DEADLINE, console.flush()).await.unwrap();
        }
    }
    timeout(DEADLINE, console.flush()).await.unwrap();
    timeout(DEADLINE, console.flush()).await.unwrap();
    drop(console);
    assert_eq!(text.join().unwrap(), expected);
}

#[tokio::test]
async fn a_terminal_that_does_not_read_loses_counted_lines_and_holds_nobody_up() {
    let (console, _failed, reader, other) = console(300_000);
    drop(other);
    let total = 200_000;
    // One line at a time, and many chunks in one piece.
    for number in 0..total / 2 {
        console.push(format!("line {number}\n").as_bytes());
    }
    let rest: Vec<_> = (total / 2..total)
        .map(|number| format!("line {number}\n"))
        .collect();
    console.push(rest.concat().as_bytes());
    assert!(console.shared.lock().queued <= 300_000);
    let text = read_all(reader);
    timeout(DEADLINE, console.flush()).await.unwrap();
    drop(console);
    let text = text.join().unwrap();
    let (mut next, mut marks) = (0, 0);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("… ") {
            let (count, rest) = rest.split_once(' ').unwrap();
            assert_eq!(rest, "lines dropped: the terminal is too slow");
            next += count.parse::<usize>().unwrap();
            marks += 1;
        } else {
            assert_eq!(line, format!("line {next}"));
            next += 1;
        }
    }
    assert_eq!(next, total);
    assert!(marks >= 1);
}

#[tokio::test]
async fn a_closed_pipe_is_reported_once_and_kills_nothing() {
    let (console, mut failed, reader, _other) = console(1 << 20);
    drop(reader);
    console.push(b"hello\n");
    let error = timeout(DEADLINE, failed.error()).await.unwrap();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    console.push(b"more\n");
    timeout(DEADLINE, console.flush()).await.unwrap();
    tokio::select! {
        biased;
        _ = failed.error() => panic!("reported twice"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn an_abort_ends_a_flush_that_the_terminal_holds_up() {
    let (console, _failed, _reader, _other) = console(1 << 20);
    console.push(&b"0123456789abcde\n".repeat(50_000));
    let flush = console.flush();
    tokio::pin!(flush);
    tokio::select! {
        biased;
        () = &mut flush => panic!("nobody has read it"),
        () = std::future::ready(()) => {}
    }
    console.abort();
    timeout(DEADLINE, flush).await.unwrap();
    timeout(DEADLINE, console.flush()).await.unwrap();
}

#[tokio::test]
async fn a_non_blocking_terminal_gets_everything() {
    let (console, _failed, reader, other) = console(1 << 24);
    rustix::io::ioctl_fionbio(&other, true).unwrap();
    drop(other);
    let lines = b"0123456789abcde\n".repeat(50_000);
    console.push(&lines);
    let text = read_all(reader);
    timeout(DEADLINE, console.flush()).await.unwrap();
    drop(console);
    assert_eq!(text.join().unwrap().len(), lines.len());
}
