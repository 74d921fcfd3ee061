//! What Process Compose's routes have in common: how they refuse, whom they let in, which process a name means.

use super::answer::{Failure, json};
use crate::api::messages::{ErrorBody, Service, Status};
use crate::diag::Diagnostic;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// An answer that is no success: `{"error": "…"}`, with 400 for nearly everything.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    text: String,
}

impl Refusal {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            text: text.into(),
        }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

impl From<Diagnostic> for Refusal {
    fn from(diagnostic: Diagnostic) -> Self {
        let told = ErrorBody::from(&diagnostic).error;
        let parts = std::iter::once(&told.message)
            .chain(&told.causes)
            .chain(&told.hints);
        Self::new(parts.map(String::as_str).collect::<Vec<_>>().join("; "))
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::from(failure.into_diagnostic())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        json(self.status, &serde_json::json!({ "error": self.text }))
    }
}

/// The rules of our own routes hold here, too: no page of elsewhere asks anything, and nothing is changed by a
/// form. Process Compose's clients send no `Origin`, and POST without a body.
pub(super) async fn as_here(request: Request, next: Next) -> Result<Response, Refusal> {
    if !is_of_here(request.headers()) {
        return Err(Refusal {
            status: StatusCode::FORBIDDEN,
            text: "a page from elsewhere may not use this session".to_owned(),
        });
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && let Some(kind) = request.headers().get(header::CONTENT_TYPE) {
        let kind = String::from_utf8_lossy(kind.as_bytes());
        let declared = kind.split(';').next().unwrap_or_default().trim();
        if !declared.eq_ignore_ascii_case("application/json") {
            return Err(Refusal {
                status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
                text: format!("the body has to be application/json, not {declared:?}"),
            });
        }
    }
    Ok(next.run(request).await)
}

fn is_of_here(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    headers.get_all(header::ORIGIN).into_iter().all(|origin| {
        let page = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        page.is_some_and(|(_, page)| page.eq_ignore_ascii_case(host))
    })
}

/// The instances that names with commas between them mean.
pub(super) fn targets(status: &Status, names: &str) -> Result<Vec<String>, Refusal> {
    let names = names.split(',').filter(|name| !name.is_empty());
    names
        .map(|name| target(status, name).map(|service| service.name.clone()))
        .collect()
}

/// The instance of this name; the first one of a service of this name.
pub(super) fn target<'a>(status: &'a Status, name: &str) -> Result<&'a Service, Refusal> {
    let instance = status.services.iter().find(|service| service.name == name);
    let service = || status.services.iter().find(|service| service.service == name);
    instance
        .or_else(service)
        .ok_or_else(|| Refusal::new(format!("no such process: {name}")))
}

/// A body that is a list of names.
pub(super) fn list(body: &[u8]) -> Result<Vec<String>, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::new(format!("the body is no list of names: {error}")))
}

/// The names of the processes in a body that is a whole project, as Go writes it.
pub(super) fn processes_in(body: &[u8]) -> Result<Vec<String>, Refusal> {
    let project: serde_json::Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::new(format!("the body is no project: {error}")))?;
    let processes = project.get("Processes").or_else(|| project.get("processes"));
    let processes = processes
        .and_then(serde_json::Value::as_object)
        .ok_or_else(|| Refusal::new("the body is no project: it has no `Processes`"))?;
    let name = |(key, process): (&String, &serde_json::Value)| {
        let name = process.get("Name").or_else(|| process.get("name"));
        name.and_then(serde_json::Value::as_str).unwrap_or(key).to_owned()
    };
    Ok(processes.iter().map(name).collect())
}

#[cfg(test)]
mod tests {
    use super::is_of_here;
    use axum::http::{HeaderMap, HeaderValue, header};

    #[test]
    fn a_page_from_elsewhere_is_told_by_its_origin() {
        let asks = |origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost:8080"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            is_of_here(&headers)
        };
        assert!(asks(None) && asks(Some("http://localhost:8080")));
        for origin in ["http://evil.example", "null", "http://localhost:8081", ""] {
            assert!(!asks(Some(origin)), "{origin}");
        }
    }
}
