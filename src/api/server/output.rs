//! Routes about what services print: the stream of lines, and the files that they are kept in.

use super::Calls;
use super::answer::{Failure, ask, ask_json};
use super::request::{RawBody, RawQuery, names, no_body, query};
use super::sse;
use crate::api::call::{Call, Framing, LinePlace, LogsRequest, OutputRequest};
use crate::api::messages::{OutputLine, Synced, route};
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;

/// So many lines of the past are sent to a client that does not say how many.
const DEFAULT_LINES: usize = 100;

pub(super) fn routes() -> Router<Calls> {
    Router::new()
        .route(route::OUTPUT, get(output))
        .route(route::LOGS, get(logs))
        .route(route::SYNC_LOGS, post(sync_logs))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct OutputQuery {
    /// Services, instances or patterns, with commas between them; none means all.
    names: Option<String>,
    /// So many lines of the past first; 100 if it is left out.
    lines: Option<usize>,
    /// Go on with what is printed from now on.
    #[serde(default)]
    #[param(required = false)]
    follow: bool,
    /// Keep the services' colours in `text`.
    #[serde(default)]
    #[param(required = false)]
    color: bool,
}

/// What services print
///
/// One JSON object a line, or server-sent events, each with such an object as its data, where `Accept` says
/// `text/event-stream`; then `Last-Event-ID` is heeded. Without `follow`, the answer ends after the lines of the
/// past.
#[utoipa::path(get, path = route::OUTPUT, tag = "output", params(OutputQuery),
    responses((status = 200, content(
        (OutputLine = "application/x-ndjson"),
        (OutputLine = "text/event-stream"),
    ))))]
pub(in crate::api) async fn output(
    State(calls): State<Calls>,
    headers: HeaderMap,
    raw: RawQuery<OutputQuery>,
) -> Result<Response, Failure> {
    let wanted = query(raw)?;
    let framing = sse::framing(&headers);
    let after = match sse::last_event_id(&headers)? {
        Some(id) if framing == Framing::Events => Some(LinePlace::parse(id).ok_or_else(sse::bad_id)?),
        Some(_) | None => None,
    };
    let request = OutputRequest {
        names: names(wanted.names),
        lines: wanted.lines.unwrap_or(DEFAULT_LINES),
        follow: wanted.follow,
        color: wanted.color,
        framing,
        after,
    };
    let lines = ask(&calls, |reply| Call::Output { request, reply }).await?;
    Ok(sse::answer(framing, lines))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct LogsQuery {
    /// Services, instances or patterns, with commas between them; none means all, also those of earlier sessions.
    names: Option<String>,
    /// The last so many; 100 where neither `since`, `grep` nor `run` is given, else all.
    lines: Option<usize>,
    /// How long ago (`10m`), a time (RFC 3339), or the `cursor` of an earlier answer.
    since: Option<String>,
    /// How long ago, or a time.
    until: Option<String>,
    /// Only lines that match this regular expression.
    grep: Option<String>,
    /// So many lines around each that matches.
    #[serde(default)]
    #[param(required = false)]
    context: usize,
    /// One run of each: `last`, `-1` (the one before), or its number.
    run: Option<String>,
    /// At most so many bytes of text: the newest, or with a cursor as `since` the first that follow it.
    max_bytes: Option<usize>,
    /// Go on with what is printed from now on.
    #[serde(default)]
    #[param(required = false)]
    follow: bool,
    /// Only what services printed, without ovr's own words; `lines` and `max_bytes` count only that.
    #[serde(default)]
    #[param(required = false)]
    printed: bool,
    /// Of that the text alone: `text/plain`, without names, times and cursor.
    #[serde(default)]
    #[param(required = false)]
    plain: bool,
}

/// What services printed, from the files
///
/// One JSON object a line. Without `follow`, the last one is a `LogsEnd`: where the next reading begins. Files have no
/// colours; what was printed in the last moment is in them before they are read.
#[utoipa::path(get, path = route::LOGS, tag = "output", params(LogsQuery),
    responses((status = 200, content(
        (OutputLine = "application/x-ndjson"),
        (String = "text/plain"),
    ))))]
pub(in crate::api) async fn logs(
    State(calls): State<Calls>,
    raw: RawQuery<LogsQuery>,
) -> Result<Response, Failure> {
    let wanted = query(raw)?;
    let plain = wanted.plain;
    let request = LogsRequest {
        names: names(wanted.names),
        lines: wanted.lines,
        since: wanted.since,
        until: wanted.until,
        grep: wanted.grep,
        context: wanted.context,
        run: wanted.run,
        max_bytes: wanted.max_bytes,
        follow: wanted.follow,
        printed: wanted.printed,
        plain,
    };
    let pieces = ask(&calls, |reply| Call::Logs { request, reply }).await?;
    Ok(if plain {
        sse::text(pieces)
    } else {
        sse::answer(Framing::Lines, pieces)
    })
}

/// Have every line that was printed so far written to its file
#[utoipa::path(post, path = route::SYNC_LOGS, tag = "output", responses((status = 200, body = Synced)))]
pub(in crate::api) async fn sync_logs(
    State(calls): State<Calls>,
    headers: HeaderMap,
    raw: RawBody,
) -> Result<Response, Failure> {
    no_body(&headers, raw)?;
    ask_json(&calls, |reply| Call::SyncLogs { reply }).await
}
