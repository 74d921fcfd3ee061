//! The WebSocket of a command over a real socket, with a made-up command behind it.

use super::terminal::{NORMAL, POLICY, close_code, frame, opening, upgrade};
use super::{DEADLINE, Session};
use crate::api::Call;
use crate::api::call::{NotRun, RunInput, RunOutput, Running};
use crate::api::messages::run::INPUT_WINDOW;
use crate::diag::{Diagnostic, Kind};
use crate::model::{Exit, Signal};
use bytes::Bytes;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc as std_mpsc;
use tokio::sync::mpsc;

const RUN: &[u8] = br#"{"run":{"command":["x"]}}"#;

/// A session in which each command says what it gets, and ends when its input is `end`; `ended` once nobody wants it.
fn session(tell: std_mpsc::Sender<String>) -> Session {
    Session::answering(move |call| {
        let Call::Run { request, reply } = call else {
            return;
        };
        tell.send(format!("{request:?}")).unwrap();
        if request.command == ["nope"] {
            let error = Diagnostic::error(Kind::Usage, "nope: not found");
            let exit_code = Some(127);
            return reply.send(Err(NotRun { error, exit_code })).unwrap();
        }
        let (send, output) = mpsc::channel(4);
        let (input, mut asked) = mpsc::unbounded_channel();
        let running = Running {
            pid: 7,
            output,
            input,
        };
        assert!(reply.send(Ok(running)).is_ok());
        let tell = tell.clone();
        tokio::spawn(async move {
            for said in [RunOutput::Out("out".into()), RunOutput::Err("err".into())] {
                // Whoever is gone by now hears nothing.
                send.send(said).await.ok();
            }
            while let Some(input) = asked.recv().await {
                if input == RunInput::Bytes(Bytes::from_static(b"end")) {
                    send.send(RunOutput::Took(3)).await.unwrap();
                    let exit = Exit::Signal(Signal::TERM);
                    send.send(RunOutput::Ended(exit)).await.unwrap();
                    continue;
                }
                tell.send(format!("{input:?}")).unwrap();
            }
            tell.send("ended".to_owned()).unwrap();
        });
    })
}

/// What is left to read, and how the connection was closed.
fn rest(mut client: UnixStream) -> (String, Option<[u8; 2]>) {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 1024]);
    while close_code(&bytes).is_none() {
        match client.read(&mut chunk).unwrap() {
            0 => break,
            length => bytes.extend_from_slice(&chunk[..length]),
        }
    }
    // Who says good-bye is let go at once.
    client.write_all(&frame(8, b"")).unwrap();
    assert_eq!(client.read(&mut chunk).unwrap(), 0);
    (String::from_utf8_lossy(&bytes).into_owned(), close_code(&bytes))
}

#[test]
fn a_command_gets_its_input_and_orders_and_tells_its_output_and_its_end() {
    let (tell, told) = std_mpsc::channel();
    let session = session(tell);
    let heard = || told.recv_timeout(DEADLINE).unwrap();
    let mut client = upgrade(&session, "/v1/run");
    let order = br#"{"run":{"command":["a","b c"],"service":"web","terminal":{"cols":90,"rows":20}}}"#;
    client.write_all(&frame(1, order)).unwrap();
    let request = heard();
    for part in [r#"["a", "b c"]"#, r#"Some("web")"#, "cols: 90, rows: 20"] {
        assert!(request.contains(part), "{request}");
    }
    for (kind, message, input) in [
        (2, &b"\x03\xff"[..], r#"Bytes(b"\x03\xff")"#),
        (
            1,
            br#"{"resize":{"cols":80,"rows":24}}"#,
            "Resize { cols: 80, rows: 24 }",
        ),
        (1, br#"{"signal":{"signal":"TERM"}}"#, "Signal(SIGTERM)"),
        (1, br#"{"end_of_input":{}}"#, "End"),
    ] {
        client.write_all(&frame(kind, message)).unwrap();
        assert_eq!(heard(), input);
    }
    client.write_all(&frame(2, b"end")).unwrap();
    let (text, closed) = rest(client);
    let mut at = 0;
    for part in [
        r#"{"started":{"pid":7}}"#,
        "\u{1}out",
        "\u{2}err",
        r#"{"took":{"bytes":3}}"#,
        r#"{"ended":{"exit_code":null,"exit_signal":"SIGTERM"}}"#,
    ] {
        let found = text[at..]
            .find(part)
            .unwrap_or_else(|| panic!("{part} in {text:?}"));
        at += found + part.len();
    }
    assert_eq!(closed, Some(NORMAL), "{text:?}");
    assert_eq!(heard(), "ended");
}

#[test]
fn a_command_ends_with_its_client_and_one_that_is_refused_says_why() {
    let (tell, told) = std_mpsc::channel();
    let session = session(tell);
    let heard = || told.recv_timeout(DEADLINE).unwrap();
    let mut client = upgrade(&session, "/v1/run");
    client.write_all(&frame(1, RUN)).unwrap();
    heard();
    drop(client);
    assert_eq!(heard(), "ended");

    let mut client = upgrade(&session, "/v1/run");
    client
        .write_all(&frame(1, br#"{"run":{"command":["nope"]}}"#))
        .unwrap();
    let (text, closed) = rest(client);
    assert!(text.contains(r#""message":"nope: not found""#), "{text:?}");
    assert!(text.contains(r#""exit_code":127"#), "{text:?}");
    assert_eq!(closed, Some(NORMAL), "{text:?}");
}

#[test]
fn nonsense_and_input_that_nobody_has_taken_end_the_command() {
    let (tell, told) = std_mpsc::channel();
    let session = session(tell);
    let heard = || told.recv_timeout(DEADLINE).unwrap();
    for (kind, nonsense) in [
        (1, &b"hello"[..]),
        (1, b"{}"),
        (2, b"input before there is a command"),
        (1, br#"{"resize":{"cols":80,"rows":24}}"#),
        (1, br#"{"run":{"command":["x"],"terminal":{"cols":0,"rows":24}}}"#),
        (
            1,
            br#"{"run":{"command":["x"],"terminal":{"cols":1,"rows":1,"term":"a/../b"}}}"#,
        ),
    ] {
        let mut client = upgrade(&session, "/v1/run");
        client.write_all(&frame(kind, nonsense)).unwrap();
        let shown = String::from_utf8_lossy(nonsense);
        assert_eq!(rest(client).1, Some(POLICY), "{shown}");
    }
    for nonsense in [RUN, br#"{"signal":{"signal":"LAUGH"}}"#] {
        let mut client = upgrade(&session, "/v1/run");
        client.write_all(&frame(1, RUN)).unwrap();
        heard();
        client.write_all(&frame(1, nonsense)).unwrap();
        assert_eq!(
            rest(client).1,
            Some(POLICY),
            "{}",
            String::from_utf8_lossy(nonsense)
        );
        assert_eq!(heard(), "ended");
    }
    let mut client = upgrade(&session, "/v1/run");
    client.write_all(&frame(1, RUN)).unwrap();
    heard();
    let portion = [b'x'; 100];
    for _ in 0..=INPUT_WINDOW / portion.len() {
        // The last of them may come too late.
        let _refused = client.write_all(&frame(2, &portion));
    }
    assert_eq!(rest(client).1, Some(POLICY));
}

#[test]
fn no_page_can_run_a_command_and_no_request_that_is_no_web_socket() {
    let session = Session::answering(|call| panic!("{call:?} came from a page"));
    let page = opening("/v1/run", "connection: close\r\norigin: http://x\r\n");
    assert_eq!(
        session.raw(&page),
        ("403".to_owned(), Some("not_allowed".to_owned()))
    );
    let plain = "GET /v1/run HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(session.raw(plain).0, "426");
}
