"""The outside systems that hold data about people: one folder per kind, all the same shape.

`find`, `plan_erasure`, `erase`, `recheck`, `correct`, `set_consent`, `check` (contract.py); which systems there are
stands in one TOML file (systems.py). Serves GDPR Art. 15–19: nothing is answered or deleted only in the portal.
"""

from portal.connectors import inbound, person, proposals
from portal.connectors.contract import (
    POINTED_AT,
    SINGLED_OUT,
    Cell,
    Change,
    Connector,
    ConnectorError,
    Count,
    Departed,
    Field,
    Finding,
    Health,
    Identifiers,
    KeepsConnections,
    Leftover,
    Occasion,
    Outcome,
    Plan,
    PlanRow,
    Problem,
    RowName,
    Uncertain,
    Unpurposed,
    Waiting,
    as_text,
    counted,
)
from portal.connectors.systems import System, open_system, systems
from portal.connectors.toml_file import Misconfigured
from portal.connectors.webhook.signing import new_keys

__all__ = [
    "POINTED_AT",
    "SINGLED_OUT",
    "Cell",
    "Change",
    "Connector",
    "ConnectorError",
    "Count",
    "Departed",
    "Field",
    "Finding",
    "Health",
    "Identifiers",
    "KeepsConnections",
    "Leftover",
    "Misconfigured",
    "Occasion",
    "Outcome",
    "Plan",
    "PlanRow",
    "Problem",
    "RowName",
    "System",
    "Uncertain",
    "Unpurposed",
    "Waiting",
    "as_text",
    "counted",
    "inbound",
    "new_keys",
    "open_system",
    "person",
    "proposals",
    "systems",
]
