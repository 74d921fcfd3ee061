//! Clients of Process Compose over TCP, with the token in the header that they know.

use crate::harness::Served;
use std::io::{Read, Write};
use std::net::TcpStream;

#[test]
fn on_tcp_the_token_is_taken_from_the_header_that_these_clients_send() {
    let served = Served::start("web: sleep 1000\n");
    let (address, token) = (&served.address, &served.token);
    let ask = |headers: &str| {
        let mut stream = TcpStream::connect(address).expect("the session listens");
        let head =
            format!("GET /processes HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers in text");
        answer
    };
    let known = ask(&format!("x-pc-token-key: {token}\r\n"));
    assert!(
        known.starts_with("HTTP/1.1 200") && known.contains("\"name\":\"web\""),
        "{known}"
    );
    for headers in [
        String::new(),
        "x-pc-token-key: 0\r\n".to_owned(),
        "x-pc-token-key:\r\n".to_owned(),
    ] {
        assert!(ask(&headers).starts_with("HTTP/1.1 401"), "{headers}");
    }
    let page = ask(&format!(
        "x-pc-token-key: {token}\r\norigin: http://evil.example\r\n"
    ));
    assert!(page.starts_with("HTTP/1.1 403"), "{page}");
}
