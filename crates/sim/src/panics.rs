//! Where a panic happened.
//!
//! A caught panic gives its message but not its place; only the process's panic hook sees the place. The hook installed
//! here keeps the place of panics inside simulated tasks, which are reported through the outcome, and leaves all others
//! to the previous hook.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

static INSTALLED: Once = Once::new();

/// Installs the hook, once per process.
pub(crate) fn install() {
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if CATCHING.get() {
                let place = info.location().map(|place| format!("{}:{}", place.file(), place.line()));
                PLACE.with(|slot| *slot.borrow_mut() = place);
            } else {
                before(info);
            }
        }));
    });
}

/// Runs `f`; a panic in it comes back as its message and place.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, String> {
    let outer = CATCHING.replace(true);
    // The caller drops whatever `f` leaves half done: the run ends with the panic.
    let result = catch_unwind(AssertUnwindSafe(f));
    CATCHING.set(outer);
    result.map_err(|payload| {
        let message = message(payload.as_ref());
        match PLACE.with(|slot| slot.borrow_mut().take()) {
            Some(place) => format!("{message} ({place})"),
            None => message,
        }
    })
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}
