//! The tmux room against a real tmux: sessions, output, loss of client, socket and server, hostile
//! configurations, views.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;
mod hostile;
mod lanes;
mod views;

use harness::{PATIENCE, Room, ended, kill, run, server_in, setup, sh, watch};
use ovr::diag::Kind;
use ovr::tmux::client::Client;
use ovr::tmux::command::{Command, literal_with_time};
use ovr::tmux::opening::Opened;
use ovr::tmux::panes::panes;
use ovr::tmux::server::captured;
use proptest::prelude::{Strategy, any, prop};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const WAIT: &str = "exec sleep 1000";

#[test]
fn a_session_comes_up_with_its_first_window_and_ends_without_a_trace() {
    run(async {
        let mut room = Room::open(WAIT).await;
        let greeting = room.greeting();
        let list = room.tell(&Command::list_panes()).await;
        let found = panes(&list).unwrap();
        assert_eq!(found.len(), 1, "{list}");
        assert_eq!(found[0].window, greeting.window);
        assert_eq!(found[0].pid, greeting.pane_pid);
        assert!(found[0].command.contains("sleep 1000"), "{list}");
        let size = room
            .tell(&Command::display_message("#{window_width}x#{window_height} #W"))
            .await;
        assert_eq!(size, "80x24 first");
        room.close().await;
    });
}

#[test]
fn a_hundred_windows_are_made_by_one_write_and_addressed_by_id() {
    run(async {
        let mut room = Room::open(WAIT).await;
        let arguments = sh("echo up $0; exec sleep 1000");
        let numbers: Vec<_> = (1..100)
            .map(|i| {
                let name = format!("web#{i}");
                room.client()
                    .send(&Command::new_window(&name, "/bin/sh", &arguments))
            })
            .collect();
        room.until("all windows", |seen| {
            numbers.iter().all(|n| seen.replies.contains_key(n))
        })
        .await;
        let opened: Vec<Opened> = numbers
            .iter()
            .map(|n| Opened::from_reply(&room.seen.replies[n].first_line()).unwrap())
            .collect();
        room.until("the first line of each window", |seen| {
            opened.iter().all(|o| seen.text(o.pane).contains("up"))
        })
        .await;
        let last = opened[98];
        room.tell(&Command::kill_window(opened[0].window)).await;
        let closed = format!("WindowClosed({:?})", opened[0].window);
        room.until("the window's end", |seen| seen.notices.contains(&closed))
            .await;
        let list = room.tell(&Command::list_panes()).await;
        assert_eq!(panes(&list).unwrap().len(), 99);
        let name = room
            .tell(&Command::new("display-message").args(["-p", "-t", &last.pane.to_string(), "#W"]))
            .await;
        assert_eq!(name, "web#99");
        room.close().await;
    });
}

#[test]
fn a_program_is_run_as_it_is_named_without_a_shell() {
    run(async {
        let mut room = Room::open(WAIT).await;
        let program = room.dir.path().join("a dir; with $HOME 'and' \"quotes\"");
        fs::write(&program, "#!/bin/sh\nprintf '<%s>' \"$@\"\nexec sleep 1000\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let arguments: Vec<String> = ["", "a b", "$HOME", ";", "x;", "#{pid}", "-t", "~", "é\\"]
            .map(str::to_owned)
            .to_vec();
        let wanted = arguments
            .iter()
            .map(|a| format!("<{a}>"))
            .collect::<Vec<_>>()
            .concat();
        let open = Command::new_window("odd", program.to_str().unwrap(), &arguments);
        let opened = Opened::from_reply(&room.tell(&open).await).unwrap();
        room.until("its arguments", |seen| seen.text(opened.pane) == wanted)
            .await;
        room.close().await;
    });
}

/// Any text, with what tmux gives a meaning to well represented.
fn texts() -> impl Strategy<Value = String> {
    let special = prop::sample::select(
        "\"'\\$~;#{}%[]()*?,=&|<>`^!@:\n\t\u{1b}\u{7f} aé✓"
            .chars()
            .collect::<Vec<_>>(),
    );
    let other = any::<char>().prop_filter("not NUL", |c| *c != '\0');
    prop::collection::vec(proptest::prop_oneof![4 => special, 1 => other], 0..24)
        .prop_map(|chars| chars.into_iter().collect())
}

#[test]
fn every_text_arrives_as_it_was_sent() {
    run(async {
        let mut room = Room::open(WAIT).await;
        let window = room.greeting().window;
        let mut runner = TestRunner::deterministic();
        for _ in 0..300 {
            let text = texts().new_tree(&mut runner).unwrap().current();
            let sent = Command::set_window_option(window, "@text", &text);
            room.tell(&sent).await;
            let length = Command::display_message("#{n:@text} #{==:#{@text},#{@copy}}");
            // The same text by the other way: as an argument of a process.
            let copy = Command::set_window_option(window, "@copy", &text).to_arguments();
            let output = room.server.run(&copy, PATIENCE).await.unwrap();
            assert!(output.ok, "{text:?}: {}", output.errors);
            assert_eq!(room.tell(&length).await, format!("{} 1", text.len()), "{text:?}");
        }
        room.close().await;
    });
}

#[test]
fn literal_text_is_shown_as_it_is_where_tmux_expands_formats() {
    run(async {
        let mut room = Room::open(WAIT).await;
        let mut runner = TestRunner::deterministic();
        for _ in 0..300 {
            let text = texts().new_tree(&mut runner).unwrap().current();
            // A line of an answer cannot hold a line end, nor does tmux print control characters there.
            let text: String = text.chars().filter(|c| !c.is_control()).collect();
            let text = text.replace("#[", "# [");
            let shown = room
                .tell(&Command::display_message(&literal_with_time(&text)))
                .await;
            assert_eq!(shown, text);
        }
        room.close().await;
    });
}

#[test]
fn all_lines_of_a_flood_arrive_in_order_while_the_panes_process_lives() {
    run(async {
        let mut room = Room::open("read go; seq 1 300000; echo END; exec sleep 1000").await;
        let pane = room.greeting().pane;
        room.tell(&Command::new("send-keys").args(["-t", &pane.to_string(), "Enter"]))
            .await;
        room.until("the last line", |seen| {
            seen.output.get(&pane).is_some_and(|o| o.ends_with(b"END\r\n"))
        })
        .await;
        let text = room.seen.text(pane);
        let mut lines = text.lines().map(str::trim_end).filter(|l| !l.is_empty());
        for number in 1..=300_000_u32 {
            assert_eq!(lines.next(), Some(number.to_string().as_str()));
        }
        assert_eq!(lines.next(), Some("END"));
        room.close().await;
    });
}

#[test]
fn a_killed_client_takes_nothing_with_it_and_the_next_one_hears_every_pane() {
    run(async {
        let mut room = Room::open("exec cat").await;
        let greeting = room.greeting();
        let opened = room
            .tell(&Command::new_window("two", "/bin/sh", &sh("exec cat")))
            .await;
        let two = Opened::from_reply(&opened).unwrap();
        kill(room.client().pid(), Signal::KILL);
        room.until("the client's end", |seen| seen.gone.is_some()).await;
        assert_eq!(watch(&[greeting.pane_pid, two.pid]).len(), 2);

        room.attach_again().await;
        for pane in [greeting.pane, two.pane] {
            room.tell(&Command::new("send-keys").args(["-t", &pane.to_string(), "hello", "Enter"]))
                .await;
            room.until("output from before's pane", |seen| {
                seen.text(pane).contains("hello")
            })
            .await;
        }
        room.close().await;
    });
}

#[test]
fn what_was_printed_while_nobody_was_attached_is_in_the_scrollback() {
    run(async {
        let mut room = Room::open("read go; seq 1 500; exec cat").await;
        let greeting = room.greeting();
        let pane = greeting.pane.to_string();
        let client = room.client.take().unwrap();
        let seen = &mut room.seen;
        tokio::time::timeout(PATIENCE, client.detach(&mut |event| seen.take(event)))
            .await
            .unwrap();
        assert!(room.seen.gone.is_some());

        let keys = Command::new("send-keys").args(["-t", &pane, "Enter"]);
        assert!(room.server.run(&keys.to_arguments(), PATIENCE).await.unwrap().ok);
        room.attach_again().await;
        let capture = Command::capture_scrollback(greeting.pane);
        let asked_until = tokio::time::Instant::now() + PATIENCE;
        let reply = loop {
            let reply = room.ask(&capture).await;
            if captured(&reply.body).last() == Some(&&b"500"[..]) {
                break reply;
            }
            assert!(tokio::time::Instant::now() < asked_until, "{}", reply.text());
        };
        let lines = captured(&reply.body);
        let numbers: Vec<String> = lines
            .iter()
            .map(|l| String::from_utf8_lossy(l).into_owned())
            .filter(|l| !l.is_empty())
            .collect();
        assert_eq!(numbers, (1..=500).map(|n| n.to_string()).collect::<Vec<_>>());
        room.close().await;
    });
}

#[test]
fn a_removed_socket_comes_back_and_nothing_is_restarted() {
    run(async {
        let room = Room::open(WAIT).await;
        let greeting = room.greeting();
        fs::remove_file(&room.server.socket).unwrap();
        let lost = room
            .server
            .run(&Command::list_panes().to_arguments(), PATIENCE)
            .await
            .unwrap();
        assert!(!lost.ok);
        room.server
            .recreate_socket(greeting.server_pid, PATIENCE)
            .await
            .unwrap();
        let found = room
            .server
            .run(&Command::list_panes().to_arguments(), PATIENCE)
            .await
            .unwrap();
        assert_eq!(panes(&found.text).unwrap()[0].pid, greeting.pane_pid);
        room.close().await;
    });
}

#[test]
fn a_killed_server_is_told_at_once() {
    run(async {
        let mut room = Room::open(WAIT).await;
        let greeting = room.greeting();
        let pane = watch(&[greeting.pane_pid]);
        kill(greeting.server_pid, Signal::KILL);
        room.until("the end", |seen| seen.gone.is_some()).await;
        let gone = room.seen.gone.clone().unwrap();
        assert!(gone.greeted, "{gone:?}");
        assert_eq!(gone.diagnostic().kind, Kind::Tmux);
        ended("the pane to be hung up", &pane).await;

        // A stale socket does not make a new client wait, nor start a server.
        room.client = Some(Client::attach(&room.server).unwrap());
        room.seen = harness::Seen::default();
        room.until("the refusal", |seen| seen.gone.is_some()).await;
        let gone = room.seen.gone.clone().unwrap();
        // The dying server may still have the socket open when the pane is gone already; then its end is the reason.
        assert!(!gone.greeted && !gone.session_ended, "{gone:?}");
        assert!(!(gone.errors.is_empty() && gone.reason.is_empty()), "{gone:?}");
    });
}

#[test]
fn a_tmux_that_does_not_come_up_says_why() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let mut server = server_in(dir.path());
        server.socket = dir.path().join("missing/tmux.sock");
        let first = harness::outset(dir.path(), WAIT);
        let client = Client::start(&server, &setup(), &first).unwrap();
        let mut seen = harness::Seen::default();
        client.detach(&mut |event| seen.take(event)).await;
        let error = seen.gone.unwrap().diagnostic();
        assert!(error.kind == Kind::Tmux && !error.causes.is_empty(), "{error}");

        server.socket = dir.path().join("x".repeat(120));
        let error = Client::start(&server, &setup(), &first).unwrap_err();
        assert!(error.message.contains("bytes long"), "{error}");
        server.socket = dir.path().join("s");
        server.binary = "/nonexistent/tmux".into();
        assert_eq!(
            Client::start(&server, &setup(), &first).unwrap_err().kind,
            Kind::Tmux
        );
    });
}

#[cfg(target_os = "linux")]
#[test]
fn the_server_holds_no_file_that_we_had_inherited_and_no_directory() {
    use rustix::io::{FdFlags, fcntl_setfd};
    run(async {
        let stray = tempfile::NamedTempFile::new().unwrap();
        fcntl_setfd(stray.as_file(), FdFlags::empty()).unwrap();
        let room = Room::open(WAIT).await;
        let proc = format!("/proc/{}", room.greeting().server_pid);
        for entry in fs::read_dir(format!("{proc}/fd")).unwrap() {
            let target = fs::read_link(entry.unwrap().path()).unwrap_or_default();
            assert_ne!(target, stray.path());
        }
        assert_eq!(fs::read_link(format!("{proc}/cwd")).unwrap().to_str(), Some("/"));
        room.close().await;
    });
}
