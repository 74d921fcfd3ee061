//! The session's side of tmux: the control client, which window and pane belong to which instance, and what
//! each reply was asked for.

use crate::diag::Diagnostic;
use crate::model::InstanceId;
use crate::shim;
use crate::tmux::client::Client;
use crate::tmux::command::Command;
use crate::tmux::hold;
use crate::tmux::opening::{Aside, New};
use crate::tmux::outset::{self, Outset};
use crate::tmux::server::Server;
use crate::tmux::setup::Setup;
use crate::tmux::{CommandNumber, PaneId, WindowId};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

/// What a command was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// A window for this instance.
    Window(InstanceId),
    /// That the windows that are being made are made.
    Made,
    /// Which of them are there.
    MadeOnes,
    /// Whether there is a session, after a window was refused to this instance.
    Refused(InstanceId),
    /// That the window that others were made in goes.
    Aside,
    /// Who looks at which window.
    Clients,
    /// Whether the instance's window is there, at which only so many look now.
    Left(InstanceId, u32),
    /// In which column the cursor of the instance's window stands.
    Column(InstanceId),
    /// What the instance's scrollback holds.
    Scrollback(InstanceId),
    /// Which windows there are.
    Panes,
    /// Whether the instance's window is there.
    WindowThere(InstanceId),
    /// Whether the server lives, after this instance's window hung up.
    Alive(InstanceId),
}

impl Asked {
    /// The instance that gets a window by this.
    fn opens(self) -> Option<InstanceId> {
        match self {
            Self::Window(instance) | Self::Refused(instance) => Some(instance),
            Self::Made
            | Self::MadeOnes
            | Self::Aside
            | Self::Clients
            | Self::Left(..)
            | Self::Column(_)
            | Self::Scrollback(_)
            | Self::Panes
            | Self::WindowThere(_)
            | Self::Alive(_) => None,
        }
    }
}

/// How the control client stands.
#[derive(Debug)]
pub(super) enum Connection {
    /// No server: the next wanted window starts one.
    Down,
    /// The server lives and our client was lost: a new one is attaching.
    Attaching(Client),
    Up(Client),
}

/// The client, the instances of the panes, and what the replies that are to come were asked for.
pub(super) type Reading<'a> = (
    Option<&'a mut Client>,
    &'a mut Vec<Option<InstanceId>>,
    &'a BTreeMap<CommandNumber, Asked>,
);

/// What is needed to open windows.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) server: Server,
    pub(super) setup: Setup,
    /// Our own program, which is the shim's as well.
    pub(super) program: String,
    pub(super) shim_socket: String,
    pub(super) root: PathBuf,
}

/// tmux, as the session sees it.
#[derive(Debug)]
pub(super) struct Windows {
    pub(super) site: Site,
    pub(super) connection: Connection,
    pub(super) wanted: VecDeque<InstanceId>,
    /// Windows wait until the user's tmux configuration has been read.
    pub(super) held: bool,
    /// It is being read.
    pub(super) configuring: bool,
    asked: BTreeMap<CommandNumber, Asked>,
    /// By pane number: tmux counts panes from 0 and never reuses a number.
    panes: Vec<Option<InstanceId>>,
    /// The window that others are made in, as long as many may be made.
    pub(super) aside: Option<Aside>,
    /// Those whose windows are being made with others, until it is known whether they are there.
    pub(super) making: Vec<InstanceId>,
    /// That has come to nothing with this server: each is opened alone.
    pub(super) makes_none: bool,
    /// Windows that were asked for when the client was lost.
    pub(super) unopened: Vec<InstanceId>,
    /// Why tmux did not open a window, until it is known whether it still had a session.
    refused: BTreeMap<InstanceId, String>,
    /// The client was let go on purpose, for as long as this process is stopped.
    pub(super) suspended: bool,
}

/// A server that has been started.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) client: Client,
    aside: Aside,
    /// Whose windows it begins with.
    first: Vec<InstanceId>,
}

/// Starts a server, with the windows of the first of these, as far as they are such as are made with others. `held`: none,
/// they wait for the user's configuration and get what that sets.
pub(super) fn start_server(
    site: &Site,
    held: bool,
    wanted: impl Iterator<Item = (InstanceId, String)>,
) -> Result<Begun, Diagnostic> {
    let size = site.setup.size;
    let made = wanted.map_while(|(instance, name)| Some((instance, new_window(site, &name)?)));
    let made = made.take(if held { 0 } else { outset::MOST });
    let (mut first, windows): (Vec<_>, Vec<_>) = made.unzip();
    let (outset, aside) = if let Some((outset, count)) = Outset::services(&windows, &site.root, size) {
        first.truncate(count);
        (outset, Aside::SECOND)
    } else {
        let hold = [hold::SUBCOMMAND.to_owned(), site.shim_socket.clone()];
        let outset = Outset::aside(&site.program, &hold, &site.root, size);
        (outset, Aside::FIRST)
    };
    let client = Client::start(&site.server, &site.setup, &outset)?;
    Ok(Begun { client, aside, first })
}

/// A window for the instance of this name, if it is one to be made with others.
pub(super) fn new_window(site: &Site, name: &str) -> Option<New> {
    New::of(name, &site.program, shim_arguments(site, name))
}

pub(super) fn shim_arguments(site: &Site, name: &str) -> Vec<String> {
    vec![
        shim::SUBCOMMAND.to_owned(),
        site.shim_socket.clone(),
        name.to_owned(),
    ]
}

impl Windows {
    /// `held`: windows wait for the user's tmux configuration.
    pub(super) fn new(site: Site, held: bool) -> Self {
        Self {
            site,
            connection: Connection::Down,
            wanted: VecDeque::new(),
            held,
            configuring: false,
            asked: BTreeMap::new(),
            panes: Vec::new(),
            aside: None,
            making: Vec::new(),
            makes_none: false,
            unopened: Vec::new(),
            refused: BTreeMap::new(),
            suspended: false,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.connection, Connection::Up(_))
    }

    /// The client, whatever it is doing.
    pub(super) fn client(&mut self) -> Option<&mut Client> {
        match &mut self.connection {
            Connection::Down => None,
            Connection::Attaching(client) | Connection::Up(client) => Some(client),
        }
    }

    /// Waits until tmux has said something; for ever while there is no client.
    pub(super) async fn readable(&mut self) {
        match self.client() {
            Some(client) => client.readable().await,
            None => std::future::pending().await,
        }
    }

    /// A new server's first window is there before it is wanted.
    pub(super) fn want(&mut self, instance: InstanceId) {
        if !self.making.contains(&instance) {
            self.wanted.push_back(instance);
        }
    }

    /// A server has been started.
    pub(super) fn begun(&mut self, begun: Begun) {
        self.connection = Connection::Up(begun.client);
        self.aside = Some(begun.aside);
        self.makes_none = false;
        self.wanted.retain(|wanted| !begun.first.contains(wanted));
        self.making.extend(begun.first);
    }

    /// Whether a shim may be heard: not before its window has its size.
    pub(super) fn has_sizes(&self) -> bool {
        !matches!(&self.connection, Connection::Up(client) if !client.has_begun())
    }

    /// Sends a command whose answer matters.
    pub(super) fn ask(&mut self, command: &Command, why: Asked) {
        if let Some(number) = self.send(command) {
            self.asked.insert(number, why);
        }
    }

    /// The same, unless that answer is on its way.
    pub(super) fn ask_once(&mut self, command: &Command, why: Asked) {
        if !self.is_asking(why) {
            self.ask(command, why);
        }
    }

    /// Sends a command; `None` without a client.
    pub(super) fn send(&mut self, command: &Command) -> Option<CommandNumber> {
        self.client().map(|client| client.send(command))
    }

    /// Writes what was sent, as far as tmux takes it.
    pub(super) fn flush(&mut self) {
        if let Some(client) = self.client() {
            client.flush();
        }
    }

    /// Sends a command whose answer does not matter.
    pub(super) fn tell(&mut self, command: &Command) {
        if let Some(client) = self.client() {
            let _number = client.send(command);
        }
    }

    pub(super) fn answered(&mut self, number: CommandNumber) -> Option<Asked> {
        self.asked.remove(&number)
    }

    /// The client is gone, and with it every answer that was waited for. Gives back the windows that were asked for.
    pub(super) fn lost_client(&mut self) -> Vec<InstanceId> {
        self.connection = Connection::Down;
        self.refused.clear();
        let asked = std::mem::take(&mut self.asked).into_values();
        let mut lost = std::mem::take(&mut self.making);
        lost.extend(asked.filter_map(Asked::opens));
        lost
    }

    /// Whether a window has been asked for and is not there yet.
    pub(super) fn is_opening(&self, instance: InstanceId) -> bool {
        let is_asked = || self.asked.values().any(|asked| asked.opens() == Some(instance));
        self.unopened.contains(&instance) || self.making.contains(&instance) || is_asked()
    }

    /// Whether any has.
    pub(super) fn is_opening_any(&self) -> bool {
        let is_asked = || self.asked.values().any(|asked| asked.opens().is_some());
        !(self.wanted.is_empty() && self.unopened.is_empty() && self.making.is_empty()) || is_asked()
    }

    /// tmux did not open a window. A session that is about to end opens none, and does not say so: that is known
    /// by the next answer.
    pub(super) fn refused(&mut self, instance: InstanceId, message: String) {
        self.refused.insert(instance, message);
        self.ask(&Command::look_for_session(), Asked::Refused(instance));
    }

    /// Why a window was refused, if the session was there; without one it is as if tmux had not heard.
    pub(super) fn reason_of_refusal(&mut self, instance: InstanceId, has_session: bool) -> Option<String> {
        let message = self.refused.remove(&instance);
        if !has_session {
            self.unopened.push(instance);
        }
        message.filter(|_| has_session)
    }

    /// Whether tmux owes no answer.
    pub(super) fn asks_nothing(&self) -> bool {
        self.asked.is_empty()
    }

    pub(super) fn is_asking(&self, why: Asked) -> bool {
        self.asked.values().any(|asked| *asked == why)
    }

    /// Whether what has been printed in some window is on its way.
    pub(super) fn is_asking_scrollback(&self) -> bool {
        let is_scrollback = |asked: &Asked| matches!(asked, Asked::Scrollback(_));
        self.asked.values().any(is_scrollback)
    }

    pub(super) fn close(&mut self, window: WindowId) {
        self.tell(&Command::kill_window(window));
    }

    /// From here on the pane's output is the instance's.
    pub(super) fn bind(&mut self, pane: PaneId, instance: InstanceId) {
        bind(&mut self.panes, pane, instance);
    }

    /// What the pane says belongs to nobody until it is bound again.
    pub(super) fn unbind(&mut self, pane: PaneId) {
        if let Some(owner) = self.panes.get_mut(pane.0 as usize) {
            *owner = None;
        }
    }

    pub(super) fn panes(&self) -> &[Option<InstanceId>] {
        &self.panes
    }

    /// All at once, for the hot path: what the client reads goes straight to the instance of its pane, and so
    /// does what a reply has of its output.
    pub(super) fn reading(&mut self) -> Reading<'_> {
        let client = match &mut self.connection {
            Connection::Down => None,
            Connection::Attaching(client) | Connection::Up(client) => Some(client),
        };
        (client, &mut self.panes, &self.asked)
    }

    pub(super) fn is_connected(&self) -> bool {
        !matches!(self.connection, Connection::Down)
    }

    /// The client has spoken. True if it is one that came after a lost one.
    pub(super) fn became_ready(&mut self) -> bool {
        match std::mem::replace(&mut self.connection, Connection::Down) {
            Connection::Attaching(client) => {
                self.connection = Connection::Up(client);
                true
            }
            other => {
                self.connection = other;
                false
            }
        }
    }

    /// Lets the client go; the server and its windows live on.
    pub(super) async fn let_go(&mut self) {
        if let Connection::Up(client) | Connection::Attaching(client) =
            std::mem::replace(&mut self.connection, Connection::Down)
        {
            client.detach(&mut |_| {}).await;
        }
    }

    /// Nothing that a client says is taken until its pane is bound: a new server counts its panes anew, and
    /// of a new client the scrollback is asked first.
    pub(super) fn forget_panes(&mut self) {
        self.panes.clear();
    }

    pub(super) fn forget_wanted(&mut self) {
        self.wanted.clear();
    }
}

/// [`Windows::bind`] in the middle of [`Windows::reading`].
pub(super) fn bind(panes: &mut Vec<Option<InstanceId>>, pane: PaneId, instance: InstanceId) {
    let index = pane.0 as usize;
    if index >= panes.len() {
        panes.resize(index + 1, None);
    }
    panes[index] = Some(instance);
}
