"""Public test vectors; the folder is named by PORTAL_TEST_VECTORS or lies beside the checkout."""

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("PORTAL_TEST_VECTORS", Path(__file__).resolve().parents[3] / "shared" / "vectors"))
needs_vectors = pytest.mark.skipif(not FOLDER.is_dir(), reason="the folder with the public test vectors is not here")
