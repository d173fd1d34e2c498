"""Rows that stand beside a request: what officers did to learn who asks, letters on paper, legal holds."""

from tortoise import fields
from tortoise.models import Model

from portal.db import Bytes, Moment


class ShownProof(Model):
    """What was shown to officers. Ways: in person · facts. States: waiting (for a second officer) · shown · not shown."""

    id = fields.CharField(36, primary_key=True)
    case_id = fields.CharField(36)
    way = fields.CharField(20)
    state = fields.CharField(20)
    said = Bytes()
    by = fields.CharField(60)
    by_person = fields.CharField(60)
    at = Moment()
    decided_by = fields.CharField(60, null=True)
    decided_person = fields.CharField(60, null=True)
    decided_at = Moment(null=True)

    class Meta:
        table = "case_proof"


class Letter(Model):
    """A letter on paper: kind "code", or the message that it stands for. A code's words go when it was posted."""

    id = fields.CharField(36, primary_key=True)
    case_id = fields.CharField(36)
    kind = fields.CharField(40)
    place = Bytes()
    text = Bytes(null=True)
    code = Bytes(null=True)
    made_at = Moment()
    made_by = fields.CharField(60)
    posted_at = Moment(null=True)
    posted_by = fields.CharField(60, null=True)
    ends_at = Moment(null=True)
    used_at = Moment(null=True)

    class Meta:
        table = "case_letter"


class LegalHold(Model):
    """On a person (`subject`) or on a `system`; in force while `lifted_at` is empty."""

    id = fields.CharField(36, primary_key=True)
    subject = fields.CharField(36, null=True)
    system = fields.CharField(40)
    why = Bytes()
    by = fields.CharField(60)
    since = Moment()
    review_on = fields.CharField(10)
    told_at = Moment(null=True)
    lifted_by = fields.CharField(60, null=True)
    lifted_at = Moment(null=True)

    class Meta:
        table = "legal_hold"
