"""How a person likes to be reached: channel, how often, when, in which language. Saved in place."""

from babel import Locale
from starlette.requests import Request
from starlette.responses import Response

from portal import consent
from portal.pages import customer, form, part_or_redirect, post
from portal.paper import _
from portal.public.addresses import only_with_their_own


async def save(request: Request) -> Response:
    await only_with_their_own(request.state.customer)
    person, fields = request.state.customer.subject, await form(request)
    given = {what: value for what, value in fields.items() if what in ("channel", "frequency", "hours", "language")}
    await consent.wish(person, given, by=f"customer:{person}")
    return part_or_redirect(request, "public/_wishes.html", "/preferences#wishes", fields=await fields_of(person), kept=True)


async def fields_of(person: str) -> list[tuple[str, str, list[tuple[str, str]], str]]:
    """The four fields: name, question, answers (value and words), and what was chosen."""
    mine = await consent.wishes(person)
    words = {
        "channel": (_("How we should rather reach you"), _("No preference"), consent.channel_name),
        "frequency": (_("How often at most"), _("As offered"), _frequency),
        "hours": (_("At what time of day"), _("At any time"), _hours),
        "language": (_("In which language"), _("As it comes"), _language),
    }
    return [
        (what, question, [("", nothing), *((value, named(value)) for value in consent.values_for(what))], getattr(mine, what))
        for what, (question, nothing, named) in words.items()
    ]


def _frequency(value: str) -> str:
    return {"weekly": _("Once a week"), "monthly": _("Once a month")}[value]


def _hours(value: str) -> str:
    return {"morning": _("In the morning"), "day": _("During the day"), "evening": _("In the evening")}[value]


def _language(value: str) -> str:
    return Locale.parse(value).get_language_name() or value


routes = [post("/preferences/wishes", save, guard=customer)]
