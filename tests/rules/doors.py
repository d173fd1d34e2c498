"""The table of routes, as the rules and the attacks read it: what a new door cannot be forgotten in."""

from dataclasses import dataclass

from starlette.routing import Match, Mount, Route

from portal.app import build


@dataclass(frozen=True)
class Door:
    """One route: its method, its pattern, and the name of its guard ("" when it has none)."""

    method: str
    pattern: str
    guard: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.pattern}"

    @property
    def unsafe(self) -> bool:
        return self.method != "GET"

    @property
    def for_machines(self) -> bool:
        """A key opens it, and no cookie."""
        return self.pattern.startswith("/api/")


def doors() -> list[Door]:
    """Every route of the site but the static files, which are no door."""
    return [_door(each) for each in build().routes if isinstance(each, Route)]


def mounts() -> list[str]:
    return [each.path for each in build().routes if isinstance(each, Mount)]


def pattern_of(method: str, path: str) -> str:
    """The pattern that answers a path."""
    for each in build().routes:
        matched, _scope = each.matches({"type": "http", "method": method, "path": path, "headers": []})
        if matched == Match.FULL and isinstance(each, Route):
            return each.path
    raise AssertionError(f"No route answers {method} {path}.")


def _door(route: Route) -> Door:
    methods = (route.methods or set()) - {"HEAD"}
    assert len(methods) == 1, f"{route.path}: one function per method, so that each names its guard."
    guard = getattr(route.endpoint, "guard", None)
    return Door(methods.pop(), route.path, guard.__name__ if guard else "")
