//! Process Compose's log routes: the last lines of a process, and its WebSocket of lines.

use super::Calls;
use super::answer::{ask, json};
use super::compose::status;
use super::compose_request::{Refusal, target, targets};
use crate::api::call::{Call, Framing, LinePlace, OutputRequest};
use crate::api::messages::{LineKind, OutputLine};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use tokio::sync::mpsc;

/// The last `limit` lines before the last `endOffset`; all that are in memory if the limit is not positive.
pub(super) async fn lines(
    State(calls): State<Calls>,
    Path((name, end_offset, limit)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    let number = |text: &str| {
        text.parse::<i64>()
            .map_err(|_| Refusal::new(format!("{text:?} is no number")))
    };
    let skip = usize::try_from(number(&end_offset)?.max(0)).unwrap_or(usize::MAX);
    let limit = match number(&limit)? {
        limit if limit > 0 => usize::try_from(limit).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    let status = status(&calls).await?;
    let names = vec![target(&status, &name)?.name.clone()];
    let past = past(&calls, names).await?;
    let end = past.lines.len().saturating_sub(skip);
    let begin = end.saturating_sub(limit);
    let lines: Vec<&str> = past
        .lines
        .range(begin..end)
        .map(|line| line.text.as_str())
        .collect();
    Ok(json(StatusCode::OK, &serde_json::json!({ "logs": lines })))
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    /// Names with commas between them.
    #[serde(default)]
    name: String,
    /// So many lines of each one's past first.
    offset: Option<String>,
    #[serde(default)]
    follow: String,
}

/// Each line as `{"message", "process_name"}`.
pub(super) async fn socket(
    State(calls): State<Calls>,
    Query(wanted): Query<Wanted>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let offset = wanted
        .offset
        .as_deref()
        .and_then(|offset| offset.parse::<i64>().ok());
    let offset = offset.ok_or_else(|| Refusal::new("`offset` has to be a number"))?;
    let offset = usize::try_from(offset.max(0)).unwrap_or(usize::MAX);
    let status = status(&calls).await?;
    let names = targets(&status, &wanted.name)?;
    if names.is_empty() {
        return Err(Refusal::new(
            "`name` has to be a process, or several with commas between them",
        ));
    }
    let follow = wanted.follow == "true";
    Ok(upgrade.on_upgrade(move |socket| tell(socket, calls, names, offset, follow)))
}

/// Sends lines until there are no more, or nobody takes them.
async fn tell(mut socket: WebSocket, calls: Calls, names: Vec<String>, offset: usize, follow: bool) {
    // A session that has ended has nothing to tell.
    let Ok(past) = past(&calls, names.clone()).await else {
        return;
    };
    let place = past.place;
    for line in past.last_of_each(offset) {
        if socket.send(frame(&line)).await.is_err() {
            return;
        }
    }
    if follow {
        let request = OutputRequest {
            names,
            lines: 0,
            follow: true,
            color: true,
            framing: Framing::Events,
            after: place,
        };
        let Ok(mut chunks) = ask(&calls, |reply| Call::Output { request, reply }).await else {
            return;
        };
        if pass_on(&mut socket, &mut chunks).await.is_none() {
            return;
        }
    }
    // Either way it is over.
    socket.send(Message::Close(None)).await.unwrap_or_default();
}

/// `None`: the client has gone away.
async fn pass_on(socket: &mut WebSocket, chunks: &mut mpsc::Receiver<Bytes>) -> Option<()> {
    loop {
        let chunk = tokio::select! {
            chunk = chunks.recv() => chunk,
            said = socket.recv() => match said {
                // Whatever it says: nothing is asked of it. Pings are answered underneath.
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return None,
            },
        };
        let Some(chunk) = chunk else { return Some(()) };
        for (_, line) in told(&chunk) {
            if !matches!(line.kind, LineKind::Event | LineKind::End) {
                socket.send(frame(&line)).await.ok()?;
            }
        }
    }
}

fn frame(line: &OutputLine) -> Message {
    let message = match line.kind {
        LineKind::Output | LineKind::Open | LineKind::Event | LineKind::End => line.text.clone(),
        LineKind::Gap => format!("… {} lines are missing: this client is too slow", line.text),
    };
    let text = serde_json::json!({ "message": message, "process_name": line.name });
    Message::Text(text.to_string().into())
}

/// What is in memory of the past.
#[derive(Debug, Default)]
struct Past {
    lines: VecDeque<OutputLine>,
    /// Where it ends.
    place: Option<LinePlace>,
}

impl Past {
    /// The last `count` lines of each process, in their order.
    fn last_of_each(self, count: usize) -> Vec<OutputLine> {
        let mut left: BTreeMap<String, usize> = BTreeMap::new();
        let mut chosen = Vec::new();
        for line in self.lines.into_iter().rev() {
            let left = left.entry(line.name.clone()).or_insert(count);
            if *left > 0 {
                *left -= 1;
                chosen.push(line);
            }
        }
        chosen.reverse();
        chosen
    }
}

async fn past(calls: &Calls, names: Vec<String>) -> Result<Past, Refusal> {
    let request = OutputRequest {
        names,
        lines: usize::MAX,
        follow: false,
        color: true,
        framing: Framing::Events,
        after: None,
    };
    let mut chunks = ask(calls, |reply| Call::Output { request, reply }).await?;
    let mut past = Past::default();
    while let Some(chunk) = chunks.recv().await {
        for (place, line) in told(&chunk) {
            past.place = place.or(past.place);
            if matches!(line.kind, LineKind::Output | LineKind::Open) {
                past.lines.push_back(line);
            }
        }
    }
    Ok(past)
}

/// The lines of a chunk of server-sent events, each with its place: `sse::encode` made them.
fn told(chunk: &[u8]) -> Vec<(Option<LinePlace>, OutputLine)> {
    let mut found = Vec::new();
    let mut place = None;
    for field in chunk.split(|byte| *byte == b'\n') {
        if let Some(id) = field.strip_prefix(b"id: ") {
            place = str::from_utf8(id).ok().and_then(LinePlace::parse);
        } else if let Some(data) = field.strip_prefix(b"data: ")
            && let Ok(line) = serde_json::from_slice(data)
        {
            found.push((place.take(), line));
        }
    }
    found
}
