"""Rows about requests. What a person or an officer said is sealed under the case's key, which falls some time after the
end; the reference under its record key; what systems returned under the person's life key (so that forgetting the person
ends it), bulk as blobs with an end date."""

from tortoise import fields
from tortoise.models import Model

from portal.cases.arrival_rows import Arrival as Arrival
from portal.cases.arrival_rows import ListRow as ListRow
from portal.cases.arrival_rows import MailRow as MailRow
from portal.cases.basis_rows import BasisSearch as BasisSearch
from portal.cases.basis_rows import Watched as Watched
from portal.cases.beside_rows import LegalHold as LegalHold
from portal.cases.beside_rows import Letter as Letter
from portal.cases.beside_rows import ShownProof as ShownProof
from portal.cases.conversation_rows import Attached as Attached
from portal.cases.conversation_rows import Silence as Silence
from portal.cases.conversation_rows import Spoken as Spoken
from portal.cases.mandate_rows import Concerned as Concerned
from portal.cases.mandate_rows import Mandate as Mandate
from portal.db import Bytes, Json, Moment


class CaseRow(Model):
    """One request. The columns that queues filter and sort by are clear and say nothing about who asked."""

    id = fields.CharField(36, primary_key=True)
    reference_digest = Bytes(unique=True)
    reference = Bytes()
    right = fields.CharField(30, source_field="right_name")
    state = fields.CharField(20)
    outcome = fields.CharField(20, default="")
    is_open = fields.BigIntField(default=1)
    law = fields.CharField(30)
    law_edition = fields.CharField(60)
    clock = fields.CharField(30)
    country = fields.CharField(10, default="")
    received_at = Moment()
    created_at = Moment()
    due_on = fields.CharField(10)
    due_because = Json()
    extended_at = Moment(null=True)
    requester = fields.CharField(20)
    language = fields.CharField(10)
    source = fields.CharField(20)
    subject = fields.CharField(36, null=True)
    address_kind = fields.CharField(10)
    address = Bytes()
    details = Bytes()
    challenge = fields.CharField(36, null=True)
    round = fields.BigIntField(default=0)
    version = fields.BigIntField(default=0)
    flags = Json()
    proposed = fields.CharField(20, default="")
    officer = fields.CharField(60, null=True)
    answered_at = Moment(null=True)
    answered_late = fields.BigIntField(default=0)
    closed_at = Moment(null=True)
    contact_until = Moment(null=True)
    asked = Bytes(null=True)
    together = fields.CharField(36, default="")
    appeal_of = fields.CharField(36, null=True)
    restriction = fields.CharField(36, null=True)
    wrote_at = Moment(null=True)
    more_proof = fields.CharField(20, default="")
    reach = fields.CharField(10, default="mail")
    counted_from = Moment(null=True)

    class Meta:
        table = "case_file"


class CaseIdentifier(Model):
    """An identifier proven in this case, and how."""

    id = fields.CharField(36, primary_key=True)
    case_id = fields.CharField(36)
    identifier = fields.CharField(36)
    how = fields.CharField(30)
    proven_at = Moment()

    class Meta:
        table = "case_identifier"


class RecipientRow(Model):
    """Somebody who got data of the person from us, and whether they heard what was done with it (GDPR Art. 19)."""

    id = fields.CharField(36, primary_key=True)
    case_id = fields.CharField(36)
    recipient = fields.TextField()
    state = fields.CharField(20)
    why = Bytes(null=True)
    told_on = Moment(null=True)

    class Meta:
        table = "case_recipient"


class Task(Model):
    """What one system was asked to do. States: waiting · answered · stopped (an officer must look) · void.

    `again`: by which identifiers it deleted, under the case's key.
    """

    id = fields.CharField(36, primary_key=True)
    case_id = fields.CharField(36)
    system = fields.CharField(40)
    label = fields.TextField()
    step = fields.CharField(20)
    round = fields.BigIntField()
    state = fields.CharField(20, default="waiting")
    sentence = fields.TextField(default="")
    attempts = fields.BigIntField(default=0)
    failures = fields.BigIntField(default=0)
    created_at = Moment()
    answered_at = Moment(null=True)
    counts = Json()
    plan_blob = fields.CharField(36, null=True)
    again = Bytes(null=True)

    class Meta:
        table = "case_task"


class FindingRow(Model):
    """All rows of one table of one system about the person; the rows themselves lie in the blob."""

    id = fields.CharField(36, primary_key=True)
    case_id = fields.CharField(36)
    task_id = fields.CharField(36)
    round = fields.BigIntField()
    system = fields.CharField(40)
    category = fields.CharField(60)
    table_name = fields.CharField(100)
    label = fields.TextField()
    row_count = fields.BigIntField()
    about = Json()
    blob_id = fields.CharField(36, null=True)
    keep_until = Moment()
    signs = Bytes(null=True)

    class Meta:
        table = "case_finding"


class Redaction(Model):
    """A field (or with an empty `field` a row) that the person does not get, with the reason's code."""

    id = fields.CharField(36, primary_key=True)
    case_id = fields.CharField(36)
    finding_id = fields.CharField(36)
    row_number = fields.BigIntField()
    field = fields.CharField(100, default="")
    reason = fields.CharField(30)
    by = fields.CharField(60)
    at = Moment()

    class Meta:
        table = "case_redaction"


class Note(Model):
    id = fields.CharField(36, primary_key=True)
    case_id = fields.CharField(36)
    at = Moment()
    by = fields.CharField(60)
    text = Bytes()

    class Meta:
        table = "case_note"


class CorrectionRow(Model):
    """One field that the person wants corrected: what it was, what it shall be, where, and what became of it."""

    id = fields.CharField(36, primary_key=True)
    case_id = fields.CharField(36)
    field = fields.CharField(40)
    old = Bytes(null=True)
    new = Bytes()
    accepted = fields.BigIntField(null=True)
    why = Bytes(null=True)
    statement = Bytes(null=True)
    read_back = fields.BigIntField(null=True)
    targets = Bytes(null=True)
    proven = fields.CharField(36, null=True)

    class Meta:
        table = "case_correction"


class Approval(Model):
    """What was proposed and signed. `decision`: "" while it waits, then approved · sent back · void."""

    id = fields.CharField(36, primary_key=True)
    case_id = fields.CharField(36)
    round = fields.BigIntField()
    answer = fields.CharField(20)
    reasons = Bytes()
    digest = fields.CharField(64)
    snapshot_blob = fields.CharField(36)
    proposed_by = fields.CharField(60)
    proposed_person = fields.CharField(60)
    proposed_at = Moment()
    decision = fields.CharField(20, default="")
    decided_by = fields.CharField(60, null=True)
    decided_person = fields.CharField(60, null=True)
    decided_at = Moment(null=True)
    why = Bytes(null=True)

    class Meta:
        table = "case_approval"


class Hold(Model):
    """Beside the state: clarification, identity, fee, freeze, legal. In force while `lifted_at` is empty."""

    id = fields.CharField(36, primary_key=True)
    case_id = fields.CharField(36)
    kind = fields.CharField(20)
    why = Bytes()
    by = fields.CharField(60)
    since = Moment()
    lifted_by = fields.CharField(60, null=True)
    lifted_at = Moment(null=True)

    class Meta:
        table = "case_hold"


class PackageRow(Model):
    """A file made for a case. Kinds: package · proof (the evidence file) · certificate. `digest` is the snapshot's."""

    id = fields.CharField(36, primary_key=True)
    case_id = fields.CharField(36)
    kind = fields.CharField(20)
    digest = fields.CharField(64)
    sha256 = fields.CharField(64)
    blob_id = fields.CharField(36)
    size = fields.BigIntField()
    made_at = Moment()
    keep_until = Moment()
    opened_at = Moment(null=True)

    class Meta:
        table = "case_package"


class Download(Model):
    """A link that works once, for the session that asked for it."""

    digest = Bytes(primary_key=True)
    package_id = fields.CharField(36)
    session = fields.CharField(36)
    made_at = Moment()
    ends_at = Moment()
    used_at = Moment(null=True)

    class Meta:
        table = "case_download"


class Notice(Model):
    """A neutral warning sent to another proven identifier of the person."""

    digest = Bytes(primary_key=True)
    case_id = fields.CharField(36)
    identifier = fields.CharField(36)
    sent_at = Moment()
    answered_at = Moment(null=True)

    class Meta:
        table = "case_notice"
