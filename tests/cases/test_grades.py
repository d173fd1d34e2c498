"""What is enough proof: no combination of ways below what a right asks for ever reaches "proven"."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from portal.cases.grades import Shown, suffices
from portal.cases.policy import WAYS, Proofs

ways = st.lists(st.sampled_from(WAYS), unique=True)
shown = st.lists(st.builds(Shown, way=st.sampled_from(WAYS), identifier=st.sampled_from(["a", "b", "c"])), max_size=6)


@st.composite
def proofs(draw: st.DrawFn) -> Proofs:
    enough = draw(ways)
    return Proofs(tuple(enough), timedelta(minutes=10), tuple(each for each in enough if draw(st.booleans())))


@given(proofs(), shown, st.booleans())
def test_no_combination_below_the_grade_reaches_proven(policy: Proofs, tried: list[Shown], more: bool) -> None:
    accepted = [each for each in tried if each.way in policy.ways]
    below = [each for each in accepted if each.way not in policy.stronger]
    if not accepted or (more and accepted == below and len({each.identifier for each in below}) < 2):
        assert not suffices(policy, tried, more=more)
    else:
        assert suffices(policy, tried, more=more)


@given(proofs(), shown, shown)
def test_showing_more_never_proves_less_and_asking_for_more_never_proves_more(
    policy: Proofs, first: list[Shown], then: list[Shown]
) -> None:
    for more in (True, False):
        assert suffices(policy, [*first, *then], more=more) or not suffices(policy, first, more=more)
    assert suffices(policy, first, more=False) or not suffices(policy, first, more=True)
