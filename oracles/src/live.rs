//! The live test: our authorities on loopback addresses, judged over real sockets by our resolver, by Unbound and by delv.

use std::fmt::{self, Write as _};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::SignedDuration;
use mxlab_dns::{Name, RecordType, Recursor, RecursorConfig};
use mxlab_env::{Env, real};

use crate::internet::{EVERYTHING, Internet, name};
use crate::judges::{self, Verdict};

mod cases;
mod clock;
mod delv;
mod door;
mod unbound;

use cases::Case;

/// Where our recursor listens.
const RECURSOR: Ipv4Addr = Ipv4Addr::new(127, 53, 0, 2);
/// How many cases run at once; most of them wait for servers that do not answer.
const AT_ONCE: usize = 6;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    pub owner: Name,
    pub rtype: RecordType,
}

/// What somebody says of a case.
enum Judged {
    Verdict(Verdict),
    /// Not asked, and why.
    Skipped(&'static str),
    /// Asked, and what went wrong.
    Failed(String),
}

impl From<io::Result<Verdict>> for Judged {
    fn from(result: io::Result<Verdict>) -> Judged {
        result.map_or_else(|error| Judged::Failed(error.to_string()), Judged::Verdict)
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Judged::Verdict(verdict) => format!("{:<9}{}", verdict.status, verdict.detail),
            Judged::Skipped(why) => format!("-        {why}"),
            Judged::Failed(why) => format!("failed   {why}"),
        };
        f.pad(&text)
    }
}

/// What three validators say of a case.
struct Row {
    name: String,
    ours: Verdict,
    unbound: Judged,
    delv: Judged,
}

impl Row {
    /// Whether everybody who judged says the same.
    fn agrees(&self) -> bool {
        [&self.unbound, &self.delv].into_iter().all(|judged| match judged {
            Judged::Verdict(verdict) => verdict.status == self.ours.status,
            Judged::Skipped(_) => true,
            Judged::Failed(_) => false,
        })
    }
}

/// Runs the cases whose names contain `filter`. The text is a table; without Unbound or delv it says so.
///
/// # Errors
/// Some validators differ, or the machine does not let us.
pub fn run(filter: &str) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(all(filter)).map_err(|error| error.to_string())?
}

async fn all(filter: &str) -> io::Result<Result<String, String>> {
    let (Some(unbound), Some(delv)) = (unbound::version().await, delv::version().await) else {
        return Ok(Ok("skipped: unbound or delv is not installed (Debian: unbound, bind9-dnsutils)\n".to_owned()));
    };
    let folder = std::env::temp_dir().join(format!("mxlab-live-{}", std::process::id()));
    let env = real::env(&folder);
    let cases = cases::cases().into_iter().filter(|case| case.name.contains(filter)).enumerate();
    let rows = cases.map(|(number, case)| {
        let (env, folder) = (env.clone(), folder.join(number.to_string()));
        async move { run_case(&env, case, &folder).await }
    });
    let rows: Vec<io::Result<Row>> = stream::iter(rows).buffered(AT_ONCE).collect().await;
    std::fs::remove_dir_all(&folder)?;
    let rows: Vec<Row> = rows.into_iter().collect::<io::Result<_>>()?;
    let table = format!("{unbound}, {delv}\n{}", table(&rows));
    let differ = rows.iter().filter(|row| !row.agrees()).count();
    Ok(if differ == 0 { Ok(table) } else { Err(format!("{table}{differ} cases are judged differently")) })
}

/// Serves a case's internet, and asks everybody.
async fn run_case(env: &Env, case: Case, folder: &PathBuf) -> io::Result<Row> {
    std::fs::create_dir_all(folder)?;
    let elsewhere = case.at != SignedDuration::ZERO;
    let internet = Internet::new(&case.plan, env.now());
    let env = clock::shifted(env, case.at);
    let port = free_port(&env).await?;
    let doors = door::open(&env, &internet, port, case.door).await?;
    let delv = async {
        match elsewhere {
            true => Judged::Skipped("needs another clock"),
            false => delv::judge(&internet, port, &case.question, folder).await.into(),
        }
    };
    let unbound = by_unbound(&internet, port, elsewhere.then(|| env.now()), &case.question, folder);
    let (ours, unbound, delv) = tokio::join!(by_ours(&env, &internet, port, &case.question), unbound, delv);
    drop(doors);
    Ok(Row { name: case.name, ours, unbound: unbound.into(), delv })
}

async fn by_ours(env: &Env, internet: &Internet, port: u16, question: &Question) -> Verdict {
    let roots = vec![(name("ns"), vec![internet.root().into()])];
    let recursor = Recursor::new(env, RecursorConfig { port, ..RecursorConfig::new(roots) });
    let at = SocketAddr::new(RECURSOR.into(), port);
    let task = env.spawn("recursor", async move {
        if let Err(error) = recursor.serve(at).await {
            eprintln!("{at}: {error}");
        }
    });
    let answer = judges::resolver(env, internet, at).lookup(&question.owner, question.rtype).await;
    task.abort();
    judges::verdict(&answer)
}

async fn by_unbound(
    internet: &Internet,
    port: u16,
    now: Option<jiff::Timestamp>,
    question: &Question,
    folder: &Path,
) -> io::Result<Verdict> {
    unbound::Unbound::start(internet, port, now, folder).await?.judge(question).await
}

/// A port that is free now at the addresses of the test.
async fn free_port(env: &Env) -> io::Result<u16> {
    Ok(env.bind(SocketAddr::new(EVERYTHING.into(), 0)).await?.local_addr().port())
}

fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let mark = if row.agrees() { ' ' } else { '!' };
        let word = row.ours.detail.split(':').next().unwrap_or_default();
        let ours = format!("{:<9}{word}", row.ours.status);
        let _ = writeln!(text, "{mark} {:<48} {ours:<32} {:<38} {}", row.name, row.unbound, row.delv);
    }
    text
}
