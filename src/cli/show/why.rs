//! The answer of `ovr why`: one sentence, then what is known, then what to type.

use super::status::probe_failure;
use crate::api::messages::{Blocker, LastExit, Why};
use crate::cli::style::{Paint, pad, plain, push_line, quoted, width};
use crate::cli::table::pairs;
use crate::model::{Condition, time_text};
use std::time::Duration;

/// So many of its last lines say enough.
const LINES: usize = 10;

/// All of it.
pub fn why(why: &Why, paint: Paint) -> String {
    let mut out = String::new();
    push_line(&mut out, &paint.bold(&plain(&why.summary)));
    let facts: Vec<(String, String)> = facts(why)
        .into_iter()
        .map(|(what, text)| (what.to_owned(), text))
        .collect();
    out.push_str(&pairs(&facts, 2));
    let cut = why.last_lines.len().saturating_sub(LINES);
    if !why.last_lines.is_empty() {
        push_line(&mut out, "  last lines");
        for line in &why.last_lines[cut..] {
            push_line(&mut out, &format!("    │ {}", quoted(line)));
        }
    }
    if !why.next.is_empty() {
        push_line(&mut out, &paint.dim("  what to do next"));
    }
    let widest = why.next.iter().map(|next| width(&next.command)).max();
    for next in &why.next {
        let command = pad(&plain(&next.command), widest.unwrap_or(0));
        let what = paint.dim(&plain(&next.what));
        push_line(&mut out, &format!("    {}  {what}", paint.yellow(&command)));
    }
    out
}

fn facts(why: &Why) -> Vec<(&'static str, String)> {
    let service = &why.service;
    let mut facts = Vec::new();
    for (at, blocker) in why.blockers.iter().enumerate() {
        facts.push((if at == 0 { "blocked by" } else { "" }, blocked(blocker)));
    }
    facts.push((
        "command",
        format!("{} ({})", plain(&service.command), plain(&service.origin)),
    ));
    if let Some(pid) = service.pid {
        facts.push(("pid", pid.to_string()));
    }
    if let (Some(port), Some(source)) = (service.port, &service.port_source) {
        facts.push(("port", format!("{port} ({})", plain(source))));
    }
    if !service.listens.is_empty() {
        let ports: Vec<String> = service.listens.iter().map(u16::to_string).collect();
        facts.push(("listens on", ports.join(", ")));
    }
    if let Some(says) = &service.says {
        facts.push(("says", quoted(says)));
    }
    if let Some(deed) = &why.started_by {
        facts.push((
            "started by",
            format!("{}, {}", plain(&deed.text), plain(&deed.at)),
        ));
    }
    if let Some(deed) = &why.stopped_by {
        facts.push((
            "stopped by",
            format!("{}, {}", plain(&deed.text), plain(&deed.at)),
        ));
    }
    if service.restarts > 0 {
        facts.push(("restarts", service.restarts.to_string()));
    }
    if let Some(end) = &why.last_exit {
        facts.push(("last exit", ended(end)));
    }
    if let Some(failure) = &service.probe_failure {
        facts.push(("last probe failure", probe_failure(failure)));
    }
    if let Some(next) = &service.next_run {
        facts.push(("next run", plain(next)));
    }
    facts
}

/// `db: ready, which is pending: waits for seed: …`.
fn blocked(blocker: &Blocker) -> String {
    let wanted = match blocker.condition {
        Condition::Started => "has to have started",
        Condition::Ready => "has to be ready",
        Condition::Ended => "has to have ended",
        Condition::EndedWell => "has to have ended well",
    };
    format!(
        "{}, which {wanted} for {}, and is {}",
        plain(&blocker.name),
        plain(&blocker.of),
        plain(&blocker.reason)
    )
}

/// `code 3 after 12 s, 2026-01-31T08:15:31.000Z`.
fn ended(end: &LastExit) -> String {
    let mut text = match (&end.exit_signal, end.exit_code) {
        (Some(signal), _) => plain(signal),
        (None, Some(code)) => format!("code {code}"),
        (None, None) => "unknown".to_owned(),
    };
    if let Some(lived) = end.lived_ms {
        let lived = time_text::duration(Duration::from_millis(lived));
        text.extend([" after ", &lived]);
    }
    text.extend([", ", &plain(&end.at)]);
    if !end.killed.is_empty() {
        let killed: Vec<String> = end.killed.iter().map(|name| plain(name)).collect();
        text.extend(["; SIGKILL was needed for ", &killed.join(", ")]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::why;
    use crate::api::messages::golden;
    use crate::cli::style::Paint;

    #[test]
    fn all_that_is_known_stands_below_one_sentence_and_what_to_type_comes_last() {
        let answer = serde_json::from_str(&golden::why()).unwrap();
        assert_eq!(
            why(&answer, Paint::PLAIN),
            "api is failed\n\
             \x20 blocked by  db, which has to be ready for api, and is not ready\n\
             \x20 command     cargo run (Procfile:2)\n\
             \x20 started by  a request to restart, 2026-01-31T08:15:30.042Z\n\
             \x20 restarts    3\n\
             \x20 last exit   code 3 after 12 ms, 2026-01-31T08:15:31.000Z; SIGKILL was needed for 7 sleep 60\n\
             \x20 last lines\n\
             \x20   │ boom\n\
             \x20 what to do next\n\
             \x20   ovr logs api  what it printed\n"
        );
    }
}
