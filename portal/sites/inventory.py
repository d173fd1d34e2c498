"""What a site's pages really set, beside what policies/sites.toml declares: judged, kept and read again.

ePrivacy Art. 5(3): what needs a yes waits for it. Names and hosts alone are kept, never a value, a path of others or a query.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from portal import audit, db
from portal.lib import clock, ids
from portal.paper import _
from portal.sites import events
from portal.sites.sites_file import Load, Site

BEFORE, NO, YES = "before", "no", "yes"
READY, SILENT, MISSING, TESTING = "ready", "silent", "missing", "testing"  # what was seen of our script
KEPT = 10


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """`kind`: cookie, local, session (storage), host (asked for something) or frame; both of these are named by their host."""

    kind: str
    name: str
    host: str


@dataclass(frozen=True, slots=True)
class Look:
    """One page in one fresh browser: `when`: BEFORE any choice, after NO or YES to all; `allowed`: purposes in force then;
    `stopped`: what the page asked for and its guard (snippet.py) kept out."""

    page: str
    when: str
    script: str
    allowed: frozenset[str]
    things: frozenset[Thing]
    stopped: frozenset[Thing] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing on all pages looked at. `page`: the first that has it, as a fault if it is one; `purposes`: declared for these;
    `fault`: it was there before a choice or after a no, and no purpose that is declared for it was in force. Never there: the
    guard kept it out."""

    kind: str
    name: str
    host: str
    when: tuple[str, ...]
    purposes: tuple[str, ...]
    fault: bool
    page: str

    @property
    def blocked(self) -> bool:
        return self.when == (YES,)


@dataclass(frozen=True, slots=True)
class Scan:
    """`pages`: address without query, and what was seen of our script there."""

    at: datetime
    pages: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> int:
        return sum(each.fault for each in self.findings)

    @property
    def undeclared(self) -> int:
        return sum(not each.purposes for each in self.findings)


def judge(site: Site, looks: Sequence[Look]) -> list[Finding]:
    """One finding for each thing, faults first, then what is not declared."""
    found = [_judged(site, each, looks) for each in {thing for look in looks for thing in look.things}]
    found += [Finding(each.kind, each.name, each.host, (), (), False, page) for each, page in _kept_out(looks).items()]
    return sorted(found, key=lambda each: (not each.fault, bool(each.purposes), each.kind, each.name, each.host))


async def keep(site: Site, pages: Iterable[tuple[str, str]], findings: Iterable[Finding], *, by: str) -> Scan:
    """Beside the nine scans before it; the record gets numbers alone."""
    scan, scan_id = Scan(clock.now(), tuple(pages), tuple(findings)), ids.new()
    async with db.writing():
        await db.run(
            "INSERT INTO site_scan (id, site, at, pages, findings) VALUES (?, ?, ?, ?, ?)",
            *(scan_id, site.name, clock.micros(scan.at)),
            *(json.dumps(scan.pages), json.dumps([asdict(each) for each in scan.findings])),
        )
        await db.run(
            "DELETE FROM site_scan WHERE site = ?"
            " AND id NOT IN (SELECT id FROM site_scan WHERE site = ? ORDER BY id DESC LIMIT ?)",
            *(site.name, site.name, KEPT),
        )
        numbers = {"pages": len(scan.pages), "found": len(scan.findings), "undeclared": scan.undeclared}
        await audit.record(events.SCANNED, actor=by, object=f"site:{site.name}", payload=numbers, count=scan.faults)
    return scan


async def latest(site: Site) -> Scan | None:
    found = await db.row("SELECT at, pages, findings FROM site_scan WHERE site = ? ORDER BY id DESC LIMIT 1", site.name)
    if found is None:
        return None
    findings = [
        {**each, "when": tuple(each["when"]), "purposes": tuple(each["purposes"])} for each in json.loads(found["findings"])
    ]
    pages = tuple((page, script) for page, script in json.loads(found["pages"]))
    return Scan(clock.from_micros(found["at"]), pages, tuple(Finding(**each) for each in findings))


def in_words(finding: Finding) -> tuple[str, str, str]:
    """For people: what it is, when it was there, and whether it waits for a yes."""
    kinds = {
        **{"cookie": _("Cookie"), "local": _("Local storage"), "session": _("Session storage")},
        **{"host": _("Request to another host"), "frame": _("Embedded page")},
    }
    moments = {BEFORE: _("before a choice"), NO: _("after a no"), YES: _("after a yes")}
    runs = _("runs without a yes") if finding.fault else _("runs, as allowed")
    state = _("blocked") if finding.blocked else runs if finding.when else _("kept out")
    return kinds[finding.kind], ", ".join(moments[each] for each in finding.when), state


def script_in_words(script: str) -> str:
    """ "" where all is well."""
    return {
        READY: "",
        SILENT: _("Our script is on this page but got no settings: is the portal reachable from there?"),
        MISSING: _("Our script is not on this page."),
        TESTING: _("The tag on this page is in test mode: its visitors are not asked."),
    }[script]


def _judged(site: Site, thing: Thing, looks: Sequence[Look]) -> Finding:
    there = [look for look in looks if thing in look.things]
    purposes = [purpose for purpose, load in site.loads.items() if _is_declared(thing, load)]
    faulty = [look for look in there if look.when != YES and not look.allowed.intersection(purposes)]
    when = tuple(each for each in (BEFORE, NO, YES) if any(look.when == each for look in there))
    page = (faulty or there)[0].page
    return Finding(thing.kind, thing.name, thing.host, when, tuple(purposes), bool(faulty), page)


def _kept_out(looks: Sequence[Look]) -> dict[Thing, str]:
    """What never came through, and the first page that asked for it."""
    came = {thing for look in looks for thing in look.things}
    return {thing: look.page for look in reversed(looks) for thing in look.stopped - came}


def _is_declared(thing: Thing, load: Load) -> bool:
    patterns: Collection[str] = {"local": load.local, "session": load.session}.get(thing.kind, load.names)
    return any(thing.name.startswith(one[:-1]) if one.endswith("*") else thing.name == one for one in patterns)
