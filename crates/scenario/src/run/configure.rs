//! `configure`: an administrator changes the settings of a host.

use super::error::LabError;
use super::lab;
use super::stage::Stage;
use mxlab_language::script::Configure;

pub(super) fn configure(stage: &mut Stage<'_>, configure: &Configure) -> Result<(), LabError> {
    for (short, host) in configure.host.iter().flatten() {
        let (Some(control), Some(smtp)) = (stage.lab.servers.get(short.as_str()), &host.smtp) else { continue };
        let mut result = Ok(());
        control.change(|settings| result = lab::apply_smtp(settings, &stage.lab.made.certificates, smtp));
        result?;
        let mut what = Vec::new();
        if let Some(cert) = &smtp.cert {
            what.push(format!("presents the certificate {}", cert.get()));
        }
        if let Some(tls) = &smtp.tls {
            what.push(format!("speaks TLS {} at most", tls.get()));
        }
        let what = if what.is_empty() { "has new settings".to_owned() } else { what.join(" and ") };
        stage.tell("configure", vec![format!("{short} {what} from now on")]);
    }
    Ok(())
}
