"""When a paper of a closed request could not be made: the person reads so, officers see it and start it again.

Work is given up after many tries over most of a day (`jobs`); then somebody has to look at what is wrong.
"""

from portal import jobs
from portal.cases import models, moves
from portal.lib.errors import NotFound
from portal.paper import _

KINDS = ("proof", "certificate")


async def given_up(row: models.CaseRow) -> dict[str, str]:
    """The papers nobody is making any more, each with its job; one that was made since is the caller's to leave out."""
    found = await jobs.given_up([_key(row.id, kind) for kind in KINDS])
    return {kind: found[key] for kind in KINDS if (key := _key(row.id, kind)) in found}


async def make_again(case_id: str, kind: str) -> None:
    """An officer has seen to what was wrong: the same work once more, with all its tries."""
    job = (await given_up(await moves.load(case_id))).get(kind)
    if job is None:
        raise NotFound(_("This paper is there, or is being made."))
    await jobs.retry(job)


def _key(case_id: str, kind: str) -> str:
    """As `moves.papers_later` names the work."""
    return f"cases.{kind} {case_id}"
