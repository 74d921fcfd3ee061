//! What a panic in a tool does: it is told to whoever waits for the tool's answer, and ends nobody else. The released
//! program cannot catch one (it aborts, so that a broken controller is gone and can be replaced); so whoever panics
//! here never gets that far: its thread stands still for ever, and what it has open stays open.

use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;
use std::thread;

type Tell = Box<dyn FnOnce(&str)>;

thread_local! {
    /// Whom this thread tells of its panic.
    static TELL: RefCell<Option<Tell>> = const { RefCell::new(None) };
}

/// Does the work on this thread, which nothing else is done on. If it panics, `tell` is called with the reason, and
/// the thread does nothing more.
pub(super) fn told_of<T>(tell: impl FnOnce(&str) + 'static, work: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            usual(panic);
            if let Some(tell) = TELL.take() {
                tell(&reason(panic));
                while cfg!(panic = "abort") {
                    thread::park();
                }
            }
        }));
    });
    TELL.set(Some(Box::new(tell)));
    let done = work();
    TELL.set(None);
    done
}

/// `src/x.rs:3: index out of bounds`.
fn reason(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let why = text.unwrap_or("no reason is given");
    match panic.location() {
        Some(place) => format!("{}:{}: {why}", place.file(), place.line()),
        None => why.to_owned(),
    }
}
