//! The route of what happens in the session: events as lines of JSON, or as server-sent events.

use super::Calls;
use super::answer::{Failure, ask};
use super::request::{RawQuery, names, query};
use super::sse;
use crate::api::call::{Call, EventsRequest, EventsSince, Framing};
use crate::api::messages::events::{Event, EventKind};
use crate::api::messages::route;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

pub(super) fn routes() -> Router<Calls> {
    Router::new().route(route::EVENTS, get(events))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct EventsQuery {
    /// Services, instances or patterns, with commas between them; none means all, and the session's own events.
    names: Option<String>,
    /// Kinds of events, with commas between them; none means all.
    kinds: Option<String>,
    /// A cursor: what comes behind that event; `now`: what comes from here on. Left out: from the oldest kept on.
    since: Option<String>,
    /// Where there is no `since`: the last so many of these events.
    last: Option<usize>,
    /// Go on with what happens from now on.
    #[serde(default)]
    #[param(required = false)]
    follow: bool,
}

/// What happens in the session
///
/// One JSON object a line, or server-sent events where `Accept` says `text/event-stream`; then `Last-Event-ID` is
/// heeded, and goes before `since`. Events that are missing are told by one of the kind `gap`.
#[utoipa::path(get, path = route::EVENTS, tag = "session", params(EventsQuery),
    responses((status = 200, content(
        (Event = "application/x-ndjson"),
        (Event = "text/event-stream"),
    ))))]
pub(in crate::api) async fn events(
    State(calls): State<Calls>,
    headers: HeaderMap,
    raw: RawQuery<EventsQuery>,
) -> Result<Response, Failure> {
    let framing = sse::framing(&headers);
    let last_id = sse::last_event_id(&headers)?.filter(|_| framing == Framing::Events);
    let request = request(query(raw)?, last_id, framing)?;
    let events = ask(&calls, |reply| Call::Events { request, reply }).await?;
    Ok(sse::answer(framing, events))
}

/// `last_id`: where a client that connects again has come to; it goes before what the address says.
fn request(query: EventsQuery, last_id: Option<&str>, framing: Framing) -> Result<EventsRequest, Failure> {
    let bad = |message: String| Failure::usage(StatusCode::BAD_REQUEST, message);
    let kind = |word: String| {
        EventKind::of_word(word.trim()).ok_or_else(|| bad(format!("there is no kind of event {word:?}")))
    };
    let since = match (last_id, query.since.as_deref(), query.last) {
        (Some(id), _, _) => EventsSince::Cursor(id.parse().map_err(|()| sse::bad_id())?),
        (None, Some("now"), _) => EventsSince::Now,
        (None, Some(cursor), _) => EventsSince::Cursor(
            cursor
                .parse()
                .map_err(|()| bad(format!("{cursor:?} is no cursor of an event")))?,
        ),
        (None, None, Some(count)) => EventsSince::Last(count),
        (None, None, None) => EventsSince::Start,
    };
    Ok(EventsRequest {
        names: names(query.names),
        kinds: names(query.kinds)
            .into_iter()
            .map(kind)
            .collect::<Result<_, _>>()?,
        since,
        follow: query.follow,
        framing,
    })
}

#[cfg(test)]
mod tests {
    use super::{EventsQuery, request};
    use crate::api::call::{EventsSince, Framing};

    fn query(since: Option<&str>, last: Option<usize>, kinds: Option<&str>) -> EventsQuery {
        EventsQuery {
            names: Some("web,api".to_owned()),
            kinds: kinds.map(str::to_owned),
            since: since.map(str::to_owned),
            last,
            follow: true,
        }
    }

    #[test]
    fn where_a_reading_begins_is_said_by_the_last_id_then_the_cursor_then_the_number() {
        let since = |since, last, id| {
            let request = request(query(since, last, None), id, Framing::Events);
            request.ok().map(|request| request.since)
        };
        let cursor = |text: &str| Some(EventsSince::Cursor(text.parse().unwrap()));
        assert_eq!(since(Some("a-1"), Some(3), Some("a-2")), cursor("a-2"));
        assert_eq!(since(Some("a-1"), Some(3), None), cursor("a-1"));
        assert_eq!(since(Some("now"), None, None), Some(EventsSince::Now));
        assert_eq!(since(None, Some(3), None), Some(EventsSince::Last(3)));
        assert_eq!(since(None, None, None), Some(EventsSince::Start));
        assert_eq!(since(Some("yesterday"), None, None), None);
        assert_eq!(since(None, None, Some("yesterday")), None);
    }

    #[test]
    fn a_kind_that_there_is_not_is_refused() {
        let kinds = |kinds| {
            let request = request(query(None, None, Some(kinds)), None, Framing::Lines);
            request.ok().map(|request| request.kinds.len())
        };
        assert_eq!(kinds("exited,failed"), Some(2));
        assert_eq!(kinds(""), Some(0));
        assert_eq!(kinds("exited,fialed"), None);
    }
}
