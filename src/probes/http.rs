//! An http or https check: one GET, its redirects, and the status at the end. Bodies are of no interest and
//! are not read.

use super::words::{place, plain};
use super::{Good, Reason, tcp};
use crate::model::HttpCheck;
use crate::tls;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderName, LOCATION, USER_AGENT};
use hyper::http::uri::{PathAndQuery, Scheme};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};

/// As many as other clients follow.
const MOST_REDIRECTS: usize = 10;

/// Where one request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    tls: bool,
    host: String,
    port: u16,
    /// With its query.
    path: String,
}

pub(super) async fn attempt(check: &HttpCheck) -> Result<Good, Reason> {
    let mut target = Target {
        tls: check.tls,
        host: check.host.clone(),
        port: check.port,
        path: check.path.clone(),
    };
    let mut first = None;
    for _ in 0..=MOST_REDIRECTS {
        let (response, peer) = get(&target, &check.headers).await?;
        let good = Good {
            peer: Some(*first.get_or_insert(peer)),
        };
        let status = response.status();
        if check.status == Some(status.as_u16()) {
            return Ok(good);
        }
        match redirected(&target, &response) {
            // Somebody else's answer says nothing about the service; that it sends there is its own.
            Some(next) if check.status.is_none() && !next.is_beside(&target) => return Ok(good),
            Some(next) => target = next,
            None => return judge(check, status).map(|()| good),
        }
    }
    Err(format!("more than {MOST_REDIRECTS} redirects"))
}

fn judge(check: &HttpCheck, status: StatusCode) -> Result<(), Reason> {
    match check.status {
        // The exact code has been looked for already.
        Some(wanted) => Err(format!("HTTP {} (wanted {wanted})", status.as_u16())),
        None if status.is_success() || status.is_redirection() => Ok(()),
        None => Err(format!("HTTP {} (wanted 200 to 399)", status.as_u16())),
    }
}

impl Target {
    /// Whether the same server answers there.
    fn is_beside(&self, other: &Self) -> bool {
        (&self.host, self.port) == (&other.host, other.port)
    }
}

/// Where the response sends to, if it does.
fn redirected(from: &Target, response: &Response<Incoming>) -> Option<Target> {
    match response.status().as_u16() {
        301 | 302 | 303 | 307 | 308 => {
            let location = response.headers().get(LOCATION)?.to_str().ok()?;
            resolve(from, location)
        }
        _ => None,
    }
}

/// A location is absolute (`https://b/x`), without scheme (`//b/x`), or a path from the root or from here.
fn resolve(from: &Target, location: &str) -> Option<Target> {
    let location = location.split('#').next().unwrap_or_default();
    let own_scheme = if from.tls { "https" } else { "http" };
    let absolute = if location.starts_with("//") {
        format!("{own_scheme}:{location}")
    } else if location.contains("://") {
        location.to_owned()
    } else {
        let path = from.path.split('?').next().unwrap_or_default();
        let path = match location.chars().next() {
            None => from.path.clone(),
            Some('/') => location.to_owned(),
            Some('?') => format!("{path}{location}"),
            Some(_) => {
                let directory = path.rfind('/').map_or("/", |slash| &path[..=slash]);
                format!("{directory}{location}")
            }
        };
        return Some(Target { path, ..from.clone() });
    };
    let uri: Uri = absolute.parse().ok()?;
    let tls = match uri.scheme()? {
        scheme if *scheme == Scheme::HTTPS => true,
        scheme if *scheme == Scheme::HTTP => false,
        _ => return None,
    };
    Some(Target {
        tls,
        host: uri.host()?.to_owned(),
        port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
        path: uri.path_and_query().map_or("/", PathAndQuery::as_str).to_owned(),
    })
}

async fn get(
    target: &Target,
    headers: &[(String, String)],
) -> Result<(Response<Incoming>, SocketAddr), Reason> {
    let request = request(target, headers)?;
    let (stream, peer) = tcp::connect(&target.host, target.port).await?;
    let response = if target.tls {
        exchange(tls::connect(stream, &target.host, "https").await?, request).await
    } else {
        exchange(stream, request).await
    };
    Ok((response?, peer))
}

fn request(target: &Target, headers: &[(String, String)]) -> Result<Request<String>, Reason> {
    let default_port = if target.tls { 443 } else { 80 };
    let host = if target.port == default_port {
        target.host.clone()
    } else {
        place(&target.host, target.port)
    };
    let mut request = Request::get(target.path.as_str())
        .body(String::new())
        .map_err(|error| format!("the path {:?} cannot be asked for: {error}", target.path))?;
    let ours = [
        (HOST, host),
        (USER_AGENT, concat!("ovr/", env!("CARGO_PKG_VERSION")).to_owned()),
    ];
    let own = headers.iter().map(|(name, value)| {
        let name = HeaderName::try_from(name.as_str());
        (name.map_err(|_| ()), value.clone())
    });
    for (name, value) in ours.map(|(name, value)| (Ok(name), value)).into_iter().chain(own) {
        // A header of the check's own takes the place of ours.
        match (name, value.parse()) {
            (Ok(name), Ok(value)) => drop(request.headers_mut().insert(name, value)),
            (Err(()), _) | (_, Err(_)) => return Err(format!("a header cannot be sent: {value:?}")),
        }
    }
    Ok(request)
}

/// Sends the request and waits for the head of the response.
pub(super) async fn exchange<S>(stream: S, request: Request<String>) -> Result<Response<Incoming>, Reason>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| no_response(&error))?;
    let mut connection = std::pin::pin!(connection);
    let mut response = std::pin::pin!(sender.send_request(request));
    let response = tokio::select! {
        biased;
        response = &mut response => response,
        // An end of the connection reaches the response too, with the reason.
        _ended = &mut connection => response.await,
    };
    response.map_err(|error| no_response(&error))
}

fn no_response(error: &hyper::Error) -> Reason {
    if error.is_parse() {
        return "what answers does not speak http".to_owned();
    }
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    match cause {
        Some(cause) => format!("no response: {}", plain(cause)),
        None => "the connection was closed without a response".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, resolve};

    #[test]
    fn a_location_is_resolved_as_browsers_do() {
        let from = Target {
            tls: false,
            host: "a".to_owned(),
            port: 8080,
            path: "/x/y?q=1".to_owned(),
        };
        let to = |location: &str| {
            let to = resolve(&from, location).unwrap();
            (to.tls, format!("{}:{}{}", to.host, to.port, to.path))
        };
        for (location, expected) in [
            ("/z", "a:8080/z"),
            ("z?b=2", "a:8080/x/z?b=2"),
            ("?b=2", "a:8080/x/y?b=2"),
            ("//b/z", "b:80/z"),
            ("http://b:81/z#part", "b:81/z"),
            ("http://b", "b:80/"),
        ] {
            assert_eq!(to(location), (false, expected.to_owned()), "{location}");
        }
        assert_eq!(to("https://b/z"), (true, "b:443/z".to_owned()));
        assert_eq!(resolve(&from, "ftp://b/z"), None);
    }
}
