"""The kept copy of each message. `once` is the caller's key: one message per key, ever."""

from tortoise import fields
from tortoise.models import Model

from portal.db import Bytes, Moment


class Message(Model):
    """One message to one address. `state`: waiting, sent, refused (see `reason`), or kept (the demo, which sends nothing)."""

    id = fields.CharField(36, primary_key=True)
    message_id = fields.CharField(200)
    template = fields.CharField(60)
    subject = fields.CharField(36, null=True)
    case_id = fields.CharField(36, null=True)
    language = fields.CharField(10)
    key_id = fields.CharField(36)
    to_address = Bytes()
    body = Bytes()
    once = fields.CharField(120, null=True)
    state = fields.CharField(10)
    reason = fields.CharField(40)
    created_at = Moment()
    sent_at = Moment(null=True)
    account = Bytes(null=True)

    class Meta:
        table = "message"
