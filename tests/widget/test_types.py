"""The types that a site's developer gets: served beside their script, and what a compiler makes of them."""

import subprocess
from pathlib import Path

import pytest

from portal import sites
from portal.settings import HOME
from portal.sites import Site, releases, snippet
from tests.conftest import House
from tests.sites.shops import Visitor, found_site

TSC = HOME / "portal" / "widget" / "node_modules" / ".bin" / "tsc"
RIGHT = """
const choices = window.privacyChoices;
if (choices) {
  const seen = await choices.ready;
  const off: () => void = choices.on("change", ({ answers }) => console.log(answers["visits"] ?? false));
  choices.set({ visits: true });
  const law: "opt-in" | "opt-out" = seen.law;
  for (const one of seen.found ?? []) console.log(law, one.kind, one.when);
  off();
}
window.privacyChoicesTest = "test:none";
export {};
"""
WRONG = [
    ('choices.on("change"', 'choices.on("changed"'),
    ("choices.set({ visits: true })", 'choices.set({ visits: "yes" })'),
    ('"test:none"', '"test:some"'),
    ("if (choices) {", "{"),
    ("seen.law", "seen.laws"),
]


@pytest.fixture
async def shop(sqlite_house: House, tmp_path: Path) -> Site:
    return await found_site(sqlite_house, tmp_path)


def _compiled(folder: Path, types: bytes, code: str) -> subprocess.CompletedProcess[str]:
    (folder / "choice.d.ts").write_bytes(types)
    (folder / "shop.ts").write_text(code)
    flags = ["--strict", "--noEmit", "--target", "es2022", "--module", "esnext", "--lib", "es2023,dom"]
    command = [str(TSC), *flags, "--ignoreConfig", "choice.d.ts", "shop.ts"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


async def test_types_are_served_for_the_script_that_the_tag_pins_and_for_no_other(shop: Site, tmp_path: Path) -> None:
    path = sites.releases.current(releases.SCRIPT).path.replace(".js", ".d.ts")
    assert snippet(shop).types.endswith(path)
    async with Visitor(shop, "") as visitor:
        served = await visitor.get(path)
        assert served.status_code == 200 and served.content == (HOME / "portal/widget/src/choice.d.ts").read_bytes()
        assert served.headers["content-type"] == "text/plain; charset=utf-8"
        for other in ("/w/v1/0123456789abcdef/choice.d.ts", "/w/v1/................/choice.d.ts"):
            assert (await visitor.get(other)).status_code == 404
    if not TSC.exists():
        pytest.skip("Needs node and `npm ci` in portal/widget; the script is built at development time only.")
    done = _compiled(tmp_path, served.content, RIGHT)
    assert done.returncode == 0, done.stdout
    for before, after in WRONG:
        assert _compiled(tmp_path, served.content, RIGHT.replace(before, after, 1)).returncode != 0, after
