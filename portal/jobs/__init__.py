"""The durable to-do list in the portal's own database: later, claim, retry, give up.

A job is written in the caller's transaction, taken by one worker under a lease, and journals its effects outside.
"""

from portal.jobs.journal import Job, LeaseLost
from portal.jobs.todo import Failed, counts, failed, given_up, hurry, later, recur, retry, tidy
from portal.jobs.verbs import GiveUp, TryAgain, verb
from portal.jobs.work import run_due, run_worker

__all__ = [
    "Failed",
    "GiveUp",
    "Job",
    "LeaseLost",
    "TryAgain",
    "counts",
    "failed",
    "given_up",
    "hurry",
    "later",
    "recur",
    "retry",
    "run_due",
    "run_worker",
    "tidy",
    "verb",
]
