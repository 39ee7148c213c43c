//! Faults: the fields of each kind, the hosts at which it can happen, the stages and replies that make sense.

use std::collections::BTreeSet;

use mxlab_mail::smtp::Stage;
use mxlab_mail::smtp::fault::Instead;

use crate::diagnostics::Diagnostic;
use crate::faults::{ALWAYS, Effect, FaultFamily, FaultKind};
use crate::scenario::File;
use crate::script::Fault;
use crate::spanned::{Span, Spanned};
use crate::values::Time;

pub(super) fn check(file: &File, pruned: &BTreeSet<Span>, mistakes: &mut Vec<Diagnostic>) {
    for fault in file.at.iter().filter_map(|entry| entry.fault.as_ref()) {
        fields(fault, pruned, mistakes);
        at_engine(fault, mistakes);
        stage(fault, mistakes);
        reply(fault, mistakes);
        shift(fault, mistakes);
    }
}

/// Whether a fault is something that a scripted server does itself.
pub(super) fn is_done_by_scripted_server(kind: FaultKind) -> bool {
    matches!(kind.family(), FaultFamily::Tls | FaultFamily::Smtp)
        || matches!(kind, FaultKind::Refused | FaultKind::StarttlsInjected)
}

/// The fields that a fault has, besides its kind, with their places.
fn written(fault: &Fault) -> Vec<(&'static str, Span)> {
    fn at<T>(name: &'static str, field: &Option<Spanned<T>>) -> Option<(&'static str, Span)> {
        field.as_ref().map(|value| (name, value.span()))
    }
    let fields = [
        at("name", &fault.name),
        at("until", &fault.until),
        at("times", &fault.times),
        at("may-not-act", &fault.may_not_act),
        at("host", &fault.host),
        at("from", &fault.from),
        at("by", &fault.by),
        at("zone", &fault.zone),
        at("owner", &fault.owner),
        at("type", &fault.rtype),
        at("server", &fault.server),
        at("stage", &fault.stage),
        at("reply", &fault.reply),
        at("count", &fault.count),
        at("records", &fault.records),
        at("text", &fault.text),
        at("cert", &fault.cert),
        at("version", &fault.version),
        at("delay", &fault.delay),
        at("percent", &fault.percent),
        at("status", &fault.status),
        at("shift", &fault.shift),
    ];
    fields.into_iter().flatten().collect()
}

/// Checks the fields of a fault against its kind.
fn fields(fault: &Spanned<Fault>, pruned: &BTreeSet<Span>, mistakes: &mut Vec<Diagnostic>) {
    let kind: FaultKind = *fault.kind.get();
    let written = written(fault);
    let quoted = |fields: &[&str]| fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ");
    let takes = format!("it takes {}, and always {}", quoted(kind.takes()), quoted(&ALWAYS));
    for (field, span) in &written {
        if !kind.takes().contains(field) && !ALWAYS.contains(field) {
            let message = format!("a `{kind}` fault has no `{field}`");
            let found = Diagnostic::error("not-for-this", message, *span, "does not apply to this kind");
            mistakes.push(found.and(fault.kind.span(), format!("{} fault", kind.family().word())).help(takes.clone()));
        }
    }
    if pruned.contains(&fault.span()) {
        return;
    }
    for field in kind.needs() {
        if !written.iter().any(|(name, _)| name == field) {
            let message = format!("a `{kind}` fault needs `{field}`");
            let found = Diagnostic::error("missing", message, fault.span(), format!("no `{field}` here"));
            mistakes.push(found.help(takes.clone()));
        }
    }
    if kind.family() == FaultFamily::Dns && !written.iter().any(|(name, _)| matches!(*name, "zone" | "server")) {
        let message = format!("a `{kind}` fault needs `zone` or `server`");
        mistakes.push(Diagnostic::error("missing", message, fault.span(), "neither is here").help(takes));
    }
}

/// A clock is wrong by a difference, not by a time of day.
fn shift(fault: &Fault, mistakes: &mut Vec<Diagnostic>) {
    let Some(shift) = &fault.shift else { return };
    let label = match shift.get() {
        Time::Absolute(_) => "this is a point in time",
        Time::Relative(shift) if shift.is_zero() => "the clock stays right",
        Time::Relative(_) => return,
    };
    let message = "`shift` says by how much the clock is wrong";
    mistakes.push(Diagnostic::error("bad-value", message, shift.span(), label).help("write '+20d' or '-2h'"));
}

/// The engines are under test: only scripted servers misbehave on demand.
fn at_engine(fault: &Fault, mistakes: &mut Vec<Diagnostic>) {
    let kind = *fault.kind.get();
    let Some(host) = fault.host.as_ref().filter(|host| matches!(host.as_str(), "sender" | "receiver")) else { return };
    if is_done_by_scripted_server(kind) {
        let message = format!("a `{kind}` fault is for scripted servers");
        let found = Diagnostic::error("wrong-role", message, host.span(), "this is an engine");
        mistakes.push(found.help("name a host with `smtp`"));
    }
}

/// Before the greeting and during the handshake there is no SMTP.
fn stage(fault: &Fault, mistakes: &mut Vec<Diagnostic>) {
    let (kind, Some(stage)) = (*fault.kind.get(), &fault.stage) else { return };
    let Some(Effect::Session(at, does)) = fault.effect().filter(|_| kind.family() == FaultFamily::Smtp) else { return };
    let instead = match (at, does) {
        (
            Stage::Connect,
            Instead::Reply(_) | Instead::Interrupt(_) | Instead::Followed(_) | Instead::Octets(_) | Instead::Close,
        ) => "`refused` lets nobody connect; the stage of the greeting is `banner`",
        (Stage::Connect, Instead::Stall) => {
            "`unreachable` lets attempts to connect time out; the stage of the greeting is `banner`"
        }
        (Stage::Handshake, Instead::Reply(_) | Instead::Interrupt(_) | Instead::Followed(_)) => {
            "use `tls-alert` or `tls-garbage`"
        }
        (Stage::Handshake, Instead::Octets(_)) => "use `tls-garbage`",
        (Stage::Handshake, Instead::Close) => "use `tls-closed`",
        (Stage::Handshake, Instead::Stall) => "use `tls-stalled`",
        (Stage::Banner | Stage::Ehlo | Stage::StartTls | Stage::Mail | Stage::Rcpt, _) => return,
        (Stage::Quit, Instead::Interrupt(_)) => "after QUIT the client says nothing into which a server could break",
        (Stage::Data | Stage::Dot | Stage::Quit, _) => return,
    };
    let message = format!("a `{kind}` fault has no stage `{stage}`");
    let found = Diagnostic::error("not-for-this", message, stage.span(), "the session is not in SMTP at that moment");
    mistakes.push(found.and(fault.kind.span(), "smtp fault").help(instead));
}

/// A positive reply that accepts nothing would be a lie that no real server tells.
fn reply(fault: &Fault, mistakes: &mut Vec<Diagnostic>) {
    let (Some(stage), Some(reply)) = (&fault.stage, &fault.reply) else { return };
    let decides = matches!(stage.get().0, Stage::Mail | Stage::Rcpt | Stage::Dot);
    let refuses = match fault.kind.get() {
        FaultKind::SmtpReply => decides,
        kind => *kind == FaultKind::SmtpInterrupted,
    };
    if refuses && reply.code() < 400 {
        let message = format!("a `{}` fault at `{stage}` refuses", fault.kind.get());
        let label = "expected a reply that begins with 4 or 5";
        mistakes.push(Diagnostic::error("bad-value", message, reply.span(), label).and(stage.span(), "the stage"));
    }
}
