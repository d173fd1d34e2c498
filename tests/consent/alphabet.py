"""The alphabet of the interleavings: everything that can happen to what two people say, as strategies.

Words by every grade and time, imports (killed, resumed, repeated, taken back), undoings, confirmations, merges and splits,
stops and pauses, the one-click link of a mail and the undoing on its page, a connected system that takes what it is told,
refuses it or loses its answer, and hands in what people said there, a backup and its restoring, and a clock that is set. How
each is done stands in acts.py.
"""

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from portal.consent import ALL
from portal.consent.words import Cell
from tests.consent.oracle import CELLS, READINGS, SIMILAR, STOCK, SURVEYS


def _one_after_the_other(parts: Iterable[Iterable[Any]]) -> list[Any]:
    return [act for part in parts for act in part]


YES = [STOCK, STOCK, READINGS, READINGS, SURVEYS, SIMILAR]
NO = [STOCK, STOCK, READINGS, SURVEYS, SIMILAR, Cell("newsletter", "email", ALL), Cell("newsletter", ALL, ALL)]
LINKED = [STOCK, STOCK, READINGS, SURVEYS, SIMILAR, Cell("newsletter", "email")]

_who = st.integers(0, 1)
_which = st.integers(0, 3)
_grade = st.sampled_from(["import", "staff", "self", "self-verified"])
_days = st.sampled_from([0, 0, 0, -1, -2, -3, 1])
_past = st.sampled_from([0, 0, -1, -2, -3])
_said = st.one_of(
    st.tuples(st.tuples(st.just("say"), _who, st.just("yes"), st.sampled_from(YES)), _grade, _days),
    st.tuples(st.tuples(st.just("say"), _who, st.just("no"), st.sampled_from(NO)), _grade, _days),
    st.tuples(st.tuples(st.just("say"), _who, st.just("unset"), st.sampled_from(YES)), _grade, _days),
    st.tuples(st.tuples(st.just("say"), _who, st.just("informed"), st.just(SIMILAR)), _grade, _days),
)
_line = st.one_of(
    st.tuples(_who, st.just("yes"), st.sampled_from(YES[:5]), st.sampled_from([0, -1, -2, -3, None])),
    st.tuples(_who, st.just("no"), st.sampled_from(NO), st.sampled_from([0, -1, -2, -3, None])),
    st.tuples(_who, st.just("unset"), st.sampled_from(YES[:5]), st.sampled_from([0, -1, None])),
)
_import = st.one_of(
    st.tuples(st.tuples(st.just("import"), st.lists(_line, min_size=1, max_size=4)), st.sampled_from([None, None, 1, 2])),
    st.tuples(st.tuples(st.just("import again"), st.integers(0, 1))),
    st.tuples(st.tuples(st.sampled_from(["import resume", "import undo", "import never said"]), st.integers(0, 1))),
)
_clock = st.tuples(st.tuples(st.just("clock"), st.sampled_from([-30, -1, 2])))
_custody = st.tuples(st.tuples(st.sampled_from(["back up", "restore"])))
acts = st.one_of(
    _said,
    _said,
    _import,
    st.tuples(st.tuples(st.sampled_from(["undo", "undo", "repeat", "confirm"]), _which)),
    st.tuples(
        st.tuples(st.sampled_from(["merge", "merge", "split", "object", "pause", "resume", "prove", "look", "bounce"]), _who)
    ),
    st.one_of(
        st.tuples(st.tuples(st.just("click"), _who, st.sampled_from(LINKED))),
        st.tuples(st.tuples(st.just("click back"), _which)),
    ),
    st.one_of(
        st.tuples(st.tuples(st.just("tell"), st.sampled_from(["takes", "takes", "refuses", "loses its answer"]))),
        st.tuples(
            st.tuples(st.just("hand in"), _who, st.sampled_from(["yes", "no", "unset"]), st.sampled_from(CELLS[:3]), _days)
        ),
        st.tuples(st.tuples(st.just("hand in again"), st.integers(0, 1))),
    ),
    st.one_of(_clock, _clock, _custody),
)
_here = st.sampled_from([STOCK, STOCK, SIMILAR])
while_the_clock_moves = st.one_of(
    st.tuples(st.tuples(st.just("say"), st.just(0), st.sampled_from(["yes", "no"]), _here), _grade, st.just(0)),
    st.tuples(st.tuples(st.just("clock"), st.sampled_from([-30, -1, 2]))),
    st.tuples(st.tuples(st.sampled_from(["object", "bounce"]), st.just(0))),
    st.tuples(st.tuples(st.just("click"), st.just(0), _here)),
    st.tuples(st.tuples(st.just("click back"), st.integers(0, 1))),
)
_strong = st.sampled_from(["import", "self", "self-verified"])
# Of one person and one cell: they say yes and take it back, perhaps by a mail's link, and a system hears of it or does not.
_NO_TO_IT: list[list[Any]] = [[(("click", 0, STOCK),)], [(("click", 0, STOCK),)], [(("say", 0, "no", STOCK), "self-verified", 0)]]
_hears = st.sampled_from([[], [(("tell", "takes"),)]])
_hears_perhaps = st.sampled_from([[], *([(("tell", how),)] for how in ("takes", "refuses", "loses its answer"))])
_round = st.tuples(
    st.tuples(st.tuples(st.just("say"), st.just(0), st.just("yes"), st.just(STOCK)), _strong, st.just(0)).map(lambda act: [act]),
    _hears,
    st.sampled_from(_NO_TO_IT),
    st.sampled_from([[], [], [(("click back", 0),)]]),
    _hears_perhaps,
)
clicked_and_told = st.lists(_round.map(_one_after_the_other), min_size=1, max_size=3).map(_one_after_the_other)
# Of two people and few cells: what opens, a backup, what closes, and the backup is put back.
_opening = st.one_of(
    st.tuples(st.tuples(st.just("say"), _who, st.just("yes"), _here), _strong, st.just(0)),
    st.tuples(st.tuples(st.just("import"), st.lists(st.tuples(_who, st.just("yes"), _here, st.just(-1)), min_size=1))),
    st.tuples(st.tuples(st.sampled_from(["prove", "merge"]), _who)),
)
_closing = st.one_of(
    st.tuples(st.tuples(st.just("say"), _who, st.just("no"), _here), st.just("self-verified"), st.just(0)),
    st.tuples(st.tuples(st.just("import"), st.lists(st.tuples(_who, st.just("no"), _here, st.just(None)), min_size=1))),
    st.tuples(st.tuples(st.just("import undo"), st.just(0))),
    st.tuples(st.tuples(st.sampled_from(["object", "bounce"]), _who)),
    st.tuples(st.tuples(st.just("click"), _who, _here)),
)
around_a_restore = st.tuples(
    st.lists(st.one_of(_opening, _opening, acts), min_size=1, max_size=4),
    st.just([(("back up",),)]),
    st.lists(st.one_of(_closing, _closing, acts), min_size=1, max_size=4),
    st.just([(("restore",),)]),
    st.lists(acts, max_size=2),
).map(_one_after_the_other)
