//! `Authentication-Results` (RFC 8601) in the layout of Microsoft.
