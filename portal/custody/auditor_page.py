"""The first page of an auditor's pack: plain HTML that works from disk, without script, network or us.

Its own policy (CSP) admits the one style sheet in it and nothing else, as in the package that a person gets.
"""

import base64
import hashlib
from typing import Any

from babel import Locale
from markupsafe import Markup

from portal import audit, documents, identity
from portal.paper import STATIC, _, language, render


async def written(**shown: Any) -> bytes:
    style = "\n" + "".join((STATIC / "css" / name).read_text() for name in ("tokens.css", "package.css"))
    policy = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = render(
        "pack/auditor.html",
        company=documents.company(),
        language=language(),
        direction=Locale.parse(language()).text_direction,
        style=Markup(f"<style>{style}</style>"),  # noqa: S704  # our own style sheets
        policy=f"default-src 'none'; style-src 'sha256-{policy}'; form-action 'none'; base-uri 'none'",
        allowed=[(action, [identity.role_name(role) for role in sorted(roles)]) for action, roles in identity.ACTIONS.items()],
        holders=[
            (each.id, [identity.role_name(role) for role in sorted(each.roles)])
            for each in await identity.officers()
            if each.roles
        ],
        sentences={name: _(each.sentence) for name, each in audit.vocabulary().items()},
        **shown,
    )
    return page.encode()
