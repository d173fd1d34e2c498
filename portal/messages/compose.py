"""Writing a message: rendered now, in the person's language, kept sealed, and sent by a job after the commit."""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from portal import db, jobs, paper, settings, vault
from portal.lib import clock, ids
from portal.lib.errors import Invalid
from portal.messages.models import Message
from portal.paper import _


@dataclass(frozen=True)
class Letter:
    """The words of a message; `unsubscribe`: the address that stops messages like it, for those that can be stopped."""

    subject: str
    text: str
    html: str
    unsubscribe: str = ""


async def send_later(
    *,
    template: str,
    to: str,
    language: str,
    context: Mapping[str, Any],
    subject: str | None = None,
    case: str | None = None,
    key: str | None = None,
    account: bytes | None = None,
    unsubscribe: str = "",
) -> str:
    """Inside `writing()`: write to one address and let a job send it. Answers the message's id.

    `template` names `<template>.txt`, whose first line is `Subject: …` and second is empty, and `<template>.html`.
    `account`, a blind index of the address, is for messages that belong to nobody yet: `forget` finds them by it.
    `unsubscribe`, the link that stops messages like this one (consent.unsubscribing), goes into its header and footer;
    messages that a person needs, such as codes and answers to requests, have none.
    With a `key` (made of ids, never of an address) the message is written once: asked again, its id comes back.
    """
    address = _one_address(to)
    with paper.in_language(language):
        letter = _render(template, context, unsubscribe)
        spoken = paper.language()
    message_id = ids.new()
    sealing = await _key(subject, case)
    demo = settings.get().demo and not settings.get().smtp_url
    if not await _store(
        Message(
            id=message_id,
            message_id=_header_id(message_id),
            template=template,
            subject=subject,
            case_id=case,
            language=spoken,
            key_id=sealing.id,
            to_address=sealing.seal(place("to_address", message_id), address),
            body=sealing.seal(place("body", message_id), json.dumps(letter.__dict__, ensure_ascii=False)),
            once=key,
            state="kept" if demo else "waiting",
            reason="",
            created_at=clock.now(),
            account=account,
        )
    ):
        known = await Message.get(once=key)
        return known.id
    if not demo:
        await jobs.later("messages.send", {"message": message_id}, key=f"message {message_id}")
    return message_id


def place(column: str, message_id: str) -> vault.Place:
    return vault.Place("message", column, message_id)


def _one_address(to: str) -> str:
    # "=?" would begin an encoded word, which mail readers turn into something else.
    if not _BARE_ADDRESS.fullmatch(to) or _has_controls(to) or "=?" in to or ".." in to:
        raise Invalid(_("This is not an e-mail address we can write to."))
    return to


# RFC 5321 without quotes, comments and literals; RFC 6531 letters. Nothing in it can end a header or begin a second address.
_ATOM = r"""[^\s()<>\[\]:;@\\,".]"""
_BARE_ADDRESS = re.compile(rf"{_ATOM}(?:{_ATOM}|\.){{0,62}}(?<!\.)@{_ATOM}(?:{_ATOM}|\.){{0,180}}(?<!\.)")


def _render(template: str, context: Mapping[str, Any], unsubscribe: str) -> Letter:
    first, _newline, rest = paper.render(f"{template}.txt", **context).partition("\n")
    empty, _newline, text = rest.partition("\n")
    if not first.startswith("Subject: ") or empty.strip():
        # Either the template is wrong or a value brought a line break into the subject.
        raise ValueError(f"{template}.txt must start with one line 'Subject: …' and an empty line.")
    subject = " ".join(re.sub(r"\s+", " ", _without_controls(first.removeprefix("Subject: "))).split())
    html = paper.render(
        f"{template}.html", **{**context, "subject_line": subject, "language": paper.language(), "unsubscribe": unsubscribe}
    )
    footer = f"\n{_('Stop these e-mails:')}\n{unsubscribe}\n" if unsubscribe else ""
    return Letter(subject, text.strip() + "\n" + footer, html, unsubscribe)


def _has_controls(text: str) -> bool:
    return _without_controls(text) != text


def _without_controls(text: str) -> str:
    return "".join(" " if unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} else each for each in text)


async def _key(subject: str | None, case: str | None) -> vault.Key:
    if case is not None:
        return await vault.key_for("case", case)
    if subject is not None:
        return await vault.key_for("life", subject)
    return await vault.key_for("portal")


def _header_id(message_id: str) -> str:
    host = urlsplit(settings.get().base_url).hostname or "localhost"
    return f"<{message_id}@{f'[IPv6:{host}]' if ':' in host else host}>"


async def _store(message: Message) -> bool:
    """False when the caller's key was used before, also by somebody writing at the same time."""
    columns = {name: field.to_db_value(getattr(message, name), message) for name, field in Message._meta.fields_map.items()}
    marks = ", ".join("?" * len(columns))
    return bool(
        await db.run(
            f"INSERT INTO message ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT (once) DO NOTHING", *columns.values()
        )
    )
