"""How a list is read: its character set, columns and words; what cannot be read spoils its own line, or the list is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portal import settings
from portal.lib.errors import Invalid
from tests.conftest import House, on_both
from tests.consent.lists import LIST, STOCK, imported, may, number, plan, written
from tests.consent.people import publish

pytestmark = pytest.mark.usefixtures("on_the_day_of_the_lists")

BAD_LINES = {
    "unknown purpose": "ana@example.com,yes,2026-01-01,nothing,email,,legacy:old:1",
    "unknown channel": "ana@example.com,yes,2026-01-01,back-in-stock,pigeon,,legacy:old:1",
    "unknown topic": "ana@example.com,yes,2026-01-01,newsletter,email,horses,legacy:old:1",
    "an edition never published": "ana@example.com,yes,2026-01-01,newsletter,email,,newsletter@99/en",
    "a yes without a text": "ana@example.com,yes,2026-01-01,newsletter,email,,",
    "a yes of the future": "ana@example.com,yes,2999-01-01,newsletter,email,,legacy:old:1",
    "a date nobody can read": "ana@example.com,yes,01/02/2026,newsletter,email,,legacy:old:1",
    "too few columns": "ana@example.com,yes",
    "a quotation mark left open": '"ana@example.com,yes,2026-01-01,newsletter,email,,legacy:old:1',
    "a line of ten megabytes": "ana@example.com,yes," + "x" * 10_000_000,
    "no address": "ana,yes,2026-01-01,newsletter,email,,legacy:old:1",
    "no address of that channel": ",yes,2026-01-01,newsletter,email,,legacy:old:1",
}


@pytest.mark.parametrize("line", BAD_LINES.values(), ids=BAD_LINES)
async def test_a_bad_line_is_named_and_nothing_else_is_lost(sqlite_house: House, tmp_path: Path, line: str) -> None:
    await publish()
    good = "ben@example.com,yes,2026-01-01,newsletter,email,,legacy:old:1\n"
    head = "email,answer,said_at,purpose,channel,topic,edition\n"
    planned = await plan(written(tmp_path, head + good + line + "\n" + good.replace("ben", "olga") * 300), defaults={})
    assert (planned.counts["bad"], planned.counts["new"], planned.counts["same"]) == (1, 2, 299)
    [(number, verdict, why)] = planned.problems
    assert (number, verdict) == (3, "bad") and why.endswith(".")


ODD_VALUES = {
    "half a letter": ("purpose", '"\\ud800"'),
    "half a letter in a column nobody reads": ("note", '"\\ud800"'),
    "a NUL": ("purpose", '"back\\u0000"'),
    "no language": ("language", '"; DROP"'),
    "a day after the last": ("said_at", '"9999-12-31T23:59:59-12:00"'),
    "a day before the first": ("said_at", '"0001-01-01T00:00:00+12:00"'),
}


@pytest.mark.parametrize(("name", "value"), ODD_VALUES.values(), ids=ODD_VALUES)
async def test_an_odd_value_spoils_its_own_line_only(house: House, tmp_path: Path, name: str, value: str) -> None:
    await publish()
    good = '{"email": "%s@example.com", "answer": "no", "language": "pt-BR"}\n'
    odd = f'{{"email": "ana@example.com", "answer": "no", "{name}": {value}}}\n'
    path = written(tmp_path, good % "ben" + odd + good % "olga", name="list.ndjson")
    done = await imported(path)
    assert done.counts["bad"] == 1 and done.counts["new"] == 2
    assert [line for line, _verdict, _why in done.problems] == [2]


@on_both
async def test_a_nul_in_a_table_spoils_its_own_line_only(house: House, tmp_path: Path) -> None:
    await publish()
    text = "email,answer,purpose\nben@example.com,no,surveys\nana@example.com,no,sur\0veys\n"
    done = await imported(written(tmp_path, text))
    assert done.counts["new"] == 1 and [line for line, _verdict, _why in done.problems] == [3]
    with pytest.raises(Invalid):
        await plan(written(tmp_path, LIST), defaults=STOCK | {"source": "im\0port"})


ROMANIAN = "E-Mail;Răspuns;Când;Țară\nana@example.com;da;01.03.2026;Brașov, România\nben@example.com;nu;;Țânțăreni\n"


@pytest.mark.parametrize(
    ("charset", "written_as"),
    [
        *(("utf-8", "utf-8"), ("utf-8", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-16", "utf-16-le"), ("utf-16", "utf-16-be")),
        ("windows-1250", "cp1250"),
    ],
)
async def test_the_character_set_is_recognised_and_said(
    sqlite_house: House, tmp_path: Path, charset: str, written_as: str
) -> None:
    await publish()
    text = ROMANIAN.translate(str.maketrans("șțȘȚ", "şţŞŢ")) if written_as == "cp1250" else ROMANIAN
    named = {"email": "E-Mail", "answer": text.split(";")[1], "said_at": "Când"}
    done = await imported(written(tmp_path, text, written_as), columns=named)
    assert done.charset == charset and done.counts["new"] == 2 and await may("ana@example.com")


async def test_western_letters_are_windows_1252_and_a_told_character_set_is_believed(sqlite_house: House, tmp_path: Path) -> None:
    await publish()
    before = settings.get()
    settings.use(replace(before, languages="en,de"))
    try:
        path = written(tmp_path, "email,answer,straße\nana@example.com,no,Köln\n", "cp1252")
        assert (await plan(path)).charset == "windows-1252"
        assert (await plan(path, charset="windows-1250")).charset == "windows-1250"
    finally:
        settings.use(before)
    damaged = tmp_path / "damaged.csv"
    damaged.write_bytes("email,answer,town\nana@example.com,no,Țânțăreni\n".encode() + b"ben@example.com,no,Bra\xbaov\n")
    planned = await plan(damaged)
    assert planned.charset == "utf-8" and [each[0] for each in planned.problems] == [3] and planned.counts["new"] == 1


async def test_quoted_newlines_tabs_and_ndjson_are_read(sqlite_house: House, tmp_path: Path) -> None:
    await publish()
    quoted = 'email\tanswer\tnote\n"ana@example.com"\tyes\t"two\nlines"\nben@example.com\tno\t\nbad\tyes\t\n'
    planned = await plan(written(tmp_path, quoted))
    assert planned.counts["new"] == 2 and planned.problems[0][0] == 5
    objects = (
        '{"email": "ana@example.com", "answer": true}\n\n{"EMAIL": "ben@example.com", "answer": "no", "said_at": null}\n'
        '{"email": ["x"]}\nnot json\n'
    )
    planned = await plan(written(tmp_path, objects, name="list.ndjson"))
    assert planned.counts["new"] == 2 and [each[0] for each in planned.problems] == [4, 5]


@pytest.mark.parametrize(
    ("text", "more"),
    [
        *(("", {}), ("\n", {}), ("name,answer\nAna,yes\n", {}), ("email\nana@example.com\n", {})),
        (LIST, {"columns": {"email": "E-Mail"}}),
        (LIST, {"columns": {"nothing": "email"}}),
        (LIST, {"defaults": {}}),
        (LIST, {"charset": "ebcdic"}),
        (LIST, {"answers": {"1": "perhaps"}}),
        (LIST, {"as_of": "yesterday"}),
        ("email,email,answer\na,b,yes\n", {}),
    ],
)
async def test_a_list_that_cannot_be_understood_is_refused_with_a_sentence(
    sqlite_house: House, tmp_path: Path, text: str, more: dict[str, Any]
) -> None:
    await publish()
    with pytest.raises(Invalid) as refused:
        await plan(written(tmp_path, text), **more)
    assert refused.value.sentence.endswith((".", ")")) and await number("batch") == 0


async def test_their_names_for_answers_and_columns_are_mapped(sqlite_house: House, tmp_path: Path) -> None:
    await publish()
    text = "Mail,Status\nana@example.com,ACTIVE\nben@example.com,HARD_OPT_OUT\nolga@example.com,PENDING\n"
    more = {"columns": {"email": "mail", "answer": "STATUS"}, "answers": {"ACTIVE": "yes", "HARD_OPT_OUT": "no", "pending": ""}}
    done = await imported(written(tmp_path, text), as_of="2026-05-01", **more)
    assert done.counts["new"] == 2 and done.counts["blank"] == 1 and await may("ana@example.com")
