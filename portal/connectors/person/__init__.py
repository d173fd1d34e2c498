"""A person who answers by hand for a system without an interface: a mail with a link, one page, one answer, no account."""

from portal.connectors.person.answers import HOWS, Answer, read_answer
from portal.connectors.person.files import HandedIn
from portal.connectors.person.questions import (
    Question,
    by_link,
    drop,
    file_of,
    keep_answer,
    link_of,
    of_case,
    overdue,
    remind,
    renew_link,
)
from portal.connectors.person.results import FILES

__all__ = [
    "FILES",
    "HOWS",
    "Answer",
    "HandedIn",
    "Question",
    "by_link",
    "drop",
    "file_of",
    "keep_answer",
    "link_of",
    "of_case",
    "overdue",
    "read_answer",
    "remind",
    "renew_link",
]
