//! Attempts against real listeners and real commands on this machine; ports are the system's choice.

mod commands;
#[cfg(target_os = "linux")]
mod families;
mod servers;

use super::{Good, Reason, Surroundings, attempt};
use crate::model::{Check, HttpCheck};
use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

fn surroundings(token: &str) -> Surroundings {
    let path = std::env::var("PATH").unwrap();
    Surroundings {
        env: [
            ("PATH".to_owned(), path),
            ("GREETING".to_owned(), "hello".to_owned()),
        ]
        .into_iter()
        .collect(),
        token: ("PROBE_TOKEN", token.to_owned()),
        prepare: || Ok(()),
        end_marked: |_| {},
    }
}

fn tried(check: &Check, limit: Duration) -> Result<Good, Reason> {
    run(attempt(check, surroundings("t"), limit))
}

fn tcp(address: SocketAddr) -> Check {
    Check::Tcp {
        host: address.ip().to_string(),
        port: address.port(),
    }
}

fn http(address: SocketAddr, path: &str, status: Option<u16>) -> HttpCheck {
    HttpCheck {
        tls: false,
        host: address.ip().to_string(),
        port: address.port(),
        path: path.to_owned(),
        headers: Vec::new(),
        status,
    }
}

/// An address that nobody listens on.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Answers each connection with what `answer` makes of its request's head, until the test is over.
fn serve(answer: impl Fn(&str) -> String + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                head.push(byte[0]);
            }
            // A client that has gone is none of the server's business.
            let _gone = stream.write_all(answer(&String::from_utf8_lossy(&head)).as_bytes());
        }
    });
    address
}

fn status(code: u16) -> String {
    format!("HTTP/1.1 {code} x\r\ncontent-length: 0\r\n\r\n")
}

fn open_files() -> Option<usize> {
    let path = Path::new("/proc/self/fd");
    path.exists().then(|| std::fs::read_dir(path).unwrap().count())
}
