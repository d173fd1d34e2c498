"""What some rights need besides searching: a mandate that was seen, an answer in words, the end of a restriction; a
fee, and a request that goes on after it had ended."""

from starlette.requests import Request
from starlette.responses import Response

from portal import cases
from portal.admin.cases import or_say_why
from portal.pages import form, officer, post


async def note_mandate(request: Request) -> Response:
    fields = await form(request)
    case, kind, dated = request.path_params["case"], fields.get("mandate", ""), fields.get("dated", "")
    if fields.get("do") == "open":  # none was shown
        return await or_say_why(request, lambda: cases.others_word.end(case, officer=request.state.officer.id))
    return await or_say_why(request, lambda: cases.mandates.note(case, kind, dated, officer=request.state.officer.id))


async def answer(request: Request) -> Response:
    """The letter to the person; for an appeal also whether the first answer is given anew."""
    fields = await form(request)
    case, text, grant = request.path_params["case"], fields.get("answer", ""), fields.get("do") == "grant"
    return await or_say_why(request, lambda: cases.answering.answer(case, text, officer=request.state.officer.id, grant=grant))


async def lift_restriction(request: Request) -> Response:
    why = (await form(request)).get("lift-why", "")
    return await or_say_why(
        request, lambda: cases.restricting.lift(request.path_params["case"], why, officer=request.state.officer.id)
    )


async def reopen(request: Request) -> Response:
    why = (await form(request)).get("reopen-why", "")
    return await or_say_why(
        request, lambda: cases.reopening.reopen(request.path_params["case"], why, officer=request.state.officer.id)
    )


async def ask_fee(request: Request) -> Response:
    fields = await form(request)
    amount, ground, why = fields.get("fee-amount", ""), fields.get("fee-ground", ""), fields.get("fee-why", "")
    case, me = request.path_params["case"], request.state.officer.id
    return await or_say_why(request, lambda: cases.fees.ask(case, amount, ground, why, officer=me))


processing = officer("cases.process")
routes = [
    post("/admin/cases/{case}/mandate", note_mandate, guard=processing),
    post("/admin/cases/{case}/answer", answer, guard=processing),
    post("/admin/cases/{case}/restriction", lift_restriction, guard=processing),
    post("/admin/cases/{case}/reopening", reopen, guard=processing),
    post("/admin/cases/{case}/fee", ask_fee, guard=processing),
]
