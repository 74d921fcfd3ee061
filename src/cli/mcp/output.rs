//! The tool that reads output: bounded in lines and in bytes, each cut with its mark, with a cursor to read on from.

use super::Tools;
use super::arguments::Logs;
use crate::cli::style::push_line;
use crate::cli::{kept, logs};
use crate::diag::{Diagnostic, Kind};
use crate::logs::store::{Cursor, EntryKind, Found, FoundLine, Query, RunChoice, Since};
use crate::mcp::Answer;
use serde_json::json;

/// A longer line is cut.
const MAX_LINE: usize = 2000;
/// So much is read at most, whatever the lines' length.
const MAX_READ: usize = 8 << 20;

pub(super) fn logs(tools: &Tools, asked: &Logs) -> Result<Answer, Diagnostic> {
    let kept = kept::find(&tools.global)?;
    let chosen = kept.choose(&asked.names)?;
    let mut query = Query::new(kept.dir.clone(), chosen.clone());
    query.since = since(asked)?;
    query.grep = asked.grep.as_deref().map(logs::expression).transpose()?;
    query.run = match asked.run.as_deref() {
        Some(run) => Some(
            run.parse()
                .map_err(|why| Diagnostic::error(Kind::Usage, format!("run: {why}")))?,
        ),
        None => crashed(asked, &kept, &chosen),
    };
    query.last = Some(asked.lines());
    query.max_bytes = Some(MAX_READ);
    let found = kept.read(&query)?;
    let lines = Bounded::of(&found, chosen.len() > 1, asked.max_bytes());
    Ok(answer(&found, &lines, &waiting(&kept, &chosen)))
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

/// Of services that have crashed, where nothing else is asked for, the run that did.
fn crashed(asked: &Logs, kept: &kept::Kept, chosen: &[String]) -> Option<RunChoice> {
    let unasked =
        asked.since.is_none() && asked.cursor.is_none() && asked.grep.is_none() && !asked.names.is_empty();
    unasked.then(|| kept.crashed_run(chosen)).flatten()
}

/// Those that have printed a question and wait: it is in no line yet.
fn waiting(kept: &kept::Kept, chosen: &[String]) -> Vec<String> {
    let questions = chosen
        .iter()
        .filter_map(|name| Some((name, kept.question(name)?)));
    questions
        .map(|(name, line)| format!("{name} waits for input: {line}"))
        .collect()
}

fn answer(found: &Found, lines: &Bounded, waiting: &[String]) -> Answer {
    let mut text = String::new();
    if lines.cut > 0 {
        push_line(
            &mut text,
            &format!(
                "… {} older lines are left out (raise lines or max_bytes, or grep)",
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
    let cursor = found.summary.cursor.to_string();
    text.extend(["cursor: ", &cursor]);
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
    fn of(found: &Found, names: bool, max_bytes: usize) -> Self {
        let mut lines = Vec::new();
        let mut bytes = 0;
        for line in found.lines.iter().rev() {
            let line = shown(line, names);
            bytes += line.len() + 1;
            if bytes > max_bytes {
                break;
            }
            lines.push(line);
        }
        lines.reverse();
        let cut = found.summary.cut + u64::try_from(found.lines.len() - lines.len()).unwrap_or(u64::MAX);
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

fn cut(text: &str) -> String {
    if text.len() <= MAX_LINE {
        return text.to_owned();
    }
    let fits = (0..=MAX_LINE).rev().find(|end| text.is_char_boundary(*end));
    let end = fits.unwrap_or(0);
    format!("{} [… {} bytes more]", &text[..end], text.len() - end)
}
