//! The session's side of tmux: the control client, which window and pane belong to which instance, and what
//! each reply was asked for.

use crate::diag::Diagnostic;
use crate::model::{InstanceId, InstanceName};
use crate::shim;
use crate::tmux::client::{Client, FirstWindow};
use crate::tmux::command::Command;
use crate::tmux::server::Server;
use crate::tmux::setup::Setup;
use crate::tmux::{CommandNumber, PaneId, WindowId};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a command was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// A window for this instance.
    Window(InstanceId),
    /// Whether there is a session, after a window was refused to this instance.
    Refused(InstanceId),
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
    wanted: Vec<InstanceId>,
    /// Windows wait until the user's tmux configuration has been read.
    pub(super) held: bool,
    /// It is being read.
    pub(super) configuring: bool,
    asked: BTreeMap<CommandNumber, Asked>,
    /// By pane number: tmux counts panes from 0 and never reuses a number.
    panes: Vec<Option<InstanceId>>,
    /// The instance whose window the server was started with.
    pub(super) first: Option<InstanceId>,
    /// The same, as long as nobody has asked for it yet.
    ahead: Option<InstanceId>,
    /// The shim in that window has spoken, which tmux itself may not have done by then.
    pub(super) first_spoke: bool,
    /// Windows that were asked for when the client was lost.
    pub(super) unopened: Vec<InstanceId>,
    /// Why tmux did not open a window, until it is known whether it still had a session.
    refused: BTreeMap<InstanceId, String>,
    /// The client was let go on purpose, for as long as this process is stopped.
    pub(super) suspended: bool,
}

/// Starts a server whose first window is the instance's of this name.
pub(super) fn start_server(site: &Site, name: &str) -> Result<Client, Diagnostic> {
    let window = FirstWindow {
        name,
        program: &site.program,
        arguments: &shim_arguments(site, name),
        root: &site.root,
    };
    Client::start(&site.server, &site.setup, &window)
}

fn shim_arguments(site: &Site, name: &str) -> Vec<String> {
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
            wanted: Vec::new(),
            held,
            configuring: false,
            asked: BTreeMap::new(),
            panes: Vec::new(),
            first: None,
            ahead: None,
            first_spoke: false,
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

    pub(super) fn want(&mut self, instance: InstanceId) {
        self.wanted.push(instance);
    }

    /// Opens the wanted windows: all of them in one write, the first of a new server with the server itself.
    pub(super) fn open_wanted(
        &mut self,
        name: impl Fn(InstanceId) -> InstanceName,
    ) -> Result<(), Diagnostic> {
        if self.held && !matches!(self.connection, Connection::Down) || self.wanted.is_empty() {
            return Ok(());
        }
        let mut wanted = std::mem::take(&mut self.wanted);
        if matches!(self.connection, Connection::Down) {
            let first = wanted.remove(0);
            let client = start_server(&self.site, &name(first).to_string())?;
            self.begun(client, first);
        }
        if let Some(first) = self.ahead.take() {
            wanted.retain(|instance| *instance != first);
        }
        if self.held {
            self.wanted = wanted;
            return Ok(());
        }
        for instance in wanted {
            let name = name(instance).to_string();
            let command = Command::new_window(&name, &self.site.program, &shim_arguments(&self.site, &name));
            self.ask(&command, Asked::Window(instance));
        }
        if let Some(client) = self.client() {
            client.flush();
        }
        Ok(())
    }

    /// A server has been started ahead, with a window for this instance, which will be asked for.
    pub(super) fn begun_ahead(&mut self, client: Client, first: InstanceId) {
        self.begun(client, first);
        self.ahead = Some(first);
    }

    fn begun(&mut self, client: Client, first: InstanceId) {
        self.connection = Connection::Up(client);
        self.first = Some(first);
        self.first_spoke = false;
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
        let first = self.first.take().filter(|_| !self.first_spoke);
        let mut unopened: Vec<_> = first.into_iter().collect();
        unopened.extend(
            std::mem::take(&mut self.asked)
                .into_values()
                .filter_map(|asked| match asked {
                    Asked::Window(instance) | Asked::Refused(instance) => Some(instance),
                    Asked::Clients
                    | Asked::Left(..)
                    | Asked::Column(_)
                    | Asked::Scrollback(_)
                    | Asked::Panes
                    | Asked::WindowThere(_)
                    | Asked::Alive(_) => None,
                }),
        );
        unopened
    }

    /// Whether a window has been asked for and is not there yet.
    pub(super) fn is_opening(&self, instance: InstanceId) -> bool {
        self.first == Some(instance)
            || self.unopened.contains(&instance)
            || self.is_asking(Asked::Window(instance))
            || self.is_asking(Asked::Refused(instance))
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
