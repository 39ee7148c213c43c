//! Zones, signing, authoritative answers, and the validating resolver with typed reasons
