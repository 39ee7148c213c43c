//! Why a world cannot be built.

use std::net::IpAddr;

/// Why a world could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// Two hosts of a world have the same name.
    #[error("two hosts are called {0}")]
    NameTaken(String),
    /// Two hosts of a world have the same address.
    #[error("{address} belongs to {owner} already")]
    AddressTaken {
        /// The address.
        address: IpAddr,
        /// The host that has it.
        owner: String,
    },
    /// Loopback belongs to every host, and no host can have the unspecified address.
    #[error("{0} cannot be a host's address")]
    NotAnAddress(IpAddr),
    /// A world that runs takes in no more hosts.
    #[error("{0} comes too late: the world runs")]
    Runs(String),
    /// The runtime could not be built.
    #[error("the runtime could not be built: {0}")]
    Runtime(#[from] std::io::Error),
}
