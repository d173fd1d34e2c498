"""`/audit/verify`: the page that checks a proof without us, in the browser and also when it is kept and opened from disk.

So its script and style stand in it, and its own policy admits exactly those two by their hashes and no network at all.
"""

import base64
import hashlib
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from portal import audit, consent
from portal.pages import anyone, get, page
from portal.paper import STATIC, _
from portal.public.home import brand_style

STYLES = ("tokens", "page", "controls", "verify")
SCRIPTS = ("verify", "verify-page")


async def show(request: Request) -> Response:
    style, script = _style() + brand_style(), _script()
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; base-uri 'none';"
        " form-action 'none'"
    )
    context = {"style": style, "script": script, "policy": policy, "keys": await audit.log_keys(), "told": _told()}
    response = page(request, "public/verify.html", **context)
    response.headers["content-security-policy"] = f"{policy}; frame-ancestors 'none'"
    return response


@cache
def _style() -> str:
    return "".join((STATIC / "css" / f"{name}.css").read_text() for name in STYLES)


@cache
def _script() -> str:
    return "".join((STATIC / "js" / f"{name}.js").read_text() for name in SCRIPTS)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _told() -> dict[str, dict[str, Any]]:
    """All that the script says, in the language of the page."""
    events = {name: _(each.sentence) for name, each in sorted(audit.vocabulary().items())}
    return {
        "words": _verdicts() | _reasons(),
        "names": consent.proof_words.names(),
        "actors": consent.proof_words.actors(),
        "events": events,
        "values": _values(),
    }


def _values() -> dict[str, dict[str, str]]:
    """What people call what stands in these facts."""
    return {
        "channel": {each: consent.channel_name(each) for each in consent.CHANNELS},
        "answer": {"yes": _("Yes"), "no": _("No")},
    }


def _verdicts() -> dict[str, str]:
    before, later = audit.earlier.belongings()
    return {
        "belongs-before": before,
        "belongs-later": later,
        "good": _("The proof is right"),
        "bad": _("The proof is not right: do not rely on it"),
        "unchanged": _("What it says was recorded like this, and nothing was changed since."),
        "rest": _("All the rest"),
        "warn": _("Not checked to the end"),
        "place": _("Place %(index)s of a record of %(size)s entries"),
        "no-crypto": _(
            "This browser checks nothing on pages without HTTPS. Keep this page as a file, open that file, and try again."
        ),
        "no-ed25519": _(
            "The contents and the place fit together, but this browser cannot check the signature (Ed25519). Use Firefox 129,"
            " Safari 17, Chrome 137, Edge 137 or anything newer; or run: portal audit verify"
        ),
    }


def _reasons() -> dict[str, str]:
    return {
        "not-text": _("This is no proof: the file is not text."),
        "malformed": _("This is no proof, or it was changed: it cannot be read."),
        "first-line": _("This is no proof, or it was changed: it does not begin with %(line)s."),
        "too-long": _("This is no proof: it is longer than 64 KiB."),
        "no-lines": _("The proof was changed: a part of it is missing or does not belong there."),
        "extra-form": _("The proof was changed: its contents are not written as we write them."),
        "too-many": _("The proof was changed: it has more than %(most)s hashes."),
        "decimal": _("The proof was changed: “%(number)s” is not written as we write numbers."),
        "base64": _("The proof was changed: something in it is not base64 as we write it."),
        "control": _("The proof was changed: there are control characters in its signed part."),
        "checkpoint-form": _("The proof was changed: its signed part cannot be read."),
        "no-signature": _("The proof was changed or cut off: there is no signature."),
        "signature-form": _("The proof was changed: a line with a signature cannot be read."),
        "stranger": _("It is not signed with the key above (%(name)s). It is another company's proof, or it was changed."),
        "other-log": _("It is about the record %(origin)s, but the key above is that of %(name)s."),
        "signature": _("The signature of %(name)s does not fit: the signed part or the signature was changed."),
        "no-entry": _("It claims place %(index)s, but only %(size)s entries were signed."),
        "hash-length": _("The proof was changed: a hash in it is too short or too long."),
        "proof-long": _("The entry is not at place %(index)s of the signed record: the proof has too many hashes."),
        "proof-short": _("The entry is not at place %(index)s of the signed record: the proof has too few hashes."),
        "other-root": _("The entry is not at place %(index)s of the signed record: it, its place or a hash was changed."),
        "leaf-form": _("The entry in the proof cannot be read: it was changed."),
        "contents": _("What it says happened is not what was recorded: it was changed."),
        "event": _("What it says happened is of another kind than what was recorded."),
        "key-form": _("A key above is not complete. It looks like this: name+0123abcd+letters"),
        "key-kind": _("A key above is of a kind that this page does not know."),
        "key-id": _("A key above was mistyped or changed: it does not fit its own number."),
    }


routes = [get("/audit/verify", show, guard=anyone)]
