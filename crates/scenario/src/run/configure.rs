//! `configure`: an administrator changes the settings of a host.

use super::error::LabError;
use super::lab;
use super::stage::Stage;
use mxlab_language::declarations::Smtp;
use mxlab_language::script::Configure;
use mxlab_language::words::TlsVersion;

pub(super) fn configure(stage: &mut Stage<'_>, configure: &Configure) -> Result<(), LabError> {
    for (short, host) in configure.host.iter().flatten() {
        let (Some(control), Some(smtp)) = (stage.lab.servers.get(short.as_str()), &host.smtp) else { continue };
        let mut result = Ok(());
        control.change(|settings| result = lab::apply_smtp(settings, &stage.lab.made.certificates, smtp));
        result?;
        stage.tell("configure", vec![format!("{short} {} from now on", changes(smtp).join(" and "))]);
    }
    Ok(())
}

/// What a server does with these settings, each a clause about it.
fn changes(smtp: &Smtp) -> Vec<String> {
    let mut what = Vec::new();
    if let Some(cert) = &smtp.cert {
        what.push(format!("presents the certificate {}", cert.get()));
    }
    for (name, cert) in smtp.sni.iter().flatten() {
        what.push(format!("presents the certificate {} to clients that ask for {name}", cert.get()));
    }
    match smtp.tls.as_ref().map(|tls| *tls.get()) {
        Some(TlsVersion::None) => what.push("does not offer STARTTLS".to_owned()),
        Some(version) => what.push(format!("speaks TLS {version} at most")),
        None => {}
    }
    if let Some(banner) = &smtp.banner {
        what.push(format!("greets with `{}`", banner.get()));
    }
    if smtp.extensions.is_some() {
        let offered = smtp.extensions();
        let offered = if offered.is_empty() { "nothing".to_owned() } else { offered.join(", ") };
        what.push(format!("offers {offered} to EHLO"));
    }
    match smtp.size.as_ref().map(|size| *size.get()) {
        Some(0) => what.push("announces no SIZE".to_owned()),
        Some(size) => what.push(format!("announces SIZE {size}")),
        None => {}
    }
    for (address, reply) in smtp.recipients.iter().flatten() {
        what.push(format!("answers `{}` to RCPT for {address}", reply.get()));
    }
    // What the file has written changes, even if it is empty.
    if what.is_empty() { vec!["is as it was".to_owned()] } else { what }
}
