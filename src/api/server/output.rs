//! Routes about what services print: the stream of lines, and the files that they are kept in.

use super::Calls;
use super::answer::{Failure, ask, ask_json, respond};
use super::request::{RawQuery, names, query};
use crate::api::call::{Call, OutputRequest};
use crate::api::messages::{OutputLine, Synced, route};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use serde::Deserialize;
use std::convert::Infallible;

/// So many lines of the past are sent to a client that does not say how many.
const DEFAULT_LINES: usize = 100;

pub(super) fn routes() -> Router<Calls> {
    Router::new()
        .route(route::OUTPUT, get(output))
        .route(route::SYNC_LOGS, post(sync_logs))
}

/// One line of an output stream as it goes over the wire.
pub fn encode_line(line: &OutputLine) -> Bytes {
    let mut text = serde_json::to_vec(line).expect("plain fields always serialize");
    text.push(b'\n');
    text.into()
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
/// One JSON object a line. Without `follow`, the answer ends after the lines of the past.
#[utoipa::path(get, path = route::OUTPUT, tag = "output", params(OutputQuery),
    responses((status = 200, body = OutputLine, content_type = "application/x-ndjson")))]
pub(in crate::api) async fn output(
    State(calls): State<Calls>,
    raw: RawQuery<OutputQuery>,
) -> Result<Response, Failure> {
    let wanted = query(raw)?;
    let request = OutputRequest {
        names: names(wanted.names),
        lines: wanted.lines.unwrap_or(DEFAULT_LINES),
        follow: wanted.follow,
        color: wanted.color,
    };
    let mut lines = ask(&calls, |reply| Call::Output { request, reply }).await?;
    let lines = futures_util::stream::poll_fn(move |context| {
        lines
            .poll_recv(context)
            .map(|line| line.map(Ok::<Bytes, Infallible>))
    });
    Ok(respond(
        StatusCode::OK,
        "application/x-ndjson",
        Body::from_stream(lines),
    ))
}

/// Have every line that was printed so far written to its file
#[utoipa::path(post, path = route::SYNC_LOGS, tag = "output", responses((status = 200, body = Synced)))]
pub(in crate::api) async fn sync_logs(State(calls): State<Calls>) -> Result<Response, Failure> {
    ask_json(&calls, |reply| Call::SyncLogs { reply }).await
}
