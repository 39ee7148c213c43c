//! The simulated adapter of `env`.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use mxlab_env::{BoxFuture, BoxStream, Datagrams, Env, Files, Listener, Ports, Task, Timestamp};

use crate::files::{SimFiles, files};
use crate::host::{Host, Process};
use crate::kernel::Kernel;
use crate::outcome::End;
use crate::socket::Home;
use crate::sync::lock;
use crate::{socket, task};

/// The ports of one boot of a host's process.
#[derive(Clone)]
pub(crate) struct SimPorts {
    kernel: Arc<Kernel>,
    process: Arc<Process>,
    /// None for the script, which belongs to no host.
    host: Option<Arc<Host>>,
    files: SimFiles,
}

impl SimPorts {
    pub(crate) fn of_host(kernel: &Arc<Kernel>, host: &Arc<Host>, process: &Arc<Process>) -> SimPorts {
        SimPorts {
            kernel: Arc::clone(kernel),
            process: Arc::clone(process),
            host: Some(Arc::clone(host)),
            files: files(Some(host), process, kernel.config.sync_delay),
        }
    }

    /// The script's ports: they have the time and random bytes.
    pub(crate) fn of_script(kernel: &Arc<Kernel>) -> SimPorts {
        let process = Arc::new(Process::new(kernel.config.seed, "", 0));
        let files = files(None, &process, kernel.config.sync_delay);
        SimPorts { kernel: Arc::clone(kernel), process, host: None, files }
    }

    /// Where its sockets live.
    fn home(&self) -> io::Result<Home> {
        let host = self.host.as_ref().ok_or_else(|| io::Error::other("the script has no host"))?;
        if !self.process.is_alive() {
            return Err(io::Error::other(format!("the process on {} is dead", host.name)));
        }
        if !self.kernel.is_here() {
            return Err(io::Error::other("the world does not run here"));
        }
        Ok(Home::new(&self.kernel, host, &self.process))
    }
}

impl Ports for SimPorts {
    fn now(&self) -> Timestamp {
        self.host.as_ref().map_or_else(|| self.kernel.now(), |host| host.now(&self.kernel))
    }

    fn moment(&self) -> Timestamp {
        self.kernel.moment()
    }

    fn rank(&self) -> Vec<u32> {
        self.kernel.cause().rank()
    }

    fn fill(&self, buffer: &mut [u8]) {
        lock(&self.process.entropy).fill(buffer);
    }

    fn draw(&self, what: &'static str, bound: u64) -> u64 {
        // With one possible result there is no choice, and nothing that could show.
        if bound > 1 {
            self.kernel.note_draw(what);
        }
        lock(&self.process.draws).below(bound)
    }

    fn tells(&self, who: &str) {
        if let Some(host) = self.host.as_ref().filter(|_| !self.process.is_alive()) {
            let (host, what) = (host.name.to_string(), format!("something that records as {who}"));
            self.kernel.end(End::Outlived { host, what });
        }
    }

    fn wants_tls_secrets(&self) -> bool {
        self.kernel.config.capture
    }

    fn tls_secret(&self, line: String) {
        self.kernel.keep_tls_secret(line);
    }

    fn spawn(&self, name: String, future: BoxFuture<'static, ()>) -> Task {
        match &self.host {
            Some(host) => task::spawn(&self.kernel, host, &self.process, Env::new(self.clone()), name, future),
            // Nobody gets the script's env.
            None => Task::new(|| {}),
        }
    }

    fn connect(&self, from: Option<IpAddr>, to: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>> {
        Box::pin(async move { socket::connect(self.home()?, from, to).await })
    }

    fn listen(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async move { socket::listen(self.home()?, at).await })
    }

    fn bind(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Datagrams>>> {
        Box::pin(async move {
            let draw = || {
                let mut bytes = [0; 2];
                self.fill(&mut bytes);
                u16::from_be_bytes(bytes)
            };
            socket::bind(self.home()?, at, draw).await
        })
    }

    fn files(&self) -> &dyn Files {
        &self.files
    }
}
