//! Message grammar: header fields, addresses, Authentication-Results, delivery reports, SMTP commands and replies
