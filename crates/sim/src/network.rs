//! The simulated machines and their network, as scripts see them: the traits of `mxlab_env::wire`.

use std::cell::RefCell;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use jiff::SignedDuration;
use mxlab_env::Env;
use mxlab_env::wire::{Link, Machine, Network, Tap};
use turmoil_net::Net;

use crate::control::Control;
use crate::error::SimError;
use crate::host::HostHandle;

/// The network of a world. Clones are the same network.
#[derive(Clone)]
pub struct SimNetwork {
    /// Some until the world runs.
    pub(crate) net: Rc<RefCell<Option<Net>>>,
    pub(crate) control: Control,
}

impl SimNetwork {
    pub(crate) fn add_host(&self, name: &str, addresses: Vec<IpAddr>) -> Result<HostHandle, SimError> {
        let kernel = &self.control.kernel;
        kernel.check_host(name, &addresses)?;
        let mut net = self.net.borrow_mut();
        let net = net.as_mut().ok_or_else(|| SimError::Runs(name.to_owned()))?;
        let id = net.add_host(addresses.clone());
        Ok(kernel.add_host(id, name, addresses))
    }

    fn host(&self, name: &str) -> io::Result<HostHandle> {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, format!("no machine is called {name}"));
        self.control.kernel.host(name).ok_or_else(unknown)
    }
}

impl Network for SimNetwork {
    fn add_machine(&self, name: &str, addresses: &[IpAddr]) -> io::Result<Arc<dyn Machine>> {
        let host = self.add_host(name, addresses.to_vec()).map_err(io::Error::other)?;
        Ok(Arc::new(host))
    }

    fn isolate(&self, machine: &str) -> io::Result<()> {
        self.control.isolate(&self.host(machine)?);
        Ok(())
    }

    fn rejoin(&self, machine: &str) -> io::Result<()> {
        self.control.rejoin(&self.host(machine)?);
        Ok(())
    }

    fn set_link(&self, one: &str, other: &str, link: Link) -> io::Result<()> {
        self.control.set_link(&self.host(one)?, &self.host(other)?, link);
        Ok(())
    }

    fn tap(&self, tap: Box<dyn Tap>) -> io::Result<()> {
        self.control.kernel.wire().tap(tap);
        Ok(())
    }
}

impl Machine for HostHandle {
    fn name(&self) -> &str {
        HostHandle::name(self)
    }
    fn addresses(&self) -> &[IpAddr] {
        HostHandle::addresses(self)
    }
    fn env(&self) -> Env {
        HostHandle::env(self)
    }
    fn is_up(&self) -> bool {
        HostHandle::is_up(self)
    }
    fn kill(&self) {
        HostHandle::kill(self);
    }
    fn power_loss(&self) -> io::Result<()> {
        HostHandle::power_loss(self);
        Ok(())
    }
    fn restart(&self) -> Env {
        HostHandle::restart(self)
    }
    fn set_clock_error(&self, error: SignedDuration) -> io::Result<()> {
        HostHandle::set_clock_error(self, error);
        Ok(())
    }
}

impl std::fmt::Debug for SimNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimNetwork")
    }
}
