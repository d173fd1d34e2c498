"""Rows of published texts. Triggers on both databases refuse to change or delete them."""

from tortoise import fields
from tortoise.models import Model

from portal.db import Bytes, Moment


class EditionRow(Model):
    """One language of one edition: the source as written and the exact bytes that people are shown."""

    name = fields.CharField(120, primary_key=True)
    key = fields.CharField(80)
    number = fields.BigIntField()
    language = fields.CharField(20)
    kind = fields.CharField(20)
    title = fields.TextField()
    html = Bytes()
    source = Bytes()
    sha256 = Bytes()
    in_force_from = Moment()
    published_at = Moment()
    by = fields.CharField(60)
    material = fields.BigIntField()
    why = fields.TextField()

    class Meta:
        table = "edition"
