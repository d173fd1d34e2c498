"""Rows about requests that somebody makes for another person: whom they are about, and that a mandate was seen."""

from tortoise import fields
from tortoise.models import Model

from portal.db import Moment


class Concerned(Model):
    """An identifier of the person a request is about, when somebody else asks with a mandate."""

    id = fields.CharField(36, primary_key=True)
    case_id = fields.CharField(36)
    identifier = fields.CharField(36)
    noted_at = Moment()

    class Meta:
        table = "case_concerned"


class Mandate(Model):
    """That an officer saw what entitles the asker; no copy of it."""

    case_id = fields.CharField(36, primary_key=True)
    kind = fields.CharField(40)
    dated = fields.CharField(10)
    by = fields.CharField(60)
    noted_at = Moment()

    class Meta:
        table = "case_mandate"
