"""Rows of what is said in a request, both ways, and of laws that forbid to tell for a while who looked (GDPR Art. 23).

Words, names of files and reasons lie under the case's own key; what queues filter by is clear and says nothing of anybody.
"""

from tortoise import fields
from tortoise.models import Model

from portal.db import Bytes, Moment


class Spoken(Model):
    """One message. `side`: person · officer; `kind`: message · question; `source`: page · mail; `written`: the actor."""

    id = fields.CharField(36, primary_key=True)
    case_id = fields.CharField(36)
    side = fields.CharField(10)
    kind = fields.CharField(10)
    source = fields.CharField(10)
    written = fields.CharField(60)
    role = fields.CharField(30)
    at = Moment()
    letter = Bytes()
    read_at = Moment(null=True)

    class Meta:
        table = "case_message"


class Attached(Model):
    """A file that came with a message: sealed, never opened by us, gone at its end date."""

    id = fields.CharField(36, primary_key=True)
    message_id = fields.CharField(36)
    case_id = fields.CharField(36)
    called = Bytes()
    media = fields.CharField(60)
    size = fields.BigIntField()
    blob_id = fields.CharField(36)
    keep_until = Moment()

    class Meta:
        table = "case_attachment"


class Silence(Model):
    """In force from `since` until `ended_at` or `ends_at`, whichever comes first."""

    id = fields.CharField(36, primary_key=True)
    case_id = fields.CharField(36)
    law = fields.TextField()
    why = Bytes()
    set_by = fields.CharField(60)
    since = Moment()
    ends_at = Moment()
    ended_at = Moment(null=True)
    ended_by = fields.CharField(60, null=True)

    class Meta:
        table = "case_silence"
