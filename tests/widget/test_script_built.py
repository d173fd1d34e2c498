"""The built files: small, made of the source beside them byte by byte, and not to be poisoned by what a server says."""

import gzip
import hashlib
import json
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest

from portal.settings import HOME

WIDGET = HOME / "portal" / "widget"
MOST = {"choice.js": 12_000, "choice-form.js": 4_000}
NEUTRAL = ("cookie", "consent", "gdpr", "banner", "privacy", "cmp")


def _node() -> str:
    node = shutil.which("node")
    if node is None or not (WIDGET / "node_modules").exists():
        pytest.skip("Needs node and `npm ci` in portal/widget; the script is built at development time only.")
    return node


def test_the_files_are_as_small_as_recorded() -> None:
    sizes = json.loads((WIDGET / "built" / "sizes.json").read_text())
    assert sizes.keys() == MOST.keys()
    for name, size in sizes.items():
        content = (WIDGET / "built" / name).read_bytes()
        assert size["bytes"] == len(content)
        assert size["integrity"] == "sha384-" + b64encode(hashlib.sha384(content).digest()).decode()
        assert abs(len(gzip.compress(content, 9)) - size["gzip"]) < 100
        assert size["brotli"] <= MOST[name]


def test_building_again_gives_the_same_bytes(tmp_path: Path) -> None:
    node = _node()
    for turn in ("one", "two"):
        done = subprocess.run([node, WIDGET / "build.mjs", tmp_path / turn], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    for name in (*MOST, "choice.d.ts", "sizes.json"):
        built = (WIDGET / "built" / name).read_bytes()
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() == built, f"Build {name} again."


@pytest.mark.deep
def test_the_types_of_the_source_are_right() -> None:
    _node()
    done = subprocess.run([WIDGET / "node_modules" / ".bin" / "tsc"], cwd=WIDGET, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_names_that_lists_of_blockers_hide_are_not_used() -> None:
    """Of files and folders; of classes, ids and keys in the page. Words of APIs and other tools' names are no such names."""
    files = [path.name for path in (WIDGET / "src").iterdir() if path.name != "banner.js" and "consent-mode" not in path.name]
    assert [name for name in [*files, *MOST] if any(word in name for word in NEUTRAL)] == []
    style = (WIDGET / "src" / "style.js").read_text()
    assert [word for word in NEUTRAL if word in style] == []


def test_ten_thousand_poisoned_settings_leave_all_prototypes_as_they_were() -> None:
    node, source = _node(), WIDGET / "src"
    fuzz = [Path(__file__).parent / "fuzz.mjs", source / "settings.js", source / "storage.js"]
    done = subprocess.run([node, *fuzz], capture_output=True, text=True, check=False)
    assert done.stdout == "clean\n", done.stderr


def test_every_built_file_is_kept_under_its_hash_for_pages_that_pinned_it() -> None:
    kept = {path.relative_to(WIDGET / "built" / "released"): path for path in (WIDGET / "built" / "released").rglob("*.js")}
    for place, path in kept.items():
        assert hashlib.sha384(path.read_bytes()).hexdigest()[:16] == place.parent.name, "Its address names other bytes."
    for name in MOST:
        built = (WIDGET / "built" / name).read_bytes()
        place = Path(hashlib.sha384(built).hexdigest()[:16], name)
        assert place in kept and kept[place].read_bytes() == built, f"Build {name} again: the next build would lose this one."
