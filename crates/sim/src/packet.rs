//! Packets as they are seen from outside: the record, the hash.

use std::net::{IpAddr, SocketAddr};

use mxlab_env::wire::{Fate, PacketRecord, Protocol, TcpFlags};
use ring::digest::{Context, SHA256};
use turmoil_net::{Packet, TcpSegment, Transport};

use crate::cause::Cause;
use crate::clock::WireTime;

/// Source and destination of a packet.
pub(crate) fn ends(packet: &Packet) -> (SocketAddr, SocketAddr) {
    let (from, to) = match &packet.payload {
        Transport::Udp(datagram) => (datagram.src_port, datagram.dst_port),
        Transport::Tcp(segment) => (segment.src_port, segment.dst_port),
    };
    (SocketAddr::new(packet.src, from), SocketAddr::new(packet.dst, to))
}

pub(crate) fn payload(packet: &Packet) -> &[u8] {
    match &packet.payload {
        Transport::Udp(datagram) => &datagram.payload,
        Transport::Tcp(segment) => &segment.payload,
    }
}

pub(crate) fn record(sent: WireTime, cause: &Cause, packet: &Packet, fate: Fate, with_payload: bool) -> PacketRecord {
    let (from, to) = ends(packet);
    let protocol = match &packet.payload {
        Transport::Udp(_) => Protocol::Udp,
        Transport::Tcp(segment) => {
            let flags = segment.flags;
            let flags = TcpFlags { syn: flags.syn, ack: flags.ack, fin: flags.fin, rst: flags.rst, psh: flags.psh };
            Protocol::Tcp { sequence: segment.seq, acknowledged: segment.ack, window: segment.window, flags }
        }
    };
    let WireTime { at, ticks } = sent;
    let payload = payload(packet);
    let (length, payload) = (payload.len(), if with_payload { payload.to_vec() } else { Vec::new() });
    PacketRecord { at, ticks, moment: cause.at, from, to, protocol, length, payload, fate }
}

/// Replaces the payload of a packet, if its protocol allows that.
pub(crate) fn alter(packet: &mut Packet, payload: Vec<u8>) {
    match &mut packet.payload {
        Transport::Udp(datagram) => datagram.payload = payload.into(),
        Transport::Tcp(segment) if segment.payload.len() == payload.len() => segment.payload = payload.into(),
        Transport::Tcp(_) => {}
    }
}

/// The answer of a host that knows nothing of the segment's connection (RFC 9293 §3.10.7.1).
pub(crate) fn reset_in_answer(packet: &Packet, segment: &TcpSegment) -> Packet {
    let mut answer = segment.clone();
    (answer.src_port, answer.dst_port) = (segment.dst_port, segment.src_port);
    answer.flags = turmoil_net::TcpFlags { rst: true, ..Default::default() };
    answer.window = 0;
    answer.payload = Vec::new().into();
    if segment.flags.ack {
        (answer.seq, answer.ack) = (segment.ack, 0);
    } else {
        let length = u32::try_from(segment.payload.len()).unwrap_or(u32::MAX);
        let length = length.wrapping_add(u32::from(segment.flags.syn)).wrapping_add(u32::from(segment.flags.fin));
        (answer.seq, answer.ack) = (0, segment.seq.wrapping_add(length));
        answer.flags.ack = true;
    }
    Packet { src: packet.dst, dst: packet.src, ttl: packet.ttl, payload: Transport::Tcp(answer) }
}

/// A segment of control without data.
fn control((from, to): (SocketAddr, SocketAddr), flags: turmoil_net::TcpFlags, seq: u32, ack: u32) -> Packet {
    let (src_port, dst_port, window) = (from.port(), to.port(), if flags.rst { 0 } else { u16::MAX });
    let segment = TcpSegment { src_port, dst_port, seq, ack, flags, window, payload: Vec::new().into() };
    Packet { src: from.ip(), dst: to.ip(), ttl: 64, payload: Transport::Tcp(segment) }
}

/// A reset by a host, from its end of a connection (first) to its peer's.
pub(crate) fn reset_from(ends: (SocketAddr, SocketAddr), sequence: u32) -> Packet {
    control(ends, turmoil_net::TcpFlags { rst: true, ..Default::default() }, sequence, 0)
}

/// A reset that makes the host at `local` forget its connection with `peer`.
pub(crate) fn reset_towards(local: SocketAddr, peer: SocketAddr) -> Packet {
    reset_from((peer, local), 0)
}

/// What completes the handshake at `local`, whose first octet would have that sequence number.
pub(crate) fn acknowledgement_towards(local: SocketAddr, peer: SocketAddr, sequence: u32) -> Packet {
    control((peer, local), turmoil_net::TcpFlags { ack: true, ..Default::default() }, 0, sequence)
}

/// The hash over all packets.
pub(crate) struct PacketHash(Context);

impl PacketHash {
    pub(crate) fn new() -> PacketHash {
        PacketHash(Context::new(&SHA256))
    }

    pub(crate) fn add(&mut self, sent: WireTime, packet: &Packet) {
        let (from, to) = ends(packet);
        let payload = payload(packet);
        let mut header = Vec::with_capacity(80);
        header.extend_from_slice(&sent.at.as_nanos().to_be_bytes());
        header.extend_from_slice(&sent.ticks.to_be_bytes());
        for end in [from, to] {
            match end.ip() {
                IpAddr::V4(ip) => header.extend_from_slice(&ip.octets()),
                IpAddr::V6(ip) => header.extend_from_slice(&ip.octets()),
            }
            header.extend_from_slice(&end.port().to_be_bytes());
        }
        match &packet.payload {
            Transport::Udp(_) => header.push(17),
            Transport::Tcp(segment) => {
                let flags = segment.flags;
                header.push(6);
                header.extend_from_slice(&segment.seq.to_be_bytes());
                header.extend_from_slice(&segment.ack.to_be_bytes());
                header.extend_from_slice(&segment.window.to_be_bytes());
                header.extend([flags.syn, flags.ack, flags.fin, flags.rst, flags.psh, flags.urg].map(u8::from));
            }
        }
        header.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        self.0.update(&header);
        self.0.update(payload);
    }

    pub(crate) fn hex(&self) -> String {
        data_encoding::HEXLOWER.encode(self.0.clone().finish().as_ref())
    }
}
