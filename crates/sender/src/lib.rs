//! The outbound engine: routing, DANE, SMTP client, retries and non-delivery reports
