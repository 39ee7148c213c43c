use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::dmarc::{Evaluation, Facts, Identifier, Outcome, Rules, Settings, evaluate};
use crate::testing::{Zone, now};

mod collecting;
mod delivery;
mod document;

const ZONE: &str = "
    _dmarc.contoso.example TXT v=DMARC1; p=reject; sp=quarantine; pct=50; fo=1:d; rua=mailto:dmarc@contoso.example
    _dmarc.silent.example TXT v=DMARC1; p=reject
    _dmarc.testing.example TXT v=DMARC1; p=reject; t=y; adkim=s; rua=mailto:dmarc@testing.example
    _dmarc.wrong.example TXT v=DMARC1; p=none; adkim=x; aspf=x; rua=mailto:dmarc@wrong.example
";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

fn reporter(form: Form) -> Reporter {
    Reporter {
        domain: "fabrikam.example".to_owned(),
        org_name: "Fabrikam".to_owned(),
        email: "dmarc@fabrikam.example".parse().expect("an address"),
        extra_contact_info: None,
        generator: Some("mxlab".to_owned()),
        form,
    }
}

fn observation(ip: &str) -> Observation {
    Observation {
        source_ip: ip.parse().expect("an address"),
        disposition: Policy::None,
        reasons: Vec::new(),
        envelope_from: "bounces.contoso.example".to_owned(),
        envelope_to: None,
        dkim: Vec::new(),
        spf: SpfAuth {
            domain: "bounces.contoso.example".to_owned(),
            scope: Some(Scope::MailFrom),
            result: SpfWord::Pass,
            human_result: None,
        },
    }
}

/// An evaluation in which SPF passed for `spf`, or for nothing.
fn evaluation(rules: Rules, author: &str, spf: &str, draw: u8) -> Evaluation {
    let spf = Some(spf).filter(|spf| !spf.is_empty());
    let spf = spf.map(|spf| Identifier { domain: spf.to_owned(), outcome: Outcome::Pass });
    now(evaluate(&Zone::new(ZONE), Settings::standard(rules), author, &Facts { spf, draw, ..Facts::default() }))
}
