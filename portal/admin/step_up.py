"""Who acts dangerously shows once more that it is them: a code of the second factor, unless the last one is minutes old."""

from starlette.requests import Request
from starlette.responses import Response

from portal import identity
from portal.lib.errors import NotAllowed
from portal.pages import OFFICER, cookie, keep_cookie
from portal.paper import _


def is_due(request: Request) -> bool:
    """Whether the form has to ask for a code."""
    return not identity.fresh(request.state.officer_session)


async def step_up(request: Request, code: str) -> None:
    """Raises NotAllowed for a missing or wrong code, TooMany after many; the answer has to be `kept`."""
    if not is_due(request):
        return
    if not code:
        raise NotAllowed(_("Enter the code that your authenticator shows now."))
    token = await identity.step_up_officer(cookie(request, OFFICER), code, browser=cookie(request, "browser"))
    request.state.officer_session = await identity.session(token, OFFICER)
    request.state.renewed = token


def kept(request: Request, response: Response) -> Response:
    """The answer, with the session that the code renewed: the old one is over."""
    token = getattr(request.state, "renewed", "")
    return keep_cookie(response, OFFICER, token) if token else response
