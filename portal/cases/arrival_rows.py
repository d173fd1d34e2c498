"""Rows about how requests came in other than by the form: marks of lists and forms, and mails."""

from tortoise import fields
from tortoise.models import Model

from portal.db import Bytes, Moment


class Arrival(Model):
    """What became the request once, and shall not become another."""

    mark = Bytes(primary_key=True)
    case_id = fields.CharField(36)
    at = Moment()

    class Meta:
        table = "case_arrival"


class MailRow(Model):
    """A mail as it was taken in; the message itself lies whole in the blob, as long as somebody may have to read it."""

    id = fields.CharField(36, primary_key=True)
    mark = Bytes(unique=True)
    became = fields.CharField(20)
    why = fields.CharField(40)
    case_id = fields.CharField(36, null=True)
    asked = Bytes(null=True)
    blob_id = fields.CharField(36, null=True)
    size = fields.BigIntField()
    at = Moment()
    done_by = fields.CharField(60, null=True)
    done_at = Moment(null=True)
    keep_until = Moment(null=True)

    class Meta:
        table = "case_mail"


class ListRow(Model):
    """A list of earlier requests between its dry run and its commit."""

    id = fields.CharField(36, primary_key=True)
    sha256 = fields.CharField(64)
    blob_id = fields.CharField(36)
    planned_by = fields.CharField(60)
    planned_at = Moment()
    opened = fields.BigIntField(null=True)
    done_at = Moment(null=True)

    class Meta:
        table = "case_list"
