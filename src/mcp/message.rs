//! One message of JSON-RPC 2.0: from a line's bytes to what is asked, and from an answer to a line. Pure.

use serde_json::{Map, Value, json};

/// Why a request is refused, by JSON-RPC's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The line is no JSON.
    Parse,
    /// It is JSON and no request.
    Invalid,
    NoSuchMethod,
    /// The method's parameters make no sense.
    Params,
    /// Our own fault.
    Internal,
}

impl Code {
    fn number(self) -> i32 {
        match self {
            Self::Parse => -32700,
            Self::Invalid => -32600,
            Self::NoSuchMethod => -32601,
            Self::Params => -32602,
            Self::Internal => -32603,
        }
    }
}

/// Which request an answer belongs to: a number or a text, given back as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id(Value);

impl Id {
    /// `None`: this is no id.
    pub fn read(value: &Value) -> Option<Self> {
        (value.is_number() || value.is_string()).then(|| Self(value.clone()))
    }

    /// Tells `1` and `"1"` apart.
    pub fn key(&self) -> String {
        self.0.to_string()
    }
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    Request {
        id: Id,
        method: String,
        params: Map<String, Value>,
    },
    /// Nobody waits for an answer.
    Notification {
        method: String,
        params: Map<String, Value>,
    },
    /// To nothing that we asked, for we ask nothing. Answering one could go on for ever.
    Answer,
    Wrong {
        id: Option<Id>,
        code: Code,
        why: String,
    },
}

/// Reads one line.
pub fn read(line: &[u8]) -> Incoming {
    let wrong = |id, code, why: String| Incoming::Wrong { id, code, why };
    let object = match serde_json::from_slice(line) {
        Ok(Value::Object(object)) => object,
        Ok(Value::Array(_)) => {
            return wrong(
                None,
                Code::Invalid,
                "batches are not taken: send one message a line".to_owned(),
            );
        }
        Ok(_) => return wrong(None, Code::Invalid, "a message is an object".to_owned()),
        Err(error) => return wrong(None, Code::Parse, error.to_string()),
    };
    let id = object.get("id").and_then(Id::read);
    let method = match object.get("method") {
        Some(Value::String(method)) => method.clone(),
        None if object.contains_key("result") || object.contains_key("error") => return Incoming::Answer,
        Some(_) | None => return wrong(id, Code::Invalid, "`method` has to be a text".to_owned()),
    };
    if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return wrong(id, Code::Invalid, "`jsonrpc` has to be \"2.0\"".to_owned());
    }
    let params = match object.get("params") {
        Some(Value::Object(params)) => params.clone(),
        None | Some(Value::Null) => Map::new(),
        Some(_) => return wrong(id, Code::Params, "`params` has to be an object".to_owned()),
    };
    match (id, object.contains_key("id")) {
        (Some(id), _) => Incoming::Request { id, method, params },
        (None, false) => Incoming::Notification { method, params },
        (None, true) => wrong(
            None,
            Code::Invalid,
            "`id` has to be a number or a text".to_owned(),
        ),
    }
}

/// The line that answers a request, with its end.
pub fn result(id: &Id, result: &Value) -> String {
    line(&json!({ "jsonrpc": "2.0", "id": id.0, "result": result }))
}

/// The line that refuses one; without `id` where it could not be told.
pub fn refusal(id: Option<&Id>, code: Code, why: &str) -> String {
    let id = id.map_or(Value::Null, |id| id.0.clone());
    line(&json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code.number(), "message": why } }))
}

/// JSON has no line ends of its own: those in texts are escaped.
fn line(message: &Value) -> String {
    format!("{message}\n")
}

#[cfg(test)]
mod tests {
    use super::{Code, Id, Incoming, read, refusal, result};
    use serde_json::{Map, json};

    #[test]
    fn requests_notifications_and_answers_are_told_apart() {
        let id = Id::read(&json!("a")).unwrap();
        assert_eq!(
            read(br#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#),
            Incoming::Request {
                id: id.clone(),
                method: "ping".into(),
                params: Map::new()
            }
        );
        assert!(matches!(
            read(br#"{"jsonrpc":"2.0","method":"x","params":{"a":1}}"#),
            Incoming::Notification { params, .. } if params["a"] == 1
        ));
        assert_eq!(read(br#"{"jsonrpc":"2.0","id":1,"result":{}}"#), Incoming::Answer);
        assert_eq!(
            read(br#"{"jsonrpc":"2.0","id":null,"error":{}}"#),
            Incoming::Answer
        );
        assert_ne!(
            Id::read(&json!(1)).unwrap().key(),
            Id::read(&json!("1")).unwrap().key()
        );
        assert_eq!(
            result(&id, &json!("x\ny")),
            "{\"id\":\"a\",\"jsonrpc\":\"2.0\",\"result\":\"x\\ny\"}\n"
        );
    }

    #[test]
    fn what_is_no_message_is_refused_with_its_number() {
        let deep = "[".repeat(100_000);
        for (line, code) in [
            ("", Code::Parse),
            ("not json", Code::Parse),
            (deep.as_str(), Code::Parse),
            ("{\"jsonrpc\":\"2.0\"", Code::Parse),
            ("7", Code::Invalid),
            ("[]", Code::Invalid),
            ("{}", Code::Invalid),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, Code::Invalid),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, Code::Invalid),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, Code::Invalid),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, Code::Invalid),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#,
                Code::Params,
            ),
        ] {
            let read = read(line.as_bytes());
            assert!(
                matches!(&read, Incoming::Wrong { code: told, .. } if *told == code),
                "{line:.60}: {read:?}"
            );
        }
        assert!(matches!(
            read(b"\xff\xfe"),
            Incoming::Wrong {
                code: Code::Parse,
                ..
            }
        ));
        assert!(refusal(None, Code::Parse, "why").contains("\"id\":null"));
    }
}
