"""Outside a room one calls its front desk: no other room's models or inner files."""

import ast
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent.parent / "portal"
ROOMS = {path.name for path in HOME.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
# Tools of the ground whose files are their front desk.
OPEN_HOUSES = {"lib"}


def _inner_imports(file: Path) -> list[str]:
    found = []
    here = file.relative_to(HOME).parts[0]
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.ImportFrom) or not node.module or not node.module.startswith("portal."):
            continue
        room, *inner = node.module.split(".")[1:]
        if inner and room in ROOMS - OPEN_HOUSES and room != here:
            found.append(f"{file.relative_to(HOME)}:{node.lineno} reaches into {node.module}")
    return found


def test_nobody_reaches_past_a_rooms_front_desk() -> None:
    assert [line for file in sorted(HOME.rglob("*.py")) for line in _inner_imports(file)] == []


def test_a_front_desk_is_short_enough_to_remember() -> None:
    long = []
    for room in sorted(ROOMS):
        tree = ast.parse((HOME / room / "__init__.py").read_text())
        for node in tree.body:
            names = node.value if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__" else None
            if isinstance(names, ast.List | ast.Tuple) and len(names.elts) > 45:
                long.append(f"{room}: {len(names.elts)} names")
    assert long == []
