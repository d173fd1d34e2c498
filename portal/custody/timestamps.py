"""Timestamps of a trusted authority (RFC 3161) on checkpoints: the log stood like this at that time, says somebody else.

The answer is verified before it is kept: our nonce, our bytes, and a certificate for time stamping that leads to one of
the operator's roots. `openssl ts -verify` checks the same from the stored bytes.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, VerifierBuilder, decode_timestamp_response
from rfc3161_client.errors import VerificationError

from portal.custody.refusal import AnchorFailed
from portal.lib import outbound
from portal.paper import _
from portal.settings import get


@dataclass(frozen=True)
class Timestamp:
    """The authority's whole answer as DER, and the time that it names."""

    token: bytes
    at: datetime


async def stamp(note: str, url: str, roots: str) -> Timestamp:
    """Ask the authority to stamp a note. Raises AnchorFailed, OutboundFailed or OutboundRefused."""
    trusted = await asyncio.to_thread(_roots, roots)
    asked = TimestampRequestBuilder().data(note.encode()).hash_algorithm(HashAlgorithm.SHA256).nonce(nonce=True)
    request = asked.cert_request(cert_request=True).build()
    answer = await outbound.request(
        "POST",
        url,
        headers={"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"},
        content=request.as_bytes(),
        allow=outbound.networks(get().outbound_allow),
    )
    if answer.status != 200:
        raise AnchorFailed(_("The time stamping authority answered with the status %s.") % answer.status)
    try:
        response = decode_timestamp_response(answer.content)
        verifier = VerifierBuilder.from_request(request)
        for each in trusted:
            verifier = verifier.add_root_certificate(each)
        verifier.build().verify_message(response, note.encode())
    except (VerificationError, ValueError) as problem:
        raise AnchorFailed(_("The answer of the time stamping authority proves nothing: %s") % problem) from problem
    return Timestamp(response.as_bytes(), response.tst_info.gen_time)


def _roots(path: str) -> list[x509.Certificate]:
    if not path:
        raise AnchorFailed(_("PORTAL_TIMESTAMP_ROOTS must name the file with the authority's root certificates."))
    try:
        return x509.load_pem_x509_certificates(Path(path).read_bytes())
    except (OSError, ValueError) as problem:
        raise AnchorFailed(_("PORTAL_TIMESTAMP_ROOTS: %s cannot be read as certificates (PEM).") % path) from problem
