//! Routes about the session as a whole: what it is, and what it is to become.

use super::Calls;
use super::answer::{Failure, ask_json};
use super::request::{RawBody, RawQuery, body, no_body, query};
use crate::api::call::{Call, StatusRequest};
use crate::api::messages::{Detached, ErrorBody, Graph, Reloaded, Results, Scale, Status, Why, route};
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;

pub(super) fn routes() -> Router<Calls> {
    Router::new()
        .route(route::STATUS, get(status))
        .route(route::WHY, get(why))
        .route(route::GRAPH, get(graph))
        .route(route::QUIT, post(quit))
        .route(route::RELOAD, post(reload))
        .route(route::SCALE, post(scale))
        .route(route::DETACH, post(detach))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct StatusQuery {
    /// Tell what the services' processes use, too.
    #[serde(default)]
    #[param(required = false)]
    resources: bool,
    /// Answer only when `revision` is another number than this one.
    after: Option<u64>,
}

/// The session and every instance
///
/// With `after`, the answer waits for a change.
#[utoipa::path(get, path = route::STATUS, tag = "session", params(StatusQuery),
    responses((status = 200, body = Status)))]
pub(in crate::api) async fn status(
    State(calls): State<Calls>,
    raw: RawQuery<StatusQuery>,
) -> Result<Response, Failure> {
    let StatusQuery { resources, after } = query(raw)?;
    let request = StatusRequest { resources, after };
    ask_json(&calls, |reply| Call::Status { request, reply }).await
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct WhyQuery {
    /// A service or instance.
    #[param(example = "web")]
    name: String,
}

/// Why a service is as it is
#[utoipa::path(get, path = route::WHY, tag = "session", params(WhyQuery),
    responses((status = 200, body = Why)))]
pub(in crate::api) async fn why(
    State(calls): State<Calls>,
    raw: RawQuery<WhyQuery>,
) -> Result<Response, Failure> {
    let WhyQuery { name } = query(raw)?;
    ask_json(&calls, |reply| Call::Why { name, reply }).await
}

/// Who depends on whom, and where each stands
#[utoipa::path(get, path = route::GRAPH, tag = "session", responses((status = 200, body = Graph)))]
pub(in crate::api) async fn graph(State(calls): State<Calls>) -> Result<Response, Failure> {
    ask_json(&calls, |reply| Call::Graph { reply }).await
}

/// End the session
///
/// Answered when everything is gone.
#[utoipa::path(post, path = route::QUIT, tag = "session", responses((status = 200, body = Results)))]
pub(in crate::api) async fn quit(
    State(calls): State<Calls>,
    headers: HeaderMap,
    raw: RawBody,
) -> Result<Response, Failure> {
    no_body(&headers, raw)?;
    ask_json(&calls, |reply| Call::Quit { reply }).await
}

/// Take over what the files say now
///
/// Only what changed is restarted; nothing changes if they have errors. Answered when it is done.
#[utoipa::path(post, path = route::RELOAD, tag = "session",
    responses((status = 200, body = Reloaded), (status = 422, body = ErrorBody, description = "The files have errors.")))]
pub(in crate::api) async fn reload(
    State(calls): State<Calls>,
    headers: HeaderMap,
    raw: RawBody,
) -> Result<Response, Failure> {
    no_body(&headers, raw)?;
    ask_json(&calls, |reply| Call::Reload { reply }).await
}

/// Change how many instances services have
///
/// Services that are not named keep theirs. Answered when it is done.
#[utoipa::path(post, path = route::SCALE, tag = "session", request_body = Scale,
    responses((status = 200, body = Reloaded)))]
pub(in crate::api) async fn scale(
    State(calls): State<Calls>,
    headers: HeaderMap,
    raw: RawBody,
) -> Result<Response, Failure> {
    let Scale { counts } = body(&headers, raw)?;
    ask_json(&calls, |reply| Call::Scale { counts, reply }).await
}

/// Send a foreground session to the background
#[utoipa::path(post, path = route::DETACH, tag = "session", responses((status = 200, body = Detached)))]
pub(in crate::api) async fn detach(
    State(calls): State<Calls>,
    headers: HeaderMap,
    raw: RawBody,
) -> Result<Response, Failure> {
    no_body(&headers, raw)?;
    ask_json(&calls, |reply| Call::Detach { reply }).await
}
