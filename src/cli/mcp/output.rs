//! The tool that reads output: bounded in lines and in bytes, each cut with its mark, with a cursor to read on from.

use super::Tools;
use super::arguments::Logs;
use crate::api::HangUp;
use crate::api::call::LogsRequest;
use crate::api::client::Client;
use crate::api::kept::KeptLine;
use crate::api::messages::{LineKind, OutputLine, Status};
use crate::cli::place::Place;
use crate::cli::plan::own_environment;
use crate::cli::style::push_line;
use crate::cli::{kept, logs, logs_remote, session};
use crate::diag::{Diagnostic, Kind};
use crate::logs::store::{Cursor, EntryKind, FoundLine, Query, Since};
use crate::mcp::Answer;
use serde_json::json;

/// A longer line is cut.
const MAX_LINE: usize = 2000;
/// So much is read at most, whatever the lines' length.
const MAX_READ: usize = 8 << 20;

pub(super) fn logs(tools: &Tools, asked: &Logs, hang_up: &HangUp) -> Result<Answer, Diagnostic> {
    if let Place::Tcp(address) = Place::of(&tools.global, &own_environment)? {
        let client = session::remote(&tools.global, address)?;
        return remote(&client.ended_by(hang_up.clone()), asked);
    }
    let kept = kept::find(&tools.global)?;
    let chosen = kept.choose(&asked.names)?;
    let status = kept.status();
    let mut query = Query::new(kept.dir.clone(), chosen.clone());
    query.since = since(asked)?;
    query.grep = asked.grep.as_deref().map(logs::expression).transpose()?;
    query.run = match asked.run.as_deref() {
        Some(run) => Some(
            run.parse()
                .map_err(|why| Diagnostic::error(Kind::Usage, format!("run: {why}")))?,
        ),
        None => status.and_then(|status| kept::crashed_run(status, &chosen).filter(|_| is_unasked(asked))),
    };
    query.last = Some(asked.lines());
    query.max_bytes = Some(MAX_READ);
    let found = kept.read(&query)?;
    let names = chosen.len() > 1;
    let shown = found.lines.iter().rev().map(|line| shown(line, names));
    let lines = Bounded::of(shown, found.lines.len(), found.summary.cut, asked.max_bytes());
    let waiting = status.map(|status| waiting(status, &chosen));
    let cursor = found.summary.cursor.to_string();
    Ok(answer(&cursor, &lines, &waiting.unwrap_or_default()))
}

/// The same from a session on TCP, whose files are out of reach.
fn remote(client: &Client, asked: &Logs) -> Result<Answer, Diagnostic> {
    let status = client.status()?;
    let chosen = logs_remote::chosen(&status, &asked.names);
    let crashed = || logs_remote::crashed(&status, &asked.names).filter(|_| is_unasked(asked));
    let since = match since(asked)? {
        Some(Since::Cursor(cursor)) => Some(cursor.to_string()),
        Some(Since::Printed(_) | Since::Time(_)) => {
            asked.since.as_deref().map(logs_remote::moment).transpose()?
        }
        None => None,
    };
    let request = LogsRequest {
        names: asked.names.clone(),
        lines: Some(asked.lines()),
        since,
        grep: asked.grep.clone(),
        run: asked.run.clone().or_else(|| crashed().map(logs_remote::run_text)),
        max_bytes: Some(MAX_READ),
        ..LogsRequest::default()
    };
    let (mut found, mut end) = (Vec::new(), None);
    for line in client.logs(&request)? {
        match line? {
            KeptLine::Line(line) => found.push(line),
            KeptLine::End(last) => end = Some(last),
            KeptLine::Failed(error) => return Err(error.into()),
        }
    }
    let end =
        end.ok_or_else(|| Diagnostic::error(Kind::NotRunning, "the session ended before it had told all"))?;
    let names = chosen.len() != 1;
    let shown = found.iter().rev().map(|line| sent(line, names));
    let lines = Bounded::of(shown, found.len(), end.cut, asked.max_bytes());
    Ok(answer(&end.cursor, &lines, &waiting(&status, &chosen)))
}

fn since(asked: &Logs) -> Result<Option<Since>, Diagnostic> {
    match (&asked.cursor, &asked.since) {
        (Some(_), Some(_)) => Err(Diagnostic::error(
            Kind::Usage,
            "`cursor` and `since` both say where to begin: give one",
        )),
        (Some(cursor), None) => cursor
            .parse::<Cursor>()
            .map(|cursor| Some(Since::Cursor(cursor)))
            .map_err(|_| {
                let error = Diagnostic::error(Kind::Usage, format!("{cursor:?} is no cursor"));
                error.hint("pass on what an earlier call of logs returned as `cursor`")
            }),
        (None, Some(text)) => logs::since(text).map(Some),
        (None, None) => Ok(None),
    }
}

/// Whether nothing is said but names.
fn is_unasked(asked: &Logs) -> bool {
    asked.since.is_none() && asked.cursor.is_none() && asked.grep.is_none() && !asked.names.is_empty()
}

/// Those that have printed a question and wait: it is in no line yet.
fn waiting(status: &Status, chosen: &[String]) -> Vec<String> {
    let questions = chosen
        .iter()
        .filter_map(|name| Some((name, kept::question(status, name)?)));
    questions
        .map(|(name, line)| format!("{name} waits for input: {line}"))
        .collect()
}

fn answer(cursor: &str, lines: &Bounded, waiting: &[String]) -> Answer {
    let mut text = String::new();
    if lines.cut > 0 {
        push_line(
            &mut text,
            &format!(
                "… {} or more older lines are left out (raise lines or max_bytes, or grep)",
                lines.cut
            ),
        );
    }
    for line in lines.lines.iter().chain(waiting) {
        text.push_str(line);
        text.push('\n');
    }
    if lines.lines.is_empty() {
        text.push_str("no lines\n");
    }
    text.extend(["cursor: ", cursor]);
    Answer {
        text,
        structured: json!({ "lines": lines.lines, "cut": lines.cut, "waiting": waiting, "cursor": cursor }),
        is_error: false,
    }
}

/// The newest lines that fit.
struct Bounded {
    lines: Vec<String>,
    /// So many older ones do not.
    cut: u64,
}

impl Bounded {
    /// Of `count` lines, the newest first; `cut` older ones are not among them.
    fn of(newest_first: impl Iterator<Item = String>, count: usize, cut: u64, max_bytes: usize) -> Self {
        let mut lines = Vec::new();
        let mut bytes = 0;
        for line in newest_first {
            bytes += line.len() + 1;
            if bytes > max_bytes {
                break;
            }
            lines.push(line);
        }
        lines.reverse();
        let cut = cut + u64::try_from(count - lines.len()).unwrap_or(u64::MAX);
        Self { lines, cut }
    }
}

fn shown(line: &FoundLine, names: bool) -> String {
    let text = String::from_utf8_lossy(&line.text);
    let mut shown = if names {
        format!("{} | ", line.instance)
    } else {
        String::new()
    };
    match line.kind {
        EntryKind::Output => shown.push_str(&cut(&text)),
        EntryKind::Event => shown.extend(["[ovr: ", &text, "]"]),
        EntryKind::Begin => shown.extend(["[ovr: ", &text, " begins]"]),
        EntryKind::Gap => shown.extend(["[ovr: lines are missing: ", &text, "]"]),
    }
    shown
}

/// A line that the session has sent.
fn sent(line: &OutputLine, names: bool) -> String {
    let name = if names {
        format!("{} | ", line.name)
    } else {
        String::new()
    };
    match line.kind {
        LineKind::Output | LineKind::Open => name + &cut(&line.text),
        LineKind::Event | LineKind::End => format!("{name}[ovr: {}]", line.text),
        LineKind::Gap => format!("{name}[ovr: lines are missing: {}]", line.text),
    }
}

fn cut(text: &str) -> String {
    if text.len() <= MAX_LINE {
        return text.to_owned();
    }
    let fits = (0..=MAX_LINE).rev().find(|end| text.is_char_boundary(*end));
    let end = fits.unwrap_or(0);
    format!("{} [… {} bytes more]", &text[..end], text.len() - end)
}
