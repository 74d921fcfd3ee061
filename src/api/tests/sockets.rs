//! The socket itself: whose it is, what becomes of it, and how a server ends.

use super::{Session, results, status};
use crate::api::Call;
use crate::api::server::{bind, serve};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc as std_mpsc;

#[test]
fn a_deleted_socket_can_be_bound_anew_beside_the_old_one() {
    let (tell, told) = std_mpsc::channel::<PathBuf>();
    let session = Session::new(|mut called, calls| async move {
        tokio::spawn(async move {
            let mut second = None;
            while let Some(call) = called.recv().await {
                match call {
                    Call::Quit { reply } => {
                        let path: PathBuf = told.recv().unwrap();
                        std::fs::remove_file(&path).unwrap();
                        second = Some(serve(bind(&path).unwrap(), calls.clone()));
                        reply.send(Ok(results("bound"))).unwrap();
                    }
                    Call::Status { request: _, reply } => reply.send(Ok(status())).unwrap(),
                    other => panic!("{other:?} was not asked for"),
                }
            }
            drop(second);
        });
    });
    // Held open over the change, it still gets its answer.
    let mut early = UnixStream::connect(session.socket()).unwrap();
    tell.send(session.socket()).unwrap();
    session.client().quit().unwrap();
    assert_eq!(session.client().status().unwrap(), status());
    early
        .write_all(b"GET /v1/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    early.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn the_socket_is_for_its_owner_alone_and_takes_the_place_of_a_dead_one() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("api.sock");
    drop(UnixListener::bind(&socket).unwrap());
    std::fs::write(dir.path().join("api.sock.new"), "left by a crash").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let _listener = bind(&socket).unwrap();
        let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(UnixStream::connect(&socket).is_ok());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    });
    assert!(bind(Path::new("/nonexistent/api.sock")).is_err());
}

#[test]
fn an_answer_on_its_way_arrives_before_the_server_ends() {
    let session = Session::new(|mut called, _| async move {
        // The controller answers the quit as the last thing it does; `Session` then finishes the server.
        while let Some(call) = called.recv().await {
            if let Call::Quit { reply } = call {
                reply.send(Ok(results("quit"))).unwrap();
                return;
            }
        }
    });
    let idle = UnixStream::connect(session.socket()).unwrap();
    assert_eq!(session.client().quit().unwrap(), results("quit"));
    drop(session);
    drop(idle);
}
