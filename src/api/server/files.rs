//! Routes about what the session's files say. They are read anew for each request, and where it takes the values of
//! all variables, the commands that these come from are run.

use super::Calls;
use super::answer::{Failure, ask_json};
use super::request::{RawQuery, query};
use crate::api::call::Call;
use crate::api::messages::{Checked, Configuration, Environment, ErrorBody, route};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

pub(super) fn routes() -> Router<Calls> {
    Router::new()
        .route(route::CHECK, get(check))
        .route(route::CONFIG, get(config))
        .route(route::ENVIRONMENT, get(environment))
}

/// What is wrong with the session's files
///
/// As they are now, and with the options that the session was started with. Changes nothing.
#[utoipa::path(get, path = route::CHECK, tag = "files", responses((status = 200, body = Checked)))]
pub(in crate::api) async fn check(State(calls): State<Calls>) -> Result<Response, Failure> {
    ask_json(&calls, |reply| Call::Check { reply }).await
}

/// The session's files as one
///
/// Merged, with the place of each value. If they have errors, `config` is `null` and `findings` tells them.
#[utoipa::path(get, path = route::CONFIG, tag = "files", responses((status = 200, body = Configuration)))]
pub(in crate::api) async fn config(State(calls): State<Calls>) -> Result<Response, Failure> {
    ask_json(&calls, |reply| Call::Config { reply })
        .await
        .map(no_store)
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct EnvironmentQuery {
    /// A service or an instance; none means what all services share.
    #[param(example = "web")]
    name: Option<String>,
}

/// The environment of a service, and where each value comes from
///
/// What its next start gets. Secrets are in it. Sources are looked up in the files as they are now; a value that
/// these have no longer comes from `the session`.
#[utoipa::path(get, path = route::ENVIRONMENT, tag = "files", params(EnvironmentQuery),
    responses((status = 200, body = Environment),
        (status = 422, body = ErrorBody, description = "The files have errors, and without a name they are all there is.")))]
pub(in crate::api) async fn environment(
    State(calls): State<Calls>,
    raw: RawQuery<EnvironmentQuery>,
) -> Result<Response, Failure> {
    let EnvironmentQuery { name } = query(raw)?;
    ask_json(&calls, |reply| Call::Environment { name, reply })
        .await
        .map(no_store)
}

/// Nobody on the way keeps it.
fn no_store(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
