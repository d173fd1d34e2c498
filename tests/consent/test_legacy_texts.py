"""The texts that earlier systems showed: kept byte for byte, or declared unknown before anybody's yes rests on one."""

from pathlib import Path

import pytest

from portal import audit, db, documents, subjects
from portal.consent import legacy
from portal.consent.history import history
from portal.lib.errors import Conflict, Invalid, NotFound
from tests.conftest import House
from tests.consent.exports import HEAD, imported, onetrust_line, planned
from tests.consent.lists import written
from tests.consent.people import publish

pytestmark = pytest.mark.usefixtures("on_the_day_of_the_exports")


async def test_the_text_of_an_earlier_system_is_kept_byte_for_byte_and_never_becomes_another(house: House) -> None:
    text = "<p>Da, trimiteți-mi noutăți.</p>\r\n".encode()
    added = await legacy.add("legacy:onetrust:12", {"ro": text, "en": b"<p>Yes, send me news.</p>"}, by="officer:petra")
    assert {each.language: each.source for each in added.languages}["ro"] == text
    edition = await documents.named("legacy:onetrust:12@1/ro")
    assert edition.source == text and b"trimite" in edition.html
    assert (
        await legacy.add("legacy:onetrust:12", {"ro": text, "en": b"<p>Yes, send me news.</p>"}, by="x")
    ).languages == added.languages
    with pytest.raises(Conflict):
        await legacy.add("legacy:onetrust:12", {"en": b"<p>Something else.</p>"}, by="officer:petra")
    with pytest.raises(Conflict):
        await legacy.add_unknown("legacy:onetrust:12", by="officer:petra")
    with pytest.raises(Invalid):
        await legacy.add("legacy:onetrust:13", {"en": b"\xff\xfe"}, by="officer:petra")
    assert await documents.keys() == [] and await documents.missing_translations() == []


async def test_an_import_that_names_an_undeclared_text_is_refused_and_says_what_to_type(house: House, tmp_path: Path) -> None:
    await publish()
    path = written(tmp_path, HEAD + onetrust_line("ana", "ACTIVE") + onetrust_line("ben", "OPT_OUT"))
    with pytest.raises(Invalid, match="portal legacy add legacy:onetrust:12 --text FILE"):
        await planned("onetrust", path)
    assert await db.rows("SELECT id FROM batch") == []
    await legacy.add_unknown("legacy:onetrust:12", by="officer:petra")
    assert (await imported("onetrust", path)).counts["new"] == 2
    ana = await subjects.find("email", "ana@example.com")
    assert ana is not None
    [yes] = await history(ana.subject)
    payload = await audit.open_payload(await _entry(yes.entry))
    assert payload is not None and payload["text_sha256"] == "unknown" and yes.shown == ""
    later = await legacy.add("legacy:onetrust:12", {"en": b"<p>It turned up.</p>"}, by="officer:petra")
    assert later.known and (await history(ana.subject))[0].shown == "legacy:onetrust:12@2/en"
    with pytest.raises(NotFound):
        await legacy.get("legacy:onetrust:99")


async def _entry(entry_id: str) -> audit.Entry:
    found = await audit.entry(entry_id)
    assert found is not None
    return found
