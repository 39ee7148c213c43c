//! The actors of a scenario: name servers, resolver, certification authorities, mail servers, clients
