//! `ovr api`: what can be typed, and the behaviour: one request to the session's API, and what comes back.

use super::args::{Example, GlobalArgs};
use super::complete;
use super::session;
use crate::api::messages::ErrorBody;
use crate::api::raw::RawRequest;
use crate::diag::{Diagnostic, Kind};
use clap::{Args, ValueHint};
use std::io::{self, Read, Write};
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr api /v1/status", "the answer as it comes"),
    ("ovr api POST /v1/reload", "have something done"),
    (
        "ovr api /v1/wait --data '{\"names\":[\"web\"]}'",
        "a POST with this body",
    ),
    (
        "ovr api /v1/output -H accept:text/event-stream",
        "the last lines as events",
    ),
];

/// The methods that a first word can be.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Send one request to the session's API
///
/// Prints the body of the answer as it comes. An error is printed as every command prints it, with its exit code.
/// The routes: `ovr api /v1/openapi.json`, or docs/api.md.
#[derive(Args, Clone, Debug, Default)]
pub struct ApiArgs {
    /// A method and a route (`POST /v1/quit`); a route alone is a GET, or a POST with --data
    #[arg(value_name = "REQUEST", required = true, num_args = 1..=2, add = complete::routes())]
    pub request: Vec<String>,
    /// Send this JSON: as it is, from a file (`@file`), or from standard input (`-`)
    #[arg(long, value_name = "JSON", value_hint = ValueHint::Other)]
    pub data: Option<String>,
    /// Send this header too; may be given more than once
    #[arg(short = 'H', long, value_name = "NAME:VALUE", value_hint = ValueHint::Other)]
    pub header: Vec<String>,
    /// Print the status line and the headers first
    #[arg(short, long)]
    pub include: bool,
}

/// Sends it, and prints what comes.
pub fn cmd_api(global: &GlobalArgs, args: &ApiArgs) -> Result<ExitCode, Diagnostic> {
    let body = args.data.as_deref().map(data).transpose()?;
    let (method, target) = words(&args.request, body.is_some())?;
    let headers = args.header.iter().map(|text| header(text));
    let request = RawRequest {
        method,
        target,
        headers: headers.collect::<Result<_, _>>()?,
        body,
    };
    let client = session::reach(global)?;
    let mut answer = client.raw(&request)?;
    if args.include {
        write(format!("{}\n\n", answer.head.join("\n")).as_bytes())?;
    }
    if (200..300).contains(&answer.status) {
        copy(&mut answer.body)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = Vec::new();
    answer.body.read_to_end(&mut text).map_err(|error| lost(&error))?;
    if args.include {
        text.push(b'\n');
        write(&text)?;
    }
    Err(match serde_json::from_slice::<ErrorBody>(&text) {
        Ok(body) => body.into(),
        Err(_) => Diagnostic::error(
            Kind::System,
            format!("the session answered HTTP {}", answer.status),
        ),
    })
}

fn words(request: &[String], has_body: bool) -> Result<(String, String), Diagnostic> {
    let (method, target) = match request {
        [method, target] => (method.to_ascii_uppercase(), target.clone()),
        [target] => {
            let method = if has_body { "POST" } else { "GET" };
            (method.to_owned(), target.clone())
        }
        _ => unreachable!("the command line takes one word or two"),
    };
    let bad = |message: String| Diagnostic::error(Kind::Usage, message);
    if !METHODS.contains(&method.as_str()) {
        return Err(bad(format!("{method:?} is no method")).hint("it is one of: GET, POST"));
    }
    let is_path = target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_path {
        return Err(bad(format!("{target:?} is no route"))
            .hint("it begins with a slash and has no blanks: /v1/status; write a blank as %20"));
    }
    Ok((method, target))
}

fn header(text: &str) -> Result<(String, String), Diagnostic> {
    let parts = text
        .split_once(':')
        .map(|(name, value)| (name.trim(), value.trim()));
    let is_one = |(name, value): (&str, &str)| {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !name.is_empty() && name.bytes().all(is_name) && !value.contains(char::is_control)
    };
    match parts {
        Some(parts) if is_one(parts) => Ok((parts.0.to_owned(), parts.1.to_owned())),
        Some(_) | None => Err(Diagnostic::error(Kind::Usage, format!("{text:?} is no header"))
            .hint("write NAME:VALUE, such as accept:text/event-stream")),
    }
}

/// What `--data` stands for.
fn data(text: &str) -> Result<Vec<u8>, Diagnostic> {
    let cannot = |what: &str, error: &io::Error| {
        Diagnostic::error(Kind::System, format!("cannot read {what}")).cause(error.to_string())
    };
    match (text, text.strip_prefix('@')) {
        ("-", _) => {
            let mut bytes = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut bytes);
            read.map_err(|error| cannot("standard input", &error))?;
            Ok(bytes)
        }
        (_, Some(path)) => std::fs::read(path).map_err(|error| cannot(path, &error)),
        (json, None) => Ok(json.as_bytes().to_vec()),
    }
}

/// Prints what comes when it comes.
fn copy(from: &mut impl Read) -> Result<(), Diagnostic> {
    let mut buffer = [0; 16 * 1024];
    let mut last = b'\n';
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                last = buffer[length - 1];
                if !write(&buffer[..length])? {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(lost(&error)),
        }
    }
    if last != b'\n' {
        write(b"\n")?;
    }
    Ok(())
}

/// Whether somebody still reads.
fn write(bytes: &[u8]) -> Result<bool, Diagnostic> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            Err(Diagnostic::error(Kind::System, "cannot write to standard output").cause(error.to_string()))
        }
    }
}

fn lost(error: &io::Error) -> Diagnostic {
    Diagnostic::error(Kind::NotRunning, "the session ended before its answer did").cause(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{header, words};

    #[test]
    fn a_request_is_a_method_and_a_route_or_a_route() {
        let request = |text: &str, has_body| {
            let typed: Vec<String> = text.split(' ').map(str::to_owned).collect();
            words(&typed, has_body)
                .ok()
                .map(|(method, target)| format!("{method} {target}"))
        };
        assert_eq!(request("/v1/status", false).unwrap(), "GET /v1/status");
        assert_eq!(request("/v1/quit", true).unwrap(), "POST /v1/quit");
        assert_eq!(request("post /v1/quit", false).unwrap(), "POST /v1/quit");
        for wrong in ["v1/status", "GRAB /v1/status", "GET http://x/", "/v1/\r\nx"] {
            assert_eq!(request(wrong, false), None, "{wrong}");
        }
    }

    #[test]
    fn a_header_cannot_smuggle_another() {
        assert!(header("accept: text/event-stream").is_ok());
        for wrong in ["accept", ": x", "a b: c", "a: b\r\nc: d", "a:\u{0}"] {
            assert!(header(wrong).is_err(), "{wrong:?}");
        }
    }
}
