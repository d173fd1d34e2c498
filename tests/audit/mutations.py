"""Every single-character change of a text, by a few representative characters; none of them leaves it as it was."""

from collections.abc import Iterator

# A digit, letters of both cases, signs of base64, what separates lines and names, a control character, beyond ASCII.
CHARACTERS = '07Aaz+/=-_ \n\r\t.,:"{\x00\x7fé—٧'


def mutations(text: str, characters: str = CHARACTERS) -> Iterator[str]:
    """Each character replaced, left out, doubled or preceded by another one."""
    for at, old in enumerate(text):
        yield text[:at] + text[at + 1 :]
        for new in {*characters, old.swapcase(), chr(ord(old) ^ 1)}:
            if new != old:
                yield text[:at] + new + text[at + 1 :]
            yield text[:at] + new + text[at:]
    for new in characters:
        yield text + new
