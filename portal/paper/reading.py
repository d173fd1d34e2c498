"""The words of a PDF, read back from its bytes."""

from io import BytesIO

from pypdf import PdfReader


def pdf_text(content: bytes) -> str:
    """All that is printed, page by page, and after it what the file says about itself (title, author).

    Where spaces and line ends stand is a guess: whoever compares takes them out on both sides.
    """
    paper = PdfReader(BytesIO(content))
    about = [str(each) for each in (paper.metadata or {}).values()]
    return "\n".join([*(page.extract_text() for page in paper.pages), *about])
