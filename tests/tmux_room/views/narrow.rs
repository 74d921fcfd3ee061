//! The status line at every width: what goes first where there is no room, and what never does.

use super::{now, status, view_of};
use crate::harness::{PATIENCE, Room, run};
use ovr::tmux::command::Command;
use ovr::tmux::view::{LeaveKeys, View, ViewMode, WindowStatus};

/// What a view's command sets this option to.
fn set_by(view: &View<'_>, option: &str) -> String {
    let command = view.command();
    let mut words = command.get_args().map(|word| word.to_str().unwrap());
    words.find(|word| *word == option).unwrap();
    words.next().unwrap().to_owned()
}

/// The last line as a terminal of each of these widths has it.
async fn lines(room: &mut Room, view: &View<'_>, widths: impl Iterator<Item = u16>) -> Vec<(u16, String)> {
    let option = set_by(view, "@ovr_room");
    room.tell(&Command::new("set-option").args(["-t", "=ovr:", "--", "@ovr_room", &option]))
        .await;
    // The control client has its size for what it says, so it stands in for a terminal.
    let format = set_by(view, "status-format[0]");
    let mut lines = Vec::new();
    for width in widths {
        room.tell(&Command::new("refresh-client").args(["-C".to_owned(), format!("{width}x24")]))
            .await;
        lines.push((width, room.tell(&Command::display_message(&format)).await));
    }
    lines
}

#[test]
fn at_every_width_the_key_that_leaves_is_there_and_the_service_by_its_name() {
    run(async {
        let mut room = Room::open("exec cat").await;
        let window = room.greeting().window;
        let server = room.server.clone();
        let keys = |direct: Option<&str>| LeaveKeys {
            direct: direct.map(str::to_owned),
            prefixed: Some(("C-b".into(), "d".into())),
            ..LeaveKeys::default()
        };
        for (name, port, hint) in [
            ("web", Some(7200), None),
            ("longname-of-a-service-that-nobody-would-give", Some(65535), None),
            ("api#12", None, Some("Enter restarts it now")),
        ] {
            let status = WindowStatus {
                since: Some(now() - 4 * 3600 - 60),
                port,
                hint,
                ..status(name)
            };
            room.tell(&status.command(window)).await;
            for (direct, key) in [(Some("F12"), "F12"), (None, "Ctrl-b d")] {
                for mode in [ViewMode::Terminal, ViewMode::ReadOnly] {
                    let leave = keys(direct);
                    let mut view = view_of(&server, window, &leave);
                    view.mode = mode;
                    let lines = lines(&mut room, &view, 10..=200).await;
                    for (width, line) in &lines {
                        let what = format!("{name} at {width}: {line:?}");
                        // The terminal cuts what is more.
                        let seen: String = line.chars().take(usize::from(*width)).collect();
                        assert!(seen.contains(key), "{what}");
                        let most = usize::from(*width) - key.len();
                        let start = match most {
                            ..4 => 0,
                            4..17 => 1,
                            17.. => 8.min(name.len()),
                        };
                        assert!(seen.trim_start().starts_with(&name[..start]), "{what}");
                        let tail = line.trim_end();
                        assert!(tail.chars().count() <= usize::from(*width), "{what}");
                        // What is left out is left out whole.
                        assert!(!line.contains(" 4 h") || line.contains(" 4 h 1 min"), "{what}");
                        assert!(!line.contains(":7") || line.contains(":7200 · "), "{what}");
                    }
                }
            }
        }
        room.close().await;
    });
}

#[test]
fn on_a_narrow_terminal_age_and_port_go_first() {
    run(async {
        let mut room = Room::open("exec cat").await;
        let window = room.greeting().window;
        room.tell(&status("web").command(window)).await;
        let leave = LeaveKeys::ask(&room.server, PATIENCE, &[]).await.unwrap();
        let server = room.server.clone();
        let view = view_of(&server, window, &leave);
        let lines = lines(&mut room, &view, [80, 40, 30, 20, 10].into_iter()).await;
        let lines: Vec<&str> = lines.iter().map(|(_, line)| line.as_str()).collect();
        assert!(lines[0].starts_with(" web · running 1"), "{lines:?}");
        assert!(
            lines[0].ends_with(" s · :5000 · leave: Ctrl-b d or F12 "),
            "{lines:?}"
        );
        assert_eq!(
            lines[1..],
            [
                " web · running · :5000 · leave: F12 ",
                " web · running · leave: F12 ",
                " web · F12 ",
                " web F12",
            ]
        );
        room.close().await;
    });
}
