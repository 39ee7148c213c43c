//! The live test: our authorities on loopback addresses, judged over real sockets by our resolver, by Unbound and by delv.

use std::fmt::{self, Write as _};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::SignedDuration;
use mxlab_dns::{Name, RecordType};
use mxlab_env::{Env, real};

use crate::internet::{EVERYTHING, Internet};
use crate::judges::{self, Verdict};

mod cases;
mod clock;
mod delv;
mod differences;
mod door;
mod unbound;

use cases::Case;
use differences::{DIFFERENCES, Difference, Other, explain};

/// How many cases run at once; most of them wait for servers that do not answer.
const AT_ONCE: usize = 6;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    pub owner: Name,
    pub rtype: RecordType,
}

/// One validator's result for a case.
enum Judged {
    Verdict(Verdict),
    /// Not asked, and why.
    Skipped(&'static str),
    /// It was asked, but something went wrong.
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

/// The results of three validators for a case.
struct Row {
    case: Case,
    ours: Verdict,
    unbound: Judged,
    delv: Judged,
}

/// How a result compares with ours.
enum Comparison {
    Same,
    Explained(&'static Difference),
    Different,
}

impl Row {
    fn compare(&self, other: Other) -> Comparison {
        let judged = match other {
            Other::Unbound => &self.unbound,
            Other::Delv => &self.delv,
        };
        match judged {
            Judged::Skipped(_) => Comparison::Same,
            Judged::Failed(_) => Comparison::Different,
            Judged::Verdict(verdict) if verdict.status == self.ours.status => Comparison::Same,
            Judged::Verdict(verdict) => {
                explain(other, &self.case, &self.ours, verdict).map_or(Comparison::Different, Comparison::Explained)
            }
        }
    }

    fn comparisons(&self) -> [Comparison; 2] {
        [self.compare(Other::Unbound), self.compare(Other::Delv)]
    }

    /// ` ` if all agree, `~` if the difference is explained, `!` if not.
    fn mark(&self) -> char {
        let comparisons = self.comparisons();
        if comparisons.iter().any(|comparison| matches!(comparison, Comparison::Different)) {
            '!'
        } else if comparisons.iter().any(|comparison| matches!(comparison, Comparison::Explained(_))) {
            '~'
        } else {
            ' '
        }
    }
}

/// Runs the cases whose names contain `filter`. The text is a table; without Unbound or delv it says so.
///
/// # Errors
/// Some validators differ without explanation, or the machine refuses something.
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
    let differ = rows.iter().filter(|row| row.mark() == '!').count();
    Ok(if differ == 0 {
        Ok(table)
    } else {
        Err(format!("{table}{differ} of {} cases are judged differently", rows.len()))
    })
}

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
    let unbound = async {
        match differences::keeps_unbound_busy(&case) {
            true => Judged::Skipped("asks on for more than a minute"),
            false => by_unbound(&internet, port, elsewhere.then(|| env.now()), &case.question, folder).await.into(),
        }
    };
    let (ours, unbound, delv) = tokio::join!(by_ours(&env, &internet, port, &case.question), unbound, delv);
    drop(doors);
    Ok(Row { case, ours, unbound, delv })
}

async fn by_ours(env: &Env, internet: &Internet, port: u16, question: &Question) -> Verdict {
    judges::verdict(&judges::iterating(env, internet, port).lookup(&question.owner, question.rtype).await)
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
        let word = row.ours.detail.split(':').next().unwrap_or_default();
        let ours = format!("{:<9}{word}", row.ours.status);
        let name = &row.case.name;
        let _ = writeln!(text, "{} {name:<62} {ours:<33} {:<38} {}", row.mark(), row.unbound, row.delv);
    }
    let explained = |wanted: &Difference| {
        let comparisons = rows.iter().flat_map(Row::comparisons);
        comparisons.filter(|one| matches!(one, Comparison::Explained(found) if found.name == wanted.name)).count()
    };
    let _ = writeln!(text, "{} cases", rows.len());
    for difference in DIFFERENCES {
        let _ =
            writeln!(text, "{:>4} differ: {}\n     {}", explained(difference), difference.name, difference.explanation);
    }
    text
}
