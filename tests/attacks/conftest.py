"""A portal with Ana's things in it: made once, and a copy of it for each test."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from portal.settings import Settings
from tests.attacks.scene import Scene, open_scene
from tests.conftest import opened, settings_in
from tests.people import Browser


@dataclass(frozen=True)
class Kept:
    """The folder of the portal and what the browsers hold, to be copied."""

    folder: Path
    scene: Scene

    def copy(self) -> Scene:
        officers = {role: _copy(browser) for role, browser in self.scene.officers.items()}
        return replace(self.scene, ana=_copy(self.scene.ana), officers=officers)


@pytest.fixture(scope="session")
def kept(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder = tmp_path_factory.mktemp("scene")
    shutil.copy(migrated_sqlite, folder / "portal.db")
    return Kept(folder, asyncio.run(_made(folder)))


@pytest.fixture
async def scene(kept: Kept, tmp_path: Path) -> AsyncIterator[Scene]:
    folder = tmp_path / "scene"
    shutil.copytree(kept.folder, folder)
    async with opened(_of_company(folder)):
        yield kept.copy()


async def _made(folder: Path) -> Scene:
    async with opened(settings_in(folder)) as house:
        return await open_scene(house, folder)


def _of_company(folder: Path) -> Settings:
    return replace(settings_in(folder), systems=str(folder / "systems.toml"))


def _copy(browser: Browser) -> Browser:
    copied = Browser()
    for cookie in browser.cookies.jar:
        copied.cookies.jar.set_cookie(cookie)
    return copied
