"""Officers note whom they told of a correction, a deletion or a restriction (GDPR Art. 19)."""

from starlette.requests import Request
from starlette.responses import Response

from portal import cases
from portal.admin.cases import or_say_why
from portal.pages import form, officer, post


async def say(request: Request) -> Response:
    given = await form(request)
    recipient = given.get("recipient", "")

    async def said() -> None:
        why = given.get(f"why-{recipient}", "")
        case_id, me = request.path_params["case"], request.state.officer.id
        await cases.recipients.say(case_id, recipient, given.get("state", ""), why, officer=me)

    return await or_say_why(request, said)


routes = [post("/admin/cases/{case}/recipients", say, guard=officer("cases.process"))]
