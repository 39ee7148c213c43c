//! DNS with DNSSEC, built on raw record data.

pub mod name;
pub mod rdata;
mod rdata_text;
pub mod record;
pub mod wire;

pub use name::Name;
pub use record::{Class, RawRdata, Rcode, Record, RecordType, Rrset};
pub mod authority;
pub mod fault;
pub mod keys;
pub mod serve;
pub mod sign;
pub mod signed_zone;
pub mod zone;
pub mod zonefile;
mod zonefile_data;
