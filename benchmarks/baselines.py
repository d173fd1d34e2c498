"""Child process: the same site, with one part replaced, to see what that part costs.

apart    each request records its words in a transaction of its own, as an ORM application would
nothing  the same handlers answer at once, without any database
"""

import sys

from portal import consent, db, logs, server, settings, subjects
from portal.app import build
from portal.consent import Because, Cell, Recorded, Submission, Told
from portal.consent.decisions import Decided
from portal.lib import clock

_ANSWER = Told(True, 4, Because("decision", "id", "yes"))


async def _apart(submission: Submission) -> Recorded:
    async with db.writing():
        given = submission.address
        assert given is not None
        found = await subjects.ensure(given.kind, given.value, by=given.by, own=given.own)
        decided = [await consent.decide(word._replace(identifier=found.id)) for word in submission.words]
    answers = [await consent.permission(found.id, *word.cell) for word in submission.words]
    return Recorded(tuple(decided), tuple(answers))


async def _nothing(submission: Submission) -> Recorded:
    now = clock.now()
    decided = tuple(Decided("id", word, now, now, None, "firm", "entry") for word in submission.words)
    return Recorded(decided, (_ANSWER,) * len(decided))


async def _no_answer(kind: str, value: str, cell: Cell, at: object = None) -> Told:
    return _ANSWER


if __name__ == "__main__":
    logs.configure()
    if sys.argv[1] == "apart":
        consent.submit = _apart
    else:
        consent.submit, consent.ask = _nothing, _no_answer
    server.run(build(), settings.get(), lambda: None)
