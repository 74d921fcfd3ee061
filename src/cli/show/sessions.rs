//! The sessions of this machine, as `ovr ls` prints them.

use crate::api::messages::{ListedSession, Sessions, SilentSession};
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
    // Cut, it would name nothing.
    column("SOCKET", 0, false),
];

const fn column(title: &'static str, expendable: u8, shrinks: bool) -> Column {
    Column {
        title,
        expendable,
        shrinks,
    }
}

/// What a row tells of a session.
struct Told<'a> {
    project: &'a str,
    root: &'a str,
    state: Cell,
    up: String,
    started_at: &'a str,
    pid: String,
    runtime_dir: &'a str,
}

/// The table of `sessions`; without sessions, one sentence.
pub fn sessions(sessions: &Sessions, now: SystemTime, limit: usize, paint: Paint) -> String {
    let answering = sessions.sessions.iter().map(answering);
    let told: Vec<Told<'_>> = answering.chain(sessions.silent.iter().map(silent)).collect();
    if told.is_empty() {
        return "no session runs on this machine\n".to_owned();
    }
    let rows: Vec<Row> = told
        .iter()
        .map(|one| {
            let alike = told.iter().filter(|other| other.root == one.root).count();
            row(one, alike > 1, now)
        })
        .collect();
    table(COLUMNS, &rows, limit, paint)
}

fn answering(listed: &ListedSession) -> Told<'_> {
    let session = &listed.session;
    Told {
        project: &session.project,
        root: &session.root,
        state: match (session.ending, session.detached) {
            (true, _) => Cell::new("ending", "33"),
            (false, true) => Cell::new("background", "32"),
            (false, false) => Cell::new("foreground", "32"),
        },
        up: format!("{}/{}", listed.up, listed.services),
        started_at: &session.started_at,
        pid: session.pid.to_string(),
        runtime_dir: &session.runtime_dir,
    }
}

fn silent(session: &SilentSession) -> Told<'_> {
    Told {
        project: session.project.as_deref().unwrap_or("?"),
        root: session.root.as_deref().unwrap_or("?"),
        state: Cell::new(plain(&session.state), "33"),
        up: String::new(),
        started_at: session.started_at.as_deref().unwrap_or_default(),
        pid: session.pid.map(|pid| pid.to_string()).unwrap_or_default(),
        runtime_dir: &session.runtime_dir,
    }
}

fn row(told: &Told<'_>, by_socket: bool, now: SystemTime) -> Row {
    let since = parse_rfc3339(told.started_at).map_or_else(
        || told.started_at.to_owned(),
        |at| age(now.duration_since(at).unwrap_or_default()),
    );
    let socket = if by_socket {
        plain(told.runtime_dir)
    } else {
        String::new()
    };
    Row {
        cells: vec![
            Cell::new(plain(told.project), "1"),
            told.state.clone(),
            Cell::plain(told.up.clone()),
            Cell::plain(since),
            Cell::plain(told.pid.clone()),
            Cell::plain(plain(told.root)),
            Cell::plain(socket),
        ],
        ..Row::default()
    }
}

#[cfg(test)]
mod tests {
    use super::sessions;
    use crate::api::messages::{ListedSession, SCHEMA, Session, Sessions, SilentSession};
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

    fn of(sessions: Vec<ListedSession>, silent: Vec<SilentSession>) -> Sessions {
        Sessions {
            schema: SCHEMA,
            sessions,
            silent,
            findings: Vec::new(),
        }
    }

    #[test]
    fn a_session_that_does_not_answer_is_a_row_too() {
        let silent = SilentSession {
            project: Some("shop".into()),
            root: Some("/home/me/shop".into()),
            state: "unattended".into(),
            pid: None,
            started_at: Some("1970-01-01T00:00:10.000Z".into()),
            runtime_dir: "/run/1".into(),
        };
        let now = from_epoch_millis(190_000);
        assert_eq!(
            sessions(&of(Vec::new(), vec![silent]), now, 80, Paint::PLAIN),
            "PROJECT  STATE       SINCE  ROOT\n\
             shop     unattended  3 min  /home/me/shop\n"
        );
    }

    #[test]
    fn several_sessions_of_a_project_are_told_apart_by_their_sockets() {
        let (mut one, mut two) = (listed("/home/me/shop"), listed("/home/me/shop"));
        one.session.runtime_dir = "/run/1".into();
        two.session.runtime_dir = "/run/2".into();
        let all = of(vec![one, two, listed("/home/me/other")], Vec::new());
        assert_eq!(
            sessions(&all, from_epoch_millis(190_000), 80, Paint::PLAIN),
            "PROJECT  STATE       UP   SINCE  PID  ROOT            SOCKET\n\
             shop     background  3/4  3 min  77   /home/me/shop   /run/1\n\
             shop     background  3/4  3 min  77   /home/me/shop   /run/2\n\
             shop     background  3/4  3 min  77   /home/me/other\n"
        );
    }

    #[test]
    fn a_session_is_a_row() {
        let out = sessions(
            &of(vec![listed("/home/me/shop")], Vec::new()),
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
            sessions(
                &of(Vec::new(), Vec::new()),
                from_epoch_millis(0),
                80,
                Paint::PLAIN
            ),
            "no session runs on this machine\n"
        );
    }

    #[test]
    fn a_long_path_is_cut_on_a_terminal_only() {
        let long = format!("/{}", "d".repeat(300));
        let on = |limit| {
            let long = of(vec![listed(&long)], Vec::new());
            sessions(&long, from_epoch_millis(190_000), limit, Paint::PLAIN)
        };
        assert!(on(80).lines().all(|line| width(line) <= 80));
        assert!(on(usize::MAX).contains(&long));
    }
}
