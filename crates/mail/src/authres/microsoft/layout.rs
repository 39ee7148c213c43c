//! How the clauses of a value are laid out.

use std::fmt;
use std::str::FromStr;

use super::{AuthResError, AuthenticationResults, CompAuth, DkimClause, DmarcClause, SpfClause, clause};
use crate::authres::{MAX_CLAUSES, MAX_LENGTH};

/// A clause of any method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clause {
    /// SPF.
    Spf(SpfClause),
    /// DKIM, for one signature.
    Dkim(DkimClause),
    /// DMARC.
    Dmarc(DmarcClause),
    /// Composite authentication.
    CompAuth(CompAuth),
}

/// The methods in the order in which they are written.
const METHODS: [&str; 4] = ["spf", "dkim", "dmarc", "compauth"];

impl Clause {
    /// The place of the method in the order.
    fn rank(&self) -> usize {
        match self {
            Clause::Spf(_) => 0,
            Clause::Dkim(_) => 1,
            Clause::Dmarc(_) => 2,
            Clause::CompAuth(_) => 3,
        }
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Clause::Spf(clause) => clause.fmt(f),
            Clause::Dkim(clause) => clause.fmt(f),
            Clause::Dmarc(clause) => clause.fmt(f),
            Clause::CompAuth(clause) => clause.fmt(f),
        }
    }
}

impl FromStr for Clause {
    type Err = AuthResError;

    fn from_str(text: &str) -> Result<Clause, AuthResError> {
        match method(text) {
            Some("spf") => text.parse().map(Clause::Spf),
            Some("dkim") => text.parse().map(Clause::Dkim),
            Some("dmarc") => text.parse().map(Clause::Dmarc),
            Some("compauth") => text.parse().map(Clause::CompAuth),
            _ => Err(AuthResError::UnknownClause { clause: blank_free(text).to_owned() }),
        }
    }
}

/// The separator between a clause and the next, or after the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behind {
    /// `;`.
    Semicolon,
    /// `; `.
    SemicolonBlank,
    /// `;fabrikam.example; `: the recipient's domain in the layout before 2021, as it follows the last DKIM clause.
    Recipient(String),
    /// `; fabrikam.example; `: the same after the SPF clause.
    BlankRecipient(String),
    /// Nothing; only after the last clause.
    Nothing,
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Behind::Semicolon => f.write_str(";"),
            Behind::SemicolonBlank => f.write_str("; "),
            Behind::Recipient(domain) => write!(f, ";{}; ", clause::name(domain)),
            Behind::BlankRecipient(domain) => write!(f, "; {}; ", clause::name(domain)),
            Behind::Nothing => Ok(()),
        }
    }
}

/// A value in one of the layouts: its clauses, and what follows each.
///
/// Single clauses, as documents print them and servers pass them on, are values too. Folding may have left several blanks
/// where one was; they are read as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaidOut(Vec<(Clause, Behind)>);

impl LaidOut {
    /// A value of these clauses.
    ///
    /// # Errors
    /// When there is no clause, when there are more than [`MAX_CLAUSES`], when they are not in order (SPF, any number of
    /// DKIM, DMARC, composite), or when [`Behind::Nothing`] precedes a clause or a recipient follows the last.
    pub fn new(clauses: Vec<(Clause, Behind)>) -> Result<LaidOut, AuthResError> {
        if clauses.len() > MAX_CLAUSES {
            return Err(AuthResError::TooLong);
        }
        let order = |clause: &Clause| AuthResError::Order { clause: clause.to_string() };
        for ((before, behind), (clause, _)) in clauses.iter().zip(clauses.iter().skip(1)) {
            let again = matches!((before, clause), (Clause::Dkim(_), Clause::Dkim(_)));
            if *behind == Behind::Nothing || (clause.rank() <= before.rank() && !again) {
                return Err(order(clause));
            }
        }
        match clauses.last() {
            None => Err(AuthResError::Empty),
            Some((_, Behind::Recipient(domain) | Behind::BlankRecipient(domain))) => {
                Err(AuthResError::UnknownClause { clause: domain.clone() })
            }
            Some(_) => Ok(LaidOut(clauses)),
        }
    }

    /// Results in the layout of today.
    pub fn current(results: &AuthenticationResults) -> LaidOut {
        LaidOut::of(results, Behind::SemicolonBlank, Behind::Semicolon)
    }

    /// Results in the layout before 2021, which repeats the recipient's domain.
    pub fn before_2021(results: &AuthenticationResults, recipient: &str) -> LaidOut {
        let recipient = recipient.to_owned();
        LaidOut::of(results, Behind::BlankRecipient(recipient.clone()), Behind::Recipient(recipient))
    }

    fn of(results: &AuthenticationResults, behind_spf: Behind, behind_dkim: Behind) -> LaidOut {
        let mut clauses: Vec<(Clause, Behind)> = Vec::new();
        clauses.extend(results.spf.iter().map(|spf| (Clause::Spf(spf.clone()), behind_spf.clone())));
        clauses.extend(results.dkim.iter().map(|dkim| (Clause::Dkim(dkim.clone()), Behind::SemicolonBlank)));
        if let Some((Clause::Dkim(_), behind)) = clauses.last_mut() {
            *behind = behind_dkim;
        }
        clauses.push((Clause::Dmarc(results.dmarc.clone()), Behind::Semicolon));
        clauses.extend(results.compauth.iter().map(|compauth| (Clause::CompAuth(*compauth), Behind::Nothing)));
        LaidOut(clauses)
    }

    /// The clauses, and what follows each.
    pub fn clauses(&self) -> &[(Clause, Behind)] {
        &self.0
    }

    /// The recipient's domain, if the layout has it.
    pub fn recipient(&self) -> Option<&str> {
        self.0.iter().find_map(|(_, behind)| match behind {
            Behind::Recipient(domain) | Behind::BlankRecipient(domain) => Some(domain.as_str()),
            _ => None,
        })
    }

    /// The results without the layout.
    ///
    /// # Errors
    /// When the value has no DKIM or no DMARC clause.
    pub fn results(&self) -> Result<AuthenticationResults, AuthResError> {
        let (mut spf, mut dkim, mut dmarc, mut compauth) = (None, Vec::new(), None, None);
        for (clause, _) in &self.0 {
            match clause {
                Clause::Spf(clause) => spf = Some(clause.clone()),
                Clause::Dkim(clause) => dkim.push(clause.clone()),
                Clause::Dmarc(clause) => dmarc = Some(clause.clone()),
                Clause::CompAuth(clause) => compauth = Some(*clause),
            }
        }
        if dkim.is_empty() {
            return Err(AuthResError::Missing { method: "dkim" });
        }
        let dmarc = dmarc.ok_or(AuthResError::Missing { method: "dmarc" })?;
        Ok(AuthenticationResults { spf, dkim, dmarc, compauth })
    }

    /// The whole field, folded, with its final CRLF. Three fields have this value: see [the module](super).
    pub fn to_field(&self, name: &str) -> String {
        crate::headers::folded(name, &self.to_string())
    }
}

impl fmt::Display for LaidOut {
    /// The unfolded value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(clause, behind)| write!(f, "{clause}{behind}"))
    }
}

fn blank_free(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The method of a clause, if it is a known one.
fn method(clause: &str) -> Option<&'static str> {
    let (name, _) = blank_free(clause).split_once('=')?;
    METHODS.into_iter().find(|method| *method == name)
}

/// Whether a value begins with a result, as Microsoft's do.
pub(in crate::authres) fn begins_with_method(value: &str) -> bool {
    method(value).is_some()
}

impl FromStr for LaidOut {
    type Err = AuthResError;

    /// Reads an unfolded value.
    fn from_str(value: &str) -> Result<LaidOut, AuthResError> {
        if value.len() > MAX_LENGTH {
            return Err(AuthResError::TooLong);
        }
        let mut clauses: Vec<(Clause, Behind)> = Vec::new();
        let mut segments = value.split(';').peekable();
        let mut segment = segments.next().unwrap_or_default();
        while !blank_free(segment).is_empty() {
            if clauses.len() == MAX_CLAUSES {
                return Err(AuthResError::TooLong);
            }
            let clause = segment.parse()?;
            let Some(mut next) = segments.next() else {
                clauses.push((clause, Behind::Nothing));
                return LaidOut::new(clauses);
            };
            let blank = next.starts_with([' ', '\t']);
            let word = blank_free(next);
            let recipient = clause::is_name(word) && !word.contains('=') && segments.peek().is_some();
            let behind = match (recipient, blank) {
                (false, false) => Behind::Semicolon,
                (false, true) => Behind::SemicolonBlank,
                (true, false) => Behind::Recipient(word.to_owned()),
                (true, true) => Behind::BlankRecipient(word.to_owned()),
            };
            if recipient {
                next = segments.next().unwrap_or_default();
                if !next.starts_with([' ', '\t']) {
                    return Err(AuthResError::UnknownClause { clause: word.to_owned() });
                }
            }
            clauses.push((clause, behind));
            segment = next;
        }
        match segments.next() {
            Some(more) => Err(AuthResError::UnknownClause { clause: blank_free(more).to_owned() }),
            None => LaidOut::new(clauses),
        }
    }
}
