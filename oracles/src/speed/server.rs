//! The DNS server that all ask: one loopback address, answers made once and then looked up, so that what is measured is not
//! the server.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use mxlab_dns::{Authority, Reply, Responder as _, Transport};

use crate::internet::EVERYTHING;

/// How many different questions are remembered with their answers; there are some ten names.
const REMEMBERED: usize = 1_000;

/// A running server. It ends with the program.
pub struct Server {
    pub address: SocketAddr,
    asked: Arc<AtomicU64>,
}

impl Server {
    /// Serves over UDP at a free port.
    ///
    /// # Errors
    /// The machine refuses it.
    pub fn start(authority: Arc<Authority>) -> io::Result<Server> {
        let socket = UdpSocket::bind(SocketAddr::new(EVERYTHING.into(), 0))?;
        let address = socket.local_addr()?;
        let asked = Arc::new(AtomicU64::new(0));
        let count = asked.clone();
        std::thread::spawn(move || serve(&socket, &authority, &count));
        Ok(Server { address, asked })
    }

    /// How many questions were asked so far.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

fn serve(socket: &UdpSocket, authority: &Authority, asked: &AtomicU64) {
    // The key is the whole query except its id.
    let mut answers: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut buffer = [0; 4_096];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        let Some((id, question)) = buffer[..length].split_at_checked(2) else { continue };
        asked.fetch_add(1, Ordering::Relaxed);
        if !answers.contains_key(question) {
            let answer = match authority.answer(&buffer[..length], Transport::Udp, Timestamp::UNIX_EPOCH) {
                Reply::Bytes(octets) | Reply::Later(_, octets) => octets,
                Reply::Nothing | Reply::Close => continue,
            };
            if answers.len() == REMEMBERED {
                answers.clear();
            }
            answers.insert(question.to_vec(), answer);
        }
        let Some(answer) = answers.get_mut(question) else { continue };
        answer[..2].copy_from_slice(id);
        // If the answer is lost, the client asks again.
        let _ = socket.send_to(answer, from);
    }
}
