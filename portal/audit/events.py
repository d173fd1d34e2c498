"""What the log records about itself."""

from portal.audit.vocabulary import Event

SHREDDED = Event("payload.shredded", "The contents of entries were erased; the clear count says of how many.")
CLOCK_STEPPED_BACK = Event("log.clock_stepped_back", "The clock showed an earlier time than the last entry; that time was kept.")
CONTINUED = Event("log.continued", "A new log goes on from a restored backup; the clear digest is the old one's last state.")
