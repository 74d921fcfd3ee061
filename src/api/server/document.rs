//! The API about itself. The document is a committed file: nothing makes it while a session runs.

use super::Calls;
use super::answer::respond;
use crate::api::messages::route;
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

/// Made by `OVR_REGENERATE=1 cargo test generated`.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

pub(super) fn routes() -> Router<Calls> {
    Router::new().route(route::OPENAPI, get(openapi))
}

/// This document
#[utoipa::path(get, path = route::OPENAPI, tag = "about", responses((status = 200, body = serde_json::Value)))]
pub(in crate::api) async fn openapi() -> Response {
    respond(StatusCode::OK, "application/json", Body::from(DOCUMENT))
}
