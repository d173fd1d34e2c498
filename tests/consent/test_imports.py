"""Lists of answers from other systems: read as they come, planned, recorded in parts, in force at once, taken back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from portal import audit, consent, db, settings, subjects
from portal.consent import fold
from portal.consent.batches import Batch, commit_import, find_batch, plan_import, undo_import
from portal.consent.import_rows import Options
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from tests.conftest import House
from tests.consent.people import allowed, known, publish, say

STOCK = {"purpose": "back-in-stock", "channel": "email", "edition": "legacy:old:1"}
LIST = """email,answer,said_at
ana@example.com,yes,2026-03-01T10:00:00Z
ben@example.com,no,2026-03-02T10:00:00Z
olga@example.com,yes,2026-03-03T10:00:00Z
"""


@pytest.fixture(autouse=True)
def on_a_fixed_day() -> Iterator[None]:
    """The dates in these lists are those of one year; a yes of theirs has not run out."""
    with clock.at(datetime(2026, 11, 20, 12, tzinfo=UTC)):
        yield


def written(folder: Path, text: str, charset: str = "utf-8", name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(charset))
    return path


def options(**more: Any) -> Options:
    return Options(**({"defaults": STOCK} | more))


async def plan(path: Path, **more: Any) -> Batch:
    return await plan_import(path, options(**more), by="officer:petra")


async def imported(path: Path, **more: Any) -> Batch:
    planned = await plan(path, **more)
    done = await commit_import(planned.id, path, by="officer:petra")
    assert done.counts == planned.counts, "A dry run says what the execution does."
    return done


async def may(address: str) -> bool:
    found = await subjects.find("email", address)
    return found is not None and await allowed(found)


async def number(table: str) -> int:
    return int((await db.rows(f"SELECT count(*) AS n FROM {table}"))[0]["n"])


async def check_folds() -> None:
    ids = [row["id"] for row in await db.rows("SELECT id FROM identifier")]
    assert sorted(await fold.kept(ids), key=repr) == sorted(await fold.from_scratch(ids), key=repr)


async def test_a_dry_run_counts_and_changes_nothing_but_its_plan(house: House, tmp_path: Path) -> None:
    await publish()
    text = LIST + "not an address,yes,2026-03-03\npetra@example.com,,2026-03-03\nvik@example.com,maybe,2026-03-03\n"
    planned = await plan(written(tmp_path, text))
    assert planned.counts["rows"] == 6 and planned.counts["new"] == 3
    assert planned.counts["bad"] == 2 and planned.counts["blank"] == 1
    assert [(line, verdict) for line, verdict, _why in planned.problems] == [(5, "bad"), (7, "bad")]
    assert planned.charset == "utf-8" and planned.phase == "planned"
    assert await number("decision") == await number("identifier") == 0 and await number("batch") == 1
    stored = repr(await db.rows("SELECT * FROM batch"))
    assert "list.csv" not in stored


async def test_an_import_is_recorded_word_by_word_and_in_force(house: House, tmp_path: Path) -> None:
    await publish()
    done = await imported(written(tmp_path, LIST))
    assert done.phase == "in force" and done.in_force_at is not None
    assert await may("ana@example.com") and await may("olga@example.com") and not await may("ben@example.com")
    assert await number("decision") == 3
    rows = await db.rows("SELECT actor, grade, source, edition, batch FROM decision")
    assert {(row["actor"], row["grade"], row["batch"]) for row in rows} == {(f"import:{done.id}", "import", done.id)}
    entries = await audit.search(limit=100)
    assert {"consent.import_planned", "consent.import_started", "consent.import_finished"} <= {each.event for each in entries}
    assert len([each for each in entries if each.event in ("consent.granted", "consent.refused")]) == 3
    await check_folds()


async def test_the_same_list_again_changes_nothing(house: House, tmp_path: Path) -> None:
    await publish()
    await imported(written(tmp_path, LIST))
    again = await imported(written(tmp_path, LIST + "\n"))
    assert again.counts["same"] == 3 and again.counts["new"] == 0
    assert await number("decision") == 3


async def test_yeses_count_only_from_the_last_part_and_noes_at_once(house: House, tmp_path: Path) -> None:
    await publish()
    ben = await known("email", "ben@example.com")
    await say(ben, "yes", grade="import", edition="legacy:old:1", said_at=None)
    text = LIST.replace("ben@example.com,no,2026-03-02T10:00:00Z", "ben@example.com,no,")
    path, looked = written(tmp_path, text), list[tuple[bool, bool, bool]]()
    planned = await plan(path)

    class Killed(Exception):
        pass

    for parts in range(3):
        with pytest.raises(Killed):
            await commit_import(planned.id, path, by="officer:petra", at_once=1, progress=_dies(Killed, after=1))
        looked.append((await may("ana@example.com"), await may("ben@example.com"), await may("olga@example.com")))
        assert (await find_batch(planned.id)).in_force_at is None, parts
        await check_folds()
    assert looked == [(False, False, False)] * 3
    done = await commit_import(planned.id, path, by="officer:petra", at_once=1)
    assert done.counts == planned.counts and await number("decision") == 4
    assert await may("ana@example.com") and await may("olga@example.com") and not await may("ben@example.com")


def _dies(problem: type[Exception], after: int) -> Any:
    seen: list[int] = []

    def progress(done: int, _total: int) -> None:
        seen.append(done)
        if len(seen) >= after:
            raise problem

    return progress


async def test_a_commit_refuses_another_file(house: House, tmp_path: Path) -> None:
    await publish()
    planned = await plan(written(tmp_path, LIST))
    with pytest.raises(Conflict):
        await commit_import(planned.id, written(tmp_path, LIST.replace("ana", "mallory")), by="officer:petra")
    assert await number("decision") == 0


async def test_an_undone_import_leaves_what_stood_before_and_keeps_its_noes(house: House, tmp_path: Path) -> None:
    await publish()
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    await say(ben, "yes", grade="import", edition="legacy:old:1")
    before = await fold.kept([ana.id])
    path = written(tmp_path, LIST.replace("ben@example.com,no,2026-03-02T10:00:00Z", "ben@example.com,no,"))
    done = await imported(path)
    undone = await undo_import(done.id, by="officer:petra")
    assert undone.undone_at is not None
    assert not await may("ana@example.com") and not await may("ben@example.com")
    assert await fold.kept([ana.id]) == before
    await check_folds()
    await undo_import(done.id, by="officer:petra", also_noes=True, why="The file was of another shop.")
    assert await may("ben@example.com")
    await check_folds()
    again = await imported(path)
    assert again.id != done.id and await may("ana@example.com") and not await may("ben@example.com")
    await check_folds()


async def test_taking_back_noes_needs_a_reason_and_the_later_list_that_repeats_them_first(house: House, tmp_path: Path) -> None:
    await publish()
    first = await imported(written(tmp_path, LIST))
    later = await imported(written(tmp_path, LIST + "\n"))
    with pytest.raises(Invalid):
        await undo_import(first.id, by="officer:petra", also_noes=True)
    with pytest.raises(Conflict):
        await undo_import(first.id, by="officer:petra", also_noes=True, why="Another shop.")
    await undo_import(later.id, by="officer:petra", also_noes=True, why="Another shop.")
    await undo_import(first.id, by="officer:petra", also_noes=True, why="Another shop.")
    assert (await fold.kept([row["id"] for row in await db.rows("SELECT id FROM identifier")])) == []


async def test_answers_as_of_a_moment_know_what_counted_then(house: House, tmp_path: Path) -> None:
    await publish()
    await known("email", "ana@example.com")
    before = clock.now()
    done = await imported(written(tmp_path, LIST))
    between = clock.now()
    await undo_import(done.id, by="officer:petra")
    ana = await subjects.find("email", "ana@example.com")
    assert ana is not None
    asked = {at: await allowed(ana, at=at) for at in (before, between, clock.now())}
    assert list(asked.values()) == [False, True, False]


async def test_conflicts_older_words_and_stops_are_told_apart(house: House, tmp_path: Path) -> None:
    await publish()
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com", proven=True)
    await say(ana, "no")
    await say(ben, "yes", grade="self-verified")
    olga = await known("email", "olga@example.com")
    await consent.stops.object_to_marketing(olga.subject, by="system")
    text = """email,answer,said_at,purpose
ana@example.com,yes,2020-01-01,back-in-stock
ben@example.com,yes,2020-01-01,back-in-stock
ben@example.com,no,2020-01-01,back-in-stock
olga@example.com,yes,2026-01-01,newsletter
vik@example.com,yes,2026-01-01,back-in-stock
vik@example.com,no,2026-01-01,back-in-stock
vik@example.com,no,2026-01-01,back-in-stock
"""
    done = await imported(written(tmp_path, text), defaults={"channel": "email", "edition": "legacy:old:1"})
    assert {name: done.counts[name] for name in ("new", "older-ignored", "held-conflict", "same", "bad")} == {
        "new": 1,
        "older-ignored": 4,
        "held-conflict": 1,
        "same": 1,
        "bad": 0,
    }
    assert [(line, verdict) for line, verdict, _why in done.problems] == [(5, "held-conflict")]
    assert not await may("vik@example.com"), "Of a yes and a no of the same day the no is the later."
    assert await may("ben@example.com") and await number("decision") == 4


async def test_an_undated_yes_is_the_oldest_and_an_undated_no_is_said_now(house: House, tmp_path: Path) -> None:
    await publish()
    text = "email,answer,said_at\nana@example.com,yes,\nana@example.com,no,2001-01-01\nben@example.com,no,\n"
    ben = await known("email", "ben@example.com")
    await say(ben, "yes", grade="import", edition="legacy:old:1")
    await imported(written(tmp_path, text))
    assert not await may("ana@example.com") and not await may("ben@example.com")
    vouched = await imported(written(tmp_path, text + "olga@example.com,yes,\n"), as_of="2026-01-01")
    assert vouched.counts["new"] == 3 and await may("ana@example.com") and await may("olga@example.com")


async def test_an_address_that_asked_not_to_be_added_again_is_held(house: House, tmp_path: Path) -> None:
    await publish()
    async with db.writing():
        await subjects.suppress("email", "ana@example.com", basis="erasure", by="system")
    done = await imported(written(tmp_path, LIST))
    assert done.counts["held-conflict"] == 1 and await subjects.find("email", "ana@example.com") is None


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


async def test_a_no_of_the_future_counts_as_said_now(sqlite_house: House, tmp_path: Path) -> None:
    await publish()
    await imported(written(tmp_path, "email,answer,said_at\nana@example.com,no,2999-01-01\n"))
    assert not await may("ana@example.com") and await number("decision") == 1


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


async def test_noes_that_a_list_begun_earlier_repeats_are_kept_until_that_one_is_taken_back(house: House, tmp_path: Path) -> None:
    await publish()
    wide = written(tmp_path, "email,answer,said_at\nvik@example.com,no,2026-03-01\nben@example.com,no,2026-03-02\n", name="b.csv")
    narrow = written(tmp_path, "email,answer,said_at\nben@example.com,no,2026-03-02\n", name="a.csv")
    outer, inner = await plan(wide), await plan(narrow)

    class Killed(Exception):
        pass

    with pytest.raises(Killed):
        await commit_import(outer.id, wide, by="officer:petra", at_once=1, progress=_dies(Killed, after=1))
    await commit_import(inner.id, narrow, by="officer:petra")
    done = await commit_import(outer.id, wide, by="officer:petra")
    assert done.counts["repeated"] == 1
    with pytest.raises(Conflict):
        await undo_import(inner.id, by="officer:petra", also_noes=True, why="Another shop.")
    await undo_import(outer.id, by="officer:petra", also_noes=True, why="Another shop.")
    await undo_import(inner.id, by="officer:petra", also_noes=True, why="Another shop.")
    await check_folds()


async def test_nobody_vouches_for_a_day_to_come(sqlite_house: House, tmp_path: Path) -> None:
    await publish()
    path = written(tmp_path, "email,answer\nana@example.com,yes\n")
    with pytest.raises(Invalid):
        await plan(path, as_of="2062-01-01")
    assert (await plan(path, as_of="2026-11-20")).counts["new"] == 1


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


async def test_a_nul_in_a_table_spoils_its_own_line_only(house: House, tmp_path: Path) -> None:
    await publish()
    text = "email,answer,purpose\nben@example.com,no,surveys\nana@example.com,no,sur\0veys\n"
    done = await imported(written(tmp_path, text))
    assert done.counts["new"] == 1 and [line for line, _verdict, _why in done.problems] == [3]
    with pytest.raises(Invalid):
        await plan(written(tmp_path, LIST), defaults=STOCK | {"source": "im\0port"})
