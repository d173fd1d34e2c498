"""Rows of the search for people without a basis: who is looked at when, who is proposed, who is kept, and how far it got."""

from tortoise import fields
from tortoise.models import Model

from portal.db import Bytes, Moment


class Watched(Model):
    """A person for whom no word stands any more, or who is being looked at. `kept_why` lies under the person's life key."""

    subject = fields.CharField(36, primary_key=True)
    look_at = Moment()
    ended_at = Moment(null=True)
    proposed_at = Moment(null=True)
    kept_until = fields.CharField(10, null=True)
    kept_by = fields.CharField(60, null=True)
    kept_why = Bytes(null=True)

    class Meta:
        table = "basis_watch"


class BasisSearch(Model):
    """`swept_for`: the purposes and the time under which everybody was looked at; `swept_up_to` is empty when that is done."""

    one = fields.BigIntField(primary_key=True, generated=False)
    log_index = fields.BigIntField()
    swept_for = fields.CharField(64)
    swept_up_to = fields.CharField(36, null=True)

    class Meta:
        table = "basis_search"
