//! Process Compose's WebSocket of states: where every process stands, and then each that stands elsewhere. Made of our
//! own status, which is asked for anew when it is another one.

use super::Calls;
use super::answer::ask;
use super::compose::status;
use super::compose_request::{Refusal, targets};
use crate::api::call::{Call, StatusRequest};
use crate::api::compose::ProcessState;
use crate::api::messages::Status;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub(super) struct Wanted {
    /// Names with commas between them; none means all.
    #[serde(default)]
    name: String,
}

/// Each state as `{"state": …}`; those of the beginning say `"snapshot": true`.
pub(super) async fn socket(
    State(calls): State<Calls>,
    Query(wanted): Query<Wanted>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let status = status(&calls).await?;
    let names = targets(&status, &wanted.name)?;
    Ok(upgrade.on_upgrade(move |socket| tell(socket, calls, status, names)))
}

/// Sends states until the session ends, or nobody takes them.
async fn tell(mut socket: WebSocket, calls: Calls, mut status: Status, names: Vec<String>) {
    let mut known = BTreeMap::new();
    let mut is_first = true;
    loop {
        for state in news(&status, &names, &mut known) {
            let text = if is_first {
                serde_json::json!({ "snapshot": true, "state": state })
            } else {
                serde_json::json!({ "state": state })
            };
            if socket.send(Message::Text(text.to_string().into())).await.is_err() {
                return;
            }
        }
        is_first = false;
        let request = StatusRequest {
            resources: false,
            after: Some(status.revision),
        };
        let next = tokio::select! {
            next = ask(&calls, |reply| Call::Status { request, reply }) => next,
            () = gone(&mut socket) => return,
        };
        let Ok(next) = next else {
            socket.send(Message::Close(None)).await.unwrap_or_default();
            return;
        };
        status = next;
    }
}

/// Returns when the client has gone. Whatever else it says: nothing is asked of it.
async fn gone(socket: &mut WebSocket) {
    while let Some(Ok(_)) = socket.recv().await {}
}

/// The states that differ from those that are known, which they are from then on.
fn news(status: &Status, names: &[String], known: &mut BTreeMap<String, ProcessState>) -> Vec<ProcessState> {
    let wanted = |name: &String| names.is_empty() || names.contains(name);
    let chosen = status.services.iter().filter(|service| wanted(&service.name));
    let mut news = Vec::new();
    for service in chosen {
        let state = ProcessState::of(service, &status.session);
        let is_known = known.get(&service.name).is_some_and(|known| known.is_as(&state));
        if !is_known {
            known.insert(service.name.clone(), state.clone());
            news.push(state);
        }
    }
    news
}

#[cfg(test)]
mod tests {
    use super::news;
    use crate::api::messages::Status;
    use crate::api::messages::golden::STATUS;
    use crate::model::StateWord;
    use std::collections::BTreeMap;

    #[test]
    fn only_what_stands_elsewhere_is_news() {
        let mut status: Status = serde_json::from_str(STATUS).unwrap();
        let mut known = BTreeMap::new();
        assert_eq!(news(&status, &[], &mut known).len(), status.services.len());
        status.services[0].for_ms += 1000;
        assert_eq!(news(&status, &[], &mut known), []);
        let name = status.services[0].name.clone();
        status.services[0].state = StateWord::Stopping;
        let told = news(&status, &[], &mut known);
        assert_eq!(told.iter().map(|state| &state.name).collect::<Vec<_>>(), [&name]);
        status.services[0].state = StateWord::Stopped;
        assert_eq!(news(&status, &["other".to_owned()], &mut known), []);
        assert_eq!(news(&status, &[name], &mut known).len(), 1);
    }
}
