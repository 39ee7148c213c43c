//! The real machine with another clock: for zones that are judged at another time than now.

use std::io;
use std::net::{IpAddr, SocketAddr};

use jiff::SignedDuration;
use mxlab_env::{BoxFuture, BoxStream, Datagrams, Env, Files, Listener, Ports, Task, Timestamp};

struct Shifted {
    env: Env,
    by: SignedDuration,
}

/// This env with its clock ahead by so much.
pub fn shifted(env: &Env, by: SignedDuration) -> Env {
    Env::new(Shifted { env: env.clone(), by })
}

impl Ports for Shifted {
    fn now(&self) -> Timestamp {
        self.env.now() + self.by
    }
    fn fill(&self, buffer: &mut [u8]) {
        self.env.fill(buffer);
    }
    fn spawn(&self, name: String, task: BoxFuture<'static, ()>) -> Task {
        self.env.spawn(name, task)
    }
    fn connect(&self, from: Option<IpAddr>, to: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>> {
        Box::pin(self.env.connect_from(from, to))
    }
    fn listen(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(self.env.listen(at))
    }
    fn bind(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Datagrams>>> {
        Box::pin(self.env.bind(at))
    }
    fn files(&self) -> &dyn Files {
        self.env.files()
    }
}
