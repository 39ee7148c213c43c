//! Unbound: one instance for each case, from root hints by stub zones, and gone with its case.

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use mxlab_dns::wire::{Edns, Message};
use mxlab_dns::{Name, Rcode, RecordType};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::UdpSocket;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::Question;
use crate::internet::Internet;
use crate::judges::{Status, Verdict};

/// Where it listens.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 53, 0, 3);
/// How long a client waits: longer than Unbound needs to find that servers are dead.
const PATIENCE: Duration = Duration::from_secs(60);
const START: Duration = Duration::from_secs(10);

/// A running instance.
pub struct Unbound {
    at: SocketAddr,
    /// Killed when it is dropped.
    _child: Child,
}

/// Its version, if it is installed.
pub async fn version() -> Option<String> {
    let output = Command::new("unbound").arg("-V").output().await.ok()?;
    String::from_utf8_lossy(&output.stdout).lines().next().map(|line| format!("unbound {line}"))
}

impl Unbound {
    /// Starts it for an internet that is served at this port, with its clock at `now`.
    ///
    /// # Errors
    /// It cannot be started, or says that its configuration is wrong.
    pub async fn start(internet: &Internet, port: u16, now: Option<Timestamp>, folder: &Path) -> io::Result<Unbound> {
        let file = folder.join("unbound.conf");
        std::fs::write(&file, configuration(internet, port, now, folder))?;
        let mut command = Command::new("unbound");
        command.arg("-d").arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let stderr = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut lines = BufReader::new(stderr).lines();
        let mut said = String::new();
        let started = async {
            while let Some(line) = lines.next_line().await? {
                if line.contains("start of service") {
                    return Ok(());
                }
                said = said + &line + "\n";
            }
            Err(io::Error::other(format!("unbound does not start: {said}")))
        };
        timeout(START, started).await.map_err(|_| io::ErrorKind::TimedOut)??;
        // Its other output is read and dropped, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Unbound { at: SocketAddr::new(ADDRESS.into(), port), _child: child })
    }

    /// Asks it like a client that trusts its AD bit.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn judge(&self, question: &Question) -> io::Result<Verdict> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let message = timeout(PATIENCE, ask(&socket, self.at, &question.owner, question.rtype)).await;
        let message = message.map_err(|_| io::Error::other("unbound does not answer"))??;
        let error = message.edns.as_ref().and_then(|edns| edns.extended_error);
        let detail = match error {
            Some(code) => format!("{}, extended error {code}", message.rcode),
            None => message.rcode.to_string(),
        };
        let status = match message.rcode {
            Rcode::NOERROR | Rcode::NXDOMAIN if message.flags.authentic_data => Status::Secure,
            Rcode::NOERROR | Rcode::NXDOMAIN => Status::Insecure,
            _ => Status::Servfail,
        };
        Ok(Verdict::new(status, detail))
    }
}

async fn ask(socket: &UdpSocket, at: SocketAddr, owner: &Name, rtype: RecordType) -> io::Result<Message> {
    let query = Message::query(1, owner.clone(), rtype, Some(Edns::new(4_096, true))).encode(512);
    let mut buffer = [0; 4_096];
    socket.send_to(&query, at).await?;
    let (length, _) = socket.recv_from(&mut buffer).await?;
    Message::decode(&buffer[..length]).map_err(|error| io::Error::other(error.to_string()))
}

fn configuration(internet: &Internet, port: u16, now: Option<Timestamp>, folder: &Path) -> String {
    let mut text = format!(
        "server:
  directory: \"{folder}\"
  chroot: \"\"
  username: \"\"
  pidfile: \"\"
  use-syslog: no
  logfile: \"\"
  verbosity: 1
  num-threads: 1
  interface: {ADDRESS}@{port}
  do-ip6: no
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  module-config: \"validator iterator\"
  trust-anchor-signaling: no
  qname-minimisation: no
  ede: yes
  infra-cache-max-rtt: 1000
  outbound-msg-retry: 1
  unknown-server-time-limit: 400
",
        folder = folder.display()
    );
    if let Some(now) = now {
        let _ = writeln!(text, "  val-override-date: \"{}\"", now.strftime("%Y%m%d%H%M%S"));
    }
    for ds in internet.anchor_ds() {
        let digest = data_encoding::HEXLOWER.encode(&ds.digest);
        let _ = writeln!(text, "  trust-anchor: \". DS {} {} {} {digest}\"", ds.key_tag, ds.algorithm, ds.digest_type);
    }
    // Delegations name addresses without ports, so each zone is told where its server is.
    for (origin, address, _) in &internet.servers {
        let _ = writeln!(text, "stub-zone:\n  name: \"{origin}\"\n  stub-addr: {address}@{port}");
    }
    text + "remote-control:\n  control-enable: no\n"
}
