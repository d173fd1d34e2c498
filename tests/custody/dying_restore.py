"""A restore on PostgreSQL that is killed (-9) when all was found right, just before the databases change over.

Run as: python -m tests.custody.dying_restore VAR DATABASE BACKUP.
"""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from portal import custody, settings
from tests.conftest import settings_in
from tests.custody.dying import die

if __name__ == "__main__":
    var, database, backup = sys.argv[1:]
    settings.use(replace(settings_in(Path(var)), database_url=database))
    with patch("portal.custody.postgresql_copy.put_in_place", die):
        asyncio.run(custody.restore(Path(backup)))
