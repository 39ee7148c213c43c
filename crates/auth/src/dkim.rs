//! DKIM (RFC 6376): so far only whether a message is signed.
//!
//! A message without a `DKIM-Signature` field is not signed. Verification of those that have one is not supported yet, and
//! says so.

use mxlab_mail::Message;
use mxlab_mail::authres::DkimClause;

use crate::NotSupportedYet;

/// The results of a message's signatures, one clause each; a single `none` when there is none.
///
/// # Errors
/// When the message is signed.
pub fn verify(message: &Message<'_>) -> Result<Vec<DkimClause>, NotSupportedYet> {
    match message.field("DKIM-Signature") {
        None => Ok(vec![DkimClause::not_signed()]),
        Some(_) => Err(NotSupportedYet::new("verifying a DKIM signature")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_or_not() {
        let verify_text = |text: &str| verify(&Message::parse(text.as_bytes()).expect("a message"));
        assert_eq!(verify_text("From: a@b.example\r\n\r\n"), Ok(vec![DkimClause::not_signed()]));
        assert!(verify_text("dkim-signature: v=1\r\n\r\n").is_err());
        // In the body it is text.
        assert!(verify_text("From: a@b.example\r\n\r\nDKIM-Signature: v=1\r\n").is_ok());
    }
}
