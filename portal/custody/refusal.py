"""Why an anchor could not be made."""


class AnchorFailed(Exception):
    """The anchor was not made, or what came back proves nothing; the message is for officers and holds no personal data."""
