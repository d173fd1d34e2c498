"""Learning who asks, at the officers' desk: letters with a code, documents seen, facts compared; and copies that go by post."""

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from portal import cases
from portal.admin.cases import back, or_say_why
from portal.pages import form, get, officer, post


async def letters(request: Request) -> Response:
    """Write one with a code, or note that one was posted."""
    fields = await form(request)
    case, me = request.path_params["case"], request.state.officer.id
    if fields.get("posted"):
        await cases.letters.posted(case, fields["posted"], officer=me)
        return back(request)
    return await or_say_why(
        request, lambda: cases.proving.write_letter(case, fields.get("place", ""), fields.get("system", ""), officer=me)
    )


async def letter(request: Request) -> Response:
    """For the printer."""
    case, wanted = request.path_params["case"], request.query_params.get("id", "")
    content = await cases.letters.pdf(case, wanted, officer=request.state.officer.id)
    headers = {"content-disposition": f'attachment; filename="letter-{wanted[-8:]}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)


async def meet(request: Request) -> Response:
    kind = (await form(request)).get("document", "")
    return await or_say_why(
        request, lambda: cases.proving.saw_document(request.path_params["case"], kind, officer=request.state.officer.id)
    )


async def compare(request: Request) -> Response:
    why = (await form(request)).get("facts-why", "")
    kinds = [str(each) for each in (await request.form()).getlist("facts")]
    case, me = request.path_params["case"], request.state.officer.id
    return await or_say_why(request, lambda: cases.proving.compare_facts(case, kinds, why, officer=me))


async def confirm(request: Request) -> Response:
    """A second person confirms what a colleague compared, or does not."""
    fields = await form(request)
    decide = cases.proving.confirm_facts if fields.get("do") == "confirm" else cases.proving.decline_facts
    await decide(fields.get("match", ""), officer=request.state.officer.id)
    return back(request)


async def not_shown(request: Request) -> Response:
    way = (await form(request)).get("way", "")
    return await or_say_why(
        request, lambda: cases.proving.not_shown(request.path_params["case"], way, officer=request.state.officer.id)
    )


async def package(request: Request) -> Response:
    """The copy of somebody whom no mail reaches, to be printed or put on a stick."""
    file = await cases.by_post.package(request.path_params["case"], officer=request.state.officer.id)
    headers = {"content-disposition": f'attachment; filename="{file.name}"', "content-length": str(file.size)}
    return StreamingResponse(file.content, media_type="application/zip", headers=headers)


async def give(request: Request) -> Response:
    fields = await form(request)
    case, how, tracking = request.path_params["case"], fields.get("given", ""), fields.get("tracking", "")
    return await or_say_why(request, lambda: cases.by_post.given(case, how, tracking, officer=request.state.officer.id))


async def choose_post(request: Request) -> Response:
    """A copy that waits in the portal goes to the postal address on file."""
    fields = await form(request)
    case, me = request.path_params["case"], request.state.officer.id
    place, system = fields.get("place", ""), fields.get("system", "")
    return await or_say_why(request, lambda: cases.by_post.choose_post(case, place, system, officer=me))


processing, approving, seeing = officer("cases.process"), officer("cases.approve"), officer("data.see")
routes = [
    get("/admin/cases/{case}/letter", letter, guard=processing),
    get("/admin/cases/{case}/package", package, guard=processing),
    post("/admin/cases/{case}/letters", letters, guard=processing),
    post("/admin/cases/{case}/meeting", meet, guard=processing),
    post("/admin/cases/{case}/facts", compare, guard=processing),
    post("/admin/cases/{case}/confirmation", confirm, guard=approving),
    post("/admin/cases/{case}/unproven", not_shown, guard=processing),
    post("/admin/cases/{case}/handover", give, guard=processing),
    post("/admin/cases/{case}/post", choose_post, guard=processing),
]
