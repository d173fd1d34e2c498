"""A new website's section for policies/sites.toml, made of what an officer filled in, and what is wrong with it by field.

Nothing is stored: the file stays the one source of what sites ask. What is wrong is found by reading the section as it
would be read in the file, after what stands there already.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from portal import settings
from portal.consent import Purpose
from portal.handwritten import Faulty, header, setting
from portal.lib.errors import Invalid
from portal.paper import _
from portal.sites import sites_file
from portal.sites.register import FILE
from portal.sites.texts import CHANNELS

OF_THE_BACK_OFFICE = "new"  # /admin/sites/new is the page that makes drafts, so no site's page can stand there
MOST_LINES = 300  # all countries and the states of one


@dataclass(frozen=True, slots=True)
class Draft:
    """What was filled in, as it was. `law`: for visitors of no known region; `regions`: region and law, in order;
    `texts`: language, title and body, the first language first, those left empty included."""

    name: str = ""
    title: str = ""
    origins: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    sells: bool = False
    law: str = "opt-in"
    regions: tuple[tuple[str, str], ...] = ()
    texts: tuple[tuple[str, str, str], ...] = ()


def for_visitors(purposes: Iterable[Purpose]) -> list[Purpose]:
    """Those that a browser can say yes to."""
    return [each for each in for_forms(purposes) if not each.double_opt_in and set(CHANNELS) & set(each.channels)]


def for_forms(purposes: Iterable[Purpose]) -> list[Purpose]:
    """Those that rest on a yes."""
    return [each for each in purposes if each.basis == "consent" and each.default != "fixed"]


def section(draft: Draft) -> str:
    """TOML; read again it says what was filled in, letter by letter."""
    return "".join(line + "\n" for line, _field in _lines(draft))


def check(draft: Draft, purposes: Iterable[Purpose]) -> None:
    """Raises Invalid with what is wrong by field, or Faulty for mistakes that stand in the file already.

    The fields are those of a Draft; of texts `title-en`, `body-en`.
    """
    _refuse_what_was_not_offered(draft, list(purposes))
    wrong = {} if draft.asks or draft.forms else {"asks": _("Choose at least one, here or for the forms.")}
    mine = settings.get()
    known, file = sites_file.read(mine.policies / FILE, mine.language_list)
    if draft.name in known or draft.name == OF_THE_BACK_OFFICE:
        wrong["name"] = _("This name is taken.")
    if not draft.title:
        wrong["title"] = _("Please fill this in, shortly.")
    for region in sorted({one for one, other in pairwise(sorted(each for each, _law in draft.regions)) if one == other}):
        wrong["regions"] = _("%s stands twice.") % repr(region)
    if "default" in dict(draft.regions):
        wrong["regions"] = _("The law for all other regions is chosen above.")
    # As no name may stand twice in TOML, one that does is told above and left out here.
    ahead = file.text if file and draft.name not in known else ""
    wrong = _faults(replace(draft, regions=()) if "regions" in wrong else draft, ahead) | wrong
    if wrong:
        raise Invalid("", wrong)


def _refuse_what_was_not_offered(draft: Draft, purposes: list[Purpose]) -> None:
    offered = {"asks": (draft.asks, for_visitors(purposes)), "forms": (draft.forms, for_forms(purposes))}
    wrong = {field for field, (chosen, several) in offered.items() if not set(chosen) <= {each.key for each in several}}
    wrong |= {field for field, several in (("origins", draft.origins), ("regions", draft.regions)) if len(several) > MOST_LINES}
    if wrong:
        raise Invalid("", {field: _refusal(field) for field in sorted(wrong)})


def _refusal(field: str) -> str:
    return _("Please choose one of the answers offered.") if field in ("asks", "forms") else _("Please shorten this text.")


def _faults(draft: Draft, ahead: str) -> dict[str, str]:
    """By field: the file's reader tells the line, and each line was made of one field."""
    ahead = ahead.rstrip("\n") + "\n\n" if ahead else ""
    fields = [field for _line, field in _lines(draft)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        path.write_bytes((ahead + section(draft)).encode())
        try:
            sites_file.read(path, settings.get().language_list)
        except Faulty as refused:
            found: dict[str, list[str]] = {}
            for fault in refused.faults:
                found.setdefault(fields[fault.line - ahead.count("\n") - 1], []).append(fault.sentence)
            return {field: " ".join(sentences) for field, sentences in found.items()}
    return {}


def _lines(draft: Draft) -> list[tuple[str, str]]:
    """Each line with the field that it was made of."""
    texts = {spoken: (title, body) for spoken, title, body in draft.texts if title or body}
    if draft.texts and draft.texts[0][0] not in texts:
        texts = {draft.texts[0][0]: ("", ""), **texts}  # the first language is needed, so both are told to be empty
    lines = [(header(draft.name), "name"), (setting("title", draft.title), "title")]
    lines.append((setting("origins", draft.origins), "origins"))
    lines.append((setting("asks", draft.asks), "asks"))
    if draft.forms:
        lines.append((setting("forms", draft.forms), "forms"))
    if draft.sells:
        lines.append(("sells = true", "sells"))
    for spoken, (title, body) in texts.items():
        lines += [("", f"title-{spoken}"), (header(draft.name, "text", spoken), f"title-{spoken}")]
        lines += [(setting("title", title), f"title-{spoken}"), (setting("body", body), f"body-{spoken}")]
    lines += [("", "law"), (header(draft.name, "law"), "law"), (setting("default", draft.law), "law")]
    return [*lines, *((setting(region, law), "regions") for region, law in draft.regions)]
