//! What the language has but the lab cannot do yet.
//!
//! A scenario that is only partly supported is never run: its result would prove nothing. Each refusal points at the
//! place in the file.

use super::{changes, messages};
use mxlab_language::declarations::{Host, Sender, Smtp, Tenant, items};
use mxlab_language::expectations::{Expectation, Verb};
use mxlab_language::faults::Effect;
use mxlab_language::script::{Action, Configure, Fault, Send};
use mxlab_language::values::SentRef;
use mxlab_language::words::{
    DmarcRejectAction, MtaStsMode, NotifiedAction, ReportKind, RestartHow, RestartWhen, SecurityLevel, TlsVersion,
};
use mxlab_language::{Diagnostic, Scenario, Span, Spanned};
use mxlab_mail::settings::AuthFailAction;

/// The refusals, collected.
#[derive(Default)]
struct Refusals(Vec<Diagnostic>);

impl Refusals {
    fn refuse(&mut self, what: &str, span: Span) {
        self.0.push(Diagnostic::not_supported(what, span));
    }

    /// The field is written, whatever its value.
    fn written<T>(&mut self, what: &str, field: &Option<Spanned<T>>) {
        if let Some(field) = field {
            self.refuse(what, field.span());
        }
    }

    /// The field is written, with a value that is not the one that can be done.
    fn unless<T>(&mut self, what: &str, field: &Option<Spanned<T>>, can: impl Fn(&T) -> bool) {
        if let Some(field) = field
            && !can(field.get())
        {
            self.refuse(what, field.span());
        }
    }
}

/// Everything in this scenario that cannot be done yet.
pub(crate) fn refusals(scenario: &Scenario) -> Vec<Diagnostic> {
    let mut refusals = Refusals::default();
    for ca in scenario.cas.values() {
        refusals.unless("a trusted authority of the file's own", &ca.trusted, |trusted| !trusted);
    }
    if let Some(sender) = &scenario.sender {
        refusals.sender(sender);
    }
    for tenant in scenario.tenants.values() {
        refusals.tenant(tenant);
    }
    let no_sts = scenario.sender.as_ref().is_none_or(|sender| sender.mta_sts() == MtaStsMode::None);
    for name in scenario.zones.keys() {
        if !no_sts && scenario.zone_text(&name.to_ascii_lowercase()).contains("_mta-sts") {
            refusals.refuse("an MTA-STS policy (without `mta-sts = \"none\"` in [sender])", name.span());
        }
    }
    refusals.dkim_targets(scenario);
    for host in scenario.hosts.values() {
        refusals.host(host);
    }
    for at in &scenario.at {
        refusals.action(scenario, &at.action);
    }
    for expectation in scenario.expects.iter().chain(&scenario.nevers) {
        refusals.expectation(expectation);
    }
    refusals.0
}

impl Refusals {
    /// No service assigns the targets of selectors yet.
    fn dkim_targets(&mut self, scenario: &Scenario) {
        let declared = scenario.zones.values().filter_map(|zone| zone.records.as_ref());
        let published = scenario.at.iter().filter_map(|at| match &at.action {
            Action::Publish(publish) => Some(publish.replace.iter().chain(&publish.add)),
            _ => None,
        });
        for text in declared.chain(published.flatten()).filter(|text| text.contains("{dkim-target:")) {
            self.refuse("the CNAME target of a DKIM selector", text.span());
        }
    }

    fn sender(&mut self, sender: &Sender) {
        self.unless("MTA-STS", &sender.mta_sts, |mode| *mode == MtaStsMode::None);
        for connector in sender.connector.iter().flat_map(|connectors| connectors.values()) {
            self.refuse("a connector", connector.span());
        }
    }

    fn tenant(&mut self, tenant: &Tenant) {
        for config in tenant.dkim.iter().flat_map(|dkim| dkim.values()) {
            self.refuse("DKIM signing", config.span());
        }
        self.written("DKIM signing", &tenant.dkim_fallback);
        self.unless("a tenant that does not honour DMARC", &tenant.honor_dmarc, |on| *on);
        self.unless("this action", &tenant.dmarc_quarantine_action, |action| action.0 == AuthFailAction::Quarantine);
        self.unless("this action", &tenant.dmarc_reject_action, |action| *action == DmarcRejectAction::Reject);
        self.unless("Enhanced Filtering for Connectors", &tenant.enhanced_filtering, |on| !on);
        self.unless("a trusted ARC sealer", &tenant.trusted_sealers, Vec::is_empty);
        self.unless("a spoof allow entry", &tenant.spoof_allow, Vec::is_empty);
        self.unless("a spoof block entry", &tenant.spoof_block, Vec::is_empty);
        self.unless("a safe sender", &tenant.safe_senders, Vec::is_empty);
        self.unless("a contact", &tenant.contacts, Vec::is_empty);
        self.unless("a history", &tenant.history, Vec::is_empty);
    }

    fn host(&mut self, host: &Host) {
        self.written("a web server", &host.https);
        self.written("a relay", &host.relay);
        self.unless("a hostile host", &host.hostile, |hostile| !hostile);
        for change in host.client.iter().flat_map(|client| items(&client.after_sign)) {
            if changes::change(*change.get()).is_none() {
                self.refuse(&format!("the change `{}`", change.get()), change.span());
            }
        }
        if let Some(smtp) = &host.smtp {
            self.smtp(smtp);
        }
    }

    fn smtp(&mut self, smtp: &Smtp) {
        self.unless("TLS 1.0", &smtp.tls, |version| *version != TlsVersion::V1_0);
        self.written("greylisting", &smtp.greylist);
        self.written("a rate limit", &smtp.rate);
    }

    fn action(&mut self, scenario: &Scenario, action: &Action) {
        match action {
            Action::Send(send) => self.send(scenario, send),
            Action::Configure(configure) => self.configure(configure),
            Action::Fault(fault) => self.fault(fault),
            Action::Restart(restart) => {
                self.unless("a restart at this moment", &restart.when, |when| *when == RestartWhen::Now);
                self.unless("an orderly stop", &restart.how, |how| *how != RestartHow::Stop);
            }
            Action::Publish(_) | Action::Heal(_) | Action::Lookup(_) | Action::Dialogue(_) => {}
            Action::Rotate(_) => self.refuse("`rotate`", action.span()),
        }
    }

    fn fault(&mut self, fault: &Fault) {
        let effect = fault.effect();
        if matches!(effect, None | Some(Effect::NotYet)) {
            self.refuse(&format!("the fault `{}`", fault.kind.get()), fault.kind.span());
        }
        self.written("a fault by somebody on the path", &fault.by);
        if effect.is_some_and(|effect| !effect.is_counted()) {
            self.written("this fault for one client only", &fault.from);
            self.written("this fault for a number of times", &fault.times);
        }
    }

    fn send(&mut self, scenario: &Scenario, send: &Send) {
        self.written("a way through relays", &send.through);
        self.written("NOTIFY", &send.notify);
        self.written("RET", &send.ret);
        self.written("ENVID", &send.envid);
        self.written("ORCPT", &send.orcpt);
        self.written("REQUIRETLS", &send.require_tls);
        self.unless("this ready-made message", &send.message, |message| {
            scenario.messages.contains_key(message.as_str()) || messages::is_ready_made(message.as_str())
        });
        let through_engine = scenario.sender.is_some() && send.via.as_ref().is_none_or(|via| via.as_str() == "sender");
        if through_engine {
            self.unless("a DKIM signature of the outbound engine", &send.sign, Vec::is_empty);
        }
    }

    fn configure(&mut self, configure: &Configure) {
        self.written("changing the outbound engine", &configure.sender);
        self.written("changing the inbound engine", &configure.receiver);
        for tenant in configure.tenant.iter().flat_map(|tenants| tenants.values()) {
            self.refuse("changing a tenant", tenant.span());
        }
        for host in configure.host.iter().flat_map(|hosts| hosts.values()) {
            self.host(host);
            self.written("changing the name of a host", &host.name);
            self.written("changing an address", &host.ip);
            self.written("changing a PTR record", &host.ptr);
            self.written("changing a name server", &host.dns);
            self.written("changing a client", &host.client);
        }
    }

    fn expectation(&mut self, expectation: &Expectation) {
        match &expectation.verb {
            Verb::Signed(table) => self.message(&table.message),
            Verb::Reported(table) => {
                self.unless("this report", &table.kind, |kind| *kind == ReportKind::Dmarc);
                if table.kind.is_none() {
                    self.refuse("a report of any kind (without `kind = \"dmarc\"`)", table.span());
                }
                self.written("`result`", &table.result);
                self.written("`policy`", &table.policy);
            }
            Verb::Status(table) => self.refuse("`status`", table.span()),
            Verb::Refused(table) => self.refuse("`refused`", table.span()),
            Verb::Cost(_) => {}
            Verb::Verdict(table) => {
                self.written("`arc`", &table.arc);
                self.written("`oda`", &table.oda);
                self.written("`override`", &table.overridden);
                self.written("`category`", &table.category);
                self.message(&table.message);
            }
            Verb::InClear(table) => {
                self.written("`seen-by`", &table.seen_by);
                self.message(&table.message);
            }
            Verb::Resolved(_) => {}
            Verb::Delivered(table) => {
                self.message(&table.message);
                self.unless("MTA-STS", &table.security, |security| *security != SecurityLevel::MtaSts);
            }
            Verb::Deferred(table) | Verb::Bounced(table) => self.message(&table.message),
            Verb::Rejected(table) => {
                self.message(&table.message);
                self.written("`attempts` of a refusal", &table.attempts);
            }
            Verb::Notified(table) => {
                self.message(&table.message);
                self.unless("this delivery report", &table.action, |action| *action == NotifiedAction::Delayed);
            }
            Verb::Attempted(table) => self.message(&table.message),
            Verb::Stamped(table) => self.message(&table.message),
        }
    }

    /// No engine writes these reports yet: waiting for one would be in vain.
    fn message(&mut self, message: &Option<Spanned<SentRef>>) {
        self.unless("this report", message, |message| message.as_str() != "tls-report");
    }
}

#[cfg(test)]
mod tests;
