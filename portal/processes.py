"""Several processes that work at one portal: forked from one parent, watched by it, and ended together.

The parent loads everything once, which its children share, and does nothing else but watch: a child that ends is begun anew.
Nobody outlives the parent: when it is killed, by `kill -9` as well, its children end at once, as if they had been killed too.
A child whose disk failed to keep a commit (portal/db/disk.py) takes all of them with it.
"""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

import structlog

TOLD_TO_STOP = {signal.SIGTERM, signal.SIGINT}
AWAITED = {*TOLD_TO_STOP, signal.SIGCHLD}
TOO_SOON = 1.0
log = structlog.get_logger("portal")


def run_together(works: Sequence[Callable[[], object]], before_last: Callable[[], object] = lambda: None) -> bool:
    """Each in a process of its own, until SIGTERM or SIGINT: then they end, and after `before_last` the last one. Answers False
    when a disk failed instead; nobody lives any more then. No other thread and no event loop may run here: fork leaves them.
    """
    unheard = signal.signal(signal.SIGCHLD, lambda *_: None)  # by default it may be dropped, although it is awaited
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    family = _Family(works)
    everybody = range(len(works))
    try:
        for number in everybody:
            family.begin(number)
        while family.hears() not in TOLD_TO_STOP:
            ended = family.bury()
            if any(code == os.EX_IOERR for _number, code in ended):
                family.kill()
                return False
            for number, code in ended:
                log.error("process_ended", number=number, code=code)
            for number in family.missing():
                family.begin(number)
        family.end(everybody[:-1])
        before_last()
        family.end(everybody[-1:])
        return True
    finally:
        signal.signal(signal.SIGCHLD, unheard)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, AWAITED)


class _Family:
    """The children: by their process ids the number of the work that each does."""

    def __init__(self, works: Sequence[Callable[[], object]]) -> None:
        self._works = works
        self._living: dict[int, int] = {}
        self._begun = [-TOO_SOON] * len(works)
        self._read_end, self._held_open = os.pipe()  # nothing is ever written: it ends with the parent

    def missing(self) -> list[int]:
        return [number for number in range(len(self._works)) if number not in self._living.values()]

    def hears(self) -> int | None:
        """The next signal; while somebody is missing, None after a moment as well."""
        heard = signal.sigtimedwait(AWAITED, TOO_SOON) if self.missing() else signal.sigwaitinfo(AWAITED)
        return heard.si_signo if heard else None

    def begin(self, number: int) -> None:
        """Pauses where the one before hardly lived: this one may fare no better. Without room for a process it stays missing."""
        time.sleep(TOO_SOON if time.monotonic() - self._begun[number] < TOO_SOON else 0)
        sys.stdout.flush()  # else each child says it again
        try:
            child = os.fork()
        except OSError as problem:
            log.error("process_not_begun", number=number, why=str(problem))
            return
        if child == 0:
            os.close(self._held_open)
            _live(self._works[number], self._read_end)
        self._living[child], self._begun[number] = number, time.monotonic()

    def bury(self) -> list[tuple[int, int]]:
        """Who has ended since: number and exit code."""
        gone: list[tuple[int, int]] = []
        for child in list(self._living):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                gone.append((self._living.pop(child), os.waitstatus_to_exitcode(status)))
        return gone

    def end(self, numbers: Collection[int]) -> None:
        """Tell these to stop and wait until they have. Whoever tells us a second time does not want to wait."""
        for child, number in self._living.items():
            if number in numbers:
                os.kill(child, signal.SIGTERM)
        self.bury()
        while any(number in numbers for number in self._living.values()):
            if signal.sigwait(AWAITED) in TOLD_TO_STOP:
                self.kill()
            self.bury()

    def kill(self) -> None:
        for child in self._living:
            os.kill(child, signal.SIGKILL)
        for child in self._living:
            os.waitpid(child, 0)
        self._living.clear()


def _live(work: Callable[[], object], parents_life: int) -> None:
    """The whole life of a child: it never returns into what its parent was doing."""
    code = 1
    try:
        threading.Thread(target=_end_with_parent, args=(parents_life,), daemon=True).start()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, AWAITED)
        work()
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    except BaseException:  # whatever it was, the parent begins another one
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(code)


def _end_with_parent(parents_life: int) -> None:
    os.read(parents_life, 1)
    os._exit(1)
