//! Routes about the session's machine: the other sessions of its user, and what ended ones have left.

use super::Calls;
use super::answer::{Failure, ask_json};
use super::request::{RawBody, body};
use crate::api::call::Call;
use crate::api::messages::{Clean, Cleaned, Leftovers, Sessions, route};
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};

pub(super) fn routes() -> Router<Calls> {
    Router::new()
        .route(route::SESSIONS, get(sessions))
        .route(route::LEFTOVERS, get(leftovers))
        .route(route::CLEAN, post(clean))
}

/// The sessions of this session's user on its machine
#[utoipa::path(get, path = route::SESSIONS, tag = "machine", responses((status = 200, body = Sessions)))]
pub(in crate::api) async fn sessions(State(calls): State<Calls>) -> Result<Response, Failure> {
    ask_json(&calls, |reply| Call::Sessions { reply }).await
}

/// What ended sessions have left on the disk
///
/// What belongs to a session that runs is not among it.
#[utoipa::path(get, path = route::LEFTOVERS, tag = "machine", responses((status = 200, body = Leftovers)))]
pub(in crate::api) async fn leftovers(State(calls): State<Calls>) -> Result<Response, Failure> {
    ask_json(&calls, |reply| Call::Leftovers { reply }).await
}

/// Remove what ended sessions have left
///
/// Only what is named, and of that only what is a leftover still.
#[utoipa::path(post, path = route::CLEAN, tag = "machine", request_body = Clean,
    responses((status = 200, body = Cleaned)))]
pub(in crate::api) async fn clean(
    State(calls): State<Calls>,
    headers: HeaderMap,
    raw: RawBody,
) -> Result<Response, Failure> {
    let clean: Clean = body(&headers, raw)?;
    ask_json(&calls, |reply| Call::Clean { clean, reply }).await
}
