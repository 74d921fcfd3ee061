//! A terminal's WebSocket over a real socket, with a made-up terminal behind it.

use super::{DEADLINE, Session};
use crate::api::Call;
use crate::api::call::{Terminal, TerminalInput};
use bytes::Bytes;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc as std_mpsc;
use tokio::sync::mpsc;

/// Close code 1013 as it goes over the wire.
const TRY_AGAIN: [u8; 2] = [0x03, 0xf5];
/// And 1000, and 1008.
pub(super) const NORMAL: [u8; 2] = [0x03, 0xe8];
pub(super) const POLICY: [u8; 2] = [0x03, 0xf0];

/// Opens the WebSocket of a terminal.
fn open(session: &Session, query: &str) -> UnixStream {
    upgrade(session, &format!("/v1/terminal{query}"))
}

/// Opens the WebSocket `target`.
pub(super) fn upgrade(session: &Session, target: &str) -> UnixStream {
    let mut stream = UnixStream::connect(session.socket()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(opening(target, "").as_bytes()).unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(
        head.starts_with(b"HTTP/1.1 101"),
        "{}",
        String::from_utf8_lossy(&head)
    );
    stream
}

/// The request for it, with one more header.
pub(super) fn opening(target: &str, header: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n{header}\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
}

/// A short frame of a client, masked with zeros.
pub(super) fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 126);
    [&[0x80 | kind, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

/// A close frame at the end of what came, and its code.
pub(super) fn close_code(bytes: &[u8]) -> Option<[u8; 2]> {
    let at = bytes.iter().rposition(|byte| *byte == 0x88)?;
    let code = bytes.get(at + 2..at + 4)?;
    (bytes.len() == at + 2 + usize::from(bytes[at + 1])).then(|| code.try_into().unwrap())
}

#[test]
fn a_client_that_takes_nothing_is_cut_off_with_a_reason_and_the_view_ends_at_once() {
    let (tell, told) = std_mpsc::channel();
    let session = Session::answering(move |call| {
        let Call::Terminal { reply, .. } = call else {
            return;
        };
        let (send, output) = mpsc::channel(4);
        let (input, _typed) = mpsc::channel(4);
        assert!(reply.send(Ok(Terminal { output, input })).is_ok());
        let tell = tell.clone();
        tokio::spawn(async move {
            // More than any socket holds; it stops when the view has been let go.
            while send.send(Bytes::from(vec![b'x'; 16 * 1024])).await.is_ok() {}
            tell.send("ended").unwrap();
        });
    });
    let mut client = open(&session, "?name=web");
    assert_eq!(told.recv_timeout(DEADLINE).unwrap(), "ended");
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    assert_eq!(close_code(&rest), Some(TRY_AGAIN), "{} bytes", rest.len());
}

#[test]
fn what_is_typed_and_resized_arrives_and_nonsense_ends_it() {
    let (tell, told) = std_mpsc::channel();
    let session = Session::answering(move |call| {
        let Call::Terminal { request, reply } = call else {
            return;
        };
        tell.send(format!(
            "{:?} {} {}x{}",
            request.name, request.write, request.cols, request.rows
        ))
        .unwrap();
        let (send, output) = mpsc::channel(4);
        let (input, mut typed) = mpsc::channel(4);
        assert!(reply.send(Ok(Terminal { output, input })).is_ok());
        let tell = tell.clone();
        tokio::spawn(async move {
            send.send(Bytes::from_static(b"screen")).await.unwrap();
            while let Some(input) = typed.recv().await {
                if input == TerminalInput::Keys(Bytes::from_static(b"leave")) {
                    return;
                }
                tell.send(format!("{input:?}")).unwrap();
            }
        });
    });
    let asked = || told.recv_timeout(DEADLINE).unwrap();
    let mut client = open(&session, "?name=web%232&write=true&cols=100&rows=30");
    assert_eq!(asked(), "Some(\"web#2\") true 100x30");
    client.write_all(&frame(2, b"\x03\xff")).unwrap();
    assert_eq!(asked(), r#"Keys(b"\x03\xff")"#);
    client
        .write_all(&frame(1, br#"{"resize":{"cols":90,"rows":20}}"#))
        .unwrap();
    assert_eq!(asked(), "Resize { cols: 90, rows: 20 }");
    client.write_all(&frame(2, b"leave")).unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    assert!(rest.starts_with(b"\x82\x06screen"), "{rest:?}");
    assert_eq!(close_code(&rest), Some(NORMAL), "{rest:?}");

    for nonsense in [
        &b"hello"[..],
        b"{}",
        br#"{"resize":{"cols":0,"rows":20}}"#,
        br#"{"resize":{"cols":90}}"#,
        br#"{"explode":true}"#,
    ] {
        let mut client = open(&session, "");
        assert_eq!(asked(), "None false 80x24");
        client.write_all(&frame(1, nonsense)).unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).unwrap();
        assert_eq!(
            close_code(&rest),
            Some(POLICY),
            "{}",
            String::from_utf8_lossy(nonsense)
        );
    }
}
