//! The shared state of an engine's tasks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mxlab_dns::Resolver;
use mxlab_env::Env;
use mxlab_record::Recorder;

use crate::config::ReceiverConfig;
use crate::mailbox::Mailbox;

/// The ports of the engine, its settings, and the mail that it has delivered.
pub(crate) struct Shared {
    pub(crate) env: Env,
    pub(crate) recorder: Recorder,
    pub(crate) resolver: Resolver,
    pub(crate) mailbox: Mailbox,
    config: Mutex<Arc<ReceiverConfig>>,
}

impl Shared {
    pub(crate) fn new(env: Env, recorder: Recorder, resolver: Resolver, config: ReceiverConfig) -> Shared {
        let mailbox = Mailbox::new(crate::mailbox::MAX_MESSAGES);
        Shared { env, recorder, resolver, mailbox, config: Mutex::new(Arc::new(config)) }
    }

    /// The settings as they are.
    pub(crate) fn config(&self) -> Arc<ReceiverConfig> {
        self.locked_config().clone()
    }

    /// Changes the settings; running sessions see them at their next message.
    pub(crate) fn configure(&self, change: impl FnOnce(&mut ReceiverConfig)) {
        let mut current = self.locked_config();
        let mut config = ReceiverConfig::clone(&current);
        change(&mut config);
        *current = Arc::new(config);
    }

    fn locked_config(&self) -> MutexGuard<'_, Arc<ReceiverConfig>> {
        // The settings are replaced whole: a panic of another holder leaves nothing half done.
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
