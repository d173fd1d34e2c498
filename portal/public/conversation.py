"""The person writes in their request, says that they read our answer, takes it back that they took the request back, and
lets a deletion wait no longer."""

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import cases
from portal.lib.errors import Invalid, NotAllowed, NotFound
from portal.pages import LONGEST_FIELD, customer, form, get, page, post
from portal.paper import _
from portal.public.requests import show_one

PARTS = 20  # more is no form of ours; how many files are too many, the room says in words


async def lead(request: Request) -> Response:
    """Where our mails lead: through the sign-in to the thread."""
    await _mine(request)
    return _back(request)


async def send(request: Request) -> Response:
    case_id = await _mine(request)
    text, files = await _given(request)
    try:
        actor = f"customer:{request.state.customer.subject}"
        await cases.conversation.received(case_id, text, source="page", actor=actor, attachments=files)
    except Invalid as problem:
        wrong = problem.fields or {"text": problem.sentence}
        return await show_one(request, given={"text": text}, wrong=wrong, sentence=problem.sentence)
    await cases.conversation.mark_read(case_id)
    return _back(request)


async def mark_read(request: Request) -> Response:
    """A browser with scripts says so by itself once the page is shown."""
    await cases.conversation.mark_read(await _mine(request))
    return Response(status_code=204) if "hx-request" in request.headers else _back(request)


async def take_up_again(request: Request) -> Response:
    case_id = await _mine(request)
    await form(request)
    await cases.persons_side.take_up_again(case_id, request.state.customer)
    return RedirectResponse(f"/requests/{request.path_params['reference']}", 303)


async def delete_at_once(request: Request) -> Response:
    case_id = await _mine(request)
    await form(request)
    back = f"/requests/{request.path_params['reference']}"
    try:
        await cases.persons_side.delete_at_once(case_id, request.state.customer)
    except NotAllowed as problem:
        return page(request, "public/prove-again.html", 403, sentence=problem.sentence, back=back)
    return RedirectResponse(back, 303)


async def _mine(request: Request) -> str:
    """Before anything of the body is read: somebody else's request and none at all are answered alike."""
    status = await cases.status_for_person(request.path_params["reference"])
    if not await cases.is_of(status.id, request.state.customer):
        raise NotFound(_("There is no such request."))
    return status.id


async def _given(request: Request) -> tuple[str, list[cases.conversation.Attachment]]:
    async with request.form(max_files=PARTS, max_fields=PARTS, max_part_size=4 * LONGEST_FIELD) as given:
        text = given.get("text")
        files = [
            cases.conversation.Attachment(each.filename, each.content_type or "", await each.read())
            for each in given.getlist("files")
            if isinstance(each, UploadFile) and each.filename
        ]
    if not isinstance(text, str) or "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Invalid(_("There is no message yet."))
    return text.strip(), files


def _back(request: Request) -> Response:
    return RedirectResponse(f"/requests/{request.path_params['reference']}#messages", 303)


routes = [
    get("/requests/{reference}/messages", lead, guard=customer),
    post("/requests/{reference}/messages", send, guard=customer),
    post("/requests/{reference}/messages/read", mark_read, guard=customer),
    post("/requests/{reference}/resumption", take_up_again, guard=customer),
    post("/requests/{reference}/at-once", delete_at_once, guard=customer),
]
