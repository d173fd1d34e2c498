"""Every route says who may come in, and the officers' routes say which action of the one table it takes."""

import re

from portal import identity
from tests.rules.doors import doors, mounts

# The officers' doors that open before anybody is known.
OPEN_TO_ALL = {
    "GET /admin/sign-in",
    "POST /admin/sign-in",
    "GET /admin/sign-in/code",
    "POST /admin/sign-in/code",
    "GET /admin/invitation/{secret}",
    "POST /admin/invitation/{secret}",
    "POST /admin/sign-out",
}

# What machines read before they have a key.
READ_WITHOUT_A_KEY = {"GET /api/openapi.json"}
# Where connected systems sign what they hand in.
SIGNED = {"POST /api/v1/inbound/{system}"}
# Where the link of a mail is all that somebody has.
LINKED = {"GET /answer/{token}", "POST /answer/{token}"}


def test_every_route_names_its_guard() -> None:
    known = r"anyone|customer|officer\([a-z.]+\)|key\([a-z:]+\)|signed|linked|registered"
    assert [each.name for each in doors() if not re.fullmatch(known, each.guard)] == []
    assert {each.name for each in doors() if each.guard == "linked"} == LINKED
    assert {each.pattern.startswith("/w/v1/{site}/") for each in doors() if each.guard == "registered"} == {True}
    assert mounts() == ["/static"]


def test_an_officers_route_names_an_action_of_the_table() -> None:
    found = {each.name: each.guard for each in doors() if each.pattern.startswith("/admin")}
    assert {name for name, guard in found.items() if guard == "anyone"} == OPEN_TO_ALL
    taken = {name: re.fullmatch(r"officer\((.+)\)", guard) for name, guard in found.items() if name not in OPEN_TO_ALL}
    assert [name for name, action in taken.items() if action is None or action[1] not in identity.ACTIONS] == []


def test_a_machines_route_names_a_scope_of_the_list_and_no_other_route_takes_a_key() -> None:
    found = {each.name: each.guard for each in doors() if each.for_machines}
    assert {name for name, guard in found.items() if guard == "anyone"} == READ_WITHOUT_A_KEY
    assert {each.name for each in doors() if each.guard == "signed"} == SIGNED
    scopes = {f"key({scope})" for scope in identity.SCOPES}
    assert [name for name, guard in found.items() if name not in READ_WITHOUT_A_KEY | SIGNED and guard not in scopes] == []
    assert [each.name for each in doors() if each.guard.startswith("key(") and not each.for_machines] == []


def test_only_officers_routes_take_an_officers_guard() -> None:
    assert [each.name for each in doors() if each.guard.startswith("officer(") and not each.pattern.startswith("/admin")] == []


def test_routes_use_get_and_post_alone_and_none_stands_twice() -> None:
    names = [each.name for each in doors()]
    assert {each.method for each in doors()} == {"GET", "POST"}
    assert len(names) == len(set(names))
