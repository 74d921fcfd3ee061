//! A lane: a pane's raw output on a socket of its own, faster than control mode, where tmux prints every byte.
//! How one is asked for, the hidden program that hands its descriptor over, and the rule that tells whether it
//! begins exactly where control mode is left. `docs/design/fast-lane.md` says why it is done like this.

use super::PaneId;
use super::command::{Command, literal_with_time};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// The hidden subcommand of our program that [`main_from`] is.
pub const SUBCOMMAND: &str = "lane";

/// No token is longer when written.
const TOKEN_MAX: usize = 20;

impl Command {
    /// Says `1` if somebody pipes the pane already, else `0`.
    pub fn has_pipe(pane: PaneId) -> Self {
        Self::new("display-message").args(["-p", "-t", &pane.to_string(), "--", "#{pane_pipe}"])
    }

    /// Pipes the pane's output, from the next byte on, to `program`, which hands the pipe to who listens at
    /// `socket`, and ends.
    pub fn open_lane(pane: PaneId, program: &str, socket: &str, token: u64) -> Self {
        let line = format!(
            "exec {} {SUBCOMMAND} {} {token}",
            shell_word(program),
            shell_word(socket)
        );
        Self::new("pipe-pane")
            .args(["-O", "-t", &pane.to_string(), "--"])
            .arg(literal_with_time(&line))
    }

    /// Ends the pane's pipe, whoever it belongs to; tmux drops what it has not written yet.
    pub fn close_lane(pane: PaneId) -> Self {
        Self::new("pipe-pane").args(["-t", &pane.to_string()])
    }

    /// Leaves the pane's output out of this client's stream, also what waits to be written. tmux goes on
    /// reading the pane.
    pub fn pause_output(pane: PaneId) -> Self {
        Self::new("refresh-client").args(["-A".to_owned(), format!("{pane}:pause")])
    }

    /// Takes the pane's output into this client's stream again, from the next byte on.
    pub fn continue_output(pane: PaneId) -> Self {
        Self::new("refresh-client").args(["-A".to_owned(), format!("{pane}:continue")])
    }

    /// Answers with nothing, after everything that was sent before.
    pub fn nothing() -> Self {
        Self::display_message("")
    }
}

fn shell_word(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Watches the control stream from the sending of [`Command::open_lane`] on and tells whether its reply stands
/// exactly between the bytes that only control mode has and those that the pipe has as well.
///
/// tmux writes the output of its panes in turns, and holds a reply back until everything that came before it
/// is written. Of the pane itself, what came after the reply can therefore overtake it, but only while another
/// pane's earlier output is still waiting, and that output then stands between the two.
#[derive(Debug, Default)]
pub struct Boundary {
    own_came: bool,
    own_was_last: bool,
    spoiled: bool,
}

impl Boundary {
    /// Some pane's output, in front of the reply; `own`: of the pane in question.
    pub fn on_output(&mut self, own: bool) {
        self.own_came |= own;
        self.own_was_last = own;
    }

    /// Something may have made tmux drop a pane's waiting output, so that the rule says nothing.
    pub fn spoil(&mut self) {
        self.spoiled = true;
    }

    pub fn is_exact(&self) -> bool {
        !self.spoiled && (self.own_was_last || !self.own_came)
    }
}

/// The process of `pipe-pane`: hands its standard input to the socket named by the first argument, with the
/// token that is the second, and ends. Whatever fails, the pipe closes with it, and control mode goes on.
pub fn main_from(mut args: impl Iterator<Item = OsString>) -> u8 {
    let (Some(socket), Some(token)) = (args.next(), args.next()) else {
        return 2;
    };
    let handed_over = UnixStream::connect(socket).and_then(|stream| {
        let stdin = io::stdin();
        hand_over(&stream, stdin.as_fd(), token.as_encoded_bytes())
    });
    match handed_over {
        Ok(()) => 0,
        Err(_) => 1,
    }
}

fn hand_over(stream: &UnixStream, pipe: std::os::fd::BorrowedFd<'_>, token: &[u8]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let pipes = [pipe];
    if !control.push(SendAncillaryMessage::ScmRights(&pipes)) {
        return Err(io::Error::other("the space was made for one descriptor"));
    }
    sendmsg(stream, &[IoSlice::new(token)], &mut control, SendFlags::empty())?;
    Ok(())
}

/// Takes the token and the pipe that [`main_from`] has sent.
///
/// # Errors
/// Nothing is there yet (`WouldBlock`), or it is not what it should be.
pub fn receive(stream: impl AsFd) -> io::Result<(u64, OwnedFd)> {
    let mut text = [0; TOKEN_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    #[cfg(target_os = "linux")]
    let flags = RecvFlags::CMSG_CLOEXEC;
    #[cfg(not(target_os = "linux"))]
    let flags = RecvFlags::empty();
    let received = recvmsg(stream, &mut [IoSliceMut::new(&mut text)], &mut control, flags)?;
    let token = std::str::from_utf8(&text[..received.bytes])
        .ok()
        .and_then(|text| text.parse().ok());
    let pipe = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut pipes) => pipes.next(),
        _ => None,
    });
    match (token, pipe) {
        (Some(token), Some(pipe)) => {
            rustix::io::fcntl_setfd(&pipe, rustix::io::FdFlags::CLOEXEC)?;
            Ok((token, pipe))
        }
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "no pipe was handed over",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{Boundary, Command, hand_over, receive};
    use crate::tmux::PaneId;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    /// `A`: output of the pane in question, `B`: of another one, `x`: something that spoils.
    fn is_exact(stream: &str) -> bool {
        let mut boundary = Boundary::default();
        for said in stream.chars() {
            match said {
                'x' => boundary.spoil(),
                own => boundary.on_output(own == 'A'),
            }
        }
        boundary.is_exact()
    }

    #[test]
    fn a_reply_is_a_boundary_where_no_later_output_can_have_overtaken_it() {
        for (stream, exact) in [
            ("", true),
            ("A", true),
            ("BBB", true),
            ("BABA", true),
            ("AB", false),
            ("ABBB", false),
            ("xA", false),
            ("Ax", false),
        ] {
            assert_eq!(is_exact(stream), exact, "{stream:?}");
        }
    }

    #[test]
    fn paths_with_anything_in_them_reach_the_helper_whole() {
        let mut line = Vec::new();
        Command::open_lane(PaneId(3), "/it's a/100%/ovr", "/run/#S $x/lane.sock", 7).write_line(&mut line);
        assert_eq!(
            String::from_utf8(line).unwrap(),
            "pipe-pane -O -t \"%3\" -- \"exec '/it'\\\\''s a/100%%/ovr' lane '/run/##S \\$x/lane.sock' 7\"\n"
        );
    }

    #[test]
    fn a_pipe_that_is_handed_over_arrives_with_its_token() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (mut writer, reader) = UnixStream::pair().unwrap();
        hand_over(&theirs, reader.as_fd(), b"42").unwrap();
        drop(reader);
        writer.write_all(b"through it").unwrap();
        drop(writer);
        let (token, pipe) = receive(&ours).unwrap();
        let mut said = String::new();
        UnixStream::from(pipe).read_to_string(&mut said).unwrap();
        assert_eq!((token, said.as_str()), (42, "through it"));
    }

    #[test]
    fn a_message_without_a_pipe_is_refused() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"42").unwrap();
        receive(&ours).unwrap_err();
    }
}
