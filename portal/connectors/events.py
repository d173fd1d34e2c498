"""What this room writes into the audit log: what people were asked who answer by hand, and that they answered."""

from portal import audit

ASKED = audit.Event("system.person_asked", "Somebody who answers by hand for a system was asked by mail.")
REMINDED = audit.Event("system.person_reminded", "Somebody who answers by hand for a system was reminded.")
LINK_RENEWED = audit.Event("system.link_renewed", "An officer sent a new link to somebody who answers by hand.")
MAP_TRIED = audit.Event("system.map_tried", "An owner tried a map on one address: how many rows of each table it leads to.")
ANSWERED_BY_HAND = audit.Event("system.answered_by_hand", "Somebody answered for a system by hand, or corrected their answer.")
