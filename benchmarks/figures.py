"""One measured figure, the table of all, and the file that other programs read."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Figure:
    """`value` beside `baseline` in the same unit; `ratio` is value / baseline. `floor` has to be met: at least, or at most."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    floor: str = ""
    ok: bool = True


def figure(
    name: str,
    value: float,
    unit: str,
    *,
    baseline: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Figure:
    floor = f"≥ {at_least:g}" if at_least is not None else f"≤ {at_most:g}" if at_most is not None else ""
    ok = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    ratio = round(value / baseline, 2) if baseline else None
    return Figure(name, round(value, 1), unit, None if baseline is None else round(baseline, 1), ratio, floor, ok)


def show(figures: list[Figure], results: Path = RESULTS) -> None:
    table = Table("figure", "value", "unit", "baseline", "ratio", "floor", "")
    for each in figures:
        row = (each.name, each.value, each.unit, each.baseline, each.ratio, each.floor, "" if each.ok else "below")
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    Console(width=160).print(table)
    results.write_text(json.dumps([asdict(each) for each in figures], indent=1, ensure_ascii=False) + "\n")
