"""Whoever asks whether somebody is on file leaves a trace, whatever the answer was, and the trace names no stranger."""

from portal import audit, db, subjects
from tests.people import ANA, BEN, Browser


async def test_asking_for_somebody_unknown_is_recorded_without_their_address(olga: Browser) -> None:
    page = await olga.post("/admin/people", data={"address": BEN})
    assert page.status_code == 404 and "We hold nothing under this address." in page.text
    sought = await audit.search(event="person.sought")
    assert len(sought) == 1 and sought[0].actor.startswith("officer:") and sought[0].subject is None
    payload = await audit.open_payload(sought[0])
    assert payload == {"by": "email", "found": False, "role": "privacy-officer"}
    assert BEN not in str(sought[0]) and "ben" not in str(payload)


async def test_asking_for_somebody_known_is_recorded_before_their_page_is_opened(olga: Browser) -> None:
    async with db.writing():
        person = (await subjects.ensure("email", ANA, by="import")).subject
    answer = await olga.post("/admin/people", data={"address": ANA}, follow_redirects=False)
    assert answer.status_code == 303
    sought = await audit.search(event="person.sought", subject=person)
    assert len(sought) == 1 and (await audit.open_payload(sought[0])) == {"by": "email", "found": True, "role": "privacy-officer"}
    assert await audit.search(event="person.looked") == []


async def test_what_is_no_address_asks_for_nobody(olga: Browser) -> None:
    assert (await olga.post("/admin/people", data={"address": "ana"})).status_code == 422
    assert await audit.search(event="person.sought") == []
