//! Routes that ask something of services: actions, and waiting for them.

use super::Calls;
use super::answer::{Failure, ask_json};
use super::request::{RawBody, body};
use crate::api::call::{Call, Verb};
use crate::api::messages::{Request, Results, Wait, route};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;

pub(super) fn routes() -> Router<Calls> {
    Router::new()
        .route(route::ACTION, post(action))
        .route(route::WAIT, post(wait))
}

/// Start, stop, restart, kill or signal services
///
/// Answered when it is done, or at once with `no_wait`. Without names, all services are meant. The status is
/// 200 when the request was carried out, whatever the outcomes; if a name fits nothing, nothing is touched.
#[utoipa::path(post, path = route::ACTION, tag = "services", request_body = Request,
    params(("verb" = String, Path, description = "`start`, `stop`, `restart`, `kill` or `signal`", example = "restart")),
    responses((status = 200, body = Results)))]
pub(in crate::api) async fn action(
    State(calls): State<Calls>,
    Path(word): Path<String>,
    headers: HeaderMap,
    raw: RawBody,
) -> Result<Response, Failure> {
    let request: Request = body(&headers, raw)?;
    let verb = verb(&word, &request)?;
    if request.no_deps && !matches!(verb, Verb::Start | Verb::Restart) {
        let message = format!("`no_deps` means nothing to {word}");
        return Err(Failure::usage(StatusCode::BAD_REQUEST, message));
    }
    ask_json(&calls, |reply| Call::Action { verb, request, reply }).await
}

/// Wait for services
///
/// Answered when all are where they are to be (`for`), one can no longer get there, or the time is up.
#[utoipa::path(post, path = route::WAIT, tag = "services", request_body = Wait,
    responses((status = 200, body = Results)))]
pub(in crate::api) async fn wait(
    State(calls): State<Calls>,
    headers: HeaderMap,
    raw: RawBody,
) -> Result<Response, Failure> {
    let request = body(&headers, raw)?;
    ask_json(&calls, |reply| Call::Wait { request, reply }).await
}

fn verb(word: &str, request: &Request) -> Result<Verb, Failure> {
    let bad = |message: String| Failure::usage(StatusCode::BAD_REQUEST, message);
    let verb = match (word, &request.signal) {
        ("start", None) => Verb::Start,
        ("stop", None) => Verb::Stop,
        ("restart", None) => Verb::Restart,
        ("kill", None) => Verb::Kill,
        ("signal", Some(name)) => Verb::Signal(name.parse().map_err(|error| bad(format!("{error}")))?),
        ("signal", None) => return Err(bad("which signal? The body has no `signal`".to_owned())),
        ("start" | "stop" | "restart" | "kill", Some(_)) => {
            return Err(bad(format!("`signal` means nothing to {word}")));
        }
        _ => {
            let message = format!("no action {word:?}; there are start, stop, restart, kill and signal");
            return Err(Failure::usage(StatusCode::NOT_FOUND, message));
        }
    };
    Ok(verb)
}
