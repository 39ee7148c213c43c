//! The steps of a script, one after the other.
//!
//! Between two steps everything that can happen does: the resolver is polled until it waits, and its queries are answered
//! by the ranges that are open. A step that waits for something (CHECK_ANSWER, CHECK_OUT_QUERY) sees it first. Time
//! passes only by TIME_PASSES, and while the resolver itself waits.
//!
//! One thing differs from Unbound's driver. There, a query that no entry answers waits for ever, and the script fails; here
//! it is timed out when nothing else can go on. Files are written for the queries that Unbound sends, and another resolver
//! may ask for more.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use mxlab_env::{BoxFuture, Env};
use mxlab_record::{Journal, Recorder};

use super::compare::{Order, Sent, differences, find};
use super::config::{Mode, Setup, Unsupported};
use super::entry::Entry;
use super::expression::Variables;
use super::script::{Action, Elapse, Script, Step};
use super::subject::{self, Subject};
use super::wire::{Machine, Pending, Wire};
use mxlab_dns::exchange::Transport;
use mxlab_dns::record::{Record, RecordType};
use mxlab_dns::wire::{Flags, Message, Question};

/// The most rounds that a script takes; more is a loop.
const MAX_ROUNDS: usize = 5_000;
/// How long a resolver may wait for its own timers before a reply is given up.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest time that passes in one step: the clocks of machines end.
const MAX_PAUSE: Duration = Duration::from_secs(10 * 366 * 86_400);
/// The most lines that are noted of what a resolver did.
const MAX_EVENTS: usize = 1_000;

/// How a replay came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// Everything was as the file expects it.
    Passed,
    /// Something was not: what, and what the resolver said.
    Failed(Failure),
    /// The file is not for a validator.
    Skipped(Unsupported),
}

/// What was not as a file expects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step.
    pub step: u64,
    /// The line at which the expectation begins that is not met.
    pub line: Option<usize>,
    /// What was expected and what was found, one phrase each.
    pub differences: Vec<String>,
    /// What the resolver said of its answers, and which queries the file did not answer.
    pub notes: Vec<String>,
}

/// Replays a script against a resolver of its own.
///
/// It blocks; nothing in it takes real time.
pub fn replay(script: &Script) -> Replayed {
    replay_against(script, subject::resolver)
}

/// Makes what a replay is about: its env and pen, what the file gives it, and its network.
type Make = fn(&Env, &Recorder, &Setup, Arc<Wire>) -> Box<dyn Subject>;

fn replay_against(script: &Script, make: Make) -> Replayed {
    let setup = match Setup::of(script) {
        Ok(setup) => setup,
        Err(unsupported) => return Replayed::Skipped(unsupported),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(drive(script, &setup, make)),
        Err(error) => {
            Err(Failure { step: 0, line: None, differences: vec![format!("no runtime: {error}")], notes: Vec::new() })
        }
    };
    outcome.map_or_else(Replayed::Failed, |()| Replayed::Passed)
}

async fn drive(script: &Script, setup: &Setup, make: Make) -> Result<(), Failure> {
    let tasks = Tasks::default();
    let env = Env::new(Machine::new(setup.start, tasks.clone()));
    let journal = Journal::new(MAX_EVENTS);
    let wire = Wire::new(setup.ipv6);
    let subject = make(&env, &journal.recorder(&env, "resolver", 0), setup, Arc::new(wire.clone()));
    let mut driver = Driver::new(script, setup, &env, subject, wire, tasks);
    driver.run().await.map_err(|Wrong { step, line, differences }| {
        let mut notes: Vec<String> = Vec::new();
        for entry in journal.entries() {
            let because = entry.because.join("; ");
            let story = entry.story.join("; ");
            notes.push(if because.is_empty() { story } else { format!("{story}, because {because}") });
        }
        notes.retain(|note| !note.is_empty());
        notes.extend(driver.unanswered.iter().map(|query| format!("not answered: {query}")));
        Failure { step, line, differences, notes }
    })
}

type Tasks = Arc<Mutex<Vec<BoxFuture<'static, ()>>>>;

/// A client that waits for its reply.
struct Asked {
    reply: BoxFuture<'static, Message>,
    query: Message,
    transport: Transport,
}

/// A reply that has come and has not been looked at.
struct Answered {
    reply: Message,
    transport: Transport,
}

/// What went wrong.
struct Wrong {
    step: u64,
    /// The line of the entry that is not met.
    line: Option<usize>,
    differences: Vec<String>,
}

impl Wrong {
    fn at(step: &Step, difference: impl Into<String>) -> Wrong {
        Wrong { step: step.number, line: None, differences: vec![difference.into()] }
    }
}

struct Driver<'a> {
    script: &'a Script,
    setup: &'a Setup,
    env: &'a Env,
    subject: Box<dyn Subject>,
    wire: Wire,
    tasks: Tasks,
    /// The next step.
    at: usize,
    /// The number of the last QUERY: in a transport's file, ranges are open by it.
    asked_at: u64,
    asked: Vec<Asked>,
    answered: Vec<Answered>,
    /// The header bits that the upstream last gave for a question.
    upstream: Vec<(Question, Flags)>,
    variables: Variables,
    unanswered: Vec<String>,
}

impl<'a> Driver<'a> {
    fn new(
        script: &'a Script,
        setup: &'a Setup,
        env: &'a Env,
        subject: Box<dyn Subject>,
        wire: Wire,
        tasks: Tasks,
    ) -> Driver<'a> {
        Driver {
            script,
            setup,
            env,
            subject,
            wire,
            tasks,
            at: 0,
            asked_at: 0,
            asked: Vec::new(),
            answered: Vec::new(),
            upstream: Vec::new(),
            variables: Variables::default(),
            unanswered: Vec::new(),
        }
    }

    async fn run(&mut self) -> Result<(), Wrong> {
        let script = self.script;
        for _ in 0..MAX_ROUNDS {
            self.settle().await;
            let Some(step) = script.steps.get(self.at) else { return self.end() };
            if self.take_expected_query(step)? {
                continue;
            }
            if let (Action::CheckAnswer(entry), false) = (&step.action, self.answered.is_empty()) {
                self.check_answer(entry).map_err(|differences| Wrong {
                    differences,
                    line: Some(entry.line),
                    ..Wrong::at(step, "")
                })?;
                self.at += 1;
                continue;
            }
            if self.answer_from_ranges(step).await {
                continue;
            }
            self.act(step).await.map_err(|difference| Wrong::at(step, difference))?;
        }
        Err(Wrong { step: self.asked_at, line: None, differences: vec![format!("no end after {MAX_ROUNDS} rounds")] })
    }

    fn end(&mut self) -> Result<(), Wrong> {
        let difference = match (self.asked.first(), self.answered.first()) {
            (None, None) => return Ok(()),
            (Some(asked), _) => format!("never answered: {}", describe(&asked.query)),
            (_, Some(left)) => format!("never checked: the reply to {}", describe(&left.reply)),
        };
        Err(Wrong { step: self.asked_at, line: None, differences: vec![difference] })
    }

    /// Polls whatever is under way until all of it waits.
    async fn settle(&mut self) {
        for _ in 0..MAX_ROUNDS {
            let before = self.progress();
            poll_fn(|context| {
                self.poll(context);
                Poll::Ready(())
            })
            .await;
            if self.progress() == before {
                return;
            }
        }
    }

    fn progress(&self) -> (usize, usize, usize) {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).len();
        (self.wire.pending().len(), self.answered.len(), tasks)
    }

    fn poll(&mut self, context: &mut Context<'_>) {
        let mut waiting = Vec::new();
        for mut asked in std::mem::take(&mut self.asked) {
            match Pin::new(&mut asked.reply).poll(context) {
                Poll::Ready(reply) => {
                    let reply = self.finish(&asked.query, reply);
                    self.answered.push(Answered { reply, transport: asked.transport });
                }
                Poll::Pending => waiting.push(asked),
            }
        }
        self.asked = waiting;
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.retain_mut(|task| Pin::new(task).poll(context).is_pending());
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).append(&mut tasks);
    }

    /// The reply as the client gets it.
    fn finish(&self, query: &Message, mut reply: Message) -> Message {
        match self.setup.mode {
            Mode::Transport => {
                // A validator passes on what the upstream says of itself; AD is its own, and CD is the client's.
                let asked = query.question.as_ref();
                let upstream = self.upstream.iter().rev().find(|(question, _)| Some(question) == asked);
                if let Some((_, flags)) = upstream {
                    let Flags { authentic_data, checking_disabled, .. } = reply.flags;
                    reply.flags = Flags { authentic_data, checking_disabled, ..*flags };
                }
            }
            Mode::Iterate | Mode::Forward if self.setup.minimal_responses => minimize(&mut reply),
            Mode::Iterate | Mode::Forward => {}
        }
        reply
    }

    /// CHECK_OUT_QUERY: takes the query that the step expects, if it is there.
    fn take_expected_query(&mut self, step: &Step) -> Result<bool, Wrong> {
        let Action::CheckOutQuery { entry, to } = &step.action else { return Ok(false) };
        let expected =
            |pending: &Pending| to.is_none_or(|to| to == pending.to) && differences(entry, pending.sent()).is_empty();
        let mut pending = self.wire.pending();
        let Some(at) = pending.iter().rposition(expected) else { return Ok(false) };
        self.at += 1;
        if entry.adjusting.copy_id {
            let query = pending.remove(at);
            drop(pending);
            self.reply(query, entry);
        }
        Ok(true)
    }

    /// Answers the first query that an open range has an entry for.
    async fn answer_from_ranges(&mut self, step: &Step) -> bool {
        let (number, order) = match self.setup.mode {
            Mode::Transport => (self.asked_at, Order::LastEntry),
            Mode::Iterate | Mode::Forward => (step.number, Order::LastRange),
        };
        let ranges = &self.script.ranges;
        let found = {
            let mut pending = self.wire.pending();
            let entries = pending.iter().map(|query| find(ranges, number, query.sent(), query.to, order));
            let found = entries.enumerate().find_map(|(at, entry)| entry.map(|entry| (at, entry)));
            found.map(|(at, entry)| (pending.remove(at), entry))
        };
        let Some((query, entry)) = found else { return false };
        let sleep = entry.adjusting.sleep + entry.packets.first().map_or(Duration::ZERO, |packet| packet.sleep);
        if !sleep.is_zero() {
            tokio::time::advance(sleep.min(MAX_PAUSE)).await;
        }
        self.reply(query, entry);
        true
    }

    fn reply(&mut self, query: Pending, entry: &Entry) {
        let Some(packet) = entry.packets.first() else { return };
        if let Some(question) = &query.query.question {
            self.upstream.push((question.clone(), packet.message.flags));
        }
        let octets = packet.encode(&entry.adjusting, &query.query);
        query.answer(Ok(octets));
    }

    /// Does a step for which nothing has to come first any more.
    async fn act(&mut self, step: &Step) -> Result<(), String> {
        match &step.action {
            Action::Nothing => {}
            Action::Query(entry) => self.ask(step, entry),
            Action::CheckAnswer(_) => return self.await_answer().await,
            Action::CheckOutQuery { entry, .. } => {
                let expected = entry.message().map_or(String::new(), describe);
                return Err(format!("the resolver did not ask {expected}"));
            }
            Action::Reply(entry) => {
                let query = self.last_query()?;
                self.reply(query, entry);
            }
            Action::Timeout => self.last_query()?.answer(Err(io::ErrorKind::TimedOut.into())),
            Action::NetworkError => self.last_query()?.answer(Err(io::ErrorKind::ConnectionReset.into())),
            Action::TimePasses(elapse) => tokio::time::advance(self.elapse(elapse)?).await,
            Action::Assign { variable, expression } => {
                self.variables.time = self.env.now().as_second();
                let value = self.variables.expand(expression).map_err(|error| error.to_string())?;
                self.variables.values.insert(variable.clone(), value);
            }
            Action::Foreign(keyword) => return Err(format!("{keyword} cannot be followed")),
        }
        self.at += 1;
        Ok(())
    }

    fn ask(&mut self, step: &Step, entry: &Entry) {
        self.asked_at = step.number;
        let Some(query) = entry.message() else { return };
        let reply = self.subject.ask(query.clone());
        let transport = entry.matching.transport.unwrap_or(Transport::Udp);
        self.asked.push(Asked { reply, query: query.clone(), transport });
    }

    /// Lets something happen that a reply may wait for: a query times out, or a timer runs off.
    async fn await_answer(&mut self) -> Result<(), String> {
        if self.asked.is_empty() {
            return Err("there is no query left that a reply could answer".to_owned());
        }
        let oldest = {
            let mut pending = self.wire.pending();
            if pending.is_empty() { None } else { Some(pending.remove(0)) }
        };
        if let Some(query) = oldest {
            self.unanswered.push(query.describe());
            query.answer(Err(io::ErrorKind::TimedOut.into()));
            return Ok(());
        }
        let before = self.progress();
        let moved = poll_fn(|context| {
            self.poll(context);
            if self.progress() == before { Poll::Pending } else { Poll::Ready(()) }
        });
        tokio::time::timeout(PATIENCE, moved).await.map_err(|_| "the resolver does not reply".to_owned())
    }

    fn last_query(&self) -> Result<Pending, String> {
        self.wire.pending().pop().ok_or_else(|| "no query of the resolver is waiting".to_owned())
    }

    fn elapse(&mut self, elapse: &Elapse) -> Result<Duration, String> {
        let duration = match elapse {
            Elapse::Fixed(duration) => *duration,
            Elapse::Evaluated(text) => {
                self.variables.time = self.env.now().as_second();
                let value = self.variables.expand(text).map_err(|error| error.to_string())?;
                let seconds = value.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                seconds.ok_or_else(|| format!("`{value}` is not a number of seconds"))?
            }
        };
        if duration > MAX_PAUSE { Err("no more than ten years can pass at once".to_owned()) } else { Ok(duration) }
    }

    /// CHECK_ANSWER: takes the reply that the step expects, or says in what the first one differs.
    fn check_answer(&mut self, entry: &Entry) -> Result<(), Vec<String>> {
        let differ = |answered: &Answered| {
            let octets = answered.reply.encode(usize::from(u16::MAX));
            let sent = Sent { message: &answered.reply, octets: &octets, transport: answered.transport };
            differences(&expectation(entry, self.setup.mode), sent)
        };
        let all: Vec<Vec<String>> = self.answered.iter().map(differ).collect();
        match all.iter().position(Vec::is_empty) {
            Some(at) => {
                self.answered.remove(at);
                Ok(())
            }
            None => Err(all.into_iter().next().unwrap_or_default()),
        }
    }
}

/// What an entry expects in this mode: the files for transports do not count EDNS among `all`.
fn expectation(entry: &Entry, mode: Mode) -> Entry {
    let mut entry = entry.clone();
    entry.matching.edns &= mode != Mode::Transport;
    entry
}

fn describe(message: &Message) -> String {
    let question = message.question.as_ref();
    question.map_or("a query without question".to_owned(), |question| format!("{} {}", question.name, question.rtype))
}

/// Leaves out of a positive answer what its client can do without, as Unbound's `minimal-responses` does: what is beside
/// the answer section, unless there is a proof among it.
fn minimize(reply: &mut Message) {
    let asked = reply.question.as_ref().map(|question| question.rtype);
    let positive = reply.answer.iter().any(|record| Some(record.rtype) == asked);
    let proof = |record: &Record| matches!(record.rtype, RecordType::NSEC | RecordType::NSEC3);
    if positive && !reply.authority.iter().any(proof) {
        reply.authority.clear();
        reply.additional.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Wire;
    use super::*;
    use mxlab_dns::exchange::Exchange as _;
    use mxlab_dns::record::Rcode;

    /// Asks the first server what it is asked, and repeats what that says; SERVFAIL if it says nothing.
    struct Parrot {
        wire: Arc<Wire>,
        setup: Setup,
    }

    impl Subject for Parrot {
        fn ask(&self, query: Message) -> BoxFuture<'static, Message> {
            let (wire, server) = (self.wire.clone(), self.setup.servers[0]);
            Box::pin(async move {
                let question = query.question.clone().unwrap();
                let octets = Message::query(7, question.name, question.rtype, None).encode(512);
                match wire.exchange(&octets, server, Transport::Udp, Duration::ZERO).await {
                    Ok(answer) => Message { id: query.id, ..Message::decode(&answer).unwrap() },
                    Err(error) if error.kind() == io::ErrorKind::TimedOut => query.response(Rcode::SERVFAIL),
                    Err(_) => query.response(Rcode::REFUSED),
                }
            })
        }
    }

    const STUB: &str = "stub-zone: name: .\n stub-addr: 192.0.2.1\nserver: val-override-date: 100\n";

    /// Entries: a question or reply for `a.z A`, with an answer if there is one.
    fn entry(head: &str, answer: &str) -> String {
        format!("ENTRY_BEGIN\n{head}\nSECTION QUESTION\na.z. IN A\nSECTION ANSWER\n{answer}\nENTRY_END\n")
    }

    fn range(bounds: &str, address: &str, answer: u8) -> String {
        let entry = entry("MATCH qname qtype\nADJUST copy_id\nREPLY QR AA", &format!("a.z. A 192.0.2.{answer}"));
        format!("RANGE_BEGIN {bounds}\nADDRESS {address}\n{entry}RANGE_END\n")
    }

    fn ask(step: u8) -> String {
        format!("STEP {step} QUERY\n{}", entry("REPLY RD", ""))
    }

    fn expect(step: u8, answer: u8) -> String {
        format!("STEP {step} CHECK_ANSWER\n{}", entry("MATCH rcode answer", &format!("a.z. A 192.0.2.{answer}")))
    }

    fn expect_failure(step: u8, rcode: &str) -> String {
        format!("STEP {step} CHECK_ANSWER\n{}", entry(&format!("MATCH rcode answer\nREPLY {rcode}"), ""))
    }

    /// What becomes of these ranges and steps: nothing if all is well, else the differences.
    #[track_caller]
    fn check(config: &str, parts: &[String], expected: &[&str]) {
        let text = format!("{config}\nCONFIG_END\nSCENARIO_BEGIN t\n{}SCENARIO_END\n", parts.concat());
        let outcome = replay_against(&Script::parse(&text).unwrap(), |_, _, setup, wire| {
            Box::new(Parrot { wire, setup: setup.clone() })
        });
        let found = match outcome {
            Replayed::Passed => Vec::new(),
            Replayed::Failed(failure) => failure.differences,
            Replayed::Skipped(unsupported) => panic!("{unsupported}"),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn ranges_answer_and_replies_are_checked() {
        let (first, later) = (range("0 10", "192.0.2.1", 7), range("20 30", "192.0.2.1", 8));
        check(STUB, &[first.clone(), ask(1), expect(2, 7)], &[]);
        check(STUB, &[first.clone(), later.clone(), ask(1), expect(2, 7), ask(19), expect(20, 8)], &[]);
        check(
            STUB,
            &[first.clone(), ask(1), expect(2, 8)],
            &["answer: missing: a.z. 3600 A 192.0.2.8", "answer: not expected: a.z. 3600 A 192.0.2.7"],
        );
        // Nobody answers at that address, or at that step.
        check(STUB, &[range("0 10", "192.0.2.2", 7), ask(1), expect_failure(2, "SERVFAIL")], &[]);
        check(STUB, &[later, ask(1), expect_failure(2, "SERVFAIL")], &[]);
        let nothing = "STEP 2 NOTHING\n".to_owned();
        check(STUB, &[first.clone(), ask(1), nothing], &["never checked: the reply to a.z A"]);
        check(STUB, &[first.clone(), ask(1), "STEP 2 TRAFFIC\n".to_owned(), expect(3, 7)], &[]);
        check(STUB, &[first, expect(2, 7)], &["there is no query left that a reply could answer"]);
        check(STUB, &[ask(1)], &["never answered: a.z A"]);
    }

    #[test]
    fn a_transport_passes_on_what_its_upstream_says() {
        let config = "server: stub-addr: 192.0.2.99\n";
        let flags = |flags: &str| format!("STEP 2 CHECK_ANSWER\n{}", entry(&format!("MATCH flags\nREPLY {flags}"), ""));
        let (first, second) = (range("1 1", "192.0.2.1", 7), range("1 1", "192.0.2.2", 8));
        check(config, &[first.clone(), second.clone(), ask(1), expect(2, 8)], &[]);
        check(config, &[second, first.clone(), ask(1), expect(2, 7)], &[]);
        check(config, &[first.clone(), ask(1), flags("QR AA")], &[]);
        check(config, &[first, ask(1), flags("QR")], &["flags: expected QR, found QR AA"]);
    }

    #[test]
    fn steps_answer_queries() {
        let out = |head: &str| format!("STEP 2 CHECK_OUT_QUERY\n{}", entry(head, "a.z. A 192.0.2.9"));
        let word = |word: &str| format!("STEP 3 {word}\n");
        let late = range("4 9", "192.0.2.1", 7);
        check(STUB, &[ask(1), out("MATCH qname\nADJUST copy_id\nREPLY QR"), expect(3, 9)], &[]);
        // Without copy_id it is only looked at.
        check(STUB, &[late.clone(), ask(1), out("MATCH qname"), expect(4, 7)], &[]);
        check(STUB, &[ask(1), out("MATCH DO"), expect(3, 9)], &["the resolver did not ask a.z A"]);
        let elsewhere = out("MATCH qname").replace("QUERY\n", "QUERY ADDRESS 192.0.2.2\n");
        check(STUB, &[ask(1), elsewhere, expect(3, 9)], &["the resolver did not ask a.z A"]);
        let reply = format!("STEP 3 REPLY\n{}", entry("REPLY QR", "a.z. A 192.0.2.9"));
        check(STUB, &[ask(1), reply.clone(), expect(4, 9)], &[]);
        check(STUB, &[reply], &["no query of the resolver is waiting"]);
        check(STUB, &[ask(1), word("TIMEOUT"), expect_failure(4, "SERVFAIL")], &[]);
        check(STUB, &[ask(1), word("ERROR"), expect_failure(4, "REFUSED")], &[]);
        check(STUB, &[late, ask(1), word("NOTHING"), expect(4, 7)], &[]);
    }

    #[test]
    fn time_passes_only_when_it_is_told_to() {
        let steps = |last: &str| {
            vec![
                range("0 100", "192.0.2.1", 7),
                ask(1),
                expect(2, 7),
                "STEP 3 TIME_PASSES ELAPSE 10\nSTEP 4 ASSIGN half = ${${time}/2}\n".to_owned(),
                "STEP 5 TIME_PASSES EVAL ${$half - 50}\n".to_owned(),
                format!("STEP 6 ASSIGN x = {last}\n"),
            ]
        };
        check(STUB, &steps("${range 115 ${time} 115}"), &[]);
        check(STUB, &steps("${range 0 ${time} 100}"), &["115 is not in the range from 0 to 100"]);
        check(STUB, &["STEP 1 TIME_PASSES EVAL ten\n".to_owned()], &["`ten` is not a number of seconds"]);
        let ages = "STEP 1 TIME_PASSES EVAL 1e18\n".to_owned();
        check(STUB, &[ages], &["no more than ten years can pass at once"]);
    }

    #[test]
    fn octets_in_hexadecimal_and_pauses() {
        // The id is the query's, whatever the octets say.
        let octets = "ADJUST copy_id sleep=5\nHEX_ANSWER_BEGIN\n0000 8400 0001 0001 0000 0000\n\
                      0161 017a 00 0001 0001 ; a.z A\nc00c 0001 0001 00000e10 0004 c0000209\nHEX_ANSWER_END";
        let range = format!("RANGE_BEGIN 0 9\n{}RANGE_END\n", entry(&format!("MATCH qtype\n{octets}"), ""));
        let late = "STEP 3 ASSIGN x = ${range 105 ${time} 105}\n".to_owned();
        check(STUB, &[range, ask(1), expect(2, 9), late], &[]);
    }

    #[test]
    fn positive_answers_are_minimized_as_the_file_wants_it() {
        let reply = |beside: &str| entry("MATCH all\nREPLY QR AA", &format!("a.z. A 192.0.2.7\n{beside}"));
        let range = |beside: &str| format!("RANGE_BEGIN 0 9\n{}RANGE_END\n", reply(beside).replace("all", "qname"));
        let expect = |beside: &str| format!("STEP 2 CHECK_ANSWER\n{}", reply(beside));
        let servers = "SECTION AUTHORITY\nz. NS ns.z.\nSECTION ADDITIONAL\nns.z. A 192.0.2.1";
        let proof = format!("{servers}\nSECTION AUTHORITY\nb.z. NSEC c.z. A");
        check(STUB, &[range(servers), ask(1), expect("")], &[]);
        check(&format!("{STUB} minimal-responses: no\n"), &[range(servers), ask(1), expect(servers)], &[]);
        check(STUB, &[range(&proof), ask(1), expect(&proof)], &[]);
    }
}
