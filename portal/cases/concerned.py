"""Whose data a request is about: the asker's own, or that of the person for whom somebody asks with a mandate."""

from portal.cases import models


async def identifiers(row: models.CaseRow) -> list[str]:
    """The ids that a request may start from: those proven in it, or those of the person, once the mandate was seen."""
    rows = models.CaseIdentifier if row.requester == "me" else models.Concerned
    return [str(each) for each in await rows.filter(case_id=row.id).values_list("identifier", flat=True)]
