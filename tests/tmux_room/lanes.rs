//! Lanes in a real tmux: what each of their commands does, and the helper that hands a pipe over.

use crate::harness::{PATIENCE, Room, run};
use ovr::tmux::PaneId;
use ovr::tmux::command::Command;
use ovr::tmux::lane;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::{UnixListener, UnixStream};

/// What is typed into this pane comes back, once.
async fn echoing() -> (Room, PaneId) {
    let mut room = Room::open("stty -echo; echo ready; while read line; do echo \"$line\"; done").await;
    let pane = room.greeting().pane;
    // Until then the terminal echoes what is typed as well.
    room.until("no echo but its own", |seen| {
        seen.text(pane).contains("ready\r\n")
    })
    .await;
    (room, pane)
}

/// Opens a lane the way a session does, by way of paths that mean something to tmux, `strftime` and the shell.
async fn open(room: &mut Room, pane: PaneId) -> UnixStream {
    let dir = room.dir.path().join("it's #S, 100%d $HOME");
    std::fs::create_dir(&dir).unwrap();
    let (program, socket) = (dir.join("an ovr"), dir.join("s"));
    symlink(env!("CARGO_BIN_EXE_ovr"), &program).unwrap();
    let door = UnixListener::bind(&socket).unwrap();
    let command = Command::open_lane(pane, program.to_str().unwrap(), socket.to_str().unwrap(), 42);
    assert_eq!(room.tell(&command).await, "");
    let brought = async {
        let (stream, _) = door.accept().await.unwrap();
        stream
            .async_io(Interest::READABLE, || lane::receive(&stream))
            .await
            .unwrap()
    };
    let (token, pipe): (u64, OwnedFd) = tokio::time::timeout(PATIENCE, brought).await.unwrap();
    assert_eq!(token, 42);
    let pipe = std::os::unix::net::UnixStream::from(pipe);
    pipe.set_nonblocking(true).unwrap();
    UnixStream::from_std(pipe).unwrap()
}

async fn type_line(room: &mut Room, pane: PaneId, text: &str) {
    let keys = Command::new("send-keys").args(["-t", &pane.to_string(), text, "Enter"]);
    room.tell(&keys).await;
}

async fn read_until(pipe: &mut UnixStream, text: &str) -> String {
    let mut read = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&read).contains(text) {
            assert_ne!(pipe.read_buf(&mut read).await.unwrap(), 0, "the lane has ended");
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap();
    String::from_utf8(read).unwrap()
}

#[test]
fn a_lane_has_a_panes_bytes_and_control_mode_can_be_silent_meanwhile() {
    run(async {
        let (mut room, pane) = echoing().await;
        type_line(&mut room, pane, "zero").await;
        room.until("the echo", |seen| seen.text(pane).contains("zero\r\n"))
            .await;
        assert_eq!(room.tell(&Command::has_pipe(pane)).await, "0");
        let mut pipe = open(&mut room, pane).await;
        assert_eq!(room.tell(&Command::has_pipe(pane)).await, "1");

        room.tell(&Command::pause_output(pane)).await;
        type_line(&mut room, pane, "one").await;
        assert_eq!(read_until(&mut pipe, "one\r\n").await, "one\r\n");

        room.tell(&Command::continue_output(pane)).await;
        type_line(&mut room, pane, "two").await;
        assert_eq!(read_until(&mut pipe, "two\r\n").await, "two\r\n");
        room.until("the echo", |seen| seen.text(pane).contains("two\r\n"))
            .await;
        assert!(!room.seen.text(pane).contains("one"), "it was paused then");

        room.tell(&Command::close_lane(pane)).await;
        assert_eq!(room.tell(&Command::has_pipe(pane)).await, "0");
        let rest = tokio::time::timeout(PATIENCE, pipe.read_u8()).await.unwrap();
        assert_eq!(rest.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        room.close().await;
    });
}

#[test]
fn a_lane_that_nobody_reads_any_more_ends_by_itself() {
    run(async {
        let (mut room, pane) = echoing().await;
        let pipe = open(&mut room, pane).await;
        drop(pipe);
        // tmux notices when it writes. The helper may still hold the other end for the first lines.
        for number in 0.. {
            let line = format!("line {number}");
            type_line(&mut room, pane, &line).await;
            room.until("the echo", |seen| {
                seen.text(pane).contains(&format!("{line}\r\n"))
            })
            .await;
            if room.tell(&Command::has_pipe(pane)).await == "0" {
                break;
            }
        }
        room.close().await;
    });
}
