//! Who may ask something over TCP, where everybody on the machine, and every web page in a browser, can connect:
//! the name that was asked for, the page that asks, and the token. The unix socket needs none of this.

use super::answer::Failure;
use super::document;
use super::sse;
use crate::api::call::Framing;
use crate::api::messages::route;
use crate::api::token::Token;
use crate::diag::{Diagnostic, Kind};
use axum::extract::{Request, State};
use axum::http::uri::{Authority, PathAndQuery};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

const PROCESS_COMPOSE_TOKEN: &str = "x-pc-token-key";

/// What a request over TCP is measured by.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) token: Token,
    /// Where the server listens.
    pub(super) bound: SocketAddr,
}

/// Lets a request through to its handler, or refuses it.
pub(super) async fn guard(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let host = host_of(&request)?;
    if !is_ours(&host, access.bound.ip()) {
        return Err(forbidden(format!("this session is not {:?}", host.host()))
            .hint("call it by its address, or as localhost: a name may be another page's trick"));
    }
    check_origin(request.headers(), &host)?;
    if !is_public(request.method(), request.uri().path()) {
        check_token(&access.token, &mut request)?;
    }
    Ok(next.run(request).await)
}

/// The host that the client means to talk to. A browser fills it in from the address that the page asked for, so
/// a page cannot choose another: that is what unmasks a name that was made to point at this machine.
fn host_of(request: &Request) -> Result<Authority, Failure> {
    let bad = || Failure::usage(StatusCode::BAD_REQUEST, "the request needs one valid Host header");
    let mut named = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else {
        return Err(bad());
    };
    let host: Authority = host.as_bytes().try_into().map_err(|_| bad())?;
    match request.uri().authority() {
        Some(other) if *other != host => Err(bad()),
        Some(_) | None => Ok(host),
    }
}

fn is_ours(host: &Authority, bound: IpAddr) -> bool {
    let name = host.host().trim_start_matches('[').trim_end_matches(']');
    if host.as_str().contains('@') {
        return false;
    }
    match name.parse::<IpAddr>() {
        // An address is not a name that somebody could point elsewhere.
        Ok(address) => address.is_loopback() || address == bound || bound.is_unspecified(),
        Err(_) => name.eq_ignore_ascii_case("localhost"),
    }
}

/// A page may ask only where it came from itself.
fn check_origin(headers: &HeaderMap, host: &Authority) -> Result<(), Failure> {
    for origin in headers.get_all(header::ORIGIN) {
        let own = origin
            .to_str()
            .ok()
            .and_then(|origin| origin.strip_prefix("http://"))
            .is_some_and(|origin| origin.eq_ignore_ascii_case(host.as_str()));
        if !own {
            return Err(
                forbidden("a page from elsewhere may not use this session".to_owned())
                    .hint("programs leave the header Origin out"),
            );
        }
    }
    Ok(())
}

/// What tells nothing about the session: the description of the API, and the page that shows it.
fn is_public(method: &Method, path: &str) -> bool {
    matches!(*method, Method::GET | Method::HEAD) && (path == route::OPENAPI || document::is_page(path))
}

fn check_token(token: &Token, request: &mut Request) -> Result<(), Failure> {
    let in_query = may_be_in_query(request).then(|| take_from_query(request.uri_mut()));
    let headers = request.headers();
    let given = bearer(headers)
        .or_else(|| of_process_compose(headers))
        .or(in_query.flatten());
    match given {
        Some(given) if token.matches(given.as_bytes()) => Ok(()),
        Some(_) => Err(unauthorized("this is not the session's token")),
        None => Err(unauthorized("the session wants its token")),
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

/// The header that clients of Process Compose send their token in. As safe as the other one: no page can set it
/// without being asked first whether it may.
fn of_process_compose(headers: &HeaderMap) -> Option<String> {
    headers
        .get(PROCESS_COMPOSE_TOKEN)?
        .to_str()
        .ok()
        .map(str::to_owned)
}

/// A browser's `WebSocket` and `EventSource` can send no header of ours. Neither is a page that is navigated to,
/// so the address comes into no history and no `Referer`; everywhere else a token has no place in an address.
fn may_be_in_query(request: &Request) -> bool {
    let opens_socket = request.headers().get(header::UPGRADE).is_some();
    request.method() == Method::GET && (opens_socket || sse::framing(request.headers()) == Framing::Events)
}

/// Takes `token=…` out of the query: it is no handler's business.
fn take_from_query(uri: &mut Uri) -> Option<String> {
    let query = uri.query()?;
    let (tokens, others): (Vec<&str>, Vec<&str>) =
        query.split('&').partition(|pair| pair.starts_with("token="));
    let token = tokens.first()?.trim_start_matches("token=").to_owned();
    let path_and_query = if others.is_empty() {
        uri.path().to_owned()
    } else {
        format!("{}?{}", uri.path(), others.join("&"))
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path_and_query).ok()?);
    *uri = Uri::from_parts(parts).ok()?;
    Some(token)
}

fn unauthorized(message: &str) -> Failure {
    Failure::from(
        Diagnostic::error(Kind::NotAllowed, message)
            .hint("ovr start has printed it; send it as `Authorization: Bearer TOKEN`")
            .hint("ovr itself reads it from OVR_TOKEN or the file that --token-file names"),
    )
}

fn forbidden(message: String) -> Failure {
    Failure::new(
        StatusCode::FORBIDDEN,
        Diagnostic::error(Kind::NotAllowed, message),
    )
}

#[cfg(test)]
mod tests {
    use super::{is_ours, take_from_query};
    use axum::http::Uri;

    #[test]
    fn only_loopback_and_the_bound_address_are_names_of_the_session() {
        for (host, bound, ours) in [
            ("localhost:4321", "127.0.0.1", true),
            ("LOCALHOST", "127.0.0.1", true),
            ("127.0.0.1:4321", "127.0.0.1", true),
            ("127.1.2.3", "127.0.0.1", true),
            ("[::1]:4321", "127.0.0.1", true),
            ("192.168.1.7:4321", "127.0.0.1", false),
            ("192.168.1.7:4321", "192.168.1.7", true),
            ("192.168.1.8:4321", "192.168.1.7", false),
            ("192.168.1.8:4321", "0.0.0.0", true),
            ("evil.example:4321", "0.0.0.0", false),
            ("evil.example:4321", "127.0.0.1", false),
            ("127.0.0.1.evil.example", "127.0.0.1", false),
            ("localhost.evil.example", "127.0.0.1", false),
            ("localhost@evil.example", "127.0.0.1", false),
            ("evil@localhost", "127.0.0.1", false),
        ] {
            let host = host.parse().unwrap();
            assert_eq!(is_ours(&host, bound.parse().unwrap()), ours, "{host} at {bound}");
        }
    }

    #[test]
    fn a_token_in_the_query_is_taken_out_of_it() {
        for (uri, token, rest) in [
            (
                "/v1/output?token=abc&follow=true",
                Some("abc"),
                "/v1/output?follow=true",
            ),
            (
                "/v1/output?follow=true&token=abc",
                Some("abc"),
                "/v1/output?follow=true",
            ),
            ("/v1/output?token=", Some(""), "/v1/output"),
            ("/v1/output?follow=true", None, "/v1/output?follow=true"),
            ("/v1/output", None, "/v1/output"),
        ] {
            let mut taken: Uri = uri.parse().unwrap();
            assert_eq!(take_from_query(&mut taken).as_deref(), token);
            assert_eq!(taken.to_string(), rest);
        }
    }
}
