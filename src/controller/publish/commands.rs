//! Requests that come over NATS: the API's, in its own words, with the verb in the body. Each is carried out beside
//! the publishing, so that one that waits holds up nothing.

use super::Calls;
use crate::api::call::{Call, Reply, StatusRequest, Verb};
use crate::api::messages::{ErrorBody, Request, Scale, Wait};
use crate::diag::{Diagnostic, Kind};
use crate::nats::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};

/// So many requests are under way at most.
const MOST: usize = 64;

/// The requests under way.
pub(super) struct Commands {
    calls: Calls,
    send: mpsc::UnboundedSender<(Option<String>, Vec<u8>)>,
    answers: mpsc::UnboundedReceiver<(Option<String>, Vec<u8>)>,
    under_way: usize,
}

impl Commands {
    pub(super) fn new(calls: Calls) -> Self {
        let (send, answers) = mpsc::unbounded_channel();
        Self {
            calls,
            send,
            answers,
            under_way: 0,
        }
    }

    /// Takes a request up. Its answer comes from [`Self::answered`].
    pub(super) fn begin(&mut self, message: Message) {
        self.under_way += 1;
        let (calls, send) = (self.calls.clone(), self.send.clone());
        let is_full = self.under_way > MOST;
        tokio::spawn(async move {
            let answer = if is_full {
                let full = format!("{MOST} requests are under way already");
                Err(Diagnostic::error(Kind::System, full).hint("wait for their answers first"))
            } else {
                carry_out(&calls, &message.payload).await
            };
            let answer = answer.unwrap_or_else(|error| encode(&ErrorBody::from(&error)));
            // The session may have ended.
            drop(send.send((message.reply, answer)));
        });
    }

    /// Whether somebody waits for an answer.
    pub(super) fn are_under_way(&self) -> bool {
        self.under_way > 0
    }

    /// The next answer that somebody waits for, and its subject.
    pub(super) async fn answered(&mut self) -> (String, Vec<u8>) {
        loop {
            match self.answers.recv().await {
                Some((reply, answer)) => {
                    self.under_way -= 1;
                    if let Some(reply) = reply {
                        return (reply, answer);
                    }
                }
                // Never: the sender is ours as well.
                None => std::future::pending().await,
            }
        }
    }
}

async fn carry_out(calls: &Calls, payload: &[u8]) -> Result<Vec<u8>, Diagnostic> {
    let (verb, fields) = read(payload)?;
    let action = |verb| {
        let fields = fields.clone();
        async move {
            let request = body::<Request>(fields)?;
            ask(calls, |reply| Call::Action { verb, request, reply }).await
        }
    };
    match verb.as_str() {
        "status" => {
            body::<Nothing>(fields)?;
            ask(calls, |reply| Call::Status {
                request: StatusRequest::default(),
                reply,
            })
            .await
        }
        "graph" => {
            body::<Nothing>(fields)?;
            ask(calls, |reply| Call::Graph { reply }).await
        }
        "why" => {
            let Named { name } = body(fields)?;
            ask(calls, |reply| Call::Why { name, reply }).await
        }
        "reload" => {
            body::<Nothing>(fields)?;
            ask(calls, |reply| Call::Reload { reply }).await
        }
        "quit" => {
            body::<Nothing>(fields)?;
            ask(calls, |reply| Call::Quit { reply }).await
        }
        "wait" => {
            let request = body::<Wait>(fields)?;
            ask(calls, |reply| Call::Wait { request, reply }).await
        }
        "scale" => {
            let Scale { counts } = body(fields)?;
            ask(calls, |reply| Call::Scale { counts, reply }).await
        }
        "start" => action(Verb::Start).await,
        "stop" => action(Verb::Stop).await,
        "restart" => action(Verb::Restart).await,
        "kill" => action(Verb::Kill).await,
        "signal" => {
            let request = body::<Request>(fields)?;
            let name = request
                .signal
                .clone()
                .ok_or_else(|| usage("which signal? There is no `signal`"))?;
            let signal = name.parse().map_err(|error| usage(format!("{error}")))?;
            let verb = Verb::Signal(signal);
            ask(calls, |reply| Call::Action { verb, request, reply }).await
        }
        other => Err(usage(format!("there is no verb {other:?}")).hint(
            "there are status, graph, why, start, stop, restart, kill, signal, wait, reload, scale and quit",
        )),
    }
}

/// A request that says no more than its verb.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// One that is about one instance.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

fn read(payload: &[u8]) -> Result<(String, Map<String, Value>), Diagnostic> {
    let bad = |why: String| {
        usage(format!("the request makes no sense: {why}"))
            .hint(r#"a request is an object such as {"verb":"restart","names":["web"]}"#)
    };
    let Value::Object(mut fields) =
        serde_json::from_slice(payload).map_err(|error| bad(error.to_string()))?
    else {
        return Err(bad("it is no object".to_owned()));
    };
    match fields.remove("verb") {
        Some(Value::String(verb)) => Ok((verb, fields)),
        Some(_) => Err(bad("its `verb` is no text".to_owned())),
        None => Err(bad("it has no `verb`".to_owned())),
    }
}

fn body<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, Diagnostic> {
    serde_json::from_value(Value::Object(fields))
        .map_err(|error| usage(format!("the request makes no sense: {error}")))
}

async fn ask<T: Serialize>(
    calls: &Calls,
    call: impl FnOnce(Reply<T>) -> Call,
) -> Result<Vec<u8>, Diagnostic> {
    let ended = || Diagnostic::error(Kind::NotRunning, "the session has ended");
    let (reply, answer) = oneshot::channel();
    calls.send(call(reply)).map_err(|_| ended())?;
    Ok(encode(&answer.await.map_err(|_| ended())??))
}

fn encode(answer: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).expect("messages always serialize")
}

fn usage(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Kind::Usage, message)
}

/// What is said instead of an answer that the server would not take.
pub(super) fn too_large(bytes: usize) -> Vec<u8> {
    let message = format!("the answer has {bytes} bytes, more than the server takes");
    let error =
        Diagnostic::error(Kind::System, message).hint("ask for fewer services, or over the session's socket");
    encode(&ErrorBody::from(&error))
}

#[cfg(test)]
mod tests {
    use super::{Commands, MOST, too_large};
    use crate::api::call::{Call, Verb};
    use crate::api::messages::{ErrorBody, Results};
    use crate::nats::Message;
    use tokio::sync::mpsc;

    fn message(payload: &str) -> Message {
        Message {
            reply: Some("_INBOX.a".to_owned()),
            payload: payload.as_bytes().to_vec(),
        }
    }

    async fn error_of(payload: &str) -> ErrorBody {
        let (calls, _kept) = mpsc::unbounded_channel();
        let mut commands = Commands::new(calls);
        commands.begin(message(payload));
        let (_, answer) = commands.answered().await;
        serde_json::from_slice(&answer).unwrap()
    }

    #[tokio::test]
    async fn a_request_is_asked_of_the_controller_and_answered_in_the_apis_words() {
        let (calls, mut asked) = mpsc::unbounded_channel();
        let mut commands = Commands::new(calls);
        commands.begin(message(r#"{"verb":"restart","names":["web"],"no_wait":true}"#));
        let Some(Call::Action { verb, request, reply }) = asked.recv().await else {
            panic!("no action");
        };
        assert_eq!((verb, request.no_wait), (Verb::Restart, true));
        assert_eq!(request.names, ["web"]);
        let results = Results {
            schema: 1,
            results: Vec::new(),
        };
        reply.send(Ok(results.clone())).unwrap();
        let (subject, answer) = commands.answered().await;
        assert_eq!(subject, "_INBOX.a");
        assert_eq!(serde_json::from_slice::<Results>(&answer).unwrap(), results);
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_an_error_with_a_code_and_touches_nothing() {
        for payload in [
            "",
            "[]",
            "{}",
            r#"{"verb":1}"#,
            r#"{"verb":"restrat"}"#,
            r#"{"verb":"why"}"#,
            // With a misspelt `names`, it would mean all.
            r#"{"verb":"stop","name":["web"]}"#,
            r#"{"verb":"status","names":["web"]}"#,
            r#"{"verb":"signal","names":["web"]}"#,
            r#"{"verb":"signal","names":["web"],"signal":"NOPE"}"#,
        ] {
            assert_eq!(error_of(payload).await.error.code, "usage", "{payload}");
        }
    }

    #[tokio::test]
    async fn more_requests_than_can_be_under_way_are_refused_and_the_others_go_on() {
        let (calls, mut asked) = mpsc::unbounded_channel();
        let mut commands = Commands::new(calls);
        for _ in 0..=MOST {
            commands.begin(message(r#"{"verb":"status"}"#));
        }
        let (_, answer) = commands.answered().await;
        let error: ErrorBody = serde_json::from_slice(&answer).unwrap();
        assert_eq!(error.error.code, "system");
        let mut count = 0;
        while asked.try_recv().is_ok() {
            count += 1;
        }
        assert_eq!(count, MOST);
    }

    #[test]
    fn an_answer_that_the_server_would_not_take_is_an_error_instead() {
        let error: ErrorBody = serde_json::from_slice(&too_large(5)).unwrap();
        assert!(error.error.message.contains("5 bytes"));
    }
}
