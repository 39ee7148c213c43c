//! Delivery reports (RFC 3461–3464) in the form of Exchange.
