"""Rows about customers' proofs, officers and sessions. No column that holds personal data is readable without its key."""

from tortoise import fields
from tortoise.models import Model

from portal.db import Bytes, Json, Moment


class ChallengeRow(Model):
    """One mail with a link and a code, and what has become of it."""

    id = fields.CharField(36, primary_key=True)
    use = fields.CharField(20)
    bound_to = fields.CharField(60)
    account = Bytes()
    address = Bytes()
    link_digest = Bytes(unique=True)
    code_hash = Bytes()
    browser = Bytes(null=True)
    familiar = fields.BigIntField()
    tried = fields.BigIntField(default=0)
    asked_at = Moment()
    ends_at = Moment()
    consumed_at = Moment(null=True)

    class Meta:
        table = "challenge"


class ElsewhereRow(Model):
    """Somebody who was sent to the company's own sign-in; `state` and `browser` are digests of what their browser holds."""

    state = Bytes(primary_key=True)
    browser = Bytes()
    use = fields.CharField(20)
    bound_to = fields.CharField(60)
    asked_at = Moment()
    ends_at = Moment()
    consumed_at = Moment(null=True)

    class Meta:
        table = "sign_in_elsewhere"


class SessionRow(Model):
    """A signed-in browser of a customer or an officer, or an officer half-way through signing in."""

    id = fields.CharField(36, primary_key=True)
    kind = fields.CharField(10)
    token = Bytes(unique=True)
    subject = fields.CharField(36, null=True)
    identifier = fields.CharField(36, null=True)
    officer = fields.CharField(36, null=True)
    device = Bytes(null=True)
    tried = fields.BigIntField(default=0)
    started_at = Moment()
    seen_at = Moment()
    proven_at = Moment()
    ends_at = Moment()
    closed_at = Moment(null=True)

    class Meta:
        table = "session"


class OfficerRow(Model):
    """Somebody who works here. `totp_step` is the last step of the second factor that was accepted.

    `person` is the same in all accounts of one human being.
    """

    id = fields.CharField(36, primary_key=True)
    person = fields.CharField(36)
    account = Bytes(unique=True)
    name = Bytes()
    email = Bytes()
    password = Bytes(null=True)
    totp = Bytes(null=True)
    totp_step = fields.BigIntField(default=0)
    invited_at = Moment()
    joined_at = Moment(null=True)
    left_at = Moment(null=True)

    class Meta:
        table = "officer"


class InvitationRow(Model):
    """A link by which an officer sets a password and a second factor, once."""

    id = fields.CharField(36, primary_key=True)
    officer = fields.CharField(36)
    link_digest = Bytes(unique=True)
    invited_by = fields.CharField(60)
    ends_at = Moment()
    accepted_at = Moment(null=True)

    class Meta:
        table = "invitation"


class RecoveryCode(Model):
    """A code for the day the telephone is lost; its keyed hash."""

    id = fields.CharField(36, primary_key=True)
    officer = fields.CharField(36)
    hash = Bytes()
    used_at = Moment(null=True)

    class Meta:
        table = "recovery_code"


class OfficerRole(Model):
    """A role held from when to when, granted and removed by whom."""

    id = fields.CharField(36, primary_key=True)
    officer = fields.CharField(36)
    role = fields.CharField(30)
    granted_at = Moment()
    granted_by = fields.CharField(60)
    removed_at = Moment(null=True)
    removed_by = fields.CharField(60, null=True)

    class Meta:
        table = "officer_role"


class ApiKeyRow(Model):
    """A key of another program; `used_on` is the day it was last used, as 2026-11-21."""

    id = fields.CharField(36, primary_key=True)
    label = fields.CharField(60)
    digest = Bytes(unique=True)
    scopes = Json()
    sources = Json()
    grade = fields.CharField(15)
    made_at = Moment()
    made_by = fields.CharField(60)
    used_on = fields.CharField(10, null=True)
    revoked_at = Moment(null=True)
    revoked_by = fields.CharField(60, null=True)

    class Meta:
        table = "api_key"
