"""What the company promises in public: texts checked against configuration, live tables, commitments that are measured."""

from portal.statement.commands import add_commands
from portal.statement.commitments import Commitment, Measured
from portal.statement.page import Page, page
from portal.statement.publishing import Published, publish, publish_all, rehearse

__all__ = ["Commitment", "Measured", "Page", "Published", "add_commands", "page", "publish", "publish_all", "rehearse"]
