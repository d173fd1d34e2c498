"""Rows about questions that people answer by hand. What stands in them about a person is sealed under the request's key."""

from tortoise import fields
from tortoise.models import Model

from portal.db import Bytes, Json, Moment


class QuestionRow(Model):
    """One question to one person. `how` is empty until they answered; `taken_at`: a deletion was counted as done with it."""

    id = fields.CharField(36, primary_key=True)
    system = fields.CharField(40)
    case_id = fields.CharField(36)
    round = fields.BigIntField()
    verb = fields.CharField(10)
    task = fields.CharField(36)
    subject = fields.CharField(36, null=True)
    due_on = fields.CharField(10)
    asked = Bytes()
    asked_at = Moment()
    link_number = fields.BigIntField(default=1)
    link_until = Moment()
    remind_at = Moment(null=True)
    reminded = Json()
    how = fields.CharField(10, default="")
    answer = Bytes(null=True)
    answered_at = Moment(null=True)
    taken_at = Moment(null=True)
    blob_id = fields.CharField(36, null=True)

    class Meta:
        table = "connector_question"
