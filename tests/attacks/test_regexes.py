"""No text that somebody sends keeps one of our regular expressions busy: each takes time in proportion to its length."""

import time

import pytest

from portal.statement.checks import _any_period, _period
from tests.attacks.patterns import Pattern, patterns, slow_texts

LONGEST = 0.05

# Put together while it is used, out of words of ours: where, an example of each, and how it is used.
PUT_TOGETHER: dict[str, tuple[str | bytes, str]] = {
    "portal/cases/sought.py end form start": (rb"(?<=[^0-9A-Za-z])Ben Lee(?=[^0-9A-Za-z])", "search"),
    "portal/db/migrations.py mine other": (r"(?ms)^-- only: sqlite\n.*?(?=^-- only: (?:both|postgresql)\n|\Z)", "sub"),
    "portal/documents/policies.py name": (r"\s*\[*period\b", "match"),
    "portal/handwritten.py word": (r"(?<![\w-])period(?![\w-])", "search"),
    "portal/statement/checks.py _any_period language": (_any_period("ro"), "findall"),
    "portal/statement/checks.py _period language number unit": (_period(24, "month", "ro"), "fullmatch"),
    "portal/statement/checks.py _end _period language rule": (rf"\b{_period(5, 'year', 'th')}", "search"),
    "portal/statement/promises.py pattern": (r"\s*key\s*=\s*[\"']fresh[\"']", "match"),
    "portal/statement/register.py key": (r"\s*key\s*=\s*\"fresh\"", "match"),
    "portal/statement/register.py name": (r"\s*period\b", "match"),
}
FOUND, UNKNOWN = patterns()
EXAMPLES = [Pattern(where, pattern, 0, method) for where, (pattern, method) in PUT_TOGETHER.items()]


def test_every_expression_is_looked_at() -> None:
    assert len(FOUND) > 50
    assert sorted(set(UNKNOWN)) == sorted(PUT_TOGETHER)


@pytest.mark.parametrize("pattern", FOUND + EXAMPLES, ids=lambda each: f"{each.where} {each.method}")
def test_no_text_takes_long(pattern: Pattern) -> None:
    for text in slow_texts(pattern, 2_000):
        _require_short(pattern, text)
    taken = [_require_short(pattern, text) for text in slow_texts(pattern, 10_000)]
    slowest = sorted(range(len(taken)), key=lambda number: -taken[number])[:4]
    for text in (text for number, text in enumerate(slow_texts(pattern, 100_000)) if number in slowest):
        _require_short(pattern, text)


def _require_short(pattern: Pattern, text: str) -> float:
    """Of the processor's own time, and the least of a few tries: others use it as well."""
    least = 1.0
    for _try in range(4):
        started = time.thread_time()
        pattern.run(text)
        least = min(least, time.thread_time() - started)
        if least <= LONGEST:
            return least
    raise AssertionError(f"{pattern.pattern!r} on {text[:20]!r}… of {len(text):,}: {least * 1000:.0f} ms")
