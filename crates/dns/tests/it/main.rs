//! Tests of the crate as its users see it.

#![allow(unreachable_pub, reason = "modules of one test program share `net`")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod authority;
mod cuts;
mod faults;
mod iterating;
mod keyset;
mod laws;
mod loopback;
mod net;
mod nsec3;
mod odd_answers;
mod reasons;
mod resolution;
mod respond;
mod respond_odd;
mod served;
mod simulated;
mod text;
mod validated;
mod vectors;
mod wildcard;
