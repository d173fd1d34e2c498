"""A time stamping authority on this machine: OpenSSL's own (`openssl ts`), behind a small HTTP server."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[stamper]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = {usage}
[tsa]
default_tsa = authority
[authority]
serial = {folder}/serial
signer_cert = {folder}/stamper.pem
signer_key = {folder}/stamper.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """`mode` says how it answers: rightly, with an earlier answer, with nonsense, or not at all."""

    folder: Path
    url: str = ""
    mode: str = "right"
    asked: list[bytes] = field(default_factory=list)
    answered: list[bytes] = field(default_factory=list)

    @property
    def roots(self) -> Path:
        return self.folder / "root.pem"

    def answer(self, query: bytes) -> tuple[int, bytes]:
        self.asked.append(query)
        if self.mode == "away":
            return 503, b"Come back later."
        if self.mode == "nonsense":
            return 200, b"0\x82This is no timestamp."
        if self.mode == "earlier":
            return 200, self.answered[0]
        (self.folder / "query.tsq").write_bytes(query)
        reply = self.folder / "reply.tsr"
        _openssl("ts", "-reply", "-config", self.folder / "config", "-queryfile", self.folder / "query.tsq", "-out", reply)
        self.answered.append(reply.read_bytes())
        return 200, self.answered[-1]

    def verifies(self, token: bytes, note: str) -> bool:
        """What OpenSSL says of the stored bytes."""
        (self.folder / "token.tsr").write_bytes(token)
        (self.folder / "note").write_bytes(note.encode())
        command = ["openssl", "ts", "-verify", "-data", "note", "-in", "token.tsr", "-CAfile", "root.pem"]
        return subprocess.run(command, cwd=self.folder, capture_output=True, check=False).returncode == 0


@contextmanager
def authority(folder: Path, usage: str = "critical,timeStamping") -> Iterator[Authority]:
    folder.mkdir()
    found = Authority(folder)
    _found(folder, usage)

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["content-length"]))
            right = self.headers["content-type"] == "application/timestamp-query"
            status, content = found.answer(query) if right else (415, b"")
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with served(Door) as found.url:
        yield found


@contextmanager
def served(door: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A small HTTP server in a thread, on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), door)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _found(folder: Path, usage: str) -> None:
    """A root, and a stamper's certificate signed by it."""
    config = folder / "config"
    for name in ("root", "stamper"):
        config.write_text(CONFIG.format(name=name, folder=folder, usage=usage))
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / f"{name}.key")
        by = () if name == "root" else ("-CA", folder / "root.pem", "-CAkey", folder / "root.key")
        _openssl("req", "-x509", "-config", config, "-extensions", name, *key, *by, "-days", "2", "-out", folder / f"{name}.pem")
    (folder / "serial").write_text("01\n")


def _openssl(*arguments: object) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
