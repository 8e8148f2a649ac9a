"""Builds what marks reports as processed: it reads no upstream, and imports nothing that is needed for that."""

import os

from ingest.markets.use_cases.mark_earnings_processed import EarningsMarking
from ingest.settings import Reader
from watchkeeper import aws
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.markets.repositories.earnings import EarningsRepository


def earnings_marking() -> EarningsMarking:
    return EarningsMarking(earnings_repository(), utc_now)


def earnings_repository() -> EarningsRepository:
    """Raises ``ConfigurationError``."""
    read = Reader(os.environ)
    table = read.text("EARNINGS_CALENDAR_TABLE")
    read.complain()
    return EarningsRepository(Table(aws.dynamodb_client(), table))
