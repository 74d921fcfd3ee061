//! The user's own configuration, at its worst.

use crate::harness::{PATIENCE, Room, run, setup, sh};
use ovr::tmux::command::Command;
use ovr::tmux::opening::Opened;
use ovr::tmux::setup::apply_user_file;
use std::fs;
use std::time::Duration;

/// Each line breaks something for a program that relies on tmux's defaults.
const HOSTILE: &str = "\
set -g base-index 1
setw -g pane-base-index 1
set -g renumber-windows on
set -g destroy-unattached on
set destroy-unattached on
set -s exit-unattached on
set -s exit-empty on
set -g remain-on-exit on
setw remain-on-exit on
set -g default-command 'exit 1'
set -g default-shell /bin/false
run-shell 'exit 3'
run-shell '/nonexistent/program'
set -g prefix C-a
set -g status on
setw -g automatic-rename on
setw -g allow-rename on
setw -g aggressive-resize off
set -g window-size largest
set -g update-environment 'PATH'
set -g history-limit 10
set -g mouse off
set -g lock-after-time 1
set -g lock-command 'exit 1'
set-hook -g after-new-window 'kill-window'
set-hook after-new-window 'kill-window'
set-hook -g session-created 'kill-session'
set-hook -g client-attached 'detach-client'
set-hook -g client-session-changed 'kill-server'
set-hook -g window-linked 'kill-window'
set-hook -g pane-exited 'kill-server'
set -s command-alias[100] new-window='kill-server'
";

async fn apply(room: &Room, text: &str, patience: Duration) -> Vec<String> {
    let file = room.dir.path().join("user's tmux.conf");
    fs::write(&file, text).unwrap();
    apply_user_file(&room.server, &setup(), &file, patience)
        .await
        .iter()
        .map(ToString::to_string)
        .collect()
}

async fn open_and_survive(room: &mut Room) {
    let greeting = room.greeting();
    let opened = room
        .tell(&Command::new_window("web", "/bin/sh", &sh("echo up; exec cat")))
        .await;
    let opened = Opened::from_reply(&opened).unwrap();
    room.until("its output", |seen| seen.text(opened.pane).contains("up"))
        .await;
    let client = room.client.take().unwrap();
    let seen = &mut room.seen;
    tokio::time::timeout(PATIENCE, client.detach(&mut |event| seen.take(event)))
        .await
        .unwrap();
    room.attach_again().await;
    let target = opened.pane.to_string();
    let state = room
        .tell(&Command::new("display-message").args(["-p", "-t", &target, "#{pane_pid} #W #{history_limit}"]))
        .await;
    assert_eq!(state, format!("{} web 10000", opened.pid));
    // A pane that ends takes its window with it, in the first window and in later ones.
    for window in [greeting.window, opened.window] {
        let option = room
            .tell(&Command::new("show-options").args(["-Awv", "-t", &window.to_string(), "remain-on-exit"]))
            .await;
        assert_eq!(option, "off");
    }
}

#[test]
fn a_hostile_configuration_changes_nothing_that_we_rely_on() {
    run(async {
        let mut room = Room::open("exec sleep 1000").await;
        let warnings = apply(&room, HOSTILE, PATIENCE).await;
        // Newer releases (seen from 3.5a on) say that a program has failed.
        let other: Vec<_> = warnings.iter().filter(|w| !w.contains("' returned ")).collect();
        assert!(other.is_empty(), "{warnings:?}");
        open_and_survive(&mut room).await;
        let kept = room
            .tell(&Command::new("show-options").args(["-gv", "prefix"]))
            .await;
        assert_eq!(kept, "C-a", "what we do not rely on stays the user's");
        room.close().await;
    });
}

#[test]
fn a_configuration_with_errors_is_a_warning_that_says_where() {
    run(async {
        let mut room = Room::open("exec sleep 1000").await;
        let warnings = apply(&room, "set -g prefix C-q\nset -g nonsense yes\n", PATIENCE).await;
        assert!(
            warnings.len() == 1 && warnings[0].contains("nonsense") && warnings[0].starts_with("warning: "),
            "{warnings:?}"
        );
        let warnings = apply(&room, "set -g base-index 1\nif foo {\n bar\n", PATIENCE).await;
        assert!(
            warnings.len() == 1 && warnings[0].contains("user's tmux.conf"),
            "{warnings:?}"
        );
        let file = room.dir.path().join("not there");
        let warnings = apply_user_file(&room.server, &setup(), &file, PATIENCE).await;
        assert!(warnings[0].message.contains("cannot read"), "{warnings:?}");
        open_and_survive(&mut room).await;
        room.close().await;
    });
}

#[test]
fn a_configuration_that_does_not_finish_is_not_waited_for() {
    run(async {
        let mut room = Room::open("exec sleep 1000").await;
        let slow = "run-shell 'sleep 3'\nset -g destroy-unattached on\n";
        let warnings = apply(&room, slow, Duration::from_millis(300)).await;
        assert!(
            warnings.len() == 1 && warnings[0].contains("did not finish"),
            "{warnings:?}"
        );
        open_and_survive(&mut room).await;
        room.close().await;
    });
}

#[test]
fn a_configuration_that_brings_tmux_down_is_noticed() {
    run(async {
        let mut room = Room::open("exec sleep 1000").await;
        let warnings = apply(&room, "kill-server\n", PATIENCE).await;
        assert!(!warnings.is_empty());
        room.until("the end", |seen| seen.gone.is_some()).await;
        room.process.take().unwrap().gone().await;
    });
}
