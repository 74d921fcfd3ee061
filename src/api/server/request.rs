//! Requests: bodies, queries and lists of names as their types, or why they make no sense.

use super::answer::Failure;
use axum::extract::Query;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A handler's body, before it is read.
pub(super) type RawBody = Result<Bytes, BytesRejection>;
/// A handler's query, before it is known to make sense.
pub(super) type RawQuery<T> = Result<Query<T>, QueryRejection>;

/// Reads an action's body. None at all means all services; one that is not declared as JSON is refused, so
/// that no form of a web page can send one.
pub(super) fn body<T: Default + DeserializeOwned>(headers: &HeaderMap, body: RawBody) -> Result<T, Failure> {
    let body = body.map_err(|error| Failure::usage(error.status(), error.body_text()))?;
    if body.is_empty() {
        return Ok(T::default());
    }
    let declared = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    if !declared.trim().eq_ignore_ascii_case("application/json") {
        let message = format!("the body has to be application/json, not {declared:?}");
        return Err(Failure::usage(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let bad =
        |why: String| Failure::usage(StatusCode::BAD_REQUEST, format!("the body makes no sense: {why}"));
    // serde would read a list as the fields in order, and an empty one as a request for all services.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(bad("it is no object".to_owned()));
    }
    serde_json::from_slice(&body).map_err(|error| bad(error.to_string()))
}

/// The body of a request that takes none: nothing, or `{}`.
pub(super) fn no_body(headers: &HeaderMap, raw: RawBody) -> Result<(), Failure> {
    #[derive(Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    let Nothing {} = body(headers, raw)?;
    Ok(())
}

pub(super) fn query<T>(query: RawQuery<T>) -> Result<T, Failure> {
    let Query(query) = query.map_err(|error| Failure::usage(StatusCode::BAD_REQUEST, error.body_text()))?;
    Ok(query)
}

/// Names in a query: `web,api`.
pub(super) fn names(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    let names = text.split(',').filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}
