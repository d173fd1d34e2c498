"""Every text that people see has a Romanian translation, and no translation breaks a placeholder."""

import subprocess
import sys

from portal.settings import HOME


def test_every_text_is_translated_and_no_placeholder_is_lost() -> None:
    command = [sys.executable, "tools/texts.py", "--check"]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
