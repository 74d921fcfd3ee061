//! The live terminal of a service over TCP.

use crate::harness::Served;
use crate::harness::processes;
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::TcpStream;

/// tmux's key to detach.
const DETACH: &str = "\x02d";

#[test]
fn a_terminal_over_tcp_is_typed_into_resized_and_left() {
    let served = Served::start("web: sleep 1000\nask: asker\n");
    served
        .project
        .wait_service("ask", "to wait for input", |service| service.waits_for_input);
    let address = format!("tcp://{}", served.address);
    let connect = |args: &[&str]| {
        let call = served.project.cmd(&[&["connect", "-s", &address], args].concat());
        call.dir("/").env("OVR_TOKEN", &served.token).terminal()
    };
    let view = connect(&["ask"]);
    view.wait_for_screen_text("leave: Ctrl-b d");
    view.resize(30, 100);
    view.wait_for_screen("the status line in the last of 30 rows", |screen| {
        let rows: Vec<String> = screen.rows(0, 100).collect();
        rows.len() == 30 && rows[29].contains("Ctrl-b d")
    });
    let looker = connect(&["-r", "ask"]);
    looker.wait_for_screen_text("read-only");
    looker.type_keys("no\r");
    view.type_keys("yes\r");
    assert_eq!(served.project.wait_out("answer"), "yes");
    looker.wait_for_screen_text("answer: yes");
    view.type_keys(DETACH);
    assert_eq!(view.wait_exit(), 0);
    view.wait_for_output("left ask");
    looker.type_keys(DETACH);
    assert_eq!(looker.wait_exit(), 0);
    connect(&["nobody"]).wait_for_output("no service");
}

#[test]
fn a_terminal_ends_with_its_client_and_with_the_session() {
    let served = Served::start("web: echo here is web; sleep 1000\n");
    let address = format!("tcp://{}", served.address);
    let connect = || {
        let call = served.project.cmd(&["connect", "web", "-s", &address]);
        call.env("OVR_TOKEN", &served.token).terminal()
    };
    let killed = connect();
    killed.wait_for_screen_text("here is web");
    served
        .project
        .wait_service("web", "to be looked at", |service| service.attached == 1);
    processes::kill(killed.pid, Signal::KILL);
    served
        .project
        .wait_service("web", "to be looked at no more", |service| service.attached == 0);
    let views = || served.project.processes_with("ovr-view-");
    served
        .project
        .wait_until("the view's process to be gone", || views().is_empty());
    let last = connect();
    last.wait_for_screen_text("here is web");
    served.project.ovr(&["quit"]).success();
    assert_eq!(last.wait_exit(), 0);
    // It may still be on its way down when the view has gone.
    last.wait_for_output("the session ");
}

#[test]
fn a_client_that_never_reads_its_terminal_delays_nobody() {
    let served = Served::start(
        "web: until [ -e $OUT/go ]; do sleep 0.02; done; seq 200000; echo all >$OUT/done; sleep 1000\n",
    );
    let mut client = TcpStream::connect(&served.address).unwrap();
    let request = format!(
        "GET /v1/terminal?name=web HTTP/1.1\r\n{}\r\n{}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        served.host(),
        served.bearer()
    );
    client.write_all(request.as_bytes()).unwrap();
    let mut head = [0; 12];
    client.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 101");
    served
        .project
        .wait_service("web", "to be looked at", |service| service.attached == 1);
    std::fs::write(served.project.path("out").join("go"), "").unwrap();
    assert_eq!(served.project.wait_out("done"), "all");
    served.project.ovr(&["restart", "web"]).success();
    drop(client);
    served
        .project
        .wait_service("web", "to be looked at no more", |service| service.attached == 0);
}
