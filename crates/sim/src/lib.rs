//! The kernel: simulated hosts on one paused runtime, the wire between them, crashes and the packet record
