"""What PORTAL_DATABASE_URL may say."""

from pathlib import Path

import pytest

from portal import db
from portal.settings import Settings, SettingsError


@pytest.mark.parametrize(
    ("address", "sentence"),
    [("nonsense", "cannot be read"), ("postgres://portal@db.example.com/portal?schema=privacy", "a database of its own")],
)
async def test_an_address_that_cannot_be_served_is_refused_with_what_to_do(tmp_path: Path, address: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        await db.open_database(Settings(var=tmp_path, database_url=address))
