"""The texts that people are shown: policies become dated, hashed, immutable editions, one per language.

Also who the company is, how it is reached and how long it keeps what, as the policies folder says.
"""

from portal.documents.company import Brand, Channels, Company, channels, company, contrast
from portal.documents.comparison import Change, changes_between, compare
from portal.documents.editions import Edition, editions, in_force, keys, missing_translations, named, numbered, publish
from portal.documents.policies import Source, read_notices, read_source
from portal.documents.rendering import Text
from portal.documents.retention import Retention, retention
from portal.handwritten import Fault, Faulty

__all__ = [
    "Brand",
    "Change",
    "Channels",
    "Company",
    "Edition",
    "Fault",
    "Faulty",
    "Retention",
    "Source",
    "Text",
    "changes_between",
    "channels",
    "company",
    "compare",
    "contrast",
    "editions",
    "in_force",
    "keys",
    "missing_translations",
    "named",
    "numbered",
    "publish",
    "read_notices",
    "read_source",
    "retention",
]
