"""What a list comes to, in figures, and the lines that somebody has to look at."""

from collections import Counter
from collections.abc import Sequence

from portal.consent import fold
from portal.consent.import_plan import BAD, HELD, SAME, Planned
from portal.consent.import_rows import Bad, Blank, Line

KEPT_LINES = 1000


def add_up(counts: Counter[str], part: Sequence[Line | Bad | Blank], planned: Sequence[Planned]) -> None:
    counts["rows"] += len(part)
    counts[BAD] += sum(isinstance(each, Bad) for each in part)
    counts["blank"] += sum(isinstance(each, Blank) for each in part)
    counts.update(each.verdict for each in planned)
    counts["repeated"] += sum(each.verdict == SAME and each.line.word.answer in fold.CLOSING for each in planned)


def note_problems(problems: list[tuple[int, str, str]], part: Sequence[Line | Bad | Blank], planned: Sequence[Planned]) -> None:
    if len(problems) < KEPT_LINES:
        problems += [(each.line, BAD, each.why) for each in part if isinstance(each, Bad)]
        problems += [(each.line.line, each.verdict, each.why) for each in planned if each.verdict in (BAD, HELD)]
