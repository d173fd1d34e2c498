"""Who looked at a person's data: all of it, in answering their requests and outside of any (C-579/21)."""

from starlette.requests import Request
from starlette.responses import Response

from portal import cases
from portal.pages import customer, get, page
from portal.public.story import look_words

OUTSIDE_OF_REQUESTS = ("person.looked", "person.sought")


async def show(request: Request) -> Response:
    found = await cases.looks.of_person(request.state.customer, OUTSIDE_OF_REQUESTS)
    return page(request, "public/looks.html", looks=[look_words(each) for each in found], rights=cases.plain_words.rights())


routes = [get("/looks", show, guard=customer)]
