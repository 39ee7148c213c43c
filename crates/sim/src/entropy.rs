//! Seeded random bytes.

use ring::digest::{Context, SHA256};

/// SHA-256 over length-prefixed parts.
pub(crate) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// A stream of bytes: SHA-256 of a key and a counter. The key depends only on the seed and a name, so that one stream's
/// draws never affect another's.
pub(crate) struct Stream {
    key: [u8; 32],
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl Stream {
    pub(crate) fn new(seed: u64, name: &str, boot: u64) -> Stream {
        let key = digest(&[b"entropy", &seed.to_be_bytes(), name.as_bytes(), &boot.to_be_bytes()]);
        Stream { key, counter: 0, block: [0; 32], used: 32 }
    }

    pub(crate) fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            if self.used == self.block.len() {
                self.block = digest(&[&self.key, &self.counter.to_be_bytes()]);
                self.counter += 1;
                self.used = 0;
            }
            *byte = self.block[self.used];
            self.used += 1;
        }
    }
}

/// A cheap stream of numbers for deliberate draws, of which a lossy or jittery link makes many: SplitMix64 (Steele, Lea,
/// Flood 2014).
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64, from: &str, to: &str) -> Draws {
        let key = digest(&[b"draws", &seed.to_be_bytes(), from.as_bytes(), to.as_bytes()]);
        Draws(first_u64(&key))
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)).checked_rem(bound).unwrap_or(0)
    }
}

pub(crate) fn first_u64(bytes: &[u8; 32]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&bytes[..8]);
    u64::from_be_bytes(first)
}
