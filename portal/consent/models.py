"""Rows of consent. Decisions are never changed; permissions are only the latest words, folded from them."""

from tortoise import fields
from tortoise.models import Model

from portal.db import Bytes, Moment


class Decision(Model):
    """What was said. `claimed_at` as handed in, `said_at` never later than `recorded_at`; `refers_to` for undone, confirmed."""

    id = fields.CharField(36, primary_key=True)
    identifier = fields.CharField(36)
    purpose = fields.CharField(40)
    channel = fields.CharField(10)
    topic = fields.CharField(40)
    answer = fields.CharField(10)
    claimed_at = Moment(null=True)
    said_at = Moment()
    recorded_at = Moment()
    until = Moment(null=True)
    expires_at = Moment(null=True)
    source = fields.CharField(40)
    grade = fields.CharField(15)
    actor = fields.CharField(60)
    edition = fields.CharField(120)
    language = fields.CharField(20)
    state = fields.CharField(10)
    refers_to = fields.CharField(36, null=True)
    evidence = Bytes(null=True)
    entry = fields.CharField(36)
    batch = fields.CharField(36, null=True)

    class Meta:
        table = "decision"


class StopRow(Model):
    """Part of one act; see rules.Stop. `holder` is a subject, or for `suppressed` an identifier."""

    id = fields.CharField(36, primary_key=True)
    act = fields.CharField(36)
    holder = fields.CharField(36)
    kind = fields.CharField(12)
    scope = fields.CharField(40)
    since = Moment()
    by = fields.CharField(60)
    why = fields.CharField(60)
    lifted_at = Moment(null=True)
    lifted_by = fields.CharField(60, null=True)
    lifted_why = fields.CharField(60, null=True)

    class Meta:
        table = "stop"


class PauseRow(Model):
    """Answers no while it runs and leaves the words alone."""

    id = fields.CharField(36, primary_key=True)
    act = fields.CharField(36)
    holder = fields.CharField(36)
    purpose = fields.CharField(40)
    channel = fields.CharField(10)
    since = Moment()
    until = Moment()
    by = fields.CharField(60)
    ended_at = Moment(null=True)
    ended_by = fields.CharField(60, null=True)

    class Meta:
        table = "pause"


class Delivery(Model):
    """One cell told to one connected system, or waiting to be."""

    id = fields.CharField(36, primary_key=True)
    system = fields.CharField(40)
    log_index = fields.BigIntField()
    subject = fields.CharField(36)
    identifier = fields.CharField(36)
    purpose = fields.CharField(40)
    channel = fields.CharField(10)
    topic = fields.CharField(40)
    state = fields.CharField(10)
    allowed = fields.BigIntField(null=True)
    tries = fields.BigIntField()
    next_at = Moment(null=True)
    problem = fields.TextField()
    created_at = Moment()
    done_at = Moment(null=True)

    class Meta:
        table = "delivery"


class BatchRow(Model):
    """An import. `phase`: planned, noes, yeses, in force; `position` is the last line of the file done in this phase."""

    id = fields.CharField(36, primary_key=True)
    sha256 = Bytes()
    options = fields.TextField()
    planned = fields.TextField()
    done = fields.TextField()
    details = Bytes()
    planned_by = fields.CharField(60)
    planned_at = Moment()
    phase = fields.CharField(10)
    position = fields.BigIntField()
    parts = fields.BigIntField()
    started_at = Moment(null=True)
    started_by = fields.CharField(60, null=True)
    in_force_at = Moment(null=True)
    undone_at = Moment(null=True)
    undone_by = fields.CharField(60, null=True)
    undone_why = Bytes(null=True)
    noes_undone_at = Moment(null=True)

    class Meta:
        table = "batch"
