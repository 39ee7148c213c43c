//! Segments that wait for a broken path.

mod common;

use common::{at, finished, ms, seconds, world};
use mxlab_sim::{Config, Fate, Link};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The acknowledgement of a server's words meets a broken path, and nothing answers it when it is sent again: the hash, and
/// when it was sent again.
fn healed_after(down: u64) -> (String, Vec<u64>) {
    let (sim, [a, b]) = world(Config { packet_log: 100, ..Config::default() });
    let control = sim.control();
    control.set_link(&a, &b, Link { latency: ms(10), ..Link::default() });
    let server = b.env();
    b.env().spawn("server", async move {
        let listener = server.listen(at(2, 25)).await.expect("a free address");
        let mut stream = listener.accept().await.expect("a connection");
        stream.write_all(b"220 b.test\r\n").await.expect("written");
        std::future::pending::<()>().await;
    });
    let client = a.env();
    let outcome = sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        let mut stream = client.connect(at(2, 25)).await.expect("connected");
        // The greeting is under way.
        tokio::time::sleep(ms(15)).await;
        control.partition(&a, &b);
        let mut greeting = [0; 12];
        stream.read_exact(&mut greeting).await.expect("what was under way arrives");
        tokio::time::sleep(seconds(down)).await;
        control.heal(&a, &b);
        tokio::time::sleep(seconds(60)).await;
    });
    let (hash, log) = (outcome.packet_hash.clone(), outcome.log.clone());
    finished(outcome);
    assert_eq!(log.iter().filter(|packet| packet.fate == Fate::Held).count(), 1, "one acknowledgement is held");
    (hash, log.iter().map(|packet| packet.at.as_secs()).collect())
}

#[test]
fn what_is_sent_again_after_a_path_is_healed_counts_in_the_hash() {
    let (hash, sent) = healed_after(5);
    assert_eq!(healed_after(5), (hash.clone(), sent.clone()));
    // The runs differ in the time of one packet: it is sent again 7 s or 15 s after it was sent first.
    let (other, later) = healed_after(10);
    let differ: Vec<_> = sent.iter().zip(&later).filter(|(one, other)| one != other).collect();
    assert_eq!((sent.len(), later.len(), differ), (sent.len(), sent.len(), vec![(&7, &15)]));
    assert_ne!(hash, other);
}
