//! Independent implementations judge ours. See the README beside this package.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod callgrind;
mod cost;
mod differential;
mod dkim;
mod internet;
mod judges;
mod live;
mod pairs;
mod speed;
mod spf;
mod upstream;

#[derive(Parser)]
#[command(about = "Other people's implementations as judges of ours")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Random zones and faults, judged by ours, `domain` and hickory over the same answers
    Differential {
        /// How many internets
        #[arg(long, default_value_t = 256)]
        cases: u32,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Count unexplained differences and show one of each kind, instead of failing at the first
        #[arg(long)]
        survey: bool,
    },
    /// Random messages, signed by ours and by dkimpy, changed, and verified by both
    Dkim {
        /// How many messages
        #[arg(long, default_value_t = 2_000)]
        cases: u32,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Count unexplained differences and show one of each kind, instead of failing at the first
        #[arg(long)]
        survey: bool,
        /// A Python that has dkimpy[ed25519]
        #[arg(long, default_value = "python3")]
        python: PathBuf,
    },
    /// Our authorities on loopback addresses, judged by our resolver, Unbound and delv
    Live {
        /// Only cases whose names contain this
        #[arg(default_value = "")]
        filter: String,
    },
    /// Random zones and records of SPF, judged by ours and pyspf over the same answers
    Spf {
        #[arg(long, default_value_t = 2_000)]
        cases: u32,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Count unexplained differences and show one of each kind, instead of failing at the first
        #[arg(long)]
        survey: bool,
        /// A Python that has pyspf
        #[arg(long, default_value = "python3")]
        python: PathBuf,
    },
    /// What validation costs beside its signatures alone, in instructions counted by callgrind
    Cost,
    /// The work of one contender, for callgrind
    #[command(hide = true)]
    CostWork { whose: cost::Whose, curve: cost::Curve },
    /// What it costs to authenticate a message, beside mail-auth, dkimpy with pyspf, and its signatures alone
    Speed {
        /// How many messages each authenticates in a round
        #[arg(long, default_value_t = 2_000)]
        messages: u32,
        #[arg(long, default_value_t = 3)]
        rounds: u32,
        /// A Python that has dkimpy, pyspf and dnspython
        #[arg(long, default_value = "python3")]
        python: PathBuf,
    },
    /// The work of one
    #[command(hide = true)]
    SpeedWork { whose: speed::Whose, answers: speed::Answers, server: SocketAddr, messages: u32 },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Differential { cases, seed, survey } => differential::run(cases, seed, survey),
        Command::Dkim { cases, seed, survey, python } => dkim::run(pairs::Run { cases, seed, survey }, &python),
        Command::Live { filter } => live::run(&filter),
        Command::Spf { cases, seed, survey, python } => spf::run(pairs::Run { cases, seed, survey }, &python),
        Command::Cost => cost::run(),
        Command::CostWork { whose, curve } => cost::work(whose, curve),
        Command::Speed { messages, rounds, python } => speed::run(messages, rounds, &python),
        Command::SpeedWork { whose, answers, server, messages } => speed::work(whose, answers, server, messages),
    };
    match outcome {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
