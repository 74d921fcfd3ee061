//! Publishes the session's events to a NATS server, and carries out what is asked there. One task, which reads the
//! events like any reader: while the server is away they wait in the ring, and what the ring loses is published as
//! a gap. The session never waits for it.

mod commands;

use self::commands::Commands;
use super::core::Controller;
use super::events::{EventItem, Reader};
use crate::api::call::Call;
use crate::api::messages::events::{Event, EventKind};
use crate::logs::Tone;
use crate::nats::{self, Address, Connection, Received};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A server that is away is looked for again after this, then after twice as long, up to
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// this.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What the session's end waits for a server that is there to confirm the last events.
const LAST_EVENTS: Duration = Duration::from_secs(1);

/// What the task tells the loop.
#[derive(Debug)]
pub(super) enum PublishNews {
    /// All events up to this number have arrived.
    Confirmed(u64),
    Up,
    /// Told once until it is there again.
    Away(String),
    /// The server lets us do less than we want.
    Refused(String),
}

/// The task, while there is one.
#[derive(Debug)]
pub(super) struct Publishing {
    shown: String,
    task: JoinHandle<()>,
    is_connected: Arc<AtomicBool>,
    /// It was away when that was last told.
    told_away: bool,
}

impl Publishing {
    /// After the last event: waits until it has arrived, or will not soon.
    pub(super) async fn finish(mut self) {
        if self.is_connected.load(Ordering::Relaxed) {
            // Either way it is over.
            drop(tokio::time::timeout(LAST_EVENTS, &mut self.task).await);
        }
        self.task.abort();
    }
}

impl Controller {
    /// Begins to publish, where the session was told to.
    pub(super) fn start_publishing(&mut self, address: Address) {
        // Of a session that is gone on with, what the controller before could not publish comes first.
        let reader = self.events.reader_from(self.events.published);
        let is_connected = Arc::new(AtomicBool::new(false));
        let (shown, project) = (address.to_string(), self.facts.project.clone());
        let publisher = Publisher {
            prefix: format!("ovr.{}", nats::token(&project)),
            name: format!("ovr {project}"),
            address,
            reader,
            commands: Commands::new(self.inlets.calls.clone()),
            news: self.inlets.published.clone(),
            is_connected: Arc::clone(&is_connected),
            confirmed: self.events.published.unwrap_or(0),
        };
        self.publishing = Some(Publishing {
            shown,
            task: tokio::spawn(publisher.run()),
            is_connected,
            told_away: false,
        });
    }

    pub(super) fn on_publish_news(&mut self, news: PublishNews) {
        let Some(publishing) = &mut self.publishing else {
            return;
        };
        let shown = publishing.shown.clone();
        match news {
            PublishNews::Confirmed(seq) => self.events.note_published(seq),
            PublishNews::Up => {
                if std::mem::take(&mut publishing.told_away) {
                    self.say_session(Tone::Normal, &format!("events are published to {shown} again"));
                }
            }
            PublishNews::Away(why) => {
                publishing.told_away = true;
                let text =
                    format!("events cannot be published to {shown}: {why} · trying on, the session goes on");
                self.say_session(Tone::Alarm, &text);
            }
            PublishNews::Refused(why) => {
                self.say_session(Tone::Alarm, &format!("{shown} refuses: {why}"));
            }
        }
    }
}

struct Publisher {
    address: Address,
    name: String,
    /// `ovr.shop`
    prefix: String,
    reader: Reader,
    commands: Commands,
    news: mpsc::UnboundedSender<PublishNews>,
    is_connected: Arc<AtomicBool>,
    /// The server has all events up to this number.
    confirmed: u64,
}

/// Why a connection is not used any more.
enum Over {
    /// The events have ended and have arrived.
    Done,
    Broken(String),
}

impl Publisher {
    async fn run(mut self) {
        let mut wait = FIRST_WAIT;
        let mut told = false;
        loop {
            let opened = Connection::open(&self.address, &self.name, &format!("{}.cmd", self.prefix)).await;
            let why = match opened {
                Ok(connection) => {
                    (wait, told) = (FIRST_WAIT, false);
                    self.tell(PublishNews::Up);
                    self.is_connected.store(true, Ordering::Relaxed);
                    let over = self.serve(connection).await;
                    self.is_connected.store(false, Ordering::Relaxed);
                    match over {
                        Over::Done => return,
                        Over::Broken(why) => why,
                    }
                }
                Err(why) => why,
            };
            if !told {
                told = true;
                self.tell(PublishNews::Away(why));
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    fn tell(&self, news: PublishNews) {
        // Nobody listens any more when the session is over.
        drop(self.news.send(news));
    }

    /// Publishes and answers until the connection breaks or the events end.
    async fn serve(&mut self, mut connection: Connection) -> Over {
        // What was sent and not confirmed is sent again; who keeps messages knows it by its id.
        self.reader.go_back_to(self.confirmed);
        let mut have_ended = false;
        while !have_ended || self.commands.are_under_way() {
            let result = tokio::select! {
                received = connection.next() => match received {
                    Ok(received) => self.on_received(&mut connection, received).await,
                    Err(why) => Err(why),
                },
                (subject, answer) = self.commands.answered() => {
                    self.reply(&mut connection, &subject, answer).await
                },
                items = self.reader.next(), if !have_ended => {
                    have_ended = items.is_none();
                    self.publish(&mut connection, &items.unwrap_or_default()).await
                },
            };
            if let Err(why) = result {
                return Over::Broken(why);
            }
        }
        Over::Done
    }

    /// Sends these events, and waits until the server has them.
    async fn publish(&mut self, connection: &mut Connection, items: &[EventItem]) -> Result<(), String> {
        let Some(last) = items.last() else { return Ok(()) };
        for item in items {
            let event: Event = serde_json::from_slice(&item.line)
                .map_err(|error| format!("an event makes no sense: {error}"))?;
            // What happened to an instance is its service's; the session's own events may name one too.
            let service = event.state.and(event.service.as_deref()).map(nats::token);
            let subject = format!(
                "{}.{}.{}",
                self.prefix,
                service.as_deref().unwrap_or(nats::SESSION),
                event.event.as_str()
            );
            // A gap bears the number of an event that is missing.
            let id = (event.event != EventKind::Gap).then(|| item.cursor.to_string());
            connection.publish(&subject, id.as_deref(), item.json());
        }
        connection.ping();
        connection.send().await?;
        loop {
            match connection.next_in_time().await? {
                Received::Pong => break,
                received => self.on_received(connection, received).await?,
            }
        }
        self.confirmed = last.cursor.seq;
        self.tell(PublishNews::Confirmed(self.confirmed));
        Ok(())
    }

    async fn on_received(&mut self, connection: &mut Connection, received: Received) -> Result<(), String> {
        match received {
            Received::Message(message) => {
                self.commands.begin(message);
                Ok(())
            }
            Received::Ping => {
                connection.pong();
                connection.send().await
            }
            Received::Refused(why) => {
                self.tell(PublishNews::Refused(why));
                Ok(())
            }
            Received::Pong | Received::Info(_) => Ok(()),
        }
    }

    async fn reply(&self, connection: &mut Connection, subject: &str, answer: Vec<u8>) -> Result<(), String> {
        let answer = if answer.len() > connection.limits().payload {
            commands::too_large(answer.len())
        } else {
            answer
        };
        connection.publish(subject, None, &answer);
        connection.send().await
    }
}

/// Asks the controller; the types of [`Call`] stay out of the task.
pub(super) type Calls = mpsc::UnboundedSender<Call>;
