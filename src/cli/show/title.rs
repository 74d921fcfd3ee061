//! The first line of `ovr status`: which project, where it is, how much of it is up.

use super::count;
use crate::api::messages::{Service, Status};
use crate::cli::style::{Paint, fit, plain, width};
use crate::model::StateWord;

/// The project, where it is and how much of it is up; without room, the last of these goes last.
pub(super) fn title(status: &Status, limit: usize, paint: Paint) -> String {
    let session = &status.session;
    let (up, wanted) = up(status);
    let standing = format!("{up} of {} up", count(wanted, "service"));
    let manner = match (session.ending, session.detached) {
        (true, _) => " · ending",
        (false, true) => " · in the background",
        (false, false) => "",
    };
    let full = format!(
        "{} · {} · {standing}{manner}",
        plain(&session.root),
        plain(&session.config)
    );
    let project = plain(&session.project);
    let room = limit.saturating_sub(width(&project) + 3);
    // With a sign that something was cut.
    if width(&full) <= room || width(&standing) + width(manner) < room {
        return format!("{} · {}", paint.bold(&project), fit_left(&full, room));
    }
    let beside = limit.saturating_sub(width(&standing) + 3);
    if beside == 0 {
        return fit(&standing, limit);
    }
    format!("{} · {standing}", paint.bold(&fit(&project, beside)))
}

/// How many services run, and how many are wanted.
pub(super) fn up(status: &Status) -> (usize, usize) {
    let up = |s: &&Service| matches!(s.state, StateWord::Running | StateWord::Daemonized);
    let wanted = |s: &&Service| !matches!(s.state, StateWord::Disabled | StateWord::Scheduled);
    (
        status.services.iter().filter(up).count(),
        status.services.iter().filter(wanted).count(),
    )
}

/// `text` within `limit` columns, cut at its beginning: the end of a path says more.
fn fit_left(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut rest = text;
    while width(rest) + 1 > limit {
        let mut chars = rest.chars();
        if chars.next().is_none() {
            return String::new();
        }
        rest = chars.as_str();
    }
    format!("…{rest}")
}

#[cfg(test)]
mod tests {
    use super::title;
    use crate::api::messages::{SCHEMA, Session, Status};
    use crate::cli::style::{Paint, width};

    fn status(project: &str, detached: bool) -> Status {
        Status {
            schema: SCHEMA,
            session: Session {
                project: project.into(),
                root: format!("/home/me/{project}"),
                config: "Procfile".into(),
                pid: 77,
                version: "0.1.0".into(),
                started_at: "1970-01-01T00:00:10.000Z".into(),
                detached,
                ending: false,
                tmux_socket: String::new(),
                runtime_dir: String::new(),
            },
            revision: 1,
            services: Vec::new(),
        }
    }

    #[test]
    fn how_much_is_up_is_said_at_every_width() {
        for project in ["shop", "longname-of-a-project-that-nobody-would-give"] {
            for detached in [true, false] {
                for limit in 25..200 {
                    let line = title(&status(project, detached), limit, Paint::PLAIN);
                    assert!(
                        line.contains(" · ") && line.contains("0 of 0 services up"),
                        "{line}"
                    );
                    assert!(line.starts_with(&project[..1]), "{line}");
                    assert!(width(&line) <= limit, "{limit}: {line}");
                }
            }
        }
    }

    #[test]
    fn the_path_is_cut_before_the_name() {
        let line = |limit| title(&status("shop", true), limit, Paint::PLAIN);
        assert_eq!(
            line(80),
            "shop · /home/me/shop · Procfile · 0 of 0 services up · in the background"
        );
        assert_eq!(
            line(60),
            "shop · … · Procfile · 0 of 0 services up · in the background"
        );
        assert_eq!(line(40), "shop · 0 of 0 services up");
        assert_eq!(line(24), "sh… · 0 of 0 services up");
        assert_eq!(line(16), "0 of 0 services…");
    }
}
