//! The route of what happens in the session: events as lines of JSON, or as server-sent events for who asks for
//! these.

use super::{Calls, Failure, ask, bad_query, respond};
use crate::api::call::{Call, EventItem, EventsRequest, EventsSince};
use crate::api::messages::events::EventKind;
use crate::api::messages::route;
use axum::Router;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use std::convert::Infallible;
use tokio::sync::mpsc;

const SSE: &str = "text/event-stream";

/// A client of server-sent events says with this where it has come to, when it connects again.
const LAST_EVENT_ID: &str = "last-event-id";

pub(super) fn routes() -> Router<Calls> {
    Router::new().route(route::EVENTS, get(events))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct EventsQuery {
    /// Services, instances or patterns, with commas between them; none means all, and the session's own events.
    names: Option<String>,
    /// Kinds of events, with commas between them; none means all.
    kinds: Option<String>,
    /// A cursor: what comes after that event; `now`: what comes from here on. Left out, with the oldest that is kept.
    since: Option<String>,
    /// The last so many of these events, where there is no `since`.
    last: Option<usize>,
    /// Go on with what happens from now on.
    #[serde(default)]
    follow: bool,
}

/// What happens in the session
pub(in crate::api) async fn events(
    State(calls): State<Calls>,
    headers: HeaderMap,
    query: Result<Query<EventsQuery>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let as_sse = header(header::ACCEPT.as_str()).is_some_and(|accepted| accepted.contains(SSE));
    let request = request(query, header(LAST_EVENT_ID))?;
    let items = ask(&calls, |reply| Call::Events { request, reply }).await?;
    Ok(if as_sse {
        respond(StatusCode::OK, SSE, stream(items, encode_sse))
    } else {
        respond(
            StatusCode::OK,
            "application/x-ndjson",
            stream(items, encode_lines),
        )
    })
}

/// `last_id`: where a client that connects again has come to; it goes before what the address says.
fn request(query: EventsQuery, last_id: Option<&str>) -> Result<EventsRequest, Failure> {
    let bad = |message: String| Failure::usage(StatusCode::BAD_REQUEST, message);
    let listed = |text: Option<String>| -> Vec<String> {
        let text = text.unwrap_or_default();
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let kind = |word: String| {
        EventKind::of_word(&word).ok_or_else(|| bad(format!("there is no kind of event {word:?}")))
    };
    let since = match (last_id.or(query.since.as_deref()), query.last) {
        (Some("now"), _) => EventsSince::Now,
        (Some(cursor), _) => EventsSince::Cursor(
            cursor
                .parse()
                .map_err(|()| bad(format!("{cursor:?} is no cursor of an event")))?,
        ),
        (None, Some(count)) => EventsSince::Last(count),
        (None, None) => EventsSince::Start,
    };
    Ok(EventsRequest {
        names: listed(query.names),
        kinds: listed(query.kinds)
            .into_iter()
            .map(kind)
            .collect::<Result<_, _>>()?,
        since,
        follow: query.follow,
    })
}

fn stream(mut items: mpsc::Receiver<Vec<EventItem>>, encode: fn(&[EventItem]) -> Bytes) -> Body {
    Body::from_stream(futures_util::stream::poll_fn(move |context| {
        items
            .poll_recv(context)
            .map(|items| items.map(|items| Ok::<Bytes, Infallible>(encode(&items))))
    }))
}

fn encode_lines(items: &[EventItem]) -> Bytes {
    let mut chunk = BytesMut::new();
    for item in items {
        chunk.extend_from_slice(&item.line);
    }
    chunk.freeze()
}

/// A line of JSON has no line break in it, so it is one `data:`.
fn encode_sse(items: &[EventItem]) -> Bytes {
    let mut chunk = BytesMut::new();
    for item in items {
        chunk.extend_from_slice(format!("id: {}\ndata: ", item.cursor).as_bytes());
        chunk.extend_from_slice(&item.line);
        chunk.extend_from_slice(b"\n");
    }
    chunk.freeze()
}

#[cfg(test)]
mod tests {
    use super::{EventsQuery, encode_sse, request};
    use crate::api::call::{EventItem, EventsSince};

    fn query(since: Option<&str>, last: Option<usize>, kinds: Option<&str>) -> EventsQuery {
        EventsQuery {
            names: Some("web, api".to_owned()),
            kinds: kinds.map(str::to_owned),
            since: since.map(str::to_owned),
            last,
            follow: true,
        }
    }

    #[test]
    fn where_a_reading_begins_is_said_by_the_last_id_then_the_cursor_then_the_number() {
        let since = |since, last, id| {
            request(query(since, last, None), id)
                .ok()
                .map(|request| request.since)
        };
        let cursor = |text: &str| Some(EventsSince::Cursor(text.parse().unwrap()));
        assert_eq!(since(Some("a-1"), Some(3), Some("a-2")), cursor("a-2"));
        assert_eq!(since(Some("a-1"), Some(3), None), cursor("a-1"));
        assert_eq!(since(Some("now"), None, None), Some(EventsSince::Now));
        assert_eq!(since(None, Some(3), None), Some(EventsSince::Last(3)));
        assert_eq!(since(None, None, None), Some(EventsSince::Start));
        assert_eq!(since(Some("yesterday"), None, None), None);
    }

    #[test]
    fn a_kind_that_there_is_not_is_refused() {
        let kinds = |kinds| {
            request(query(None, None, Some(kinds)), None)
                .ok()
                .map(|request| request.kinds.len())
        };
        assert_eq!(kinds("exited,failed"), Some(2));
        assert_eq!(kinds(""), Some(0));
        assert_eq!(kinds("exited,fialed"), None);
    }

    #[test]
    fn a_server_sent_event_has_its_cursor_as_id() {
        let item = EventItem {
            cursor: "a-1".parse().unwrap(),
            line: "{\"seq\":1}\n".into(),
        };
        assert_eq!(&encode_sse(&[item])[..], b"id: a-1\ndata: {\"seq\":1}\n\n");
    }
}
