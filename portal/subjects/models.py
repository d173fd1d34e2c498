"""Rows about data subjects and the identifiers that point to them."""

from tortoise import fields
from tortoise.models import Model

from portal.db import Bytes, Moment


class Subject(Model):
    """A person. The row holds nothing about them; everything readable lies under their keys."""

    id = fields.CharField(36, primary_key=True)
    created_at = Moment()
    erased_at = Moment(null=True)

    class Meta:
        table = "subject"


class Identifier(Model):
    """An address, number, account or device that points to a person.

    `home` is the subject under whose life key `value` was sealed; it never changes. `subject` is whom it points to now.
    """

    id = fields.CharField(36, primary_key=True)
    kind = fields.CharField(10)
    blind = Bytes()
    blind_key = fields.CharField(8)
    normaliser = fields.BigIntField()
    value = Bytes(null=True)
    home = fields.CharField(36)
    subject = fields.CharField(36)
    audience = fields.CharField(10)
    created_at = Moment()
    verified_at = Moment(null=True)
    first_verified_at = Moment(null=True)
    erased_at = Moment(null=True)

    class Meta:
        table = "identifier"


class Link(Model):
    """The history of which person an identifier points to: append-only, so that a split is exact and "as of" works."""

    id = fields.CharField(36, primary_key=True)
    identifier = fields.CharField(36)
    subject = fields.CharField(36)
    at = Moment()
    by = fields.CharField(60)
    why = fields.CharField(60)

    class Meta:
        table = "link"


class Suppression(Model):
    """An address that asked not to be added again: only its keyed hash, the basis for keeping it, and an end."""

    id = fields.CharField(36, primary_key=True)
    kind = fields.CharField(10)
    hash = Bytes()
    hash_key = fields.CharField(8)
    basis = fields.CharField(120)
    since = Moment()
    ends_at = Moment(null=True)
    by = fields.CharField(60)

    class Meta:
        table = "suppression"


class Spelling(Model):
    """The blind index of the plainest spelling of an e-mail address, where that is another one than its own."""

    identifier = fields.CharField(36, primary_key=True)
    mailbox = Bytes()

    class Meta:
        table = "spelling"


class Duplicate(Model):
    """Two identifiers that may be one person's, why one may think so, and what an officer found."""

    id = fields.CharField(36, primary_key=True)
    one = fields.CharField(36)
    other = fields.CharField(36)
    why = fields.CharField(10)
    since = Moment()
    by = fields.CharField(60)
    state = fields.CharField(10)
    closed_at = Moment(null=True)
    closed_by = fields.CharField(60, null=True)
    reason = fields.CharField(20, null=True)

    class Meta:
        table = "duplicate"
