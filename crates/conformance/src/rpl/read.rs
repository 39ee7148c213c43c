//! The reader of replay files, line by line.
//!
//! A line is a keyword and its arguments, a record, or a question; comments begin with `;` or `#`. Words of the language
//! are written as Unbound's `testpkts` wants them, and a few that only other readers know (`flags`, `authority`,
//! `additional`, `AD`, `CD`, `RD`, `OPCODE`).

use std::net::IpAddr;
use std::time::Duration;

use super::entry::{Entry, ExpectedError, Matching, Packet};
use super::mistake::{Mistake, SyntaxError, mistake};
use super::options::Options;
use super::records;
use super::script::{Action, Elapse, Range, Script, Step};
use mxlab_dns::exchange::Transport;
use mxlab_dns::name::Name;
use mxlab_dns::record::Rcode;
use mxlab_dns::wire::Flags;

impl Script {
    /// Reads a replay file.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn parse(text: &str) -> Result<Script, SyntaxError> {
        read(text, |reader| reader.script())
    }
}

impl Options {
    /// Reads the configuration of a replay file, and no further.
    pub(crate) fn parse(text: &str) -> Result<Options, SyntaxError> {
        read(text, |reader| reader.options())
    }
}

fn read<T>(text: &str, read: impl FnOnce(&mut Reader<'_>) -> Result<T, Mistake>) -> Result<T, SyntaxError> {
    let mut reader = Reader { lines: Lines { text: text.lines(), number: 0 }, origin: Name::root() };
    let result = read(&mut reader);
    result.map_err(|Mistake { found, expected }| SyntaxError { line: reader.lines.number, found, expected })
}

/// The lines of a file, and the number of the last one that was taken.
struct Lines<'a> {
    text: std::str::Lines<'a>,
    number: usize,
}

impl<'a> Lines<'a> {
    /// The next line as it stands.
    fn raw(&mut self, expected: &str) -> Result<&'a str, Mistake> {
        match self.text.next() {
            Some(line) => {
                self.number += 1;
                Ok(line)
            }
            None => Err(Mistake { found: "the end of the file".to_owned(), expected: expected.to_owned() }),
        }
    }

    /// The next line that says something, without its blanks.
    fn next(&mut self, expected: &str) -> Result<&'a str, Mistake> {
        loop {
            let line = self.raw(expected)?.trim();
            if !line.is_empty() && !line.starts_with([';', '#']) {
                return Ok(line);
            }
        }
    }
}

/// The first word of a line, and what follows it.
fn keyword(line: &str) -> (&str, &str) {
    let line = line.trim();
    let end = line.find(char::is_whitespace).unwrap_or(line.len());
    let word = line.get(..end).unwrap_or_default();
    // Unbound's reader looks no further than it must, and some files rely on it.
    let word = if word.starts_with("ENTRY_BEGIN") { "ENTRY_BEGIN" } else { word };
    (word, line.get(end..).unwrap_or_default().trim())
}

/// The words of a line up to a comment.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().take_while(|word| !word.starts_with([';', '#']))
}

fn number<T: std::str::FromStr>(text: &str, expected: &str) -> Result<T, Mistake> {
    text.parse().map_err(|_| mistake(text, expected))
}

fn address(text: &str) -> Result<IpAddr, Mistake> {
    // A port may follow: 192.0.2.1@5300.
    let host = words(text).next().and_then(|word| word.split('@').next()).unwrap_or_default();
    host.parse().map_err(|_| mistake(text, "an IP address"))
}

struct Reader<'a> {
    lines: Lines<'a>,
    origin: Name,
}

impl Reader<'_> {
    fn script(&mut self) -> Result<Script, Mistake> {
        let options = self.options()?;
        let title = match keyword(self.lines.next("SCENARIO_BEGIN and a title")?) {
            ("SCENARIO_BEGIN", title) => title.to_owned(),
            (other, _) => return Err(mistake(other, "SCENARIO_BEGIN and a title")),
        };
        let mut script = Script { options, title, ranges: Vec::new(), steps: Vec::new() };
        loop {
            let expected = "RANGE_BEGIN, STEP or SCENARIO_END";
            match keyword(self.lines.next(expected)?) {
                ("RANGE_BEGIN", bounds) => script.ranges.push(self.range(bounds)?),
                ("STEP", rest) => {
                    let step = self.step(rest)?;
                    if script.steps.last().is_some_and(|last| last.number >= step.number) {
                        return Err(mistake(&step.number.to_string(), "a step with a higher number than the last one"));
                    }
                    script.steps.push(step);
                }
                ("SCENARIO_END", _) => return Ok(script),
                // Unbound's reader passes over it.
                ("RANGE_END", _) => {}
                (other, _) => return Err(mistake(other, expected)),
            }
        }
    }

    /// The configuration, up to CONFIG_END.
    fn options(&mut self) -> Result<Options, Mistake> {
        let mut options = Options::default();
        loop {
            let expected = "CONFIG_END after the configuration";
            let line = self.lines.next(expected)?;
            match keyword(line).0 {
                "CONFIG_END" => return Ok(options),
                "COMMANDLINE" => options.note_foreign("COMMANDLINE"),
                "TEMPFILE_NAME" => options.note_foreign("TEMPFILE_NAME"),
                "AUTOTRUST_FILE" => {
                    options.note_foreign("AUTOTRUST_FILE");
                    self.skip_to("AUTOTRUST_END")?;
                }
                "TEMPFILE_CONTENTS" => {
                    options.note_foreign("TEMPFILE_CONTENTS");
                    self.skip_to("TEMPFILE_END")?;
                }
                _ => options.read_line(line)?,
            }
        }
    }

    fn skip_to(&mut self, end: &str) -> Result<(), Mistake> {
        while keyword(self.lines.raw(end)?).0 != end {}
        Ok(())
    }

    fn range(&mut self, bounds: &str) -> Result<Range, Mistake> {
        let mut bounds = words(bounds);
        let mut bound = |expected| number(bounds.next().unwrap_or_default(), expected);
        let (first, last) = (bound("the first step of the range")?, bound("the last step of the range")?);
        let mut range = Range { first, last, addresses: Vec::new(), entries: Vec::new() };
        loop {
            let expected = "ADDRESS, ENTRY_BEGIN or RANGE_END";
            match keyword(self.lines.next(expected)?) {
                ("ADDRESS", text) => range.addresses.push(address(text)?),
                ("ENTRY_BEGIN", _) => range.entries.push(self.entry()?),
                ("RANGE_END", _) => return Ok(range),
                ("$ORIGIN", name) => self.set_origin(name)?,
                (other, _) => return Err(mistake(other, expected)),
            }
        }
    }

    fn step(&mut self, rest: &str) -> Result<Step, Mistake> {
        let (step, rest) = keyword(rest);
        let number = number(step, "the number of the step")?;
        let (kind, rest) = keyword(rest);
        let action = match kind {
            "NOTHING" | "TRAFFIC" => Action::Nothing,
            "QUERY" => {
                // From where a client asks makes no difference to a validator.
                step_address(rest)?;
                Action::Query(self.next_entry()?)
            }
            "CHECK_ANSWER" => Action::CheckAnswer(self.next_entry()?),
            "CHECK_OUT_QUERY" => {
                let to = step_address(rest)?;
                Action::CheckOutQuery { entry: self.next_entry()?, to }
            }
            "REPLY" => Action::Reply(self.next_entry()?),
            "TIMEOUT" => Action::Timeout,
            "ERROR" => Action::NetworkError,
            "TIME_PASSES" => Action::TimePasses(elapse(rest)?),
            "ASSIGN" => {
                let expected = "a variable, =, and an expression";
                let (variable, expression) = rest.split_once('=').ok_or_else(|| mistake(rest, expected))?;
                Action::Assign { variable: variable.trim().to_owned(), expression: expression.trim().to_owned() }
            }
            "CHECK_AUTOTRUST" | "CHECK_TEMPFILE" => {
                self.skip_to("FILE_END")?;
                Action::Foreign(if kind == "CHECK_AUTOTRUST" { "CHECK_AUTOTRUST" } else { "CHECK_TEMPFILE" })
            }
            "INFRA_RTT" => Action::Foreign("INFRA_RTT"),
            "FLUSH_MESSAGE" => Action::Foreign("FLUSH_MESSAGE"),
            "EXPIRE_MESSAGE" => Action::Foreign("EXPIRE_MESSAGE"),
            _ => return Err(mistake(kind, "what the step does, such as QUERY or CHECK_ANSWER")),
        };
        Ok(Step { number, action })
    }

    fn next_entry(&mut self) -> Result<Entry, Mistake> {
        match keyword(self.lines.next("ENTRY_BEGIN")?).0 {
            "ENTRY_BEGIN" => self.entry(),
            other => Err(mistake(other, "ENTRY_BEGIN")),
        }
    }

    fn set_origin(&mut self, text: &str) -> Result<(), Mistake> {
        let name = words(text).next().unwrap_or_default();
        self.origin = name.parse().map_err(|error| mistake(name, format!("a name ({error})")))?;
        Ok(())
    }

    /// What follows ENTRY_BEGIN, up to ENTRY_END.
    fn entry(&mut self) -> Result<Entry, Mistake> {
        let mut entry = Entry::new(self.lines.number);
        let mut packet = Packet::new();
        let mut section = Section::Question;
        let mut dnssec_ok = false;
        entry.packets.clear();
        loop {
            let line = self.lines.next("ENTRY_END")?;
            let (word, rest) = keyword(line);
            match word {
                "ENTRY_END" => {
                    packet.finish(dnssec_ok);
                    entry.packets.push(packet);
                    return Ok(entry);
                }
                "EXTRA_PACKET" => {
                    let next = std::mem::replace(&mut packet, Packet::new());
                    entry.packets.push(next);
                    section = Section::Question;
                }
                "MATCH" => read_match(rest, &mut entry.matching)?,
                "ADJUST" => read_adjust(rest, &mut entry, &mut packet)?,
                "REPLY" => read_reply(rest, &mut packet, &mut dnssec_ok)?,
                "OPCODE" => read_reply(rest, &mut packet, &mut dnssec_ok)?,
                "SECTION" => section = read_section(rest)?,
                "HEX_ANSWER_BEGIN" => packet.octets = Some(self.hexadecimal("HEX_ANSWER_END")?),
                "HEX_EDNSDATA_BEGIN" => packet.edns_data = Some(self.hexadecimal("HEX_EDNSDATA_END")?),
                "$ORIGIN" => self.set_origin(rest)?,
                _ => self.record(line, section, &mut packet)?,
            }
        }
    }

    fn record(&self, line: &str, section: Section, packet: &mut Packet) -> Result<(), Mistake> {
        let message = &mut packet.message;
        let records = match section {
            Section::Question => {
                message.question = Some(records::question(line, &self.origin)?);
                return Ok(());
            }
            Section::Answer => &mut message.answer,
            Section::Authority => &mut message.authority,
            Section::Additional => &mut message.additional,
        };
        records.push(records::record(line, &self.origin)?);
        Ok(())
    }

    fn hexadecimal(&mut self, end: &str) -> Result<Vec<u8>, Mistake> {
        let mut digits = String::new();
        loop {
            let line = self.lines.raw(end)?.trim();
            if line == end {
                break;
            }
            let data = line.split(';').next().unwrap_or_default();
            digits.extend(data.chars().filter(|letter| !letter.is_whitespace()));
        }
        let octets = data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes());
        octets.map_err(|_| mistake(&digits, "octets in hexadecimal"))
    }
}

/// `ADDRESS` and an address, if they follow.
fn step_address(rest: &str) -> Result<Option<IpAddr>, Mistake> {
    match keyword(rest) {
        ("", _) => Ok(None),
        ("ADDRESS", text) => address(text).map(Some),
        (comment, _) if comment.starts_with([';', '#']) => Ok(None),
        (other, _) => Err(mistake(other, "ADDRESS or the end of the line")),
    }
}

fn elapse(rest: &str) -> Result<Elapse, Mistake> {
    match keyword(rest) {
        ("ELAPSE", text) => {
            let seconds = words(text).next().unwrap_or_default();
            let duration = seconds.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            duration.map(Elapse::Fixed).ok_or_else(|| mistake(seconds, "a number of seconds"))
        }
        ("EVAL", text) => Ok(Elapse::Evaluated(text.to_owned())),
        (other, _) => Err(mistake(other, "ELAPSE and seconds, or EVAL and an expression")),
    }
}

/// Where a record goes.
#[derive(Clone, Copy)]
enum Section {
    Question,
    Answer,
    Authority,
    Additional,
}

fn read_section(rest: &str) -> Result<Section, Mistake> {
    match words(rest).next().unwrap_or_default() {
        "QUESTION" => Ok(Section::Question),
        "ANSWER" => Ok(Section::Answer),
        "AUTHORITY" => Ok(Section::Authority),
        "ADDITIONAL" => Ok(Section::Additional),
        other => Err(mistake(other, "QUESTION, ANSWER, AUTHORITY or ADDITIONAL")),
    }
}

/// `word=value` or `word:value`.
fn valued(word: &str) -> (&str, &str) {
    word.split_once(['=', ':']).unwrap_or((word, ""))
}

fn read_match(rest: &str, matching: &mut Matching) -> Result<(), Mistake> {
    for word in words(rest) {
        match valued(word) {
            ("opcode", _) => matching.opcode = true,
            ("qtype", _) => matching.question_type = true,
            ("qname", _) => matching.question_name = true,
            ("subdomain", _) => matching.subdomain = true,
            ("question", _) => matching.question = true,
            ("rcode", _) => matching.rcode = true,
            ("flags", _) => matching.flags = true,
            ("answer", _) => matching.answer = true,
            ("authority", _) => matching.authority = true,
            ("additional", _) => matching.additional = true,
            ("all", _) => {
                matching.all();
                matching.edns = true;
            }
            ("all_noedns", _) => matching.all(),
            ("ttl", _) => matching.ttl = true,
            ("DO", _) => matching.dnssec_ok = true,
            ("AD", _) => matching.authentic_data = true,
            ("CD", _) => matching.checking_disabled = true,
            ("RD", _) => matching.recursion_desired = true,
            ("noedns", _) => matching.no_edns = true,
            ("ednsdata", _) => matching.edns_data = true,
            ("UDP", _) => matching.transport = Some(Transport::Udp),
            ("TCP", _) => matching.transport = Some(Transport::Tcp),
            ("serial", value) => matching.serial = Some(number(value, "a serial number")?),
            ("client_cookie", _) => matching.cookie = Some("MATCH client_cookie"),
            ("server_cookie", _) => matching.cookie = Some("MATCH server_cookie"),
            ("ede", "any") => matching.extended_error = Some(ExpectedError::Any),
            ("ede", value) => {
                matching.extended_error = Some(ExpectedError::Code(number(value, "an info code, or any")?))
            }
            _ => return Err(mistake(word, "a part of messages, such as opcode, qname or all")),
        }
    }
    Ok(())
}

fn read_adjust(rest: &str, entry: &mut Entry, packet: &mut Packet) -> Result<(), Mistake> {
    let seconds = |value| number(value, "a number of seconds").map(Duration::from_secs);
    for word in words(rest) {
        let adjusting = &mut entry.adjusting;
        match valued(word) {
            ("copy_id", _) => adjusting.copy_id = true,
            ("copy_query", _) => adjusting.copy_query = true,
            ("sleep", value) => adjusting.sleep = seconds(value)?,
            ("packet_sleep", value) => packet.sleep = seconds(value)?,
            ("copy_ednsdata_assume_clientsubnet", _) => {
                adjusting.client_subnet = Some("ADJUST copy_ednsdata_assume_clientsubnet");
            }
            ("increment_ecs_scope", _) => adjusting.client_subnet = Some("ADJUST increment_ecs_scope"),
            _ => return Err(mistake(word, "an adjustment, such as copy_id or copy_query")),
        }
    }
    Ok(())
}

/// RFC 1035 §4.1.1, RFC 1996, RFC 2136 §2.2.
const OPCODES: &[(&str, u8)] = &[("QUERY", 0), ("IQUERY", 1), ("STATUS", 2), ("NOTIFY", 4), ("UPDATE", 5)];

/// RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 6891 §9.
const RCODES: &[(&str, u16)] = &[
    ("NOERROR", 0),
    ("FORMERR", 1),
    ("SERVFAIL", 2),
    ("NXDOMAIN", 3),
    ("NOTIMP", 4),
    ("NOTIMPL", 4),
    ("REFUSED", 5),
    ("YXDOMAIN", 6),
    ("YXRRSET", 7),
    ("NXRRSET", 8),
    ("NOTAUTH", 9),
    ("NOTZONE", 10),
    ("BADVERS", 16),
];

fn read_reply(rest: &str, packet: &mut Packet, dnssec_ok: &mut bool) -> Result<(), Mistake> {
    let message = &mut packet.message;
    for word in words(rest) {
        let find = |table: &[(&str, u8)]| table.iter().find(|(name, _)| *name == word).map(|(_, code)| *code);
        let rcode = RCODES.iter().find(|(name, _)| *name == word).map(|(_, code)| *code);
        match (flag(word, &mut message.flags), find(OPCODES), rcode) {
            (Some(flag), ..) => *flag = true,
            (_, Some(opcode), _) => message.flags.opcode = opcode,
            (.., Some(rcode)) => message.rcode = Rcode(rcode),
            _ if word == "DO" => *dnssec_ok = true,
            _ => return Err(mistake(word, "a flag, an opcode or a response code")),
        }
    }
    Ok(())
}

/// The header bit of this name.
fn flag<'a>(word: &str, flags: &'a mut Flags) -> Option<&'a mut bool> {
    match word {
        "QR" => Some(&mut flags.response),
        "AA" => Some(&mut flags.authoritative),
        "TC" => Some(&mut flags.truncated),
        "RD" => Some(&mut flags.recursion_desired),
        "RA" => Some(&mut flags.recursion_available),
        "AD" => Some(&mut flags.authentic_data),
        "CD" => Some(&mut flags.checking_disabled),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "; a comment\nserver:\n  do-ip6: no # another\nCONFIG_END\n\nSCENARIO_BEGIN  a title \n";
    const ENTRY: &str =
        "ENTRY_BEGIN\nMATCH qname\nREPLY QR AA NXDOMAIN NOTIFY DO\nSECTION QUESTION\nz. IN A\nENTRY_END\n";

    fn parse(body: &str) -> Result<Script, SyntaxError> {
        Script::parse(&format!("{HEAD}{body}SCENARIO_END\n"))
    }

    #[test]
    fn a_file_is_read() {
        let script = parse(&format!(
            "RANGE_BEGIN 0 100 ; all of it\n\tADDRESS 192.0.2.1 # here\n ADDRESS 2001:db8::1@53\n$ORIGIN z.\n{}RANGE_END\n\
             STEP 1 QUERY ADDRESS 127.0.0.1\n{ENTRY}STEP 10 TIME_PASSES ELAPSE 1.5\nSTEP 11 NOTHING\n",
            ENTRY.replace("ENTRY_END", "SECTION ANSWER\na 60 A 192.0.2.7\n; no more\nSECTION ADDITIONAL\nENTRY_END"),
        ))
        .unwrap();
        assert_eq!(script.title(), "a title");
        let range = &script.ranges[0];
        assert_eq!((range.first, range.last, range.addresses.len()), (0, 100, 2));
        let message = range.entries[0].message().unwrap();
        let flags = Flags { response: true, authoritative: true, opcode: 4, ..Flags::default() };
        assert_eq!((message.flags, message.rcode), (flags, Rcode::NXDOMAIN));
        assert_eq!(message.answer[0].to_string(), "a.z. 60 A 192.0.2.7");
        assert!(message.edns.as_ref().unwrap().dnssec_ok);
        let numbers: Vec<u64> = script.steps.iter().map(|step| step.number).collect();
        assert_eq!(numbers, [1, 10, 11]);
        assert!(matches!(
            script.steps[1].action,
            Action::TimePasses(Elapse::Fixed(duration)) if duration == Duration::from_millis(1_500)
        ));
    }

    #[test]
    fn what_only_unbound_reads_is_skipped() {
        for config in ["AUTOTRUST_FILE z\nz. DNSKEY\nCONFIG_END\nAUTOTRUST_END", "TEMPFILE_CONTENTS x\n(\nTEMPFILE_END"]
        {
            let text =
                format!("{config}\nTEMPFILE_NAME x\nCOMMANDLINE -v\nCONFIG_END\nSCENARIO_BEGIN t\nSCENARIO_END\n");
            assert_eq!(Script::parse(&text).unwrap().title(), "t", "{config}");
        }
        let script =
            parse("STEP 1 CHECK_AUTOTRUST z\nFILE_BEGIN\nx\nFILE_END\nSTEP 2 INFRA_RTT 192.0.2.1 z. 5\n").unwrap();
        let keywords = script.steps.iter().map(|step| match step.action {
            Action::Foreign(keyword) => keyword,
            _ => "",
        });
        assert_eq!(keywords.collect::<Vec<_>>(), ["CHECK_AUTOTRUST", "INFRA_RTT"]);
    }

    #[test]
    fn mistakes_in_files() {
        for (body, expected) in [
            ("STEPS 1\n", "line 7: found `STEPS`, expected RANGE_BEGIN, STEP or SCENARIO_END"),
            ("RANGE_BEGIN 0\n", "line 7: found end of line, expected the last step of the range"),
            ("RANGE_BEGIN 0 9\nADDRESS x\n", "line 8: found `x`, expected an IP address"),
            ("RANGE_BEGIN 0 9\nSTEP 1 QUERY\n", "line 8: found `STEP`, expected ADDRESS, ENTRY_BEGIN or RANGE_END"),
            ("STEP x QUERY\n", "line 7: found `x`, expected the number of the step"),
            ("STEP 1 ASK\n", "line 7: found `ASK`, expected what the step does, such as QUERY or CHECK_ANSWER"),
            (
                "STEP 2 NOTHING\nSTEP 2 NOTHING\n",
                "line 8: found `2`, expected a step with a higher number than the last one",
            ),
            ("STEP 1 TIME_PASSES 5\n", "line 7: found `5`, expected ELAPSE and seconds, or EVAL and an expression"),
            ("STEP 1 TIME_PASSES ELAPSE -5\n", "line 7: found `-5`, expected a number of seconds"),
            ("STEP 1 ASSIGN x\n", "line 7: found `x`, expected a variable, =, and an expression"),
            ("STEP 1 QUERY\n; here\nMATCH all\n", "line 9: found `MATCH`, expected ENTRY_BEGIN"),
            (
                "STEP 1 QUERY\nENTRY_BEGIN\nMATCH foo\n",
                "line 9: found `foo`, expected a part of messages, such as opcode, qname or all",
            ),
            ("STEP 1 QUERY\nENTRY_BEGIN\nMATCH ede=x\n", "line 9: found `x`, expected an info code, or any"),
            (
                "STEP 1 QUERY\nENTRY_BEGIN\nADJUST foo\n",
                "line 9: found `foo`, expected an adjustment, such as copy_id or copy_query",
            ),
            (
                "STEP 1 QUERY\nENTRY_BEGIN\nREPLY foo\n",
                "line 9: found `foo`, expected a flag, an opcode or a response code",
            ),
            (
                "STEP 1 QUERY\nENTRY_BEGIN\nSECTION foo\n",
                "line 9: found `foo`, expected QUESTION, ANSWER, AUTHORITY or ADDITIONAL",
            ),
            (
                "STEP 1 QUERY\nENTRY_BEGIN\nHEX_ANSWER_BEGIN\n0x\nHEX_ANSWER_END\n",
                "line 11: found `0x`, expected octets in hexadecimal",
            ),
            ("STEP 1 QUERY\nENTRY_BEGIN\nSECTION ANSWER\nz. IN A 1\n", "line 10: found `1`, expected an IPv4 address"),
            (
                "STEP 1 QUERY\nENTRY_BEGIN\nSECTION QUESTION\n",
                "line 10: found `SCENARIO_END`, expected a question: a name, IN, and a type",
            ),
        ] {
            assert_eq!(parse(body).unwrap_err().to_string(), expected, "{body}");
        }
        for (text, expected) in [
            ("server:\n", "line 1: found the end of the file, expected CONFIG_END after the configuration"),
            ("server\nCONFIG_END\n", "line 1: found `server`, expected an option, such as stub-addr:"),
            ("CONFIG_END\nSTEP 1 QUERY\n", "line 2: found `STEP`, expected SCENARIO_BEGIN and a title"),
            (
                "CONFIG_END\nSCENARIO_BEGIN t\n",
                "line 2: found the end of the file, expected RANGE_BEGIN, STEP or SCENARIO_END",
            ),
        ] {
            assert_eq!(Script::parse(text).unwrap_err().to_string(), expected, "{text}");
        }
    }
}
