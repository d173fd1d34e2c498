"""Tunings of every kind, made up for the tests: an order of collection points, how long it holds, how long a yes counts."""

from hypothesis import strategies as st

from portal.consent.rules import Tuning

SOURCES = ["preference-centre", "call-centre", "competition", "checkout"]
TUNINGS = st.builds(
    Tuning,
    st.permutations(SOURCES).flatmap(lambda order: st.integers(0, 4).map(lambda n: tuple(order[:n]))),
    st.integers(0, 40),
    st.dictionaries(st.sampled_from(SOURCES), st.integers(1, 100), max_size=3).map(lambda each: tuple(sorted(each.items()))),
)
