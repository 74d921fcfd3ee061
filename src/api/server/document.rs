//! The API about itself: the OpenAPI document, and a page that shows it. Both are committed files: nothing makes
//! them while a session runs, and their bytes are read from the program's file when somebody asks.

use super::Calls;
use super::answer::respond;
use crate::api::messages::route;
use crate::api::openapi::DOCUMENT;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;

/// The page. Nothing of it comes from elsewhere, and it may ask nobody else.
const PAGE: &str = "/docs";
const POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/// A part of the page, as it is in the program.
struct Part {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    is_compressed: bool,
}

static PARTS: [Part; 4] = [
    Part {
        path: PAGE,
        content_type: "text/html; charset=utf-8",
        bytes: include_bytes!("swagger_ui/index.html"),
        is_compressed: false,
    },
    Part {
        path: "/docs/start.js",
        content_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("swagger_ui/start.js"),
        is_compressed: false,
    },
    Part {
        path: "/docs/swagger-ui-bundle.js",
        content_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("swagger_ui/swagger-ui-bundle.js.gz"),
        is_compressed: true,
    },
    Part {
        path: "/docs/swagger-ui.css",
        content_type: "text/css; charset=utf-8",
        bytes: include_bytes!("swagger_ui/swagger-ui.css.gz"),
        is_compressed: true,
    },
];

pub(super) fn routes() -> Router<Calls> {
    let router = Router::new().route(route::OPENAPI, get(openapi));
    PARTS.iter().fold(router, |router, part| {
        router.route(part.path, get(move || async { send(part) }))
    })
}

/// Whether this is the path of the page, or of a part of it.
pub(super) fn is_page(path: &str) -> bool {
    PARTS.iter().any(|part| part.path == path)
}

/// This document
#[utoipa::path(get, path = route::OPENAPI, tag = "about", responses((status = 200, body = serde_json::Value)))]
pub(in crate::api) async fn openapi() -> Response {
    respond(StatusCode::OK, "application/json", Body::from(DOCUMENT))
}

fn send(part: &'static Part) -> Response {
    let mut response = respond(StatusCode::OK, part.content_type, Body::from(part.bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if part.is_compressed {
        // There is no browser that does not read it.
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}
