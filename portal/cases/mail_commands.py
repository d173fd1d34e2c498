"""`portal mail-in`: what a mail server's pipe hands over, one message on standard input.

Answers as sysexits.h has it: 0 taken, 65 not a message we can take (the mail server returns it to its sender), 75 try again.
"""

import argparse
import sys
from typing import Any

from portal.cases import mail_in

TAKEN, NOT_A_MESSAGE, TRY_AGAIN = 0, 65, 75


def add_commands(subparsers: "argparse._SubParsersAction[Any]") -> None:
    what = "take one e-mail from standard input: it becomes a request, joins its thread, or waits for an officer"
    parser = subparsers.add_parser("mail-in", help=what, description=what)
    parser.set_defaults(run=run_mail_in, trouble=TRY_AGAIN)


async def run_mail_in(args: argparse.Namespace) -> int:
    raw = sys.stdin.buffer.read(mail_in.LARGEST + 1)
    if not raw.strip() or len(raw) > mail_in.LARGEST:
        print(f"A message has 1 to {mail_in.LARGEST} bytes.", file=sys.stderr)
        return NOT_A_MESSAGE
    await mail_in.take(raw)
    return TAKEN
