"""The child process that prints PDFs: `python -m portal.paper.printer`, one job after the other over pipes.

It may use 1 GiB and, per job, 60 s of processor time; it opens nothing but `data:` addresses and our own bundled
style sheets, so that no text of a stranger makes it read a file or call an address.
"""

import json
import resource
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

from weasyprint import HTML, Attachment
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

STYLES = Path(__file__).resolve().parent.parent / "static" / "css"
MEMORY = 1 << 30
SECONDS = 60


class _Bundled(URLFetcher):
    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        if url.startswith("data:"):
            return super().fetch(url, headers)
        name = url.removeprefix("portal:")
        if name != url and name in {each.name for each in STYLES.glob("*.css")}:
            return URLFetcherResponse(url, (STYLES / name).read_bytes(), {"Content-Type": "text/css"})
        raise FatalURLFetchingError(f"A paper may not fetch {url[:80]}")


def print_one(job: dict[str, Any]) -> bytes:
    """The PDF of a job: html, variant, and attachments as (name, content in latin-1, description)."""
    fetcher = _Bundled(allowed_protocols={"data"})
    attachments = [
        Attachment(
            string=each["content"].encode("latin-1"), name=each["name"], description=each["description"], relationship="Data"
        )
        for each in job["attachments"]
    ]
    document = HTML(string=job["html"], base_url="portal:", url_fetcher=fetcher)
    pdf: bytes = document.write_pdf(pdf_variant=job["variant"], pdf_tags=True, attachments=attachments, uncompressed_pdf=False)
    return pdf


def serve(source: BinaryIO, answers: BinaryIO) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    while length := source.read(8):
        job = json.loads(source.read(int.from_bytes(length)))
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        try:
            status, body = b"\0", print_one(job)
        except (Exception, FatalURLFetchingError) as problem:
            status, body = b"\1", f"{type(problem).__name__}: {problem}".encode()
        answers.write(status + len(body).to_bytes(8) + body)
        answers.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; our pipe closes then
    output = sys.stdout.buffer
    sys.stdout = sys.stderr
    serve(sys.stdin.buffer, output)
