"""`portal rules`: what tunes the rules now, whose answers a changed policies/precedence.toml would change, switching it on."""

import argparse
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from portal import subjects
from portal.consent import precedence, retuning, trying
from portal.consent.purposes import in_force
from portal.consent.rules import Answer, Because, Tuning
from portal.consent.trying import Change, Portion
from portal.documents import Fault, Faulty
from portal.lib import clock


def add_commands(commands: Any) -> None:
    rules = commands.add_parser("rules", help="what tunes the rules (policies/precedence.toml); try a change, switch it on")
    rules.set_defaults(run=show)
    verbs = rules.add_subparsers(metavar="verb")
    verbs.add_parser("show", help="what is in force").set_defaults(run=show)
    attempt = verbs.add_parser("try", help="show whose answers a changed file would change; writes nothing")
    attempt.add_argument("file", nargs="?", type=Path, help="policies/precedence.toml when none is named")
    attempt.add_argument("--days", type=int, default=90, help="people of whom something was recorded in so many days (90)")
    attempt.add_argument("--all", action="store_true", help="then everybody else too")
    attempt.add_argument("--examples", type=int, default=10, metavar="N", help="how many answers are shown (10)")
    attempt.set_defaults(run=try_out)
    use = verbs.add_parser("use", help="switch a file on, and have the systems told whose answers it changed")
    use.add_argument("file", nargs="?", type=Path, help="policies/precedence.toml when none is named")
    use.add_argument("--yes", action="store_true", help="switch on without asking")
    use.add_argument("--by", default="system", help="who switches it on, as the audit log names them")
    use.set_defaults(run=switch_on)


async def show(arguments: argparse.Namespace) -> None:
    now = await precedence.in_force()
    if now is None:
        print("No tuning was ever switched on: the rules stand as they are.")
    else:
        print(f"precedence@{now.number}, since {clock.rfc3339(now.in_force_from)}, by {now.by}, SHA-256 {now.sha256.hex()}")
        _print_tuning(now.tuning)
        told = f"since {clock.rfc3339(now.told_at)}" if now.told_at else "not yet; the worker is looking for them"
        print(f"Everybody whose answer it changed stands in the log: {told}.")
    await say_if_unlike()


async def say_if_unlike() -> None:
    """At the start and with `show`: an edited file has no effect by itself."""
    file, now = precedence.read(), await precedence.tuning()
    if file.tuning != now and not (file.tuning.changes_nothing and now.changes_nothing):
        print("policies/precedence.toml says something else than what is in force: portal rules try, then portal rules use")


def require_sound() -> None:
    """A mistake in policies/precedence.toml is said with file and line before anything begins."""
    precedence.read()


async def try_out(arguments: argparse.Namespace) -> int:
    """0: nothing would change, or it is shown what."""
    old, new = await precedence.tuning(), _read(arguments.file).tuning
    print("In force now:")
    _print_tuning(old)
    print("To be tried:")
    _print_tuning(new)
    trial, since = _Trial(arguments.examples), clock.now() - timedelta(days=max(0, arguments.days))
    with _Bar() as bar:
        recent = trying.portions_since(since, old, new)
        await trial.take(bar.watch(f"Last {arguments.days} days", recent, await trying.count(since)))
        if arguments.all:
            others = trying.portions_of_all(old, new, but_since=since)
            await trial.take(bar.watch("Everybody else", others, await trying.count()))
    await trial.report()
    if not arguments.all:
        print(f"Looked at people of whom something was recorded in the last {arguments.days} days; --all looks at everybody.")
    file = f" {arguments.file}" if arguments.file else ""
    print(f"Nothing was changed. To switch it on, and have the systems told of each changed answer: portal rules use{file}")
    return 0


async def switch_on(arguments: argparse.Namespace) -> int:
    """0: switched on, or already in force; 2: not confirmed."""
    file = _read(arguments.file)
    print("To be switched on:")
    _print_tuning(file.tuning)
    if not arguments.yes and not _confirmed():
        return 2
    done = await retuning.switch_on(file, by=arguments.by)
    if done is None:
        print("This is in force already; nothing was changed.")
        return 0
    print(f"Switched on: precedence@{done.number}, SHA-256 {done.sha256.hex()}")
    print("The running worker now looks for everybody whose answer it changed, and tells the connected systems.")
    return 0


@dataclass
class _Trial:
    """What was counted so far; of the changes only the first few are kept."""

    shown: int
    people: int = 0
    answers: int = 0
    touched: int = 0
    changes: Counter[tuple[str, str, str, bool]] = field(default_factory=Counter)
    examples: list[Change] = field(default_factory=list)

    async def take(self, portions: AsyncIterator[Portion]) -> None:
        async for each in portions:
            self.people += each.people
            self.answers += each.answers
            self.touched += len({change.person.subject for change in each.changes})
            for change in each.changes:
                self.changes[change.cell.purpose, change.cell.channel, change.why, change.new.allowed] += 1
            self.examples += each.changes[: max(0, self.shown - len(self.examples))]

    async def report(self) -> None:
        changed = self.changes.total()
        print(f"{self.people} people, {self.answers} answers looked at: {changed} would change, of {self.touched} people.")
        order = list(await in_force(None))
        for (purpose, channel, why, allowed), n in sorted(self.changes.items(), key=lambda each: (order.index(each[0][0]), each)):
            print(f"  {purpose:<24} {channel:<6} {'no → yes' if allowed else 'yes → no'}  {why:<20} {n:>9}")
        values = await subjects.values_of([change.identifier for change in self.examples])
        for change in self.examples:
            value = values[change.identifier.id]
            masked = subjects.mask(change.identifier.kind, value) if value else "•••"
            cell = " ".join(filter(None, change.cell))
            print(f"  {masked}, {cell}: {_told(change.old)} → {_told(change.new)} ({change.why})")


class _Bar:
    def __init__(self) -> None:
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._bar = Progress(TextColumn("{task.description}"), *columns, console=Console(stderr=True))

    def __enter__(self) -> "_Bar":
        self._bar.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._bar.stop()

    async def watch(self, what: str, portions: AsyncIterator[Portion], total: int) -> AsyncIterator[Portion]:
        task = self._bar.add_task(what, total=total)
        async for each in portions:
            yield each
            self._bar.advance(task, each.done)


def _read(path: Path | None) -> precedence.File:
    """The company's own file may be missing; one that was named may not."""
    if path is not None and not path.is_file():
        raise Faulty([Fault(path.name, 1, "There is no such file.")])
    return precedence.read(path)


def _print_tuning(tuning: Tuning) -> None:
    if tuning.changes_nothing:
        print("  nothing: the rules stand as they are")
        return
    if len(tuning.order) > 1 and tuning.within_days:
        print(f"  a yes does not lift an equally sure no from further left for {tuning.within_days} days:")
        print(f"  {' > '.join(tuning.order)}")
    for source, days in tuning.counts_for:
        print(f"  a yes from {source} counts for {days} days")


def _told(found: Answer) -> str:
    answer, because = "yes" if found.allowed else "no", found.because
    return f"{answer} by rule {found.rule}, {_reason(because)}"


def _reason(because: Because) -> str:
    if because.what != "decision" or because.at is None:
        return because.what
    return f"a {because.answer} from {because.source} of {because.at:%Y-%m-%d}"


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        print("Nothing was switched on. Say --yes to switch it on.")
        return False
    print("Switch this on? [y/N]", end=" ", flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
