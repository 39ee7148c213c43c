//! SPF, DKIM, DMARC and ARC: evaluate, sign, seal
