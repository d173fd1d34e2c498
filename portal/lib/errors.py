"""What a room may say no with. Each carries a sentence that a person can read; app.py maps the kinds to HTTP."""


class Refusal(Exception):
    """A refusal with a sentence for the person; `status` is its HTTP status."""

    status = 400

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class NotFound(Refusal):
    status = 404


class NotAllowed(Refusal):
    status = 403


class Conflict(Refusal):
    """Somebody or something was faster, or the state does not allow it (any more)."""

    status = 409


class Invalid(Refusal):
    """The input is not right; `fields` maps a field's name to what is wrong with it and what to do."""

    status = 422

    def __init__(self, sentence: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.fields = fields or {}


class TooMany(Refusal):
    """Asked too often; `retry_after` is in seconds."""

    status = 429

    def __init__(self, sentence: str, retry_after: int) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class Unavailable(Refusal):
    """We cannot do it now (database, disk); nothing was changed."""

    status = 503
