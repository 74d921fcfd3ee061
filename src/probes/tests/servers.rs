//! tcp, http and https checks.

use super::{LONG, SHORT, attempt, free, http, open_files, run, serve, status, surroundings, tcp, tried};
use crate::model::{Check, HttpCheck};
use crate::probes::{http as room_http, tcp as room_tcp};
use crate::tls;
use hyper::Request;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring};

/// For localhost and 127.0.0.1, signed by itself.
const PEM: &[u8] = include_bytes!("localhost.pem");

#[test]
fn a_listener_makes_a_tcp_check_good_and_its_absence_is_told_with_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    assert_eq!(tried(&tcp(address), LONG).unwrap().peer, Some(address));
    drop(listener);
    assert_eq!(
        tried(&tcp(address), LONG).unwrap_err(),
        format!("connection refused on {address}")
    );
}

#[test]
fn a_name_is_looked_up_and_each_of_its_addresses_is_tried() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let check = |host: &str| Check::Tcp {
        host: host.to_owned(),
        port,
    };
    assert!(tried(&check("localhost"), LONG).is_ok());
    let unknown = tried(&check("no-such-host.invalid"), LONG).unwrap_err();
    assert!(
        unknown.starts_with("cannot find the host no-such-host.invalid"),
        "{unknown}"
    );
}

#[test]
fn any_status_from_200_to_399_is_good_unless_one_is_wanted() {
    for (answered, wanted, expected) in [
        (200, None, Ok(())),
        (204, None, Ok(())),
        (304, None, Ok(())),
        (404, None, Err("HTTP 404 (wanted 200 to 399)")),
        (200, Some(200), Ok(())),
        (503, Some(503), Ok(())),
        (503, Some(200), Err("HTTP 503 (wanted 200)")),
        (204, Some(200), Err("HTTP 204 (wanted 200)")),
    ] {
        let address = serve(move |_| status(answered));
        let check = Check::Http(http(address, "/", wanted));
        let outcome = tried(&check, LONG).map(|good| assert_eq!(good.peer, Some(address)));
        assert_eq!(outcome, expected.map_err(str::to_owned));
    }
}

#[test]
fn the_request_has_its_path_its_query_its_host_and_the_headers_of_the_check() {
    let address = serve(|head| {
        let lines: Vec<&str> = head.lines().collect();
        let good = lines[0] == "GET /health?full=1 HTTP/1.1"
            && lines.contains(&"host: shop.test")
            && lines.contains(&"x-probe: yes")
            && lines.iter().any(|line| line.starts_with("user-agent: ovr/"));
        status(if good { 200 } else { 400 })
    });
    let mut check = http(address, "/health?full=1", Some(200));
    check.headers = vec![
        ("Host".to_owned(), "shop.test".to_owned()),
        ("X-Probe".to_owned(), "yes".to_owned()),
    ];
    tried(&Check::Http(check), LONG).unwrap();
}

#[test]
fn redirects_are_followed_to_their_end_and_not_for_ever() {
    let redirect = |to: &str| format!("HTTP/1.1 302 x\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
    let address = serve(move |head| match head.split(' ').nth(1) {
        Some("/") => redirect("/a/b"),
        Some("/a/b") => redirect("c"),
        Some("/a/c") => status(201),
        Some("/round") => redirect("/round"),
        Some("/lost") => status(302),
        _ => status(500),
    });
    let to = |path: &str, wanted| tried(&Check::Http(http(address, path, wanted)), LONG).map(|_| ());
    assert_eq!(to("/", None), Ok(()));
    assert_eq!(to("/", Some(201)), Ok(()));
    assert_eq!(to("/", Some(302)), Ok(()));
    assert_eq!(to("/", Some(200)), Err("HTTP 201 (wanted 200)".to_owned()));
    assert_eq!(to("/round", None), Err("more than 10 redirects".to_owned()));
    assert_eq!(to("/lost", None), Ok(()));
}

#[test]
fn a_redirect_to_another_server_is_an_answer_where_no_status_is_wanted() {
    let elsewhere = free();
    let address = serve(move |_| format!("HTTP/1.1 307 x\r\nlocation: http://{elsewhere}/login\r\n\r\n"));
    assert!(tried(&Check::Http(http(address, "/", None)), LONG).is_ok());
    assert_eq!(
        tried(&Check::Http(http(address, "/", Some(200))), LONG).unwrap_err(),
        format!("connection refused on {elsewhere}")
    );
}

#[test]
fn what_accepts_and_never_answers_has_failed_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let check = Check::Http(http(listener.local_addr().unwrap(), "/", None));
    assert_eq!(tried(&check, SHORT).unwrap_err(), "no answer within 100 ms");
}

#[test]
fn what_is_no_http_server_is_told_as_such() {
    let garbage = serve(|_| "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned());
    assert_eq!(
        tried(&Check::Http(http(garbage, "/", None)), LONG).unwrap_err(),
        "what answers does not speak http"
    );
    let silent = serve(|_| String::new());
    assert_eq!(
        tried(&Check::Http(http(silent, "/", None)), LONG).unwrap_err(),
        "the connection was closed without a response"
    );
}

#[test]
fn a_path_or_header_that_cannot_be_sent_is_told() {
    let mut check = http(free(), "/a b", None);
    let told = tried(&Check::Http(check.clone()), LONG).unwrap_err();
    assert!(
        told.starts_with("the path \"/a b\" cannot be asked for"),
        "{told}"
    );
    check.path = "/".to_owned();
    check.headers = vec![("X".to_owned(), "a\nb".to_owned())];
    let told = tried(&Check::Http(check), LONG).unwrap_err();
    assert!(told.starts_with("a header cannot be sent"), "{told}");
}

/// A server with the certificate of [`PEM`] that answers 200, for as many connections as come.
fn serve_tls() -> SocketAddr {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate()], PrivateKeyDer::from_pem_slice(PEM).unwrap())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        run(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // A client that does not trust us hangs up.
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let answer = status(200);
                    tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes())
                        .await
                        .unwrap();
                }
            }
        });
    });
    address
}

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(PEM).unwrap()
}

/// One exchange with a server whose certificate is trusted.
async fn trusting(address: SocketAddr, host: &str, config: Arc<ClientConfig>) -> Result<u16, String> {
    let (stream, _) = room_tcp::connect("127.0.0.1", address.port()).await?;
    let stream = tls::handshake(config, stream, host, "https").await?;
    let request = Request::get("/").header("host", host).body(String::new());
    let response = room_http::exchange(stream, request.unwrap()).await?;
    Ok(response.status().as_u16())
}

#[test]
fn https_is_spoken_where_the_certificate_is_trusted_and_its_name_fits() {
    let address = serve_tls();
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).unwrap();
    let config = tls::config(roots).unwrap();
    let asked = |host: &str| run(trusting(address, host, Arc::clone(&config)));
    assert_eq!(asked("localhost"), Ok(200));
    assert_eq!(asked("127.0.0.1"), Ok(200));
    let told = asked("shop.test").unwrap_err();
    assert!(told.starts_with("its certificate is not trusted"), "{told}");
}

#[test]
fn a_certificate_that_nobody_vouches_for_and_a_server_without_tls_are_told() {
    let over_tls = |address: SocketAddr| {
        Check::Http(HttpCheck {
            tls: true,
            ..http(address, "/", None)
        })
    };
    let told = tried(&over_tls(serve_tls()), LONG).unwrap_err();
    assert!(told.starts_with("its certificate is not trusted"), "{told}");
    let plain = serve(|_| status(200));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = over_tls(listener.local_addr().unwrap());
    assert_eq!(tried(&silent, SHORT).unwrap_err(), "no answer within 100 ms");
    // It waits for the end of a request that never comes, as far as it can tell.
    assert!(tried(&over_tls(plain), SHORT).is_err());
}

#[test]
fn thousands_of_attempts_leave_nothing_open() {
    let good = serve(|_| status(200));
    let bad = free();
    run(async {
        let mut before = None;
        for round in 0..3000 {
            let address = if round % 3 == 0 { bad } else { good };
            let check = if round % 2 == 0 {
                Check::Http(http(address, "/", None))
            } else {
                tcp(address)
            };
            let outcome = attempt(&check, surroundings("t"), LONG).await;
            assert_eq!(outcome.is_ok(), address == good, "{outcome:?}");
            if round == 10 {
                before = open_files();
            }
        }
        // The server's own end of the last connection may still be open, and other tests have files too.
        let grown = open_files()
            .zip(before)
            .map_or(0, |(after, before)| after.saturating_sub(before));
        assert!(grown < 100, "{grown} more open files");
    });
}
