"""A frozen case of Ana's, as the package and the evidence file are built from."""

import io
import zipfile
from dataclasses import replace

from portal.cases.snapshot import (
    Category,
    Correction,
    Field,
    LawText,
    Proven,
    Purpose,
    Removal,
    Row,
    Snapshot,
    Step,
    System,
    Table,
)

ANA = "ana@example.com"


def row(key: str, *fields: Field) -> Row:
    return Row(key, fields)


def field(label: str, value: str, *, redacted: str = "", inferred: bool = False) -> Field:
    return Field(label.lower().replace(" ", "_"), label, value, inferred, redacted)


def snapshot_of_ana() -> Snapshot:
    account = Table(
        "customer",
        "Your account",
        (
            row(
                "id=1",
                field("Name", "Ana Pop-Țîrlea"),
                field("E-mail address", ANA),
                field("Phone number", "+40712345678"),
                field("Customer since", "2019-05-04"),
                field("Preferred name", "อนัญญา ศรีสุข"),
                field("Note", ""),
            ),
        ),
    )
    guesses = Table("customer", "Your account", (row("id=1", field("Reader type", "crime, late at night", inferred=True)),))
    lines = tuple(
        row(
            f"id={number}",
            field("Title", title),
            field("Copies", str(1 + number % 3)),
            field("Price in lei", f"{19 + number}.90"),
            field("Ordered on", f"2026-0{1 + number}-1{number}"),
        )
        for number, title in enumerate(["Maitreyi", "Enigma Otiliei", "Pădurea spânzuraților", "สี่แผ่นดิน", "Moromeții"])
    )
    reviews = Table(
        "review",
        "Your reviews",
        (
            row(
                "id=7", field("Book", "Maitreyi"), field("Stars", "5"), field("What you wrote", "Am citit-o într-o noapte. " * 9)
            ),
            row("id=8", field("Book", "Moromeții"), field("Stars", "4"), field("What you wrote", "", redacted="third party")),
            Row("3", (), redacted="legal privilege"),
        ),
    )
    messages = Table(
        "message",
        "Messages we wrote to you",
        tuple(
            row(f"id=m{each}", field("Written", f"2026-10-0{1 + each % 9}T08:15:00Z"), field("Subject", f"Scrisoarea nr. {each}"))
            for each in range(130)
        ),
    )
    return Snapshot(
        case="019aa3b4-7c55-7d01-a2e3-0c9e7f00aa01",
        right="access",
        requester="me",
        language="en",
        law="gdpr",
        law_title="GDPR",
        law_edition="2018-05-25/0123456789ab",
        received_at="2026-11-03T09:12:44Z",
        due_on="2026-12-03",
        due_because=("One month after 3 November 2026.",),
        taken_at="2026-11-21T14:30:00Z",
        answer="fulfilled",
        proven=(Proven("email", "a•••@example.com", ANA, "code", "2026-11-03T09:14:10Z"),),
        systems=(
            System(
                "shop",
                "Shop",
                "2026-11-03T09:20:00Z",
                (
                    Category(
                        "account", "account", (account,), ("Orders",), "3 years after your last sign-in", "you, in the shop"
                    ),
                    Category("inferred", "inferred", (guesses,), origin="our own conclusion from your orders"),
                    Category("orders", "orders", (Table("order_line", "What you ordered", lines),)),
                    Category("reviews", "reviews", (reviews,)),
                ),
                recipients=("Curier Rapid SA",),
            ),
            System("newsletter", "Newsletter", "2026-11-03T09:20:02Z", ()),
            System("portal", "Privacy portal", "2026-11-03T09:19:58Z", (Category("messages", "messages", (messages,)),)),
        ),
        purposes=(
            Purpose(
                "orders",
                "Your orders",
                "Needed to do what you ordered from us.",
                ("Curier Rapid SA",),
                "3 years",
                "orders@2/en",
            ),
            Purpose(
                "newsletter",
                "Newsletter",
                "Only if you say yes. You can take your yes back at any time.",
                ("Columba Mail SRL (sends the letters)",),
                "Until you stop it.",
                "newsletter@7/en",
            ),
        ),
        texts=(LawText("gdpr", "GDPR", "2018-05-25/0123456789ab"), LawText("privacy", "Privacy notice", "privacy@3/en")),
        steps=(
            Step("2026-11-03T09:12:44Z", "case.opened", "A request came in.", "person", "e1"),
            Step("2026-11-03T09:14:10Z", "case.proven", "An identifier was proven for a request.", "person", "e2", "how: code"),
            Step("2026-11-20T10:00:00Z", "case.findings_read", "An officer read what was found about a person.", "officer", "e3"),
            Step(
                "2026-11-21T14:30:00Z",
                "case.proposed",
                "An officer proposed an answer; its snapshot was frozen.",
                "officer",
                "e4",
            ),
        ),
    )


def with_tables(*tables: Table, system: str = "shop") -> Snapshot:
    """Ana's case with other findings."""
    found = System(system, "Shop", "2026-11-03T09:20:00Z", (Category("orders", "orders", tables),))
    return replace(snapshot_of_ana(), systems=(found,))


def erasure_of_ana() -> Snapshot:
    """An erasure that is done, as it is frozen again for the evidence file."""
    law = "Legea contabilității nr. 82/1991, art. 25"
    return replace(
        snapshot_of_ana(),
        right="erasure",
        proven=(Proven("email", "a•••@example.com", "", "code", "2026-11-03T09:14:10Z"),),
        systems=tuple(replace(each, categories=()) for each in snapshot_of_ana().systems),
        removals=(
            Removal("shop", "customer", "Your account", "anonymise", 1, done=1, left=0),
            Removal("shop", "order_line", "What you ordered", "delete", 5, done=5, left=0),
            Removal("shop", "invoice", "Your invoices", "keep", 2, law=law, until="2032-06-30"),
            Removal("newsletter", "subscriber", "Your newsletter address", "delete", 1, done=1, left=0),
            Removal("portal", "decision", "Your choices", "keep", 3, law="GDPR Art. 5(2), 7(1)"),
        ),
    )


def corrected() -> Correction:
    return Correction("phone", "Phone number", "+40712345678", "+40799999999", True, "canary why", "canary statement", True)


def opened(content: bytes) -> dict[str, bytes]:
    """The files of a package by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {each.filename: archive.read(each) for each in archive.infolist()}
