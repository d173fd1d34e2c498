"""The matrix is read from the table, and the table keeps its promises."""

from dataclasses import dataclass, field

import pytest

from portal import identity
from portal.identity.roles import ACTIONS, APPROVER, AUDITOR, OWNER, PRIVACY_OFFICER, ROLES
from portal.lib.errors import Invalid, NotAllowed


@dataclass
class Someone:
    roles: frozenset[str] = field(default_factory=frozenset)


MATRIX = [(action, role) for action in sorted(ACTIONS) for role in sorted(ROLES)]


@pytest.mark.parametrize(("action", "role"), MATRIX)
def test_each_role_may_do_what_its_rows_say_and_nothing_else(action: str, role: str) -> None:
    someone = Someone(frozenset({role}))
    if role in ACTIONS[action]:
        assert identity.may(someone, action)
        identity.require(someone, action)
        return
    assert not identity.may(someone, action)
    with pytest.raises(NotAllowed) as refused:
        identity.require(someone, action)
    assert all(identity.role_name(each) in refused.value.sentence for each in ACTIONS[action])


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_without_a_role_nothing_is_allowed(action: str) -> None:
    assert not identity.may(Someone(), action)


def test_two_roles_may_what_either_may() -> None:
    both = Someone(frozenset({OWNER, APPROVER}))
    assert {each for each in ACTIONS if identity.may(both, each)} == {
        each for each, roles in ACTIONS.items() if OWNER in roles or APPROVER in roles
    }


def test_an_action_that_is_not_in_the_table_is_a_mistake_not_a_permission() -> None:
    with pytest.raises(KeyError):
        identity.may(Someone(ROLES), "cases.burn")


def test_an_auditor_reads_everything_and_changes_nothing() -> None:
    assert {each for each, roles in ACTIONS.items() if AUDITOR in roles} == {each for each in ACTIONS if each.endswith(".see")}


def test_seeing_peoples_data_is_apart_from_running_the_portal_and_from_the_queue() -> None:
    assert not identity.may(Someone(frozenset({OWNER})), "data.see")
    assert identity.may(Someone(frozenset({OWNER})), "cases.see")


def test_whoever_works_on_a_case_needs_another_role_to_approve_it() -> None:
    assert ACTIONS["cases.process"].isdisjoint(ACTIONS["cases.approve"])
    assert ACTIONS["cases.process"] == {PRIVACY_OFFICER}


def test_only_owners_change_who_may_do_what() -> None:
    assert ACTIONS["officers.change"] == {OWNER}


def test_every_role_has_a_name_and_others_are_refused_in_plain_words() -> None:
    assert len({identity.role_name(role) for role in ROLES}) == len(ROLES)
    with pytest.raises(Invalid, match="There is no role “king”"):
        identity.role_name("king")
