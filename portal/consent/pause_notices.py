"""On the day a pause ends the person is told, before the next message surprises them; once, and only if something is on."""

from datetime import timedelta

from portal import db, jobs, messages, settings, subjects
from portal.consent.choices import choices
from portal.consent.rules import MARKETING
from portal.consent.wishes import wishes
from portal.lib import clock
from portal.paper import address, in_language

AT_ONCE = 200
# One that ended long before anybody looked (a restored backup) is no news.
NEWS_FOR = timedelta(days=7)


@jobs.verb("consent.tell_pause_ended", every=timedelta(minutes=10), at_once=1)
async def tell_pause_ended(job: jobs.Job) -> None:
    """A pause that its person ended early needs no notice. A crash between two people: the rest is told at the next look."""
    now = clock.now()
    while over := await db.rows(
        "SELECT act, min(holder) AS holder FROM pause WHERE ended_at IS NULL AND until <= ? AND until > ?"
        " AND NOT EXISTS (SELECT 1 FROM pause_notice WHERE pause_notice.act = pause.act) GROUP BY act ORDER BY act LIMIT ?",
        *(clock.micros(now), clock.micros(now - NEWS_FOR), AT_ONCE),
    ):
        for each in over:
            async with db.writing():
                told = await db.run(
                    "INSERT INTO pause_notice (act, told_at) VALUES (?, ?) ON CONFLICT (act) DO NOTHING",
                    *(each["act"], clock.micros(now)),
                )
                if told:
                    await _tell(each["holder"])


async def _tell(subject_id: str) -> None:
    on = [each for each in await choices(subject_id) if each.allowed and each.purpose.kind in MARKETING and each.topic is None]
    mailboxes = [
        each for each in (await subjects.whole(subject_id)).identifiers if each.kind == "email" and each.erased_at is None
    ]
    mailboxes.sort(key=lambda each: (each.verified_at is None, each.audience != "person"))
    to = await subjects.value_of(mailboxes[0]) if mailboxes else None
    if not on or to is None or await subjects.is_suppressed("email", to):
        return
    language = (await wishes(subject_id)).language or settings.get().language_list[0]
    with in_language(language):
        titles = list(dict.fromkeys(each.purpose.title for each in on))
        await messages.send_later(
            template="mail/pause-over",
            to=to,
            language=language,
            context={"titles": titles, "link": address("/preferences")},
            subject=mailboxes[0].home,
        )
