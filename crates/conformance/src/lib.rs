//! Other people's test suites, run against the engines.
//!
//! A driver reads the files of a suite from a folder that the user names, gives each case to an engine as it stands, and
//! says what became of it. The suites themselves are not part of this crate.
//!
//! | module | suite | holds to it |
//! |---|---|---|
//! | [`rpl`] | replays of validating resolvers, Unbound's and those of transports | [`mxlab_dns::Resolver`] |
//! | [`spf`] | `rfc7208-tests.yml`, begun by openspf.org | [`mxlab_auth::spf`] |
//! | [`dkim`] | messages and key records of dkimpy | [`mxlab_auth::dkim`] |
//! | [`arc`] | `arc-draft-*.yml`, begun by ValiMail | [`mxlab_auth::arc`] |
//! | [`psl`] | the tests of the Public Suffix List | [`mxlab_auth::alignment`] |
//!
//! [`SUITES`] lists them for a command line.
//!
//! # Not here
//! Rules of mail or DNS. An engine never depends on this crate, so that what only a driver needs (YAML, a clock that is
//! moved by hand) stays out of the engines.
//!
//! # Limits
//! A file has at most 8 MiB. A case that panics fails; it does not end the run of a suite of replays.

pub mod arc;
mod case;
pub mod dkim;
mod folder;
pub mod psl;
mod ready;
pub mod rpl;
pub mod spf;
mod yaml;

use std::io;
use std::path::Path;

pub use case::{Case, Outcome};

/// A suite that can be run by its name.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// Its name, and that of its folder among other suites unless `holds` says otherwise.
    pub name: &'static str,
    /// What it holds, and where its files are looked for below the folder `DIR`.
    pub holds: &'static str,
    run: fn(&Path, &mut dyn FnMut(Case)) -> io::Result<()>,
}

impl Suite {
    /// Runs the suite in a folder of suites, or in its own folder; tells each case when it is done.
    ///
    /// # Errors
    /// The folder does not hold the suite; or, of kind [`io::ErrorKind::InvalidData`], it cannot be read as one.
    pub fn run(&self, folder: &Path, tell: &mut dyn FnMut(Case)) -> io::Result<()> {
        (self.run)(folder, tell)
    }
}

/// All suites, in the order in which they are listed.
pub const SUITES: &[Suite] = &[
    Suite {
        name: "dnssec",
        holds: "replays of validating resolvers (.rpl), in DIR/dnssec-rpl or in DIR itself",
        run: rpl::suite::run_folder,
    },
    Suite {
        name: "spf",
        holds: "the suite of RFC 7208 (rfc7208-tests.yml), in DIR/spf or in DIR itself",
        run: |folder, tell| told(spf::run(folder)?, tell),
    },
    Suite {
        name: "dkim",
        holds: "messages and key records of dkimpy, in DIR/dkim or in DIR itself",
        run: |folder, tell| told(dkim::run(folder)?, tell),
    },
    Suite {
        name: "arc",
        holds: "validation and signing cases of ARC (arc-draft-*.yml), in DIR/arc or in DIR itself",
        run: |folder, tell| told(arc::run(folder)?, tell),
    },
    Suite {
        name: "psl",
        holds: "the tests of the Public Suffix List (tests.txt), in DIR/psl or in DIR itself",
        run: |folder, tell| told(psl::run(folder)?, tell),
    },
];

fn told(cases: Vec<Case>, tell: &mut dyn FnMut(Case)) -> io::Result<()> {
    cases.into_iter().for_each(tell);
    Ok(())
}
