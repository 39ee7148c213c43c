//! What it costs to authenticate a message: SPF with two includes, one RSA signature of DKIM, DMARC, and three ARC sets; by
//! ours, by mail-auth, and by dkimpy with pyspf, which ask one server; and beside them the signatures alone.
//!
//! Each is a separate process that authenticates the message many times, one after the other, and measures itself. So
//! the server's time is not counted. First all must come to the same verdict. Rounds take turns, and medians are
//! reported. Each is measured twice: with answers cached from the previous message, and with new lookups for each. Only
//! the first can be compared with the signatures alone; the second is mostly the cost of sockets.
//!
//! Not all do the same work. ARC requires the newest message signature and all seals; ours checks the older message
//! signatures too, to find oldest-pass (RFC 8617 section 5.2 step 5), unless it is told not to, and so does dkimpy.
//! mail-auth does not. So the signatures alone are measured twice, and each contender is compared with as many as it
//! checks.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::ValueEnum;
use cpu_time::ProcessTime;
use mxlab_env::real;
use serde_json::{Value, json};

use crate::callgrind;

mod bare;
mod mail_auth;
mod ours;
mod server;
mod table;
mod world;

use ours::Ours;
use server::Server;

/// Whose work is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Whose {
    /// The signatures that ours checks, over prepared octets
    Signatures,
    /// Ours
    Ours,
    /// dkimpy and pyspf
    Python,
    /// The signatures that mail-auth checks, over prepared octets
    FewerSignatures,
    /// Ours, with older message signatures left unchecked
    OursFewer,
    /// mail-auth
    MailAuth,
}

impl Whose {
    const ALL: [Whose; 6] =
        [Whose::Signatures, Whose::Ours, Whose::Python, Whose::FewerSignatures, Whose::OursFewer, Whose::MailAuth];

    /// The signatures alone that it is compared with.
    fn bare(self) -> Whose {
        match self {
            Whose::Signatures | Whose::Ours | Whose::Python => Whose::Signatures,
            Whose::FewerSignatures | Whose::OursFewer | Whose::MailAuth => Whose::FewerSignatures,
        }
    }

    fn is_bare(self) -> bool {
        self == self.bare()
    }

    /// How many signatures it checks: that of DKIM, three seals, and three message signatures or the newest.
    fn signatures(self) -> u32 {
        if self.bare() == Whose::Signatures { 7 } else { 5 }
    }
}

/// Where answers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Answers {
    /// From the message before, as the contender keeps them
    Cached,
    /// From the server, each time
    Asked,
}

/// The expected verdict.
struct Verdict {
    spf: bool,
    dkim: bool,
    dmarc: bool,
    arc: bool,
}

impl Verdict {
    fn check(self) -> Result<(), String> {
        let Verdict { spf, dkim, dmarc, arc } = self;
        match spf && dkim && dmarc && arc {
            true => Ok(()),
            false => Err(format!("not everything passes: SPF {spf}, DKIM {dkim}, DMARC {dmarc}, ARC {arc}")),
        }
    }
}

/// What one message costs.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// In seconds.
    wall: f64,
    /// In seconds of the process, in user mode and in the kernel.
    cpu: f64,
    /// How many questions the server was asked.
    questions: f64,
}

/// Measures all contenders in this many rounds.
///
/// # Errors
/// A contender does not come to the verdict that everything passes, or the machine refuses something.
pub fn run(messages: u32, rounds: u32, python: &Path) -> Result<String, String> {
    let messages = messages.max(1);
    let server = Server::start(world::authority()).map_err(|error| error.to_string())?;
    let mut table = table::Table::new(messages, rounds.max(1), world::message().len());
    let mut contenders = Whose::ALL.to_vec();
    if let Err(why) = has_libraries(python) {
        contenders.retain(|whose| *whose != Whose::Python);
        table.note(&format!("dkimpy and pyspf are left out: {why}"));
    }
    for _ in 0..rounds.max(1) {
        for answers in [Answers::Cached, Answers::Asked] {
            for &whose in contenders.iter().filter(|whose| answers == Answers::Cached || !whose.is_bare()) {
                table.add(whose, answers, cost(whose, answers, &server, messages, python)?);
            }
        }
    }
    if !callgrind::is_there() {
        table.note("no instructions are counted: valgrind cannot be run");
        return Ok(table.to_string());
    }
    const COUNTED: u32 = 20;
    for &whose in contenders.iter().filter(|whose| **whose != Whose::Python) {
        let arguments = arguments(whose, Answers::Cached, server.address, COUNTED);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (count, _) = callgrind::count(&format!("speed-{whose:?}"), &arguments)?;
        table.count(whose, count / u64::from(COUNTED));
    }
    Ok(table.to_string())
}

/// The arguments with which this program does one contender's work.
fn arguments(whose: Whose, answers: Answers, server: SocketAddr, messages: u32) -> Vec<String> {
    let words = [callgrind::word(&whose), callgrind::word(&answers)];
    ["speed-work".to_owned()].into_iter().chain(words).chain([server.to_string(), messages.to_string()]).collect()
}

fn has_libraries(python: &Path) -> Result<(), String> {
    let has = Command::new(python).args(["-c", "import dkim, dns.resolver, spf"]).stderr(Stdio::null()).status();
    match has {
        Err(error) => Err(format!("{} cannot be run: {error}", python.display())),
        Ok(status) if !status.success() => Err(format!("{} does not have them", python.display())),
        Ok(_) => Ok(()),
    }
}

/// Runs one contender in a separate process.
fn cost(whose: Whose, answers: Answers, server: &Server, messages: u32, python: &Path) -> Result<Cost, String> {
    let before = server.asked();
    let said = match whose {
        Whose::Python => {
            let mut command = Command::new(python);
            command.args(["-c", include_str!("../python/speed.py")]);
            let message: String = world::message().into_iter().map(char::from).collect();
            said(
                command,
                &json!({
                    "message": message, "ip": world::CLIENT, "sender": world::SENDER, "helo": world::HELO,
                    "receiver": world::RECEIVER, "address": server.address.ip().to_string(), "port": server.address.port(),
                    "cached": answers == Answers::Cached, "messages": messages,
                }),
            )
        }
        _ => {
            let mut command = Command::new(std::env::current_exe().map_err(|error| error.to_string())?);
            command.args(arguments(whose, answers, server.address, messages));
            said(command, &Value::Null)
        }
    };
    let said = said.map_err(|why| format!("{whose:?} {answers:?}: {why}"))?;
    let each = |member: &str| said.get(member).and_then(Value::as_f64).map(|total| total / f64::from(messages));
    let (Some(wall), Some(cpu)) = (each("wall"), each("cpu")) else { return Err(format!("{whose:?} says {said}")) };
    let questions = (server.asked() - before) as f64 / f64::from(messages + warming(messages));
    Ok(Cost { wall, cpu, questions })
}

/// How many messages are sent before those that count.
fn warming(messages: u32) -> u32 {
    1 + messages / 10
}

/// The answer of a process to `job`.
fn said(mut command: Command, job: &Value) -> Result<Value, String> {
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = started.map_err(|error| error.to_string())?;
    if let Some(mut input) = child.stdin.take() {
        // A process that does not read it reports the reason itself.
        let _ = write!(input, "{job}");
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

/// Does one contender's work, and returns the time in seconds.
///
/// # Errors
/// Not everything passes: then the measurement is meaningless.
pub fn work(whose: Whose, answers: Answers, server: SocketAddr, messages: u32) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let env = real::env(std::env::temp_dir());
    let octets = world::message();
    let (now, cache) = (env.now(), answers == Answers::Cached);
    let oldest_pass = whose.bare() == Whose::Signatures;
    let mut authenticate: Box<dyn FnMut() -> Result<(), String>> = match whose {
        Whose::Signatures | Whose::FewerSignatures => {
            let prepared = bare::prepare(&octets, oldest_pass).ok_or("the signatures are not there")?;
            if prepared.len() != whose.signatures() as usize {
                return Err(format!("there are {} signatures", prepared.len()));
            }
            Box::new(move || {
                let wrong = prepared.iter().filter(|one| !one.holds()).count();
                if wrong == 0 { Ok(()) } else { Err(format!("{wrong} signatures are wrong")) }
            })
        }
        Whose::Ours | Whose::OursFewer => {
            let ours = Ours::new(&env, server, cache, oldest_pass);
            Box::new(move || runtime.block_on(ours.authenticate(&octets, now)).ok_or("unreadable")?.check())
        }
        Whose::MailAuth => {
            let theirs = {
                let _inside = runtime.enter();
                mail_auth::MailAuth::new(server, cache)?
            };
            Box::new(move || runtime.block_on(theirs.authenticate(&octets)).ok_or("unreadable")?.check())
        }
        Whose::Python => return Err("Python works elsewhere".to_owned()),
    };
    for _ in 0..warming(messages) {
        authenticate()?;
    }
    let mut outcome = Ok(());
    let (wall, cpu) = (Instant::now(), ProcessTime::now());
    callgrind::measured(&mut || outcome = (0..messages).try_for_each(|_| authenticate()));
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
    outcome?;
    Ok(json!({ "wall": wall, "cpu": cpu }).to_string())
}
