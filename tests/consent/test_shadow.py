"""The shadow report: what an earlier system answers beside what we answer; and the documented commands, as they stand there."""

import re
from pathlib import Path

import pytest

from portal import cli, settings
from portal.consent.shadow import LOOSER, SAME, STRICTER, Difference, Shadow
from portal.settings import HOME
from tests.conftest import House, settings_in
from tests.consent.exports import EXAMPLES, HEAD, imported, options, ready
from tests.consent.lists import written
from tests.consent.people import known, say

pytestmark = pytest.mark.usefixtures("on_the_day_of_the_exports")


async def compared(path: Path, vendor: str = "onetrust") -> tuple[Shadow, list[Difference]]:
    shadow = Shadow(path, options(vendor))
    return shadow, [each async for each in shadow.differences()]


@pytest.mark.parametrize("vendor", ["onetrust", "hubspot", "salesforce"])
async def test_after_an_import_nothing_differs(house: House, vendor: str) -> None:
    await ready()
    path = EXAMPLES / f"{vendor}.csv"
    before, _differences = await compared(path, vendor)
    assert before.report.cells[LOOSER] == 0
    await imported(vendor, path)
    after, differences = await compared(path, vendor)
    assert differences == [] and after.report.is_safe
    assert after.report.cells[SAME] == before.report.cells.total() and after.report.silent > 0


async def test_every_difference_is_explained_and_what_is_looser_is_an_alarm(house: House, tmp_path: Path) -> None:
    await ready()
    lines = [
        *("ana,ACTIVE,2026-01-01", "ben,OPT_OUT,2026-01-01", "carla,ACTIVE,2026-02-02", "dan,ACTIVE,2023-01-01"),
        *("elena,PENDING,2026-01-01", "felix,,", "gina,MAYBE,2026-01-01"),
    ]
    rows = [each.split(",") for each in lines]
    text = "".join(f"{who}@example.com,Marketing Emails,12,{status},{at},{at},\n" for who, status, at in rows)
    path = written(tmp_path, HEAD + text)
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com", proven=True)
    elena = await known("email", "elena@example.com")
    await imported("onetrust", path)
    await say(ana, "no", "newsletter")
    await say(ben, "yes", "newsletter", grade="self-verified")
    await say(elena, "yes", "newsletter", grade="import", edition="legacy:old:1")
    shadow, differences = await compared(path)
    assert shadow.report.cells == {SAME: 1, STRICTER: 2, LOOSER: 2} and not shadow.report.is_safe
    assert (shadow.report.lines, shadow.report.silent, shadow.report.bad) == (7, 1, 1)
    assert {(each.address, each.what, each.rule) for each in differences} == {
        ("a•••@example.com", STRICTER, 4),
        ("b•••@example.com", LOOSER, 4),
        ("d•••@example.com", STRICTER, 3),
        ("e•••@example.com", LOOSER, 4),
    }
    told = {each.address[0]: each.why for each in differences}
    assert "said no here" in told["a"] and "said yes here" in told["b"] and "1 January 2023 does not count any more" in told["d"]


def _documented() -> dict[str, list[str]]:
    """The commands of docs/migrate.md by the heading they stand under."""
    text = (HOME / "docs" / "migrate.md").read_text()
    parts = re.split(r"(?m)^## (.+)$", text)
    found = {head: re.findall(r"(?m)^portal (.+)$", body) for head, body in zip(parts[1::2], parts[2::2], strict=True)}
    return {head: commands for head, commands in found.items() if commands}


@pytest.mark.parametrize("system", _documented())
def test_every_documented_command_runs_on_the_example_files(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").symlink_to(HOME / "docs")
    before = settings.get()
    settings.use(settings_in(tmp_path))
    try:
        assert cli.main(["migrate"]) == 0 and cli.main(["publish", "--yes"]) == 0
        for command in _documented()[system]:
            assert cli.main(command.split()) == 0, f"{command}: {capsys.readouterr()}"
            said = capsys.readouterr().out
            assert "bad                     0" in said or not command.startswith("import"), said
            assert re.search(r"we are looser +0\n", said) or not command.startswith("shadow"), said
    finally:
        settings.use(before)


def test_what_is_looser_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, example = settings.get(), ["--from", "onetrust", "--map", str(EXAMPLES / "onetrust.toml")]
    settings.use(settings_in(tmp_path))
    lists = {
        name: written(tmp_path, HEAD + f"ana@example.com,Marketing Emails,12,{status},2026-01-01,2026-02-02,\n", name=name)
        for name, status in (("yes.csv", "ACTIVE"), ("no.csv", "OPT_OUT"))
    }
    try:
        for command in (["migrate"], ["publish", "--yes"], ["legacy", "add", "legacy:onetrust:12", "--unknown"]):
            assert cli.main(command) == 0
        assert cli.main(["import", str(lists["yes.csv"]), *example, "--commit"]) == 0
        assert cli.main(["shadow", str(lists["no.csv"]), *example, "--csv", str(tmp_path / "all.csv")]) == 1
        assert "ALARM" in capsys.readouterr().out
        assert "a•••@example.com,newsletter,email,,looser,not allowed,4," in (tmp_path / "all.csv").read_text()
        assert cli.main(["legacy", "show", "legacy:onetrust:12"]) == 1 and cli.main(["legacy", "list"]) == 0
        assert cli.main(["import", str(lists["no.csv"]), "--from", "onetrust"]) == 1
        assert cli.main(["import", str(lists["no.csv"]), *example, "--purpose", "newsletter"]) == 1
    finally:
        settings.use(before)
