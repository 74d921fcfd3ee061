//! The sessions of this machine, as `ovr ls` prints them.

use crate::api::messages::ListedSession;
use crate::cli::style::{Paint, plain};
use crate::cli::table::{Cell, Column, Row, table};
use crate::model::time_text::{age, parse_rfc3339};
use std::time::SystemTime;

const COLUMNS: &[Column] = &[
    column("PROJECT", 0, true),
    column("STATE", 2, false),
    column("UP", 1, false),
    column("SINCE", 3, false),
    column("PID", 4, false),
    column("ROOT", 0, true),
];

const fn column(title: &'static str, expendable: u8, shrinks: bool) -> Column {
    Column {
        title,
        expendable,
        shrinks,
    }
}

/// The table of `sessions`; Without sessions, one sentence.
pub fn sessions(sessions: &[ListedSession], now: SystemTime, limit: usize, paint: Paint) -> String {
    if sessions.is_empty() {
        return "no session runs on this machine\n".to_owned();
    }
    let rows: Vec<Row> = sessions.iter().map(|listed| row(listed, now)).collect();
    table(COLUMNS, &rows, limit, paint)
}

fn row(listed: &ListedSession, now: SystemTime) -> Row {
    let session = &listed.session;
    let state = match (session.ending, session.detached) {
        (true, _) => Cell::new("ending", "33"),
        (false, true) => Cell::new("background", "32"),
        (false, false) => Cell::new("foreground", "32"),
    };
    let up = format!("{}/{}", listed.up, listed.services);
    let since = parse_rfc3339(&session.started_at).map_or_else(
        || session.started_at.clone(),
        |at| age(now.duration_since(at).unwrap_or_default()),
    );
    Row {
        cells: vec![
            Cell::new(plain(&session.project), "1"),
            state,
            Cell::plain(up),
            Cell::plain(since),
            Cell::plain(session.pid.to_string()),
            Cell::plain(plain(&session.root)),
        ],
        ..Row::default()
    }
}

#[cfg(test)]
mod tests {
    use super::sessions;
    use crate::api::messages::{ListedSession, Session};
    use crate::cli::style::{Paint, width};
    use crate::model::time_text::from_epoch_millis;

    fn listed(root: &str) -> ListedSession {
        ListedSession {
            session: Session {
                project: "shop".into(),
                root: root.into(),
                config: "Procfile".into(),
                pid: 77,
                version: "0.1.0".into(),
                started_at: "1970-01-01T00:00:10.000Z".into(),
                detached: true,
                ending: false,
                tmux_socket: String::new(),
                runtime_dir: String::new(),
            },
            up: 3,
            services: 4,
        }
    }

    #[test]
    fn a_session_is_a_row() {
        let out = sessions(
            &[listed("/home/me/shop")],
            from_epoch_millis(190_000),
            80,
            Paint::PLAIN,
        );
        assert_eq!(
            out,
            "PROJECT  STATE       UP   SINCE  PID  ROOT\n\
             shop     background  3/4  3 min  77   /home/me/shop\n"
        );
        assert_eq!(
            sessions(&[], from_epoch_millis(0), 80, Paint::PLAIN),
            "no session runs on this machine\n"
        );
    }

    #[test]
    fn a_long_path_is_cut_on_a_terminal_only() {
        let long = format!("/{}", "d".repeat(300));
        let on = |limit| sessions(&[listed(&long)], from_epoch_millis(190_000), limit, Paint::PLAIN);
        assert!(on(80).lines().all(|line| width(line) <= 80));
        assert!(on(usize::MAX).contains(&long));
    }
}
