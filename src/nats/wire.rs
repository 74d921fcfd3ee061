//! The lines that NATS speaks: what the server says out of bytes, what we say into bytes. No connection.

use super::address::Login;
use serde::{Deserialize, Serialize};

/// No line of control is longer; an INFO with many URLs may be long.
const MAX_LINE: usize = 64 * 1024;
/// No message that is meant for us is larger.
const MAX_MESSAGE: usize = 1024 * 1024;

/// What the server has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Info(Info),
    Message(Message),
    Ping,
    Pong,
    /// The server refuses something, in its own words.
    Refused(String),
}

/// Somebody has published to a subject of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Where the answer goes, if one is awaited.
    pub(crate) reply: Option<String>,
    pub(crate) payload: Vec<u8>,
}

/// What the server says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Info {
    #[serde(default)]
    pub(super) headers: bool,
    #[serde(default)]
    pub(super) tls_required: bool,
    #[serde(default)]
    pub(super) max_payload: usize,
}

/// Takes the next thing that the server has said from the front of `bytes`; `None` if it is not all there yet.
pub(super) fn take(bytes: &mut Vec<u8>) -> Result<Option<Received>, String> {
    loop {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            return if bytes.len() > MAX_LINE {
                Err("it sends a line without an end".to_owned())
            } else {
                Ok(None)
            };
        };
        let line = String::from_utf8_lossy(&bytes[..end]).trim_end().to_owned();
        let (word, rest) = line.split_once([' ', '\t']).unwrap_or((&line, ""));
        let received = match word.to_ascii_uppercase().as_str() {
            "INFO" => {
                let info = serde_json::from_str(rest)
                    .map_err(|error| format!("its INFO makes no sense: {error}"))?;
                Some(Received::Info(info))
            }
            "PING" => Some(Received::Ping),
            "PONG" => Some(Received::Pong),
            "-ERR" => Some(Received::Refused(rest.trim_matches('\'').to_owned())),
            "MSG" | "HMSG" => return message(bytes, end + 1, word, rest),
            // `+OK` is not asked for, and an empty line is nobody's.
            "+OK" | "" => None,
            _ => return Err("what answers does not speak NATS".to_owned()),
        };
        bytes.drain(..=end);
        if let Some(received) = received {
            return Ok(Some(received));
        }
    }
}

/// `MSG subject sid [reply] size`, `HMSG subject sid [reply] header-size size`; then the payload begins at `start`.
fn message(bytes: &mut Vec<u8>, start: usize, word: &str, rest: &str) -> Result<Option<Received>, String> {
    let nonsense = || "it sends a message that makes no sense".to_owned();
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let with_header = word.eq_ignore_ascii_case("HMSG");
    let sizes = 1 + usize::from(with_header);
    let reply = match words.len().checked_sub(sizes) {
        Some(2) => None,
        Some(3) => Some(words[2].to_owned()),
        _ => return Err(nonsense()),
    };
    let number = |at: usize| words[words.len() - at].parse::<usize>().map_err(|_| nonsense());
    let size = number(1)?;
    let header = if with_header { number(2)? } else { 0 };
    if size > MAX_MESSAGE || header > size {
        return Err(nonsense());
    }
    let end = start + size;
    if bytes.len() < end + 2 {
        return Ok(None);
    }
    let payload = bytes[start + header..end].to_vec();
    bytes.drain(..end + 2);
    Ok(Some(Received::Message(Message { reply, payload })))
}

#[derive(Serialize)]
struct Connect<'a> {
    verbose: bool,
    pedantic: bool,
    tls_required: bool,
    name: &'a str,
    lang: &'a str,
    version: &'a str,
    protocol: u8,
    headers: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pass: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_token: Option<&'a str>,
}

pub(super) fn connect(login: &Login, name: &str, tls: bool) -> Vec<u8> {
    let (user, pass, auth_token) = match login {
        Login::None => (None, None, None),
        Login::Token(token) => (None, None, Some(token.as_str())),
        Login::Password { user, password } => (Some(user.as_str()), Some(password.as_str()), None),
    };
    let connect = Connect {
        verbose: false,
        pedantic: false,
        tls_required: tls,
        name,
        lang: "rust",
        version: env!("CARGO_PKG_VERSION"),
        protocol: 1,
        headers: true,
        user,
        pass,
        auth_token,
    };
    let json = serde_json::to_string(&connect).expect("plain fields always serialize");
    format!("CONNECT {json}\r\n").into_bytes()
}

/// Appends a message. `id`: by which a stream that keeps messages (JetStream) knows one that it has already.
pub(super) fn publish(out: &mut Vec<u8>, subject: &str, id: Option<&str>, payload: &[u8]) {
    let header = id.map(|id| format!("NATS/1.0\r\nNats-Msg-Id: {id}\r\n\r\n"));
    let head = match &header {
        Some(header) => format!(
            "HPUB {subject} {} {}\r\n{header}",
            header.len(),
            header.len() + payload.len()
        ),
        None => format!("PUB {subject} {}\r\n", payload.len()),
    };
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(payload);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::{Info, Message, Received, connect, publish, take};
    use crate::nats::address::Login;

    fn all(text: &[u8]) -> Result<Vec<Received>, String> {
        let (mut bytes, mut received) = (Vec::new(), Vec::new());
        // As a slow peer would send it.
        for byte in text {
            bytes.push(*byte);
            while let Some(next) = take(&mut bytes)? {
                received.push(next);
            }
        }
        assert!(bytes.is_empty(), "{}", String::from_utf8_lossy(&bytes));
        Ok(received)
    }

    #[test]
    fn what_a_server_says_is_read_however_it_is_cut() {
        let text = b"INFO {\"headers\":true,\"max_payload\":9,\"new\":[1]}\r\n+OK\r\nPING\r\nPONG\r\n\
            MSG ovr.shop.cmd 1 5\r\nhi\r\n!\r\nMSG ovr.shop.cmd 1 _INBOX.a 0\r\n\r\n\
            HMSG ovr.shop.cmd 1 _INBOX.b 12 14\r\nNATS/1.0\r\n\r\nok\r\n-ERR 'Authorization Violation'\r\n";
        let message = |reply: Option<&str>, payload: &[u8]| {
            Received::Message(Message {
                reply: reply.map(str::to_owned),
                payload: payload.to_vec(),
            })
        };
        let info = Info {
            headers: true,
            tls_required: false,
            max_payload: 9,
        };
        assert_eq!(
            all(text).unwrap(),
            [
                Received::Info(info),
                Received::Ping,
                Received::Pong,
                message(None, b"hi\r\n!"),
                message(Some("_INBOX.a"), b""),
                message(Some("_INBOX.b"), b"ok"),
                Received::Refused("Authorization Violation".to_owned()),
            ]
        );
    }

    #[test]
    fn what_is_no_nats_is_an_error_and_nothing_grows_without_bound() {
        let endless = vec![b'x'; super::MAX_LINE + 1];
        for text in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"INFO nothing\r\n",
            b"MSG a\r\n",
            b"MSG a 1 99999999999\r\n",
            b"MSG a 1 -1\r\n",
            b"HMSG a 1 9 3\r\n",
            &endless,
        ] {
            assert!(all(text).is_err());
        }
    }

    #[test]
    fn what_we_say_is_what_the_protocol_wants() {
        let mut out = Vec::new();
        publish(&mut out, "ovr.shop.web.exited", Some("a-7"), b"{}");
        publish(&mut out, "_INBOX.a", None, b"{}");
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "HPUB ovr.shop.web.exited 30 32\r\nNATS/1.0\r\nNats-Msg-Id: a-7\r\n\r\n{}\r\nPUB _INBOX.a 2\r\n{}\r\n"
        );
        let login = Login::Password {
            user: "me".to_owned(),
            password: "a\"b".to_owned(),
        };
        let text = String::from_utf8(connect(&login, "ovr shop", false)).unwrap();
        assert!(text.contains(r#""user":"me","pass":"a\"b"}"#), "{text}");
    }
}
