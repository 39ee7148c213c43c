//! The measurements as a table.

use std::fmt;

use super::{Answers, Cost, Whose};

/// The costs of all, and notes.
pub struct Table {
    messages: u32,
    rounds: u32,
    /// The length of the message in octets.
    length: usize,
    costs: Vec<(Whose, Answers, Cost)>,
    /// For each message, with answers cached.
    instructions: Vec<(Whose, u64)>,
    notes: Vec<String>,
}

impl Table {
    pub fn new(messages: u32, rounds: u32, length: usize) -> Table {
        Table { messages, rounds, length, costs: Vec::new(), instructions: Vec::new(), notes: Vec::new() }
    }

    /// The result of one round.
    pub fn add(&mut self, whose: Whose, answers: Answers, cost: Cost) {
        self.costs.push((whose, answers, cost));
    }

    pub fn count(&mut self, whose: Whose, instructions: u64) {
        self.instructions.push((whose, instructions));
    }

    pub fn note(&mut self, note: &str) {
        self.notes.push(note.to_owned());
    }

    /// The medians of all rounds; none if it was not measured.
    fn cost(&self, whose: Whose, answers: Answers) -> Option<Cost> {
        let rounds = || self.costs.iter().filter(|(who, from, _)| (*who, *from) == (whose, answers)).map(|it| it.2);
        Some(Cost {
            wall: median(rounds().map(|cost| cost.wall))?,
            cpu: median(rounds().map(|cost| cost.cpu))?,
            questions: median(rounds().map(|cost| cost.questions))?,
        })
    }

    fn instructions(&self, whose: Whose) -> Option<u64> {
        self.instructions.iter().find(|(who, _)| *who == whose).map(|(_, count)| *count)
    }

    fn row(&self, f: &mut fmt::Formatter<'_>, whose: Whose, answers: Answers) -> fmt::Result {
        let Some(cost) = self.cost(whose, answers) else { return Ok(()) };
        let bare = self.cost(whose.bare(), Answers::Cached);
        let ratio = bare.map_or(String::new(), |bare| format!("{:.2}", cost.cpu / bare.cpu));
        write!(f, "{:<34}{:>10}{:>10.1}", title(whose), whose.signatures(), cost.questions)?;
        write!(f, "{:>12.0}{:>10.1}{ratio:>8}", 1.0 / cost.wall, cost.cpu * 1e6)?;
        if answers == Answers::Cached
            && let (Some(count), Some(bare)) = (self.instructions(whose), self.instructions(whose.bare()))
        {
            write!(f, "{count:>14}{:>8.2}", count as f64 / bare as f64)?;
        }
        writeln!(f)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Table { messages, rounds, length, .. } = self;
        writeln!(f, "a message of {length} octets, one at a time: medians of {rounds} rounds of {messages} messages")?;
        for (answers, heading) in
            [(Answers::Cached, "answers cached"), (Answers::Asked, "every answer asked of the server")]
        {
            write!(f, "\n{heading:<34}{:>10}{:>10}", "signatures", "questions")?;
            write!(f, "{:>12}{:>10}{:>8}", "messages/s", "CPU us", "x bare")?;
            if answers == Answers::Cached && !self.instructions.is_empty() {
                write!(f, "{:>14}{:>8}", "instructions", "x bare")?;
            }
            writeln!(f)?;
            for whose in Whose::ALL {
                self.row(f, whose, answers)?;
            }
        }
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        Ok(())
    }
}

fn title(whose: Whose) -> &'static str {
    match whose {
        Whose::Signatures | Whose::FewerSignatures => "signatures alone",
        Whose::Ours => "ours",
        Whose::OursFewer => "ours, without oldest-pass",
        Whose::Python => "dkimpy and pyspf, no DMARC",
        Whose::MailAuth => "mail-auth",
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
