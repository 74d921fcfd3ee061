//! The end of a session, as those learn it who follow it from elsewhere: by its word, not by waiting for another one.

use super::Served;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Passes connections on to a session, and counts those who ask for one.
struct Passage {
    address: String,
    asked: Arc<AtomicUsize>,
}

impl Passage {
    fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(AtomicUsize::new(0));
        let (counted, target) = (Arc::clone(&asked), target.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                // Nobody is there any more: the client learns it by its connection's end.
                if let Ok(server) = TcpStream::connect(&target) {
                    let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                    thread::spawn(move || pass(from, to));
                    thread::spawn(move || pass(server, client));
                }
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    // Either side may end it at any time.
    let _ended = io::copy(&mut from, &mut to);
    let _closed = to.shutdown(std::net::Shutdown::Write);
}

#[test]
fn who_follows_a_session_elsewhere_is_told_of_its_end_and_looks_for_no_other() {
    let served = Served::start("web: echo up; sleep 1000\n");
    let follow = |args: &[&str]| {
        let passage = Passage::to(&served.address);
        let address = format!("tcp://{}", passage.address);
        let call = served.project.cmd(&[args, &["-s", &address]].concat());
        let follower = call.env("OVR_TOKEN", &served.token).piped();
        follower.wait_for_output("web");
        (passage, follower)
    };
    served
        .project
        .wait_service("web", "its line", |web| web.last_line.is_some());
    let followers = [
        follow(&["logs", "-f", "web"]),
        follow(&["logs", "-f", "web", "--since", "1h"]),
        follow(&["echo"]),
        follow(&["events", "-f"]),
    ];
    // Whoever has shown a line of the past may have yet to ask for what comes.
    served.project.ovr(&["restart", "web"]).success();
    for (_, follower) in &followers {
        follower.wait_for_output("2");
    }
    let before: Vec<usize> = followers.iter().map(|(passage, _)| passage.asked()).collect();
    served.ovr(&["quit"]).success();
    for ((passage, follower), before) in followers.iter().zip(before) {
        assert_eq!(follower.wait_exit(), 0, "{}", follower.stderr());
        let told = follower.plain() + &follower.stderr();
        assert_eq!(told.matches("the session has ended").count(), 1, "{told}");
        assert_eq!(passage.asked(), before, "it looked for another one: {told}");
    }
}

#[test]
fn the_last_line_of_a_stream_says_that_the_session_has_ended() {
    let served = Served::start("web: echo up; sleep 1000\n");
    let streams = ["/v1/output?follow=true", "/v1/logs?follow=true"].map(|target| {
        let mut stream = TcpStream::connect(&served.address).unwrap();
        stream.set_read_timeout(Some(super::DEADLINE)).unwrap();
        let (host, bearer) = (served.host(), served.bearer());
        let head = format!("GET {target} HTTP/1.1\r\nconnection: close\r\n{host}\r\n{bearer}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream).lines();
        let up = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("up")));
        assert!(up.is_some(), "{target}");
        lines
    });
    served.ovr(&["quit"]).success();
    for lines in streams {
        let lines: Vec<String> = lines
            .map(Result::unwrap)
            .filter(|line| line.starts_with('{'))
            .collect();
        let last: serde_json::Value = serde_json::from_str(lines.last().unwrap()).unwrap();
        assert_eq!(last["kind"], "end", "{lines:?}");
    }
}
