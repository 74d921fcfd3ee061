//! The OpenAPI document, made from the messages' types and from what stands at the handlers. Only the tests make
//! it; a session serves the committed `docs/openapi.json`.
//!
//! A new route: `#[utoipa::path(…)]` at its handler, the handler's name in `paths` below, and
//! `OVR_REGENERATE=1 cargo test generated`. A test compares the router with the document.

use super::error::http_status;
use super::messages::run::{RunNews, RunOrder};
use super::messages::{ErrorBody, LogsEnd, TerminalOrder};
use super::server::{document, events, files, machine, output, run, services, session, terminal, window};
use crate::diag::Kind;
use utoipa::openapi::schema::{ObjectBuilder, Schema};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, ResponseBuilder, Type};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "ovr",
        description = "The API of a session: HTTP/JSON on the unix socket `api.sock` of its runtime directory, and \
            with `ovr start -S tcp -s HOST:PORT` on TCP. On TCP every request but those for this document and for \
            `/docs` needs the session's token, which the start has printed.",
    ),
    paths(
        session::status,
        session::why,
        session::graph,
        session::quit,
        session::reload,
        session::scale,
        session::detach,
        services::action,
        services::wait,
        output::output,
        output::logs,
        output::sync_logs,
        events::events,
        window::window,
        terminal::terminal,
        run::run,
        files::check,
        files::config,
        files::environment,
        machine::sessions,
        machine::leftovers,
        machine::clean,
        document::openapi,
    ),
    components(schemas(ErrorBody, LogsEnd, TerminalOrder, RunOrder, RunNews)),
    tags(
        (name = "session", description = "The session as a whole"),
        (name = "services", description = "Asking something of services"),
        (name = "output", description = "What services print"),
        (name = "terminal", description = "A service's terminal, and commands beside the services"),
        (name = "files", description = "What the session's files say"),
        (name = "machine", description = "What else there is on the session's machine"),
        (name = "about", description = "The API about itself"),
    ),
    modifiers(&Common, &Codes, &Tokens)
)]
struct Document;

/// The committed document. Made by `OVR_REGENERATE=1 cargo test generated`.
pub const DOCUMENT: &str = include_str!("../../docs/openapi.json");

/// What the document calls the way to send a token.
const TOKEN: &str = "token";

/// The document as it is committed.
pub fn document() -> String {
    let mut text = Document::openapi()
        .to_pretty_json()
        .expect("plain fields always serialize");
    text.push('\n');
    text
}

/// What holds for every operation: a body may be left out, and the answer may be an error.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let error = ResponseBuilder::new()
            .description("It was not done: why, and what to do.")
            .content(
                "application/json",
                ContentBuilder::new()
                    .schema(Some(Ref::from_schema_name("ErrorBody")))
                    .build(),
            )
            .build();
        for item in document.paths.paths.values_mut() {
            for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
                if let Some(RefOr::T(body)) = &mut operation.request_body {
                    body.required = Some(Required::False);
                }
                let responses = &mut operation.responses.responses;
                for response in responses.values_mut() {
                    if let RefOr::T(response) = response
                        && response.description.is_empty()
                    {
                        "The answer.".clone_into(&mut response.description);
                    }
                }
                responses.insert("default".to_owned(), RefOr::T(error.clone()));
            }
        }
    }
}

/// The words that an error's `code` can be, each with its HTTP status.
struct Codes;

impl Modify for Codes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let statuses = Kind::ALL.map(|kind| format!("`{}` ({})", kind.code(), http_status(kind)));
        let words = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(format!(
                "What kind of error it is, with the usual HTTP status: {}. Words may be added.",
                statuses.join(", ")
            )))
            .enum_values(Some(Kind::ALL.map(Kind::code)))
            .build();
        if let Some(RefOr::T(Schema::Object(detail))) = components.schemas.get_mut("ErrorDetail") {
            detail.properties.insert("code".to_owned(), words.into());
        }
    }
}

/// The token, which the unix socket does not ask for.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme(TOKEN, SecurityScheme::Http(bearer));
        let none: [&str; 0] = [];
        document.security = Some(vec![
            SecurityRequirement::new(TOKEN, none),
            SecurityRequirement::default(),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::document;
    use crate::api::server::{Calls, router};
    use crate::diag::Kind;
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use std::collections::BTreeSet;
    use tokio::sync::mpsc;
    use tower::ServiceExt;

    /// `GET /v1/status` and so on, as the document has them.
    fn documented() -> BTreeSet<String> {
        let document: serde_json::Value = serde_json::from_str(&document()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        });
        operations.collect()
    }

    /// The same, as the router takes them: the paths stand in its `Debug`, and a method that is none is a 405.
    async fn routed() -> BTreeSet<String> {
        let (controller, _) = mpsc::unbounded_channel();
        let (open, _) = mpsc::channel(1);
        let router = router(Calls { controller, open });
        let shown = format!("{router:?}");
        let mut found = BTreeSet::new();
        for path in shown.split('"').filter(|text| text.starts_with("/v1/")) {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                let request = Request::builder()
                    .method(method)
                    .uri(path.replace(['{', '}'], ""));
                let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await;
                if answer.unwrap().status() != StatusCode::METHOD_NOT_ALLOWED {
                    found.insert(format!("{method} {path}"));
                }
            }
        }
        found
    }

    #[tokio::test]
    async fn every_route_is_in_the_document_and_the_reverse() {
        let routed = routed().await;
        assert!(routed.contains("POST /v1/services/{verb}"), "{routed:?}");
        assert_eq!(routed, documented());
    }

    #[test]
    fn the_document_knows_every_error_code() {
        let document: serde_json::Value = serde_json::from_str(&document()).unwrap();
        let code = &document["components"]["schemas"]["ErrorDetail"]["properties"]["code"];
        let words: Vec<_> = code["enum"].as_array().unwrap().iter().collect();
        assert_eq!(words.len(), Kind::ALL.len());
        assert_eq!(document["openapi"], "3.1.0");
    }
}
