//! Power fails after any write to the spool: no recipient is lost, and none without a report.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{future, io};

use jiff::Timestamp;
use mxlab_env::{BoxFuture, BoxStream, Datagrams, Env, Files, Listener, Ports, Task};

use super::*;

/// A machine whose process stands still after a number of writes, until it is killed.
struct Cut {
    env: Env,
    files: CutFiles,
}

struct CutFiles {
    env: Env,
    left: Arc<AtomicUsize>,
}

impl CutFiles {
    /// Whether another write is done.
    fn is_powered(&self) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

impl Files for CutFiles {
    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        self.env.files().read(name)
    }

    fn replace<'a>(&'a self, name: &'a str, content: &'a [u8]) -> BoxFuture<'a, io::Result<()>> {
        if self.is_powered() { self.env.files().replace(name, content) } else { Box::pin(future::pending()) }
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<()>> {
        if self.is_powered() { self.env.files().remove(name) } else { Box::pin(future::pending()) }
    }

    fn list<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, io::Result<Vec<String>>> {
        self.env.files().list(folder)
    }
}

impl Ports for Cut {
    fn now(&self) -> Timestamp {
        self.env.now()
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
        &self.files
    }
}

/// Sends a message for a recipient that is refused and one that is taken, with power for so many writes; then again with
/// power. Returns whether the message was accepted, how many writes were left, and the identifiers of the reports that the
/// author got, and how many copies the other recipient got.
fn with_power_for(writes: usize) -> (bool, usize, Vec<String>, usize) {
    let world = world();
    *world.mx1.habit.lock().unwrap() = Habit::Says(Stage::Rcpt, "550 5.1.1 User unknown", 99);
    let (journal, table, out) = (world.journal.clone(), world.table.clone(), world.out);
    let (reports, copies) = (world.home.mailbox.clone(), world.mx1.mailbox.clone());
    let left = Arc::new(AtomicUsize::new(writes));
    let counted = left.clone();
    let outcome = world.sim.run(async move {
        let env = out.env();
        let env = Env::new(Cut { env: env.clone(), files: CutFiles { env, left } });
        let start = |env: Env| {
            let recorder = journal.recorder(&env, "sender", 0);
            mxlab_sender::Sender::with_dns(&env, &recorder, table.clone(), config()).unwrap()
        };
        let sender = start(env);
        sender.resume().await.unwrap();
        let submitting = sender.submit(submission(ANN, &[BO, "any@fabrikam.example"]));
        let accepted = tokio::time::timeout(Duration::from_secs(60), submitting).await.is_ok();
        tokio::time::sleep(Duration::from_secs(60)).await;
        out.kill();
        drop(sender);
        let sender = start(out.restart());
        sender.resume().await.unwrap();
        sender.watch().wait_for(|waiting| *waiting == 0).await.unwrap();
        accepted
    });
    let ids = reports.lock().unwrap().iter().map(|(_, _, text)| message_id(text)).collect();
    let copies = copies.lock().unwrap().len();
    (outcome.value.unwrap(), counted.load(Ordering::Relaxed), ids, copies)
}

fn message_id(text: &str) -> String {
    let message = mxlab_mail::Message::parse(text.as_bytes()).unwrap();
    message.message_id().unwrap().as_str().to_owned()
}

#[test]
fn no_report_is_lost() {
    let mut writes = 0;
    loop {
        let (accepted, left, reports, copies) = with_power_for(writes);
        assert_eq!(accepted, writes > 0, "the message is accepted as soon as it is in the spool");
        // A crash may send a report or a message twice, but never another report.
        let distinct: std::collections::BTreeSet<_> = reports.iter().collect();
        assert_eq!(distinct.len(), usize::from(accepted), "power for {writes} writes: {reports:?}");
        assert_eq!(copies > 0, accepted, "power for {writes} writes");
        if left > 0 {
            assert_eq!((reports.len(), copies), (1, 1));
            break;
        }
        writes += 1;
    }
    // The message; the taken recipient forgotten; the attempt; the report; the refused recipient forgotten; the report gone.
    assert!(writes >= 6, "{writes}");
}
