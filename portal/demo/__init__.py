"""The demo company, Blue Bird Books: made by calling the rooms' verbs on chosen days, always the same from one seed."""

from portal.demo.company import announce, make
from portal.demo.door import routes

__all__ = ["announce", "make", "routes"]
