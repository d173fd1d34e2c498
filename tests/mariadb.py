"""A real MariaDB for the tests of the sql connector, where Debian's package of its server is installed.

It listens on a socket in a folder of its own, in memory where there is plenty, and ends with the process that asked for it,
however that ends: a shell holds the other end of a pipe, and kills and clears away when it is closed.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql

MISSING = "MariaDB's server is not installed. Please type:  sudo apt-get install mariadb-server-core mariadb-client-core"
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"  # where users seldom look
_SMALL = (
    *("--skip-networking", "--skip-log-bin", "--skip-name-resolve", "--max-connections=40", "--performance-schema=OFF"),
    *("--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M", "--innodb-flush-log-at-trx-commit=0"),
    *("--innodb-fast-shutdown=2", "--key-buffer-size=1M", "--aria-pagecache-buffer-size=1M"),
    *("--table-definition-cache=400", "--sync-frm=0"),
    # what many servers still have: no strict mode, so that a mistaken value is bent until it fits; and a time zone of their own
    *("--sql-mode=", "--default-time-zone=+05:00", "--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci"),
)
_UNTIL_ASKED_TO_STOP = '"$@" & read -r line; kill -KILL $!; wait; rm -rf "$0"'


def installed() -> bool:
    return all(shutil.which(needed, path=_PATH) for needed in ("mariadbd", "mariadb-install-db", "my_print_defaults"))


@contextmanager
def server() -> Iterator[str]:
    """The address of a running server, as its root, with `NAME` where the database's name goes."""
    folder = tempfile.mkdtemp(prefix="portal-mariadb-")
    own = ["--no-defaults", f"--datadir={folder}/data", *(["--user=root"] if os.getuid() == 0 else [])]
    make = [str(shutil.which("mariadb-install-db", path=_PATH)), *own, "--auth-root-authentication-method=normal"]
    subprocess.run([*make, "--skip-test-db"], check=True, capture_output=True, env={**os.environ, "PATH": _PATH})
    wanted = [str(shutil.which("mariadbd", path=_PATH)), *own, *_SMALL, f"--socket={folder}/socket", f"--pid-file={folder}/pid"]
    log = Path(folder, "log")
    with log.open("wb") as said:
        shell = ["sh", "-c", _UNTIL_ASKED_TO_STOP, folder, *wanted]
        running = subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=said, stderr=said)
    try:
        _wait(f"{folder}/socket", running, log)
        yield f"mysql://root@/NAME?unix_socket={folder}/socket"
    finally:
        assert running.stdin
        running.stdin.close()
        running.wait()


def _wait(socket: str, running: "subprocess.Popen[bytes]", log: Path) -> None:
    for _try in range(600):
        try:
            pymysql.connect(unix_socket=socket, user="root").close()
            return
        except pymysql.OperationalError:
            assert running.poll() is None, log.read_text()
            time.sleep(0.05)
    raise AssertionError(log.read_text())
