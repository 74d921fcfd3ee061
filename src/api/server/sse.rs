//! Server-sent events: how a stream of JSON lines is told to a browser. Whoever makes the lines frames them
//! ([`encode`]) as the request's [`Framing`] says; what is in them is theirs.

use super::answer::{Failure, respond};
use crate::api::call::Framing;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::{BufMut, Bytes, BytesMut};
use std::convert::Infallible;
use tokio::sync::mpsc;

const EVENTS: &str = "text/event-stream";
const TEXT: &str = "text/plain; charset=utf-8";
const LINES: &str = "application/x-ndjson";
/// The header in which a browser that connects again says which event it saw last.
const LAST_EVENT_ID: &str = "last-event-id";
/// No id of ours is longer.
const MAX_ID: usize = 256;

/// What the client's `Accept` asks for; lines, if it does not say.
pub(super) fn framing(headers: &HeaderMap) -> Framing {
    let accepted = headers.get_all(header::ACCEPT).into_iter();
    let mut kinds = accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|kind| kind.split(';').next().unwrap_or_default().trim());
    if kinds.any(|kind| kind.eq_ignore_ascii_case(EVENTS)) {
        Framing::Events
    } else {
        Framing::Lines
    }
}

/// The id of the last event that the client has seen, as it got it.
///
/// # Errors
/// It is none that we can have sent.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(id) if id.len() <= MAX_ID => Ok(Some(id)),
        Ok(_) | Err(_) => Err(bad_id()),
    }
}

/// An id that makes no sense.
pub(super) fn bad_id() -> Failure {
    Failure::usage(
        StatusCode::BAD_REQUEST,
        "the header Last-Event-ID is none of this API's",
    )
    .hint("leave it out, or send the `id` of an event as it came")
}

/// Appends one piece of JSON to `into`: a line, or an event with this id.
pub fn encode(framing: Framing, id: Option<&str>, json: &[u8], into: &mut BytesMut) {
    match framing {
        Framing::Lines => {
            into.put_slice(json);
            into.put_u8(b'\n');
        }
        Framing::Events => {
            if let Some(id) = id {
                into.put_slice(b"id: ");
                into.put_slice(id.as_bytes());
                into.put_u8(b'\n');
            }
            into.put_slice(b"data: ");
            into.put_slice(json);
            into.put_slice(b"\n\n");
        }
    }
}

/// The answer that passes on what comes, framed already, until the sender is dropped.
pub(super) fn answer(framing: Framing, chunks: mpsc::Receiver<Bytes>) -> Response {
    let content_type = match framing {
        Framing::Lines => LINES,
        Framing::Events => EVENTS,
    };
    stream(content_type, chunks)
}

/// The same for text that is framed in no way.
pub(super) fn text(chunks: mpsc::Receiver<Bytes>) -> Response {
    stream(TEXT, chunks)
}

fn stream(content_type: &'static str, mut chunks: mpsc::Receiver<Bytes>) -> Response {
    let chunks = futures_util::stream::poll_fn(move |context| {
        chunks
            .poll_recv(context)
            .map(|chunk| chunk.map(Ok::<Bytes, Infallible>))
    });
    let mut response = respond(StatusCode::OK, content_type, Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx and those who took over its header would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

#[cfg(test)]
mod tests {
    use super::{encode, framing, last_event_id};
    use crate::api::call::Framing;
    use axum::http::{HeaderMap, HeaderValue, header};
    use bytes::BytesMut;

    #[test]
    fn events_are_sent_to_whoever_accepts_them() {
        for (accept, expected) in [
            (None, Framing::Lines),
            (Some("*/*"), Framing::Lines),
            (Some("application/json"), Framing::Lines),
            (Some("text/event-stream"), Framing::Events),
            (
                Some("application/json;q=0.5, Text/Event-Stream ;q=1"),
                Framing::Events,
            ),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            }
            assert_eq!(framing(&headers), expected, "{accept:?}");
        }
    }

    #[test]
    fn an_event_is_framed_as_a_browser_reads_it() {
        let mut text = BytesMut::new();
        encode(Framing::Events, Some("7-1"), b"{\"a\":1}", &mut text);
        encode(Framing::Events, None, b"{}", &mut text);
        encode(Framing::Lines, Some("7-2"), b"{}", &mut text);
        assert_eq!(&text[..], &b"id: 7-1\ndata: {\"a\":1}\n\ndata: {}\n\n{}\n"[..]);
    }

    #[test]
    fn an_id_that_cannot_be_ours_is_refused() {
        let id = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert("last-event-id", HeaderValue::from_bytes(value).unwrap());
            last_event_id(&headers).map(|id| id.map(str::to_owned)).ok()
        };
        assert_eq!(id(b"7-1"), Some(Some("7-1".to_owned())));
        assert_eq!(id(b""), Some(None));
        assert_eq!(id(&[b'x'; 300]), None);
        assert_eq!(id(&[0xff]), None);
    }
}
