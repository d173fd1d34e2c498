"""Whatever people, officers, systems and time do to a request, in whatever order and however often: nothing of anybody is
collected, changed or given away without their proof, no request ends well that a system has not answered, nothing is deleted
that one person alone decided or that was on hold, nobody else's rows are touched, and what is done twice happens once."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from portal import cases, db, jobs, subjects
from portal.cases import states
from portal.lib import clock
from portal.lib.errors import Refusal
from tests.cases.shops import OLGA, PETRA, ask, found_company, letters_to, prove, visit
from tests.conftest import opened, settings_in

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
RIGHTS = ["access", "erasure", "erasure", "rectification", "rectification", "portability", "restriction", "objection"]
OFFICERS = st.sampled_from([OLGA, PETRA])
SAYS, SHALL_SAY = "Somebody", "Somebody Else"
BEN = "SELECT c.name, c.phone, p.item FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.id = 2"
_lives = count(1)


class Life(RuleBasedStateMachine):
    """One request of one person, in a company of its own: what an example does cannot come from the one before."""

    run: Callable[[Coroutine[Any, Any, Any]], Any]
    migrated: Path
    folder: Path
    number, address = 10, "person@example.com"
    opened: cases.Opened

    def __init__(self) -> None:
        super().__init__()
        self.place = self.folder / str(next(_lives))
        self.place.mkdir()
        shutil.copy(self.migrated, self.place / "portal.db")
        self.house = opened(settings_in(self.place))
        self.company = found_company(self.run(self.house.__aenter__()), self.place / "company")
        self.time, self.down = START, set[str]()
        self.proven = False
        self.digests: list[str] = []

    @initialize(
        right=st.sampled_from(RIGHTS),
        steps=st.integers(0, 10),
    )
    def somebody_asks(self, right: str, steps: int) -> None:
        """And it may have gone its usual way for a while before anything else happens."""
        number, address = self.number, self.address
        self.company.run(
            "shop",
            f"INSERT INTO customer VALUES ({number}, '{address}', NULL, '{SAYS}');"
            f"INSERT INTO purchase VALUES ({number}, {number}, 'Tea')",
        )
        self.company.run("news", f"INSERT INTO subscription VALUES ('{address}', 'subscribed')")
        details = {"changes": {"name": SHALL_SAY}} if right == "rectification" else None
        self.opened = self._done(ask(right, address, details))
        self.goes_the_usual_way(steps)

    @rule(steps=st.integers(1, 3))
    def goes_the_usual_way(self, steps: int) -> None:
        for _number in range(steps):
            usual: dict[str, Callable[[], None]] = {
                "verifying": self.prove,
                "triage": lambda: self.collect(OLGA),
                "collecting": lambda: self.time_goes_by_and_the_jobs_run(0),
                "reviewing": self.look_and_propose,
                "approving": lambda: self.approve(PETRA, self.digests[-1]),
                "fulfilling": lambda: self.time_goes_by_and_the_jobs_run(1),
                "delivering": self.fetch,
            }
            usual.get(self._case().state, self.reopen)()

    @rule()
    @precondition(lambda self: not self.proven)
    def prove(self) -> None:
        self.proven = self._twice(lambda: prove(self.opened, self.address), once=True) == 1 or self.proven

    @rule(officer=OFFICERS)
    def collect(self, officer: str) -> None:
        self._twice(lambda: cases.collect(self.opened.id, officer=officer))

    @rule(officer=OFFICERS, how=st.sampled_from(["fulfilled", "fulfilled", "partly", "refused"]))
    def propose(self, officer: str, how: str) -> None:
        self._twice(
            lambda: cases.propose(self.opened.id, answer=how, reasons="Because of this and that.", officer=officer), once=True
        )
        if proposal := self._done(cases.proposal(self.opened.id)):
            self.digests.append(proposal.digest)

    def look_and_propose(self) -> None:
        self.decide(OLGA, True)
        self.propose(OLGA, "fulfilled")

    @rule(officer=OFFICERS, agreed=st.booleans())
    def decide(self, officer: str, agreed: bool) -> None:
        if self._case().right == "rectification":
            why = "" if agreed else "The passport says something else."
            self._twice(lambda: cases.decide_correction(self.opened.id, "name", agreed, why=why, officer=officer))

    @rule(officer=OFFICERS, data=st.data())
    @precondition(lambda self: self.digests)
    def approve_what_is_on_a_screen(self, officer: str, data: st.DataObject) -> None:
        """Which may be an older proposal."""
        self.approve(officer, data.draw(st.sampled_from(self.digests[::-1])))

    def approve(self, officer: str, digest: str) -> None:
        self._twice(lambda: cases.approve(self.opened.id, digest, officer=officer), once=True)

    @rule(officer=OFFICERS)
    def send_back(self, officer: str) -> None:
        self._twice(lambda: cases.send_back(self.opened.id, why="Look again at the orders.", officer=officer), once=True)

    @rule(kind=st.sampled_from(states.HOLDS))
    def hold(self, kind: str) -> None:
        self._try(cases.hold(self.opened.id, kind, "Somebody said something.", officer=OLGA))

    @rule()
    def lift(self) -> None:
        if holds := self._case().holds:
            self._twice(lambda: cases.lift(holds[0].id, officer=OLGA), once=True)

    @rule()
    @precondition(lambda self: self.proven)
    def counsel_sets_or_lifts_a_legal_hold(self) -> None:
        async def set_or_lift() -> None:
            for each in await cases.legal_holds.of_request(self.opened.id):
                await cases.legal_holds.lift(each.id, officer="carla")
                return
            subject = (await cases.case(self.opened.id)).subject or ""
            await cases.legal_holds.set_on_person(subject, "Court case 12/2026.", officer="carla")

        self._try(set_or_lift())

    @rule()
    def redact(self) -> None:
        async def leave_out() -> None:
            for each in await cases.review(self.opened.id, officer=OLGA):
                await cases.redact(self.opened.id, each.id, 0, "", reason="third party", officer=OLGA)

        self._try(leave_out())

    @rule(outcome=st.sampled_from(states.OUTCOMES))
    def close(self, outcome: str) -> None:
        self._twice(lambda: cases.close(self.opened.id, outcome, officer=OLGA), once=True)

    @rule()
    def reopen(self) -> None:
        self._twice(lambda: cases.reopen(self.opened.id, officer=OLGA), once=True)

    @rule()
    def take_back(self) -> None:
        self._twice(lambda: cases.withdraw(self.opened.id, actor="customer:them"), once=True)

    @rule(system=st.sampled_from(["shop", "news"]))
    def a_system_goes_or_comes_back(self, system: str) -> None:
        (self.company.bring_back if system in self.down else self.company.take_down)(system)
        self.down ^= {system}

    @rule(officer=OFFICERS)
    def search_again(self, officer: str) -> None:
        self._twice(lambda: cases.look_again(self.opened.id, officer=officer), once=True)

    @rule(hours=st.sampled_from([0, 1, 30, 24 * 15]))
    def time_goes_by_and_the_jobs_run(self, hours: int) -> None:
        self.time += timedelta(hours=hours)
        stands = bool({each.kind for each in self._case().holds} & {"freeze", "identity"})
        stands = stands or bool(self._done(cases.legal_holds.of_request(self.opened.id)))
        before = self._rows()
        self._done(jobs.run_due())
        assert self._rows() == before or not stands, "something was deleted while a hold stood"

    @rule()
    def fetch(self) -> None:
        """The person proves once more that it is they, and downloads; nobody does so twice with one link."""

        if not self._done(subjects.find("email", self.address)):
            return  # not proven yet, or erased
        session = self._done(visit(self.address))
        secret = self._try(cases.hand_over(self.opened.id, session))
        if secret is None:
            return
        assert not any(each.kind == "freeze" for each in self._case().holds), "somebody says that they did not ask"
        self._twice(lambda: cases.download(secret, session), once=True)

    @invariant()
    def nothing_is_known_or_done_without_a_proof(self) -> None:
        if self.proven or not hasattr(self, "opened"):
            return
        for table in ("case_finding", "case_package", "case_identifier"):
            assert not self._count(table), f"{table} of somebody who has proven nothing"
        assert self._rows() == (1, 1, 1)
        assert set(self._done(letters_to(self.address))) <= {"mail/code", "mail/case-unconfirmed"}

    @invariant()
    def an_end_is_what_it_says(self) -> None:
        if not hasattr(self, "opened"):
            return
        case = self._case()
        if case.outcome in ("fulfilled", "partly", "nothing held"):
            assert case.systems and not case.partial, case
        if case.outcome in ("fulfilled", "partly") and case.right == "erasure":
            assert self._rows() == (0, 0, 0)
        if case.outcome == "nothing held":
            assert not self._count("case_finding")

    @invariant()
    def what_is_gone_was_asked_for_and_two_people_agreed(self) -> None:
        if hasattr(self, "opened") and not self.down and self._rows() != (1, 1, 1):
            assert self._case().right == "erasure"
            agreed = self._select("SELECT proposed_person, decided_person, answer FROM case_approval WHERE decision = 'approved'")
            assert [each for each in agreed if each["proposed_person"] != each["decided_person"] and each["answer"] != "refused"]

    @invariant()
    def what_is_corrected_was_asked_for_proven_and_agreed_to(self) -> None:
        if not hasattr(self, "opened") or "shop" in self.down:
            return
        said = self.company.rows("shop", f"SELECT name FROM customer WHERE id = {self.number}")
        case = self._case()
        if said == [(SHALL_SAY,)]:
            assert case.right == "rectification" and self.proven
            assert self._select("SELECT 1 FROM case_approval WHERE answer <> 'refused'")
        else:
            assert said in ([], [(SAYS,)])
            assert case.right != "rectification" or case.outcome not in ("fulfilled", "partly")

    @invariant()
    def nobody_else_is_touched(self) -> None:
        if "shop" not in self.down:
            assert self.company.rows("shop", BEN) == [("Ben Lee", None, "Jam")]

    @invariant()
    def each_letter_goes_out_once_a_round(self) -> None:
        if hasattr(self, "opened"):
            sent = self._select("SELECT template, count(*) AS n FROM message")
            rounds = self._select("SELECT round FROM case_file", "id")[0]["round"] + 1
            assert all(each["n"] <= rounds for each in sent if each["template"].startswith("mail/case-")), sent

    def teardown(self) -> None:
        self.run(self.house.__aexit__(None, None, None))
        shutil.rmtree(self.place)

    def _rows(self) -> tuple[int, int, int]:
        """How much of the person the systems have: customer, purchase, subscription."""
        asked = [
            ("shop", f"SELECT count(*) FROM customer WHERE email = '{self.address}'"),
            ("shop", f"SELECT count(*) FROM purchase WHERE id = {self.number}"),
            ("news", f"SELECT count(*) FROM subscription WHERE email = '{self.address}'"),
        ]
        found = []
        for system, statement in asked:
            file = self.company.folder / f"{system}.{'away' if system in self.down else 'db'}"
            with closing(sqlite3.connect(file)) as connection:
                found.append(connection.execute(statement).fetchone()[0])
        return found[0], found[1], found[2]

    def _case(self) -> cases.Case:
        found: cases.Case = self._done(cases.case(self.opened.id))
        return found

    def _count(self, table: str) -> int:
        return len(self._select(f"SELECT 1 FROM {table}"))

    def _select(self, statement: str, column: str = "case_id") -> list[dict[str, Any]]:
        group = " GROUP BY template" if "count(" in statement else ""
        joined = " AND " if " WHERE " in statement else " WHERE "
        found: list[dict[str, Any]] = self._done(db.rows(f"{statement}{joined}{column} = ?{group}", self.opened.id))
        return found

    def _twice(self, act: Callable[[], Coroutine[Any, Any, Any]], *, once: bool = False) -> int:
        """As with a double click: both at the same moment. Answers how many were accepted; with `once` at most one may be."""

        async def both() -> list[Any]:
            return [*await asyncio.gather(act(), act(), return_exceptions=True)]

        results = self._done(both())
        for each in results:
            if isinstance(each, BaseException) and not isinstance(each, Refusal):
                raise each
        accepted = sum(not isinstance(each, BaseException) for each in results)
        assert accepted <= (1 if once else 2)
        return accepted

    def _try(self, act: Coroutine[Any, Any, Any]) -> Any:
        try:
            return self._done(act)
        except Refusal:
            return None

    def _done(self, act: Coroutine[Any, Any, Any]) -> Any:
        async def then() -> Any:
            with clock.at(self.time):
                return await act

        self.time += timedelta(minutes=1)
        return self.run(then())


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("examples", [400])
def test_a_request_lives_by_its_rules_whatever_happens_to_it(migrated_sqlite: Path, tmp_path: Path, examples: int) -> None:
    with asyncio.Runner() as runner:
        machine = type("Life", (Life,), {"run": staticmethod(runner.run), "migrated": migrated_sqlite, "folder": tmp_path})
        quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
        steps = settings(max_examples=examples, stateful_step_count=30, deadline=None, suppress_health_check=quiet)
        run_state_machine_as_test(machine, settings=steps)
