//! As much of HTTP/1.1 as a client of our own server needs: one request, one response, then the connection is
//! over. Bytes only; what they mean is `client.rs`. Why not a library: `docs/design/api-client.md`.

use super::VERSION_HEADER;
use std::fmt::Write as _;
use std::io::{self, BufRead, Read, Write};

/// No head of ours is longer.
const MAX_HEAD: u64 = 16 * 1024;
/// Nor is the line before a chunk.
const MAX_CHUNK_LINE: u64 = 1024;

/// One request.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    /// Path and query, encoded.
    pub(super) target: &'a str,
    pub(super) host: &'a str,
    /// What a session on TCP wants to know.
    pub(super) token: Option<&'a str>,
    /// Besides those that every request has.
    pub(super) headers: &'a [(String, String)],
    /// JSON.
    pub(super) body: Option<&'a [u8]>,
}

impl Request<'_> {
    /// Writes the request in one piece.
    pub(super) fn send(&self, to: &mut impl Write) -> io::Result<()> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: {}\r\n{VERSION_HEADER}: {}\r\nconnection: close\r\n",
            self.method,
            self.target,
            self.host,
            super::VERSION
        );
        if let Some(token) = self.token {
            write!(head, "authorization: Bearer {token}\r\n").expect("a string takes all");
        }
        for (name, value) in self.headers {
            write!(head, "{name}: {value}\r\n").expect("a string takes all");
        }
        let body = self.body.unwrap_or_default();
        if self.method != "GET" {
            let content_type = if self.body.is_some() {
                "content-type: application/json\r\n"
            } else {
                ""
            };
            write!(head, "{content_type}content-length: {}\r\n", body.len()).expect("a string takes all");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        to.write_all(&bytes)
    }
}

/// What stands before a response's body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// The server's program version.
    pub(super) version: Option<String>,
    /// The status line and the headers, as they came.
    pub(super) lines: Vec<String>,
}

/// A response's body, freed of its framing. An end before the announced one is `UnexpectedEof`.
#[derive(Debug)]
pub(super) struct Body<R> {
    from: R,
    left: Left,
}

/// How much of the body is still to come.
#[derive(Debug)]
enum Left {
    Bytes(u64),
    /// Of the chunk at hand; before the first and after each, a line tells the next one's size.
    Chunk(u64),
    FirstChunk,
    UntilClosed,
}

/// Reads a response's head. `Ok(None)`: the other side closed without a word.
pub(super) fn receive<R: BufRead>(mut from: R) -> io::Result<Option<(Head, Body<R>)>> {
    let mut limited = Read::by_ref(&mut from).take(MAX_HEAD);
    let Some(first) = line(&mut limited)? else {
        return Ok(None);
    };
    let status = status_of(&first).ok_or_else(|| malformed("no status line"))?;
    let mut head = Head {
        status,
        version: None,
        lines: vec![first],
    };
    let mut left = Left::UntilClosed;
    loop {
        let header = line(&mut limited)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header
            .split_once(':')
            .ok_or_else(|| malformed("a header without a colon"))?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            left = Left::Bytes(value.parse().map_err(|_| malformed("a length that is none"))?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            left = Left::FirstChunk;
        } else if name.eq_ignore_ascii_case(VERSION_HEADER) {
            head.version = Some(value.to_owned());
        }
        head.lines.push(header);
    }
    Ok(Some((head, Body { from, left })))
}

fn status_of(line: &str) -> Option<u16> {
    let mut words = line.strip_prefix("HTTP/1.")?.split(' ');
    words.next()?;
    words.next()?.parse().ok()
}

/// The next line without its end; `None` at the end of the input. A line that the input's limit cuts is an
/// error.
fn line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if from.read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.pop() != Some(b'\n') {
        return Err(malformed("a line without an end"));
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| malformed("a line that is no text"))
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("not an answer of ovr: {what}"),
    )
}

impl<R: BufRead> Body<R> {
    /// Reads up to the next chunk's first byte and returns its size; 0 is the end.
    fn next_chunk(&mut self) -> io::Result<u64> {
        let mut limited = Read::by_ref(&mut self.from).take(MAX_CHUNK_LINE);
        if !matches!(self.left, Left::FirstChunk) {
            // The end of the chunk before.
            line(&mut limited)?;
        }
        let size = line(&mut limited)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let digits = size.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(digits, 16).map_err(|_| malformed("a chunk without a size"))?;
        if size == 0 {
            while line(&mut limited)?.is_some_and(|trailer| !trailer.is_empty()) {}
        }
        Ok(size)
    }
}

impl<R: BufRead> Read for Body<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        if let Left::Chunk(0) | Left::FirstChunk = self.left {
            self.left = match self.next_chunk()? {
                0 => Left::Bytes(0),
                size => Left::Chunk(size),
            };
        }
        let (Left::Bytes(left) | Left::Chunk(left)) = &mut self.left else {
            return self.from.read(into);
        };
        if *left == 0 {
            return Ok(0);
        }
        let room = into.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        let read = self.from.read(&mut into[..room])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        *left -= read as u64;
        Ok(read)
    }
}

/// `text` as a part of a query: every byte that could mean something else there is escaped.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes all");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::{Head, MAX_HEAD, Request, encode, receive};
    use std::io::{BufReader, ErrorKind, Read};

    /// Status and body of these bytes, given one at a time as a slow peer would.
    fn read(text: &str) -> std::io::Result<(u16, String)> {
        let (head, mut body) = receive(BufReader::with_capacity(1, text.as_bytes()))?.unwrap();
        let mut whole = String::new();
        body.read_to_string(&mut whole)?;
        Ok((head.status, whole))
    }

    #[test]
    fn a_request_is_one_piece() {
        let mut sent = Vec::new();
        let request = Request {
            method: "POST",
            target: "/v1/services/stop",
            host: "ovr",
            token: None,
            headers: &[],
            body: Some(b"{}"),
        };
        request.send(&mut sent).unwrap();
        assert_eq!(
            String::from_utf8(sent).unwrap(),
            format!(
                "POST /v1/services/stop HTTP/1.1\r\nhost: ovr\r\nx-ovr-version: {}\r\nconnection: close\r\n\
                 content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}",
                super::super::VERSION
            )
        );
    }

    #[test]
    fn every_framing_of_a_body_is_read() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhellomore",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\na: b\r\n\r\nmore",
            "HTTP/1.0 200\r\n\r\nhello",
        ] {
            assert_eq!(read(text).unwrap(), (200, "hello".to_owned()), "{text}");
        }
        assert_eq!(
            read("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").unwrap(),
            (404, String::new())
        );
    }

    #[test]
    fn the_servers_version_is_taken_down() {
        let text = "HTTP/1.1 200 OK\r\nX-Ovr-Version: 9.9.9\r\n\r\n";
        let (head, _) = receive(text.as_bytes()).unwrap().unwrap();
        let version = Some("9.9.9".to_owned());
        let lines = vec!["HTTP/1.1 200 OK".to_owned(), "X-Ovr-Version: 9.9.9".to_owned()];
        assert_eq!(
            head,
            Head {
                status: 200,
                version,
                lines
            }
        );
    }

    #[test]
    fn an_early_end_is_told_from_the_end() {
        assert!(receive(&b""[..]).unwrap().is_none());
        for text in [
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhell",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello",
        ] {
            assert_eq!(read(text).unwrap_err().kind(), ErrorKind::UnexpectedEof, "{text}");
        }
    }

    #[test]
    fn what_is_no_http_is_an_error_and_not_a_panic() {
        let endless = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(1 << 20));
        assert!(endless.len() as u64 > MAX_HEAD);
        for text in [
            "hello\r\n\r\n",
            "HTTP/1.1 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
            "HTTP/1.1",
            &endless,
        ] {
            assert_eq!(read(text).unwrap_err().kind(), ErrorKind::InvalidData);
        }
    }

    #[test]
    fn names_pass_through_a_query_unchanged() {
        assert_eq!(encode("web#2"), "web%232");
        assert_eq!(encode("c++ *,é&=?"), "c%2B%2B%20%2A%2C%C3%A9%26%3D%3F");
        assert_eq!(encode("a-b_c.d~1"), "a-b_c.d~1");
    }
}
