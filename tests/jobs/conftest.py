"""The tests of jobs register verbs of their own, for one test each."""

from collections.abc import Iterator

import pytest

from portal import worker
from portal.jobs.verbs import registered


@pytest.fixture
def no_verbs() -> Iterator[None]:
    """No verb is known, so that no room's recurring job joins in; afterwards all are known again."""
    worker.know_all_verbs()  # or opening the database would make them known in the middle of a test
    before = dict(registered)
    registered.clear()
    yield
    registered.clear()
    registered.update(before)
