"""Two pages that exist only in the demo: the mails that a real portal would have sent, and the officers' codes."""

import pyotp
from starlette.requests import Request
from starlette.responses import Response

from portal import messages
from portal.demo.company import OFFICERS, PASSWORD, totp_secret
from portal.pages import anyone, get, page


async def mailbox(request: Request) -> Response:
    return page(request, "public/mailbox.html", mails=await messages.mailbox(30))


async def codes(request: Request) -> Response:
    officers = [
        (full, address, ", ".join(roles), pyotp.TOTP(totp_secret(name)).now())
        for name, (full, address, roles) in OFFICERS.items()
    ]
    return page(request, "public/demo-codes.html", officers=officers, password=PASSWORD)


routes = [
    get("/demo/mailbox", mailbox, guard=anyone),
    get("/demo/codes", codes, guard=anyone),
]
