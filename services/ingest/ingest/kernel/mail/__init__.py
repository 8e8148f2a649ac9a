"""Mails of kernel lists: taken out of an mboxrd stream, and read."""

from ingest.kernel.mail.mboxrd import split
from ingest.kernel.mail.model import Mail
from ingest.kernel.mail.parser import parse

__all__ = ["Mail", "parse", "split"]
