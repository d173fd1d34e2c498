"""The words of a purpose as people are shown them: Markdown per language, made from purposes.toml.

Everything the rules use stands in the text or in its front matter, so that a changed rule is always a new edition.
"""

import hashlib
import json
from typing import Any

from portal.paper import _, in_language, ngettext


def texts(purpose: dict[str, Any]) -> dict[str, str]:
    """One Markdown source per language that has a title."""
    return {spoken: _text(purpose, spoken) for spoken in purpose["title"]}


def channel_name(channel: str) -> str:
    return {
        "email": _("E-mail"),
        "sms": _("SMS"),
        "phone": _("Telephone"),
        "post": _("Post"),
        "push": _("Notifications in the app"),
        "ads": _("Advertising on other websites"),
        "web": _("On our website"),
    }[channel]


def basis_sentence(basis: str) -> str:
    return {
        "consent": _("Only if you say yes. You can take your yes back at any time."),
        "existing customer": _("Because you bought from us. You can refuse at any time, free of charge."),
        "contract": _("Needed to do what you ordered from us."),
        "legal obligation": _("The law requires us to do this."),
        "vital interest": _("To protect life and health."),
        "public task": _("A task in the public interest that the law gives us."),
        "legitimate interest": _("Our legitimate interest. You can object at any time."),
    }[basis]


def _text(purpose: dict[str, Any], spoken: str) -> str:
    def said(name: str) -> Any:
        per_language = purpose.get(name, {})
        return per_language.get(spoken) or next(iter(per_language.values()), "")

    settings = hashlib.sha256(json.dumps(purpose, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    with in_language(spoken):
        front = f'+++\ntitle = {json.dumps(said("title"), ensure_ascii=False)}\nsettings = "{settings}"\n+++'
        lines = [front, f"# {said('title')}", said("what"), _facts(purpose, said)]
        if purpose.get("topics"):
            named = [topic["title"].get(spoken) or next(iter(topic["title"].values())) for topic in purpose["topics"]]
            lines.append(_("Topics you can choose: %s.") % ", ".join(named))
    return "\n\n".join(lines) + "\n"


def _facts(purpose: dict[str, Any], said: Any) -> str:
    facts = [
        (_("What you get"), said("value")),
        (_("Why we may"), basis_sentence(purpose["basis"]) + (f" ({said('law')})" if said("law") else "")),
        (_("How"), ", ".join(map(channel_name, purpose["channels"]))),
        (_("What we use"), ", ".join(said("data"))),
        (_("Who receives it"), ", ".join(purpose["recipients"]) or _("Nobody outside the company.")),
        (_("How long we keep it"), said("retention")),
        (_("Who answers for it"), purpose["controller"]["name"]),
    ]
    months = purpose.get("lifetime_months")
    if months:
        facts.append((_("Your yes ends by itself"), ngettext("after %d month", "after %d months", months) % months))
    if purpose.get("family"):
        facts.append((_("Similar products means"), said("family")))
    if purpose.get("double_opt_in"):
        facts.append((_("Before it counts"), _("We send you one message and you confirm it.")))
    return "\n".join(f"- **{name}**: {fact}" for name, fact in facts)
