//! Routes to a service's terminal.

use super::Calls;
use super::answer::{Failure, ask_json};
use super::request::{RawQuery, query};
use crate::api::call::Call;
use crate::api::messages::{Window, route};
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

pub(super) fn routes() -> Router<Calls> {
    Router::new().route(route::WINDOW, get(window))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct WindowQuery {
    /// A service or an instance; none means the first.
    name: Option<String>,
}

/// How to attach to a service's tmux window
#[utoipa::path(get, path = route::WINDOW, tag = "terminal", params(WindowQuery),
    responses((status = 200, body = Window)))]
pub(in crate::api) async fn window(
    State(calls): State<Calls>,
    raw: RawQuery<WindowQuery>,
) -> Result<Response, Failure> {
    let WindowQuery { name } = query(raw)?;
    ask_json(&calls, |reply| Call::Window { name, reply }).await
}
