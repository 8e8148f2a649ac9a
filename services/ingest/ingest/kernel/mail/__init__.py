"""Mails of kernel lists: extracted from an mboxrd stream, and parsed."""

from ingest.kernel.mail.mboxrd import split
from ingest.kernel.mail.model import Mail
from ingest.kernel.mail.parser import parse

__all__ = ["Mail", "parse", "split"]
