//! The inbound engine: SMTP server, authentication, composite verdict, stamping
