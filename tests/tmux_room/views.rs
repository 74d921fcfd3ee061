//! Views, seen in a real terminal: another tmux server plays the terminal.

mod narrow;

use crate::harness::{PATIENCE, Room, run, sh};
use ovr::tmux::WindowId;
use ovr::tmux::command::Command;
use ovr::tmux::opening::Opened;
use ovr::tmux::server::{Server, viewers};
use ovr::tmux::view::{LeaveKeys, View, ViewMode, WindowStatus};
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

/// A terminal of its own with a view in it.
struct Terminal {
    room: Room,
}

impl Terminal {
    /// Opens `columns`×`rows` and runs the view there; when it ends the terminal says so.
    async fn open(view: &View<'_>, columns: u16, rows: u16) -> Self {
        Self::run(&view.command(), columns, rows).await
    }

    /// As [`Terminal::open`], for a view whose name must differ from that of another one of this process.
    async fn open_as_other(view: &View<'_>, columns: u16, rows: u16) -> Self {
        let command = view.command();
        let unique = process::id();
        let mut renamed = process::Command::new(command.get_program());
        renamed.args(command.get_args().map(|a| {
            a.to_str().unwrap().replace(
                &format!("-view-{unique}"),
                &format!("-view-{}", unique + 1_000_000),
            )
        }));
        Self::run(&renamed, columns, rows).await
    }

    async fn run(command: &process::Command, columns: u16, rows: u16) -> Self {
        let mut words = vec![command.get_program().to_str().unwrap().to_owned()];
        words.extend(command.get_args().map(|a| a.to_str().unwrap().to_owned()));
        let quoted: Vec<String> = words
            .iter()
            .map(|w| format!("'{}'", w.replace('\'', r"'\''")))
            .collect();
        let script = format!(
            "unset TMUX TMUX_PANE; TERM=screen-256color {}; echo left $?; exec cat",
            quoted.join(" ")
        );
        let mut room = Room::open("exec sleep 1000").await;
        let open = Command::new("new-session")
            .args([
                "-d",
                "-s",
                "terminal",
                "-x",
                &columns.to_string(),
                "-y",
                &rows.to_string(),
            ])
            .args(["--", "/bin/sh", "-c", &script]);
        room.tell(&open).await;
        // In the control client's own session too, so that it hears what the terminal shows.
        let link = Command::new("link-window").args(["-d", "-s", "=terminal:", "-t", "=ovr:"]);
        room.tell(&link).await;
        Self { room }
    }

    async fn screen(&self) -> String {
        let capture = Command::new("capture-pane").args(["-p", "-t", "=terminal:"]);
        let output = self
            .room
            .server
            .run(&capture.to_arguments(), PATIENCE)
            .await
            .unwrap();
        assert!(output.ok, "{}", output.errors);
        output.text
    }

    /// Looks whenever something has been drawn, until this is there.
    async fn shows(&mut self, text: &str) {
        loop {
            let screen = self.screen().await;
            if screen.contains(text) {
                return;
            }
            self.room.hear(&format!("{text:?} on:\n{screen}")).await;
        }
    }

    async fn press(&self, keys: &[&str]) {
        let press = Command::new("send-keys")
            .args(["-t", "=terminal:"])
            .args(keys.iter().copied());
        let output = self
            .room
            .server
            .run(&press.to_arguments(), PATIENCE)
            .await
            .unwrap();
        assert!(output.ok, "{}", output.errors);
    }
}

async fn second_window(room: &mut Room, script: &str) -> Opened {
    let opened = room
        .tell(&Command::new_window("api", "/bin/sh", &sh(script)))
        .await;
    Opened::from_reply(&opened).unwrap()
}

fn view<'a>(room: &'a Room, window: WindowId, leave: &'a LeaveKeys) -> View<'a> {
    view_of(&room.server, window, leave)
}

fn view_of<'a>(server: &'a Server, window: WindowId, leave: &'a LeaveKeys) -> View<'a> {
    View {
        server,
        window,
        mode: ViewMode::Terminal,
        leave,
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn status(name: &'static str) -> WindowStatus<'static> {
    WindowStatus {
        name,
        state: "running",
        since: Some(now() - 12),
        port: Some(5000),
        hint: None,
    }
}

async fn sessions(room: &mut Room) -> usize {
    room.tell(&Command::new("list-sessions")).await.lines().count()
}

#[test]
fn a_view_shows_its_window_in_full_size_and_how_to_leave() {
    run(async {
        let mut room = Room::open("echo in first; exec cat").await;
        let window = room.greeting().window;
        room.tell(&status("web#2").command(window)).await;
        let leave = LeaveKeys::ask(&room.server, PATIENCE, &[]).await.unwrap();
        let mut terminal = Terminal::open(&view(&room, window, &leave), 80, 24).await;
        terminal.shows("in first").await;
        terminal.shows(" web#2 · running 1").await;
        terminal.shows(" s · :5000 · leave: ").await;
        terminal.shows("Ctrl-b d").await;
        terminal.shows("F12").await;
        let list = room.tell(&Command::list_clients()).await;
        let seen = viewers(&list).unwrap();
        assert_eq!(seen.len(), 1, "{list}");
        assert_eq!((seen[0].window, seen[0].read_only), (window, false));

        // What is typed reaches the service, and comes back as its output.
        terminal.press(&["yes", "Enter"]).await;
        let pane = room.greeting().pane;
        room.until("the echo", |seen| seen.text(pane).matches("yes").count() == 2)
            .await;
        terminal.press(&["F12"]).await;
        terminal.shows("left 0").await;
        assert!(!terminal.screen().await.contains("detached"));
        assert_eq!(sessions(&mut room).await, 1);
        terminal.room.close().await;
        room.close().await;
    });
}

#[test]
fn two_terminals_look_at_two_windows_each_in_its_own_size() {
    run(async {
        let mut room = Room::open("echo in first; exec cat").await;
        let first = room.greeting().window;
        let api = second_window(&mut room, "echo in second; exec cat").await;
        let leave = LeaveKeys::ask(&room.server, PATIENCE, &[]).await.unwrap();
        let mut small = Terminal::open(&view(&room, first, &leave), 60, 20).await;
        small.shows("in first").await;
        let mut large = Terminal::open_as_other(&view(&room, api.window, &leave), 132, 43).await;
        large.shows("in second").await;
        small.shows("in first").await;
        let size = |window: WindowId| {
            Command::new("display-message").args([
                "-p",
                "-t",
                &window.to_string(),
                "#{window_width}x#{window_height}",
            ])
        };
        room.tell_until(&size(first), "60x19").await;
        room.tell_until(&size(api.window), "132x42").await;
        // One leaves by the prefix, the other's terminal is closed.
        small.press(&["C-b", "d"]).await;
        small.shows("left 0").await;
        large.room.close().await;
        room.tell_until(
            &Command::new("list-sessions").args(["-F", "#{session_name}"]),
            "ovr",
        )
        .await;
        let list = room.tell(&Command::list_panes()).await;
        assert_eq!(ovr::tmux::panes::panes(&list).unwrap().len(), 2);
        small.room.close().await;
        room.close().await;
    });
}

#[test]
fn the_status_line_fits_a_small_terminal_and_says_what_enter_does() {
    run(async {
        let mut room = Room::open("exec cat").await;
        let window = room.greeting().window;
        let ended = WindowStatus {
            name: "a-service-with-a-rather-long-name",
            state: "exited with code 3",
            since: None,
            port: Some(5000),
            hint: Some("Enter restarts it"),
        };
        room.tell(&ended.command(window)).await;
        let leave = LeaveKeys::ask(&room.server, PATIENCE, &[]).await.unwrap();
        let mut terminal = Terminal::open(&view(&room, window, &leave), 80, 24).await;
        terminal
            .shows(" a-service-w… · exited with code 3 · Enter restarts it · leave: Ctrl-b d or F12")
            .await;
        terminal.press(&["F12"]).await;
        terminal.shows("left 0").await;
        terminal.room.close().await;
        room.close().await;
    });
}

#[test]
fn the_uptime_counts_by_itself() {
    run(async {
        let mut room = Room::open("exec cat").await;
        let window = room.greeting().window;
        for (ago, shown) in [
            // Not at the turn of a minute: tmux reads its time from a clock that may lag.
            (185, "running 3 min"),
            (2 * 3600 + 5 * 60 + 5, "running 2 h 5 min"),
            (4 * 86400 + 3700, "running 4 d 1 h"),
        ] {
            let status = WindowStatus {
                since: Some(now() - ago),
                ..status("web")
            };
            room.tell(&status.command(window)).await;
            let text = room.tell(&Command::display_message("#{T:@ovr_status}")).await;
            assert_eq!(text, format!("web · {shown} · :5000"));
        }
        room.close().await;
    });
}

#[test]
fn a_read_only_view_types_nothing_and_can_be_left() {
    run(async {
        let mut room = Room::open("echo in first; exec cat").await;
        let greeting = room.greeting();
        // Nobody presses keys within the millisecond in which tmux takes them for a paste; this test does.
        let always_keys = Command::new("set-option").args(["-g", "assume-paste-time", "0"]);
        room.tell(&always_keys).await;
        let leave = LeaveKeys::ask(&room.server, PATIENCE, &[]).await.unwrap();
        let mut view = view(&room, greeting.window, &leave);
        view.mode = ViewMode::ReadOnly;
        let mut terminal = Terminal::open(&view, 80, 24).await;
        terminal.shows("read-only").await;
        terminal.press(&["yes", "Enter"]).await;
        terminal.press(&["F12"]).await;
        terminal.shows("left 0").await;
        assert!(!room.seen.text(greeting.pane).contains("yes"));
        terminal.room.close().await;
        room.close().await;
    });
}

#[test]
fn the_key_that_leaves_is_the_effective_one() {
    run(async {
        let mut room = Room::open("exec cat").await;
        for command in [
            Command::new("set-option").args(["-g", "prefix", "C-a"]),
            Command::new("unbind-key").args(["-T", "prefix", "d"]),
            Command::new("bind-key").args(["-T", "prefix", "q", "detach-client"]),
        ] {
            room.tell(&command).await;
        }
        let leave = LeaveKeys::ask(&room.server, PATIENCE, &[]).await.unwrap();
        assert_eq!(leave.prefixed, Some(("C-a".into(), "q".into())));
        room.tell(&Command::new("unbind-key").args(["-a", "-T", "prefix"]))
            .await;
        let leave = LeaveKeys::ask(&room.server, PATIENCE, &[]).await.unwrap();
        assert_eq!(leave.prefixed, None);
        assert_eq!(leave.words(), "F12");
        room.close().await;
    });
}

#[test]
fn a_view_starts_no_server_of_its_own() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let server = crate::harness::server_in(dir.path());
        let leave = LeaveKeys {
            direct: Some("F12".into()),
            ..LeaveKeys::default()
        };
        let view = View {
            server: &server,
            window: WindowId(0),
            mode: ViewMode::Terminal,
            leave: &leave,
        };
        let output = view.command().stdin(process::Stdio::null()).output().unwrap();
        assert!(!output.status.success());
        assert!(!server.socket.exists());
    });
}
