"""What is written for people: templates, their language, and PDFs. Knows no privacy words."""

from portal.paper.languages import _, in_language, language, missing_texts, ngettext, spoken
from portal.paper.numbers import date_text, moment_text
from portal.paper.pdf import Attachment, PdfError, pdf
from portal.paper.reading import pdf_text
from portal.paper.templates import STATIC, address, render, static

__all__ = [
    "STATIC",
    "Attachment",
    "PdfError",
    "_",
    "address",
    "date_text",
    "in_language",
    "language",
    "missing_texts",
    "moment_text",
    "ngettext",
    "pdf",
    "pdf_text",
    "render",
    "spoken",
    "static",
]
