//! Answers: what the controller says as JSON, what goes wrong as an error with its HTTP status.

use super::Calls;
use crate::api::call::{Call, Reply};
use crate::api::error::http_status;
use crate::api::messages::ErrorBody;
use crate::api::{VERSION, VERSION_HEADER};
use crate::diag::{Diagnostic, Kind, SESSION_ENDED};
use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::oneshot;

/// An answer that is no success.
pub(in crate::api) struct Failure {
    status: StatusCode,
    diagnostic: Diagnostic,
}

impl Failure {
    pub(super) fn new(status: StatusCode, diagnostic: Diagnostic) -> Self {
        Self { status, diagnostic }
    }

    pub(super) fn usage(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            diagnostic: Diagnostic::error(Kind::Usage, message),
        }
    }

    /// What to do instead.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.diagnostic = self.diagnostic.hint(hint);
        self
    }

    /// Why, for those who tell it in another shape.
    pub(super) fn into_diagnostic(self) -> Diagnostic {
        self.diagnostic
    }

    fn session_ended() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            diagnostic: Diagnostic::error(Kind::NotRunning, SESSION_ENDED),
        }
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            status: StatusCode::from_u16(http_status(diagnostic.kind)).expect("the table has valid codes"),
            diagnostic,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        json(self.status, &ErrorBody::from(&self.diagnostic))
    }
}

pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_vec(body).expect("messages always serialize");
    respond(status, "application/json", Body::from(text))
}

pub(super) fn respond(status: StatusCode, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
    response
}

/// Asks the controller and waits for its answer. A client that hangs up ends this future, and with it the
/// receiving half of the reply.
pub(super) async fn ask<T>(calls: &Calls, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, Failure> {
    let (reply, answer) = oneshot::channel();
    let told = calls.controller.send(call(reply));
    told.map_err(|_| Failure::session_ended())?;
    let answer = answer.await.map_err(|_| Failure::session_ended())?;
    Ok(answer?)
}

/// The same, with the answer as JSON.
pub(super) async fn ask_json<T: Serialize>(
    calls: &Calls,
    call: impl FnOnce(Reply<T>) -> Call,
) -> Result<Response, Failure> {
    let answer = ask(calls, call).await?;
    Ok(json(StatusCode::OK, &answer))
}

pub(super) async fn no_such_route(uri: Uri) -> Failure {
    let message = format!("no route {}", uri.path());
    Failure::usage(StatusCode::NOT_FOUND, message).hint(format!(
        "a session of ovr {VERSION} has the routes of API v1; GET /v1/openapi.json lists them"
    ))
}

pub(super) async fn wrong_method(method: Method, uri: Uri) -> Failure {
    let message = format!("{method} is not a method of {}", uri.path());
    Failure::usage(StatusCode::METHOD_NOT_ALLOWED, message)
}
