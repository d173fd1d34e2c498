"""The chapter on services that answer in JSON, done as it stands there: the commands, the entry, each question and answer."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from portal import connectors, settings
from portal.connectors import Cell, Connector, Plan, RowName
from portal.settings import HOME
from tests.connectors import template
from tests.connectors.receiver import SECRET, write_list

PAGE = (HOME / "docs" / "integrate.md").read_text()
CHAPTER = PAGE.partition("## Services that answer in JSON\n")[2].partition("\n## ")[0]


async def test_each_question_and_answer_of_the_page_is_what_the_template_is_asked_and_says(
    service: template.FaultyService, tmp_path: Path
) -> None:
    till, verbs, said = _open(service.receiver.url, tmp_path), list[str](), list[Any]()

    def overheard(_verb: str, told: Any) -> Any:
        said.append(told)
        return told

    service.spoil = overheard
    for question, answer in examples():
        verbs.append(question["type"].removeprefix("portal."))
        await _ask(till, verbs[-1], question["data"])
        asked = service.receiver.taken[-1].content
        assert (asked["type"], asked["data"]) == (question["type"], question["data"])
        assert said[-1] == answer
    assert sorted(verbs) == sorted(template.VERBS)


async def test_the_commands_of_the_page_start_a_service_that_a_check_finds_well(
    service: template.FaultyService, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    commands = re.findall(r"```sh\n(.*?)```", CHAPTER, re.DOTALL)[0].replace("8090", port)
    commands = commands.replace("docs/connector-template", str(template.FOLDER)).replace("python ", f"exec {sys.executable} ")
    commands = commands.replace("exec ", "", 1).replace("CONNECTOR_SECRET=$SECRET exec", "exec")
    environment = {**os.environ, "CONNECTOR_SECRET": SECRET}
    running = subprocess.Popen(["sh", "-ec", commands], cwd=tmp_path, env=environment)
    try:
        till = _open(f"http://127.0.0.1:{port}/", tmp_path)
        for _try in range(100):
            if (await till.check()).ok:
                break
            assert running.poll() is None
            await asyncio.sleep(0.05)
        assert len(await till.find(template.ANA)) == 3
    finally:
        running.terminate()
        running.wait()


def test_the_template_is_short_enough_to_be_read_in_one_go() -> None:
    assert len((template.FOLDER / "server.py").read_text().splitlines()) <= 120


def examples() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    blocks = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", CHAPTER, re.DOTALL)]
    return list(zip(blocks[::2], blocks[1::2], strict=True))


def _open(url: str, folder: Path) -> Connector:
    """With the entry of the page."""
    [entry] = re.findall(r"```toml\n(.*?)```", CHAPTER, re.DOTALL)
    settings.use(replace(settings.get(), systems=write_list(folder, entry.replace("https://till.example.com/privacy", url))))
    return connectors.open_system("till")


async def _ask(till: Connector, verb: str, data: dict[str, Any]) -> None:
    identifiers = data.get("identifiers", {})
    if verb == "check":
        assert (await till.check()).ok
    elif verb == "find":
        await till.find(identifiers)
    elif verb == "plan":
        await till.plan_erasure(identifiers)
    elif verb == "erase":
        await till.erase(Plan.from_json(json.dumps(data)))
    elif verb == "recheck":
        await till.recheck(identifiers, Plan.from_json(json.dumps(data["plan"])))
    elif verb == "correct":
        rows = {field: [RowName(**each) for each in of_field] for field, of_field in data["rows"].items()}
        await till.correct(identifiers, data["changes"], rows)
    else:
        await till.set_consent(identifiers, Cell(**data["cell"]), data["allowed"], data["index"])
