//! What of the session can be reached from outside: its sockets and `session.json`, made at its start and made
//! anew where somebody removes them.

use super::core::Controller;
use super::files::{FileNews, Watched};
use super::leaving::Leave;
use super::links;
use crate::api::server::{self as api_server, TcpDoor};
use crate::diag::{Diagnostic, Kind};
use crate::workspace::lock::{Holder, Standing};
use crate::workspace::{SessionDir, SessionInfo, token_file};
use std::fs;
use std::io;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};

/// tmux makes its socket again within half a second.
const TMUX_SOCKET: Duration = Duration::from_secs(5);

impl Controller {
    /// Binds both sockets, unless that of the shims is bound, serves on TCP if that is wanted, and says so in
    /// `session.json`.
    pub(super) fn open_doors(
        &mut self,
        shim_door: Option<UnixListener>,
        tcp: Option<TcpDoor>,
    ) -> Result<(), Diagnostic> {
        self.watch_directory();
        match shim_door {
            Some(listener) => self.accept_shims(listener),
            None => self.open_shim_door()?,
        }
        self.open_api()?;
        if let Some(door) = tcp {
            self.upkeep.token = Some(door.token.clone());
            let server = api_server::serve_tcp(door, self.inlets.calls.clone())
                .map_err(|error| system("cannot serve the API on TCP", &error))?;
            self.api.push(server);
        }
        self.info.write(&self.lock)
    }

    fn open_shim_door(&mut self) -> Result<(), Diagnostic> {
        let listener = bind_shim_door(self.lock.dir())?;
        self.accept_shims(listener);
        Ok(())
    }

    fn accept_shims(&mut self, listener: UnixListener) {
        if let Some(old) = self.shim_door.take() {
            old.abort();
        }
        self.shim_door = Some(tokio::spawn(links::accept(listener, self.inlets.streams.clone())));
    }

    /// A shim has connected, or cannot.
    pub(super) fn on_shim_calls(&mut self, accepted: io::Result<UnixStream>) {
        match accepted {
            Ok(stream) => self.links.adopt(stream),
            Err(error) => {
                let advice = "end something, or start the session with more (ulimit -n)";
                let text = format!("services cannot be started or watched: {error} · {advice}");
                self.say_alarm(&text);
            }
        }
    }

    fn open_api(&mut self) -> Result<(), Diagnostic> {
        let listener = api_server::bind(&self.lock.dir().api_socket())
            .map_err(|error| system("cannot bind the API's socket", &error))?;
        // An older server goes on with its connections, and answers them.
        self.api
            .push(api_server::serve(listener, self.inlets.calls.clone()));
        Ok(())
    }

    /// Sees to it that the runtime directory is watched. `true`: it was not, and what happened until now is not told.
    fn watch_directory(&mut self) -> bool {
        let another = self.upkeep.watched.turn_to(self.lock.dir().path());
        let is_another = another.is_some();
        self.upkeep.new_watch = another.or(self.upkeep.new_watch.take());
        is_another || self.upkeep.watched == Watched::Nothing
    }

    /// Makes sure that the lock is in its place and held, in a directory whose changes will be told: from then on
    /// nothing goes unseen.
    fn hold_place(&mut self) -> Result<Standing, Diagnostic> {
        let mut standing = Standing::Intact;
        loop {
            match self.lock.reaffirm(&self.holder())? {
                Standing::Lost => return Ok(Standing::Lost),
                Standing::Renewed => standing = Standing::Renewed,
                Standing::Intact => {}
            }
            // Somebody may have removed the lock, or the directory, before the watch stood.
            if !self.watch_directory() {
                return Ok(standing);
            }
        }
    }

    pub(super) fn on_file_news(&mut self, news: FileNews) {
        if news == FileNews::Gone {
            self.upkeep.watched = Watched::Nothing;
        }
        self.renew_files();
    }

    /// Makes anew what somebody removed from the runtime directory: lock, sockets, token, tmux's socket.
    fn renew_files(&mut self) {
        match self.hold_place() {
            Ok(Standing::Lost) => {
                self.leave = Some(Leave::Deposed);
                return;
            }
            // Somebody empties the directory: what went under our hands is tried again.
            Ok(Standing::Renewed) => self.upkeep.cannot_write = false,
            Ok(Standing::Intact) => {}
            Err(error) => return self.say_alarm(&error.to_string()),
        }
        let dir = self.lock.dir().clone();
        self.events.renew();
        let renewed = [
            (!dir.shim_socket().exists()).then(|| self.open_shim_door()),
            (!dir.api_socket().exists()).then(|| self.open_api()),
            (!self.upkeep.cannot_write).then(|| {
                self.rewrite_missing()
                    .inspect_err(|_| self.upkeep.cannot_write = true)
            }),
        ];
        // Where the directory went meanwhile, that is told next, and all of this is tried again.
        if self.lock.is_in_place() || self.upkeep.watched == Watched::Never {
            for error in renewed.into_iter().flatten().filter_map(Result::err) {
                self.say_alarm(&error.to_string());
            }
        }
        if !dir.tmux_socket().exists()
            && let Some(pid) = self.info.tmux_pid
            && self.windows.is_up()
        {
            let server = self.windows.site.server.clone();
            tokio::spawn(async move {
                // If it does not come back, the control client's end will tell why.
                drop(server.recreate_socket(pid, TMUX_SOCKET).await);
            });
        }
    }

    /// Writes the files that are missing, or say something else. Only those: writing is a change of the directory as
    /// well.
    fn rewrite_missing(&self) -> Result<(), Diagnostic> {
        let dir = self.lock.dir();
        if SessionInfo::read_file(dir).as_ref() != Some(&self.info) {
            self.info.write(&self.lock)?;
        }
        match &self.upkeep.token {
            Some(token) if !dir.token_file().exists() => token_file::write(&self.lock, token.reveal()),
            Some(_) | None => Ok(()),
        }
    }

    fn holder(&self) -> Holder {
        Holder {
            pid: self.info.pid,
            started_at: self.info.started_at.clone(),
            root: self.info.root.clone(),
        }
    }

    /// That the session ends, or does not: a controller that comes after finishes what was begun.
    pub(super) fn note_ending(&mut self, ending: bool) {
        if self.info.ending != ending {
            self.info.ending = ending;
            self.write_info();
        }
    }

    /// The numbers of instances that were asked for: a controller that comes after has to know them.
    pub(super) fn note_scaled(&mut self) {
        let scaled = self.scaled.iter();
        let scaled = scaled
            .map(|(service, scaled)| (service.to_string(), *scaled))
            .collect();
        if self.info.scaled != scaled {
            self.info.scaled = scaled;
            self.write_info();
        }
    }

    /// The schedules that somebody has paused: a controller that comes after does not resume them.
    pub(super) fn note_paused(&mut self) {
        if self.machine.is_ending() {
            return;
        }
        // Only what differs from what the configuration says.
        let differing = |starts: bool| {
            let differing = self.ids().filter(|id| {
                let policy = &self.host(*id).spec.policy;
                let is_on = self.machine.is_on_schedule(*id);
                policy.scheduled && policy.autostart == starts && is_on != starts
            });
            differing.map(|id| self.host(id).name()).collect()
        };
        let (paused, resumed) = (differing(true), differing(false));
        if self.info.paused != paused || self.info.resumed != resumed {
            self.info.paused = paused;
            self.info.resumed = resumed;
            self.write_info();
        }
    }

    pub(super) fn write_info(&mut self) {
        let written = self.info.write(&self.lock);
        self.upkeep.cannot_write = written.is_err();
        if let Err(error) = written {
            self.say_alarm(&error.to_string());
        }
    }

    /// Somebody says that files are missing: what could not be written or watched is tried again.
    pub(super) fn renew_files_as_told(&mut self) {
        self.upkeep.cannot_write = false;
        if self.upkeep.watched == Watched::Never {
            self.upkeep.watched = Watched::Nothing;
        }
        self.renew_files();
    }
}

/// Where the shims of this session call. To be called with its lock.
pub(super) fn bind_shim_door(dir: &SessionDir) -> Result<UnixListener, Diagnostic> {
    let path = dir.shim_socket();
    // An old socket of this name is nobody's: the lock is ours.
    if let Err(error) = fs::remove_file(&path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(system("cannot replace the shims' socket", &error));
    }
    UnixListener::bind(&path).map_err(|error| system("cannot bind the shims' socket", &error))
}

pub(super) fn system(what: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::error(Kind::System, what.to_owned()).cause(error.to_string())
}
