"""The one table of a case's states: which act leads from where to where, for which rights, and on what conditions.

Pure: no database. `moves.py` is the only place that writes a state, and asks here first. Holds (clarification,
identity, fee, freeze, legal) and the extension stand beside the state, never in it. GDPR Art. 12(3)-(6), 15-21.
"""

from collections.abc import Callable
from dataclasses import dataclass

from portal.lib.errors import Conflict
from portal.paper import _

RECEIVED, VERIFYING, TRIAGE, COLLECTING, REVIEWING = "received", "verifying", "triage", "collecting", "reviewing"
APPROVING, FULFILLING, DELIVERING, CLOSED = "approving", "fulfilling", "delivering", "closed"
STATES = (RECEIVED, VERIFYING, TRIAGE, COLLECTING, REVIEWING, APPROVING, FULFILLING, DELIVERING, CLOSED)
OPEN = STATES[:-1]

OUTCOMES = ("fulfilled", "partly", "nothing held", "answered", "refused", "withdrawn", "unconfirmed")
HOLDS = ("clarification", "identity", "fee", "freeze", "legal")

# One act, no review: these need no proof of identity and take effect at once (Art. 21(3), 7(3); 11 CCR 7026).
AT_ONCE = frozenset({"objection to marketing", "withdrawal", "opt-out", "limit"})
# Answered in words, nothing is collected or changed.
IN_WORDS = frozenset({"complaint", "human review", "appeal"})
COLLECTED = frozenset({"access", "rectification", "erasure", "portability", "restriction", "objection"})
RIGHTS = AT_ONCE | IN_WORDS | COLLECTED
# Carrying these out changes the person's data in a way that cannot be called back.
CHANGES = frozenset({"rectification", "erasure"})
# Data is lost: somebody other than the proposer must agree.
FOUR_EYES = frozenset({"erasure"})
# Who asks, where nobody does: the company opened the deletion itself (Art. 17(1)(b); 5(1)(e)). Nobody is written to.
BY_COMPANY = "company"
# What must not stand in the way when data is lost: what is gone cannot be given back (Art. 17(3)(e), 12(6), 15).
UNHELD = ("not frozen", "no legal hold", "no identity hold", "access answered first", "no basis again")


@dataclass(frozen=True)
class Facts:
    """What the conditions look at. `systems` counts the searches that had to be asked, `answered` those that answered."""

    state: str
    right: str
    proven: bool = False
    systems: int = 0
    answered: int = 0
    found: bool = False
    flagged: bool = False
    proposed: str = ""
    approved: bool = False
    acting: bool = False
    acted: bool = False
    stopped: bool = False
    holds: frozenset[str] = frozenset()
    access_first: bool = False  # the person also asked for a copy, and has not had the time to fetch it
    to_fetch: bool = False  # a package is ready and was never opened
    by_company: bool = False  # nobody asked: see BY_COMPANY
    basis_again: bool = False  # and since then the person agreed to something
    proof_awaited: bool = False  # whoever asked still has time to show who they are
    mandated: bool = True  # the person asks themselves, or an officer saw the mandate of whoever asks for them

    @property
    def everything_answered(self) -> bool:
        return self.systems > 0 and self.answered == self.systems

    @property
    def can_be_answered(self) -> bool:
        """By the last search: after a reopening that one has been answered by already."""
        return self.everything_answered and not self.acted

    @property
    def needs_four_eyes(self) -> bool:
        return self.right in FOUR_EYES or self.flagged or self.proposed in ("refused", "partly")


@dataclass(frozen=True)
class Move:
    """`verb` leads from any of `sources` to `target`, for `rights`, when all `needs` hold."""

    verb: str
    sources: tuple[str, ...]
    target: str
    needs: tuple[str, ...] = ()
    rights: frozenset[str] = RIGHTS
    outcome: str = ""


TABLE: tuple[Move, ...] = (
    Move("ask for proof", (RECEIVED,), VERIFYING, rights=RIGHTS - AT_ONCE),
    Move("open ourselves", (RECEIVED,), TRIAGE, ("nobody asked",), FOUR_EYES),
    Move("prove", (RECEIVED, VERIFYING), TRIAGE, ("proven",), RIGHTS - AT_ONCE),
    Move("collect", (TRIAGE,), COLLECTING, ("proven", "mandate seen"), COLLECTED),
    Move("collected", (COLLECTING,), REVIEWING, ("proven", "everything answered"), COLLECTED),
    Move("collect again", (REVIEWING,), COLLECTING, ("proven",), COLLECTED),
    Move("propose", (REVIEWING,), APPROVING, ("everything answered", "a proposal"), COLLECTED),
    Move("propose a refusal", (TRIAGE, COLLECTING), APPROVING, ("a refusal",), COLLECTED | IN_WORDS),
    Move("send back", (APPROVING,), REVIEWING, ("a search to answer by",), COLLECTED),
    Move("send back", (APPROVING,), TRIAGE, ("proven", "no search to answer by"), COLLECTED | IN_WORDS),
    Move("approve", (APPROVING,), FULFILLING, ("approved", "not a refusal", "everything answered"), COLLECTED - FOUR_EYES),
    Move("approve", (APPROVING,), FULFILLING, ("approved", "not a refusal", "everything answered", *UNHELD), FOUR_EYES),
    Move("approve a refusal", (APPROVING,), DELIVERING, ("approved", "a refusal"), COLLECTED | IN_WORDS),
    Move(
        "fulfil",
        (REVIEWING,),
        FULFILLING,
        ("everything answered", "a proposal", "not a refusal", "two eyes suffice"),
        COLLECTED - FOUR_EYES,
    ),
    Move("void", (FULFILLING,), REVIEWING, ("nothing done yet",), COLLECTED),
    Move("look again", (FULFILLING,), COLLECTING, ("stopped",), COLLECTED),
    Move("act at once", (RECEIVED,), FULFILLING, rights=AT_ONCE),
    Move("answer", (TRIAGE,), DELIVERING, ("proven", "mandate seen"), IN_WORDS),
    Move("deliver", (FULFILLING,), DELIVERING, ("done", "everything answered"), COLLECTED - FOUR_EYES),
    Move("deliver", (FULFILLING,), DELIVERING, ("done", "everything answered", *UNHELD), FOUR_EYES),
    Move("close", (FULFILLING,), CLOSED, ("done",), AT_ONCE, "fulfilled"),
    Move(
        "close",
        (DELIVERING,),
        CLOSED,
        ("done", "everything answered", "not frozen", "proposed fulfilled", "nothing to fetch"),
        COLLECTED,
        "fulfilled",
    ),
    Move(
        "close",
        (DELIVERING,),
        CLOSED,
        ("done", "everything answered", "not frozen", "proposed partly", "nothing to fetch"),
        COLLECTED,
        "partly",
    ),
    Move("close", (DELIVERING,), CLOSED, ("a refusal", "approved"), COLLECTED | IN_WORDS, "refused"),
    Move("close", (DELIVERING,), CLOSED, ("not frozen",), IN_WORDS, "answered"),
    Move("close", (REVIEWING,), CLOSED, ("proven", "everything answered", "nothing found"), COLLECTED, "nothing held"),
    Move("close", (RECEIVED, VERIFYING), CLOSED, ("not proven", "time to prove over"), RIGHTS - AT_ONCE, "unconfirmed"),
    Move(
        "withdraw",
        (RECEIVED, VERIFYING, TRIAGE, COLLECTING, REVIEWING, APPROVING, FULFILLING, DELIVERING),
        CLOSED,
        ("nothing changed",),
        outcome="withdrawn",
    ),
    Move("reopen", (CLOSED,), TRIAGE, ("proven",), COLLECTED | IN_WORDS),
    Move("reopen", (CLOSED,), VERIFYING, ("not proven",), COLLECTED | IN_WORDS),
)

_NEEDS: dict[str, tuple[Callable[[Facts], bool], Callable[[], str]]] = {
    "proven": (lambda case: case.proven, lambda: _("Nobody has proven yet that the request comes from the person it is about.")),
    "not proven": (lambda case: not case.proven, lambda: _("The person has proven who they are; the request must be answered.")),
    "time to prove over": (
        lambda case: not case.proof_awaited,
        lambda: _("Whoever asked still has time to show who they are. Close it when that is over."),
    ),
    "nobody asked": (lambda case: case.by_company, lambda: _("Somebody asked for this: they have to show who they are.")),
    "no basis again": (
        lambda case: not case.basis_again,
        lambda: _("There is a basis again, or something of theirs is being decided. Wait, or end this deletion."),
    ),
    "mandate seen": (
        lambda case: case.mandated,
        lambda: _("Somebody asks for another person. Look at their mandate first, and note that you saw it."),
    ),
    "everything answered": (lambda case: case.everything_answered, lambda: _("Not every system has answered yet.")),
    "a search to answer by": (lambda case: case.can_be_answered, lambda: _("Not every system has answered yet.")),
    "no search to answer by": (
        lambda case: not case.can_be_answered,
        lambda: _("Every system has answered; look at the findings."),
    ),
    "nothing found": (lambda case: not case.found, lambda: _("Something was found, so the case cannot close as “nothing held”.")),
    "a proposal": (lambda case: case.proposed != "", lambda: _("Say first what the answer to the person will be.")),
    "a refusal": (lambda case: case.proposed == "refused", lambda: _("No refusal was proposed.")),
    "not a refusal": (
        lambda case: case.proposed != "refused",
        lambda: _("A refusal was proposed; there is nothing to carry out."),
    ),
    "proposed fulfilled": (lambda case: case.proposed == "fulfilled", lambda: _("The request was not answered in full.")),
    "proposed partly": (lambda case: case.proposed == "partly", lambda: _("No partial answer was proposed.")),
    "approved": (lambda case: case.approved, lambda: _("A second person has to approve this first.")),
    "two eyes suffice": (lambda case: not case.needs_four_eyes, lambda: _("This answer needs the approval of a second person.")),
    "nothing changed": (
        lambda case: case.right not in CHANGES or not (case.acting or case.acted),
        lambda: _("Your data has been changed or deleted already; this cannot be called back."),
    ),
    "stopped": (lambda case: case.stopped, lambda: _("No system has stopped.")),
    "nothing done yet": (
        lambda case: not case.acting and not case.acted,
        lambda: _("The work has begun already and cannot be called back."),
    ),
    "done": (lambda case: case.acted, lambda: _("The work in the connected systems is not finished.")),
    "not frozen": (
        lambda case: "freeze" not in case.holds,
        lambda: _("Somebody said that they did not ask for this. Decide about that first."),
    ),
    "no legal hold": (
        lambda case: "legal" not in case.holds,
        lambda: _("A legal hold stands: nothing may be deleted before it is lifted."),
    ),
    "no identity hold": (
        lambda case: "identity" not in case.holds,
        lambda: _("There is a doubt about who asked. Nothing may be deleted before that hold is lifted."),
    ),
    "access answered first": (
        lambda case: not case.access_first,
        lambda: _("The person also asked for a copy. The deletion waits until they opened it, or had 14 days for it."),
    ),
    "nothing to fetch": (
        lambda case: not case.to_fetch,
        lambda: _("The package waits for the person. The request closes when they fetch it, or when its time is over."),
    ),
}


def target(verb: str, facts: Facts, outcome: str = "") -> Move:
    """The move that `verb` makes from here; raises Conflict with the sentence of what is missing."""
    fitting = [
        move
        for move in TABLE
        if move.verb == verb
        and facts.state in move.sources
        and facts.right in move.rights
        and (not outcome or move.outcome == outcome)
    ]
    missing = ""
    for move in fitting:
        missing = _missing(move, facts)
        if not missing:
            return move
    raise Conflict(missing or _("This is not possible in the state the request is in."))


def refusable_unsearched(state: str, right: str) -> bool:
    """Whether a refusal can be proposed before any system was searched, or where none is."""
    return any(move.verb == "propose a refusal" and state in move.sources and right in move.rights for move in TABLE)


def held(facts: Facts) -> str:
    """Why data may not be deleted now, in a sentence; empty when nothing stands in the way."""
    return _missing(Move("deliver", (), "", UNHELD), facts)


def outcomes(facts: Facts) -> tuple[str, ...]:
    """How the request can be closed now."""
    fitting = [move for move in TABLE if move.verb == "close" and facts.state in move.sources and facts.right in move.rights]
    return tuple(dict.fromkeys(move.outcome for move in fitting if not _missing(move, facts)))


def possible(facts: Facts) -> set[str]:
    """The verbs that lead anywhere now: a page offers these and no others."""
    return {
        move.verb for move in TABLE if facts.state in move.sources and facts.right in move.rights and not _missing(move, facts)
    }


def _missing(move: Move, facts: Facts) -> str:
    for need in move.needs:
        holds, sentence = _NEEDS[need]
        if not holds(facts):
            return sentence()
    return ""
