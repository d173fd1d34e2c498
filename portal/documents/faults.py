"""What is wrong with a policy file, told with file and line, so that whoever wrote it finds the place."""

from collections.abc import Iterable
from dataclasses import dataclass

from portal.lib.errors import Invalid


@dataclass(frozen=True, order=True)
class Fault:
    """One thing to put right: the file as it is called in the policies folder, its line, and what is wrong there."""

    file: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence}"


class Faulty(Invalid):
    """The policies cannot be used as they are; `faults` names every place, the sentence all of them."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(set(faults))
        super().__init__("\n".join(map(str, self.faults)))
