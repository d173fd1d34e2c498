"""The job that sends one message, and what happens when the mail server does not want it.

After a try that ended unclear the message goes out once more under the same Message-ID, so a person gets it at most
twice; after a second one it is left to an officer.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from portal import audit, db, jobs, settings, vault
from portal.lib import clock
from portal.messages import events, smtp
from portal.messages.copies import open_letter
from portal.messages.models import Message

Step = Literal["content", "content again"]


# Short pauses, so that mails leave within a minute of the server coming back; about a day of them.
@jobs.verb("messages.send", max_tries=2_000, longest_pause=timedelta(seconds=45), at_once=2)
async def send(job: jobs.Job) -> None:
    message = await Message.get_or_none(id=job.arguments["message"])
    if message is None or message.state != "waiting":
        return
    configured = settings.get()
    if not configured.smtp_url:
        raise jobs.TryAgain("PORTAL_SMTP_URL is empty.", after=timedelta(minutes=5))
    try:
        key = await vault.key_by_id(message.key_id)
    except vault.Shredded:
        await _refuse(job, message, "erased")
        return
    step = await _free_step(job)
    if step is None:
        await _refuse(job, message, "unclear")
        return
    to, letter = await open_letter(message, key)
    mail = smtp.envelope(
        letter,
        sender=configured.mail_from,
        to=to,
        message_id=message.message_id,
        at=message.created_at,
        language=message.language,
    )
    our_name = urlsplit(configured.base_url).hostname or "localhost"
    try:
        await smtp.deliver(configured.smtp_url, mail, our_name=our_name, before_content=_beginning(job, step))
    except smtp.NotTaken as answer:
        await job.undone(step)
        if answer.for_good or job.is_last_try:
            await _refuse(job, message, str(answer.code or "gave up"))
            return
        raise jobs.TryAgain(str(answer)) from answer
    except smtp.Unclear as problem:
        raise jobs.TryAgain(str(problem)) from problem
    async with db.writing():
        await Message.filter(id=message.id).update(state="sent", sent_at=clock.now())
        await job.finish(step)


async def _free_step(job: jobs.Job) -> Step | None:
    """Which of the two tries that may stay unclear is still free."""
    steps: tuple[Step, Step] = ("content", "content again")
    for step in steps:
        if await job.seen(step) == "new":
            return step
    return None


def _beginning(job: jobs.Job, step: Step) -> Callable[[], Awaitable[None]]:
    async def begin() -> None:
        await job.begin(step)

    return begin


async def _refuse(job: jobs.Job, message: Message, reason: str) -> None:
    async with db.writing():
        await job.hold()
        await Message.filter(id=message.id).update(state="refused", reason=reason)
        await audit.record(
            events.REFUSED,
            actor="system",
            subject=message.subject,
            case=message.case_id,
            object=f"message:{message.id}",
            payload={"template": message.template, "reason": reason},
        )
