"""The figures of a year, as a page and as a file: requests received, complied with, refused, and how long it took."""

from starlette.requests import Request
from starlette.responses import Response

from portal import cases
from portal.admin.menu import desk
from portal.admin.words import end_name, right_name
from portal.lib import clock
from portal.lib.errors import Invalid
from portal.pages import get, officer
from portal.paper import _


async def show(request: Request) -> Response:
    year, exact = _asked(request)
    return desk(
        request,
        "admin/statistics.html",
        figures=await cases.statistics.of_year(year, exact=exact),
        ends=[(each, end_name(each)) for each in cases.statistics.ENDS],
        right_of=_right,
        year=year,
        years=await cases.statistics.years(),
        exact=exact,
    )


async def download(request: Request) -> Response:
    year, exact = _asked(request)
    headings = [_("Asks for"), _("Received"), *map(end_name, cases.statistics.ENDS)]
    headings += [_("In time, percent"), _("Half took at most, days"), _("On average, days")]
    found = await cases.statistics.of_year(year, exact=exact)
    content = b"\xef\xbb\xbf" + b"".join(cases.csv_line(each) for each in [headings, *map(_cells, found)])
    name = f"requests-{year}{'-exact' if exact else ''}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def _asked(request: Request) -> tuple[int, bool]:
    year = request.query_params.get("year") or str(clock.now().year)
    if not (year.isascii() and year.isdecimal() and 1970 <= int(year) <= 2999):
        raise Invalid(_("Please choose a year."))
    return int(year), request.query_params.get("exact") == "1"


def _right(each: cases.statistics.Figures) -> str:
    return right_name(each.right) if each.right else _("All")


def _cells(each: cases.statistics.Figures) -> list[str]:
    counts = [_("few") if count is None else str(count) for count in (each.received, *each.ended.values())]
    days = ["" if number is None else f"{number:g}" for number in (each.in_time, each.median_days, each.mean_days)]
    return [_right(each), *counts, *days]


routes = [
    get("/admin/statistics", show, guard=officer("cases.see")),
    get("/admin/statistics.csv", download, guard=officer("cases.see")),
]
