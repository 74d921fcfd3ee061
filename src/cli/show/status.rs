//! The table of `ovr status`, its one line for a prompt, and its details. How one service stands is told by
//! `standing`.

use super::standing::{Manner, SHORT_STATE, age, end, is_live, mark, state_colour, told};
use super::title::{title, up};
use super::{NameColour, count};
use crate::api::messages::{ProbeFailure, Resources, Service, Status};
use crate::cli::style::{Paint, fit, plain, width};
use crate::cli::table::{Cell, Column, Row, pairs, table};
use crate::model::{StateWord, time_text};
use std::time::Duration;

/// How many services a prompt names.
const NAMED_IN_PROMPT: usize = 3;

/// The place of the state among the columns.
const STATE: usize = 1;

fn columns(urls: bool, manner: Manner<'_>) -> [Column; 10] {
    let column = |title, expendable, shrinks| Column {
        title,
        expendable,
        shrinks,
    };
    [
        column("NAME", 0, true),
        column("STATE", 0, true),
        column("READY", 4, false),
        column(if urls { "URL" } else { "PORT" }, 1, false),
        column("PID", 3, false),
        column(if manner.clock.is_some() { "SINCE" } else { "UP" }, 2, false),
        column("RESTARTS", 5, false),
        column("LAST EXIT", 6, false),
        column(if manner.cpu.is_some() { "CPU" } else { "CPU AVG" }, 0, false),
        column("MEMORY", 0, false),
    ]
}

/// The session, its services in `limit` columns, and one line with what to type if something needs a person.
pub fn status(
    status: &Status,
    manner: Manner<'_>,
    limit: usize,
    paint: Paint,
    colour: NameColour<'_>,
) -> String {
    let mut out = format!("{}\n", title(status, limit, paint));
    let places = positions(&status.services);
    let says = status
        .services
        .iter()
        .any(|service| service.ready.is_some() && !service.assumed);
    let rows: Vec<Row> = status
        .services
        .iter()
        .zip(places)
        .map(|(service, place)| row(service, manner, &colour(place), says))
        .collect();
    let urls = status.services.iter().any(|service| service.url.is_some());
    out.push_str(&table(&columns(urls, manner), &rows, limit, paint));
    if let Some(hint) = hint(&status.services, limit) {
        out.push_str(&paint.yellow(&hint));
        out.push('\n');
    }
    out
}

/// What `-v` adds: commands and origins, and the session's internals. Never cut.
pub fn details(status: &Status) -> String {
    let mut out = String::new();
    for service in &status.services {
        let mut lines = vec![
            ("command".to_owned(), plain(&service.command)),
            ("from".to_owned(), plain(&service.origin)),
        ];
        if let Some(description) = &service.description {
            lines.insert(0, ("description".to_owned(), plain(description)));
        }
        if let (Some(port), Some(source)) = (service.port, &service.port_source) {
            lines.push(("port".to_owned(), format!("{port} ({})", plain(source))));
        }
        if !service.listens.is_empty() {
            let ports: Vec<String> = service.listens.iter().map(u16::to_string).collect();
            lines.push(("listens on".to_owned(), ports.join(" ")));
        }
        if let Some(used) = &service.resources {
            lines.push(("uses".to_owned(), uses(used)));
        }
        if service.pids.len() > 1 {
            let pids: Vec<String> = service.pids.iter().map(u32::to_string).collect();
            lines.push(("pids".to_owned(), pids.join(" ")));
        }
        if let Some(next) = &service.next_run {
            lines.push(("next run".to_owned(), plain(next)));
        }
        if service.assumed {
            lines.push(("ready".to_owned(), "yes (assumed)".to_owned()));
        }
        if let Some(says) = &service.says {
            lines.push(("says".to_owned(), plain(says)));
        }
        if let Some(failure) = &service.probe_failure {
            lines.push(("last probe failure".to_owned(), probe_failure(failure)));
        }
        if let Some(reason) = &service.reason {
            lines.push(("reason".to_owned(), plain(reason)));
        }
        if let Some(last) = &service.last_line {
            lines.push(("last line".to_owned(), plain(last)));
        }
        if service.attached > 0 {
            let terminals = count(service.attached as usize, "terminal");
            lines.push(("watched by".to_owned(), terminals));
        }
        out.extend(["\n", &plain(&service.name), "\n", &pairs(&lines, 2)]);
    }
    let session = &status.session;
    let lines = [
        (
            "controller",
            format!("pid {}, ovr {}", session.pid, session.version),
        ),
        ("started at", session.started_at.clone()),
        ("runtime dir", session.runtime_dir.clone()),
        ("tmux socket", session.tmux_socket.clone()),
    ]
    .map(|(what, value)| (what.to_owned(), plain(&value)));
    out.extend(["\nsession\n", &pairs(&lines, 2)]);
    out
}

/// `2 processes, 1.2 s of processor time, 12.3 MiB (15.0 MiB with what is shared)`.
fn uses(used: &Resources) -> String {
    let mut parts = Vec::new();
    if let Some(processes) = used.processes {
        parts.push(count(processes as usize, "process"));
    }
    if let Some(cpu) = used.cpu_ms {
        let cpu = time_text::duration(Duration::from_millis(cpu));
        parts.push(format!("{cpu} of processor time"));
    }
    match (used.pss_bytes, used.rss_bytes) {
        (Some(pss), Some(rss)) => parts.push(format!("{} ({} with what is shared)", mib(pss), mib(rss))),
        (Some(bytes), None) | (None, Some(bytes)) => parts.push(mib(bytes)),
        (None, None) => {}
    }
    if parts.is_empty() {
        return "not told by this system".to_owned();
    }
    parts.join(", ")
}

/// One line for a prompt: `3/4 web! ask?`. `!` failed or blocked, `?` waits for input.
pub fn short(status: &Status) -> String {
    let (up, wanted) = up(status);
    let mut line = format!("{up}/{wanted}");
    let marked: Vec<String> = status
        .services
        .iter()
        .filter_map(|service| Some(format!("{}{}", plain(&service.name), mark(service)?)))
        .collect();
    for name in marked.iter().take(NAMED_IN_PROMPT) {
        line.push(' ');
        line.push_str(name);
    }
    if marked.len() > NAMED_IN_PROMPT {
        let others = marked.len() - NAMED_IN_PROMPT;
        line.extend([" +", &others.to_string()]);
    }
    line.push('\n');
    line
}

/// `readiness: connection refused on 127.0.0.1:80, 3 in a row`.
pub(super) fn probe_failure(failure: &ProbeFailure) -> String {
    let now = match failure.failures {
        0 => "over".to_owned(),
        count => format!("{count} in a row"),
    };
    format!("{}: {}, {now}", failure.probe, plain(&failure.reason))
}

/// The place of each instance's service in the file: the list has that order, and holds every service.
fn positions(services: &[Service]) -> Vec<u32> {
    let mut seen: Vec<&str> = Vec::new();
    services
        .iter()
        .map(|service| {
            let known = seen.iter().rposition(|name| *name == service.service);
            let place = known.unwrap_or_else(|| {
                seen.push(&service.service);
                seen.len() - 1
            });
            u32::try_from(place).unwrap_or(u32::MAX)
        })
        .collect()
}

/// Where it stands in its own words, unless its reason has them.
fn own_words(service: &Service) -> Option<String> {
    let says = service.says.as_deref()?;
    let is_reason = |reason: &str| reason.contains(says);
    let is_told = service.reason.as_deref().is_some_and(is_reason);
    (!is_told).then(|| format!("says: {}", plain(says)))
}

/// `says`: somebody's readiness is told, so that it says something where it is only assumed.
fn row(service: &Service, manner: Manner<'_>, colour: &str, says: bool) -> Row {
    let live = is_live(service.state);
    let (words, mut beneath) = told(service, manner, live);
    beneath.extend(own_words(service));
    let runs_over = !live && width(&words) > SHORT_STATE;
    let number = |n: Option<u32>| n.map_or(String::new(), |n| n.to_string());
    let mut cells = vec![
        Cell::new(plain(&service.name), colour),
        Cell::new(words, state_colour(service)),
    ];
    cells.resize(10, Cell::default());
    if !runs_over {
        cells[3] = Cell::plain(match &service.url {
            Some(url) => plain(url),
            None => number(service.port.map(u32::from)),
        });
        cells[6] = Cell::plain(number((service.restarts > 0).then_some(service.restarts)));
    }
    if live {
        cells[2] = match service.ready {
            Some(true) if service.assumed && says => Cell::new("assumed", "2"),
            Some(true) if service.assumed => Cell::default(),
            Some(true) => Cell::new("yes", "32"),
            Some(false) => Cell::new("no", "33"),
            None => Cell::default(),
        };
        cells[4] = Cell::plain(number(service.pid.or_else(|| service.pids.first().copied())));
        cells[5] = Cell::plain(age(service, manner));
        cells[7] = Cell::plain(end(service).unwrap_or_default());
        if let Some(used) = &service.resources {
            cells[8] = Cell::plain(manner.cpu_of(&service.name, used));
            let memory = used.pss_bytes.or(used.rss_bytes);
            cells[9] = Cell::plain(memory.map_or(String::new(), mib));
        }
    }
    let mark = match mark(service) {
        Some("?") => Cell::new("?", "1;33"),
        Some(other) => Cell::new(other, "1;31"),
        None => Cell::default(),
    };
    Row {
        mark,
        cells,
        runs_over: runs_over.then_some(STATE),
        beneath,
    }
}

/// What to type about the most urgent of the services that need a person, in `limit` columns.
fn hint(services: &[Service], limit: usize) -> Option<String> {
    let first = |wanted: &dyn Fn(&Service) -> bool| services.iter().find(|service| wanted(service));
    let failed = first(&|s| s.needs_attention && s.state == StateWord::Failed);
    let asking = first(&|s| s.waits_for_input);
    let other = first(&|s| s.needs_attention);
    let service = failed.or(asking).or(other)?;
    let name = plain(&service.name);
    let long = if failed.is_some() {
        format!("! {name} failed: `ovr connect {name}` to see, `ovr restart {name}` to retry")
    } else if asking.is_some() {
        format!("? {name} waits for input: `ovr connect {name}` to answer")
    } else if service.state == StateWord::Skipped {
        format!("! {name} was skipped: `ovr start {name}` starts it and what it needs")
    } else {
        format!("! {name} needs a look: `ovr connect {name}`, `ovr status -v`")
    };
    if width(&long) <= limit {
        return Some(long);
    }
    Some(fit(&format!("ovr connect {name}"), limit))
}

/// `12.3 MiB`, `1.2 GiB`.
fn mib(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) >> 20;
    if tenths < 10_240 {
        return format!("{}.{} MiB", tenths / 10, tenths % 10);
    }
    let tenths = tenths >> 10;
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests;
