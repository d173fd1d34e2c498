"""The description at /api/openapi.json is complete, and is what the doors really do: a generator of good and bad requests
checks every answer against it."""

import asyncio
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import jsonschema
import pytest
import uvicorn

from portal import api, consent, identity
from portal.api import schemas
from portal.app import build
from tests.api.machines import Machine, key, question, said
from tests.conftest import House
from tests.consent.people import publish
from tests.rules.doors import doors


async def test_every_door_for_machines_is_described_with_all_that_it_refuses(sqlite_house: House) -> None:
    async with Machine() as anybody:
        answer = await anybody.get("/api/openapi.json")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told["openapi"] == "3.1.0"
    described = {f"{method.upper()} {path}" for path, methods in told["paths"].items() for method in methods}
    assert described == {each.name for each in doors() if each.for_machines}
    for each in api.routes:
        [operation] = told["paths"][each.path].values()
        refused = {int(status) for status in operation["responses"] if int(status) >= 400}
        assert {500, 503} <= refused
        if each.scope is not None:
            assert {401, 403, 429} <= refused and operation["security"] == [{"key": []}]
            assert operation["x-scope"] == each.scope
        if "requestBody" in operation:
            assert {413, 415, 422} <= refused


def test_the_examples_fit_their_shapes() -> None:
    for schema, example in (
        (schemas.DECISIONS, schemas.DECISIONS_EXAMPLE),
        (schemas.DECIDED, schemas.DECIDED_EXAMPLE),
        (schemas.QUESTION, schemas.QUESTION_EXAMPLE),
        (schemas.ANSWER, schemas.ANSWER_EXAMPLE),
        (schemas.DECISIONS, said()),
        (schemas.QUESTION, question()),
    ):
        jsonschema.Draft202012Validator(schema).validate(example)


async def test_a_generator_of_requests_finds_no_answer_that_is_not_described(sqlite_house: House) -> None:
    some = "/(decisions|permissions/check|receipts/.*)$"  # a body of many parts, one of few, none; the others in `make deep`
    await _generate("--phases", "examples,coverage", "--include-path-regex", some)


@pytest.mark.deep
@pytest.mark.timeout(900)
async def test_nor_do_hundreds_of_random_ones(house: House) -> None:
    await _generate("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "300")


async def _generate(*options: str) -> None:
    """Runs schemathesis with all its checks but one: which purposes and texts exist, and what is an address, no schema says,
    so well-formed requests may be refused."""
    await publish()
    secret = await key(*identity.SCOPES, sources=consent.collection_points.names())
    async with _served() as address:
        command = ["schemathesis.cli", "run", f"{address}/api/openapi.json", "-H", f"Authorization: Bearer {secret}"]
        checks = ["--checks", "all", "--exclude-checks", "positive_data_acceptance", "--suppress-health-check", "all"]
        run = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *command, *checks, *options, "--seed", "1", "--no-color"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _nothing = await run.communicate()
    told = output.decode()
    assert run.returncode == 0, told
    assert re.search(r"[1-9]\d+ generated", told), told


@asynccontextmanager
async def _served() -> AsyncIterator[str]:
    """The site on a free port, on the database that the test opened."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(build(), lifespan="off", access_log=False, log_config=None))
        task = asyncio.create_task(server.serve([free]))
        try:
            while not server.started:
                await asyncio.sleep(0.01)
            yield f"http://127.0.0.1:{free.getsockname()[1]}"
        finally:
            server.should_exit = True
            with suppress(SystemExit):
                await task
