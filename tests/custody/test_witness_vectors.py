"""The tests' own witness, held to requests that other implementations agree on; else it would only agree with us."""

import base64
import json
from typing import Any

from tests.audit.vectors import FOLDER, needs_vectors
from tests.custody.witnesses import Witness


@needs_vectors
def test_the_tests_witness_judges_the_public_requests_as_others_do() -> None:
    known = json.loads((FOLDER / "tlog" / "witness-requests.json").read_text())
    first, second, third = known["requests"]
    origin, public = first["origin"], bytes.fromhex(known["ed25519_public_key_hex"])
    for later in (second, third):
        witness = Witness({origin: public})
        assert witness.add_checkpoint(_body(first))[0] == 200
        broken = base64.b64encode(b"\7" * 32).decode()
        assert witness.add_checkpoint(_body(later | {"proof": [broken, *later["proof"][1:]]}))[0] == 422
        assert witness.add_checkpoint(_body(later | {"proof": later["proof"][:-1]}))[0] == 422
        assert witness.add_checkpoint(_body(later | {"proof": [*later["proof"], broken]}))[0] == 422
        assert witness.add_checkpoint(_body(later | {"root": broken}))[0] == 403
        assert witness.add_checkpoint(_body(later | {"old": 0, "proof": []}))[:3] == (409, "text/x.tlog.size", b"1\n")
        assert witness.add_checkpoint(_body(later | {"old": later["size"] + 1}))[0] == 400
        assert witness.add_checkpoint(_body(later))[0] == 200
        assert witness.seen[origin][0] == later["size"]
    assert Witness({}).add_checkpoint(_body(first))[0] == 404


def _body(request: dict[str, Any]) -> bytes:
    proof = "".join(f"{line}\n" for line in request["proof"])
    note = f"{request['origin']}\n{request['size']}\n{request['root']}\n\n— {request['origin']} {request['sig']}\n"
    return f"old {request['old']}\n{proof}\n{note}".encode()
