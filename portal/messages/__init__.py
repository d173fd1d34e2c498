"""What we write to people: composed now, kept sealed, sent by a job over SMTP.

The kept copy serves accountability (GDPR Art. 5(2)); it disappears with the key of its person or case.
"""

from portal.messages.compose import Letter, send_later
from portal.messages.copies import Copy, case_of, copy, delete, forget, mailbox, of_case, of_subject, tidy
from portal.messages.sending import send

__all__ = [
    "Copy",
    "Letter",
    "case_of",
    "copy",
    "delete",
    "forget",
    "mailbox",
    "of_case",
    "of_subject",
    "send",
    "send_later",
    "tidy",
]
