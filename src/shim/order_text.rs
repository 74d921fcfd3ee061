//! How an order is written and read. Most are a line of JSON. An order to run carries a whole environment, which in a
//! project of many services is most of what a start writes and reads: a shim that knows of it gets that as it is, behind
//! the line. What orders there are is `protocol.rs`'s business.

use super::protocol::Order;
use super::wire::{self, LineSplitter, Unreadable};
use crate::model::{Launch, RunId, StopPlan, Variables};
use serde::{Deserialize, Serialize};

/// The first version of the protocol in which an environment may stand behind its order.
const BEHIND: u32 = 4;

/// How a run order of ours begins.
const RUN: &[u8] = br#"{"do":"run","#;

/// [`Order::Run`] without its tag.
#[derive(Debug, Serialize, Deserialize)]
struct RunOrder {
    run: RunId,
    launch: Launch,
    stop: StopPlan,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    files: Option<u64>,
    /// So many bytes of [`Variables::texts`] follow the line, and the launch's own list is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    behind: Option<[usize; 2]>,
}

impl From<RunOrder> for Order {
    fn from(order: RunOrder) -> Self {
        Self::Run {
            run: order.run,
            launch: order.launch,
            stop: order.stop,
            files: order.files,
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Written {
    Run(RunOrder),
}

impl Order {
    /// As it goes to a shim of this version.
    pub fn write(&self, version: u32) -> Vec<u8> {
        if let Self::Run {
            run,
            launch,
            stop,
            files,
        } = self
            && version >= BEHIND
            && let Some(texts) = launch.env.texts()
        {
            let mut bytes = wire::encode(&Written::Run(RunOrder {
                run: *run,
                launch: Launch {
                    env: Variables::default(),
                    ..launch.clone()
                },
                stop: stop.clone(),
                files: *files,
                behind: Some(texts.map(str::len)),
            }));
            for text in texts {
                bytes.extend_from_slice(text.as_bytes());
            }
            return bytes;
        }
        wire::encode(self)
    }
}

/// Takes orders from a stream, however it is cut.
#[derive(Debug, Default)]
pub(super) struct Orders {
    incoming: LineSplitter,
    /// The environment of this one, in two parts so long, has not arrived yet.
    begun: Option<(Box<RunOrder>, [usize; 2])>,
}

impl Orders {
    /// Takes what arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.incoming.push(bytes);
    }

    /// The next order that has arrived whole; `None` until then. What a later controller says and this build does not know is skipped.
    pub(super) fn next(&mut self) -> Result<Option<Order>, Unreadable> {
        loop {
            if let Some((order, lengths)) = self.begun.take() {
                return self.finish(order, lengths);
            }
            let Some(line) = self.incoming.next_line()? else {
                return Ok(None);
            };
            // An enum told apart by a tag makes a copy of all that it holds first.
            if line.starts_with(RUN)
                && let Ok(order) = serde_json::from_slice::<RunOrder>(line)
            {
                match order.behind {
                    Some(lengths) => self.begun = Some((Box::new(order), lengths)),
                    None => return Ok(Some(order.into())),
                }
            } else if let Ok(order) = serde_json::from_slice(line) {
                return Ok(Some(order));
            }
        }
    }

    fn finish(&mut self, mut order: Box<RunOrder>, lengths: [usize; 2]) -> Result<Option<Order>, Unreadable> {
        let [common, own] = lengths;
        let length = common.checked_add(own).ok_or(Unreadable::TooLong)?;
        let Some(bytes) = self.incoming.next_bytes(length)? else {
            self.begun = Some((order, lengths));
            return Ok(None);
        };
        let (common, own) = bytes.split_at(common);
        order.launch.env = Variables::read([common, own]).ok_or(Unreadable::NoEnvironment)?;
        Ok(Some((*order).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::Orders;
    use crate::model::{CommonVariables, Launch, RunId, StopPlan, Variables};
    use crate::shim::protocol::{Order, VERSION};
    use crate::shim::wire::{MAX_LINE, Unreadable};

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    fn run(env: Variables) -> Order {
        Order::Run {
            run: RunId(7),
            launch: Launch {
                argv: vec!["web".into()],
                cwd: "/srv".into(),
                env,
                ..Launch::default()
            },
            stop: StopPlan::default(),
            files: None,
        }
    }

    fn usual() -> Variables {
        let common: CommonVariables = [pair("A", "1\n"), pair("B", "é")].into_iter().collect();
        Variables::new(&common, [pair("B", "2")])
    }

    /// The orders in these bytes, which come in pieces of this size.
    fn read(bytes: &[u8], size: usize) -> Result<Vec<Order>, Unreadable> {
        let (mut orders, mut read) = (Orders::default(), Vec::new());
        for piece in bytes.chunks(size) {
            orders.push(piece);
            while let Some(order) = orders.next()? {
                read.push(order);
            }
        }
        Ok(read)
    }

    /// Append-only: an older peer sends and expects exactly this.
    #[test]
    fn an_environment_stands_behind_its_order_where_the_shim_knows_of_it() {
        let line = r#"{"do":"run","run":7,"launch":{"argv":["web"],"cwd":"/srv","env":[]},"stop":{"signal":2,"grace":{"secs":5,"nanos":0},"command":null},"behind":[10,4]}"#;
        let written = run(usual()).write(4);
        assert_eq!(
            String::from_utf8(written).unwrap(),
            format!("{line}\nA=1\n\0B=é\0B=2\0")
        );
        let written = run(usual()).write(3);
        assert_eq!(
            written,
            [serde_json::to_string(&run(usual())).unwrap().as_bytes(), b"\n"].concat()
        );
    }

    #[test]
    fn orders_are_the_same_however_the_stream_is_cut() {
        let nothing = Variables::default();
        let odd = |value: &str| -> Variables { [pair("A", value)].into_iter().collect() };
        let orders = [
            run(usual()),
            Order::Close,
            run(nothing),
            run(odd("\0")),
            run(odd("a=b")),
        ];
        for version in [3, VERSION] {
            let bytes: Vec<u8> = orders.iter().flat_map(|order| order.write(version)).collect();
            for size in 1..=bytes.len() {
                assert_eq!(read(&bytes, size).unwrap(), orders, "in pieces of {size}");
            }
        }
    }

    #[test]
    fn what_is_no_environment_is_no_order() {
        let written = String::from_utf8(run(usual()).write(VERSION)).unwrap();
        let wrong = written.replace("A=1", "A-1");
        assert_eq!(read(wrong.as_bytes(), 4096), Err(Unreadable::NoEnvironment));
        let cut = &written[..written.len() - 1];
        assert_eq!(read(cut.as_bytes(), 4096), Ok(Vec::new()));
        for lengths in [[MAX_LINE, 1], [usize::MAX, 1]] {
            let longer = written.replace("[10,4]", &format!("{lengths:?}"));
            assert_eq!(read(longer.as_bytes(), 4096), Err(Unreadable::TooLong));
        }
    }
}
