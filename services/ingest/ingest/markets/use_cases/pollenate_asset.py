"""Bring the fundamentals of one asset up to date: five calls, each stored before the next is made.

A request made at some time is satisfied by anything read since then, by any worker. So a duplicate or late request
makes no calls, and an interrupted one continues where it was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from ingest.errors import PlanLacksFunction, RequestRefused, RowRefused, Unreadable, UpstreamError
from ingest.markets.alphavantage import AlphaVantage
from ingest.markets.calls import Calls
from ingest.markets.statements import digest_of, parse_overview, parse_reports
from watchkeeper.clock import Clock
from watchkeeper.errors import LeaseTaken, WatchkeeperError
from watchkeeper.events import DomainEvent, EventPublisher
from watchkeeper.logs import logger
from watchkeeper.markets.events import EarningsProcessed, domain_event
from watchkeeper.markets.models import Asked, Asset, Earnings, Outcome, Overview, Report, Statement
from watchkeeper.markets.names import ALPHAVANTAGE
from watchkeeper.markets.repositories.assets import AssetRepository
from watchkeeper.markets.repositories.earnings import EarningsRepository
from watchkeeper.markets.repositories.fundamentals import FundamentalsRepository, Pollenation
from watchkeeper.metrics import POLLENATIONS, UPSTREAM_REFUSED, measure

CLAIM = timedelta(seconds=660)
"""Longer than the function can run: a worker that died blocks the next one no longer than this."""

STEP_SECONDS = 220.0
"""The longest a call takes: 60 seconds of retries, a pause of 30, 100 until the budget allows the last attempt, its own
time-outs of 25, and storing the answer. No call begins with less time left."""

REPORTED_WITHIN = timedelta(days=120)
"""Reports older than this are no longer expected."""

_NEEDED = frozenset(Statement) - {Statement.OVERVIEW}
_EPS = "reportedEPS"
_LATEST_QUARTER = "LatestQuarter"


@dataclass(frozen=True, slots=True)
class Request:
    symbol: str
    made_at: datetime
    correlation_id: str
    last_try: bool = False
    """It will not be retried. An answer that is still unreadable then counts as a refusal: the other statements are
    read, and the asset does not keep the highest priority for ever, at the cost of the others."""


@dataclass(frozen=True, slots=True)
class Worker:
    """The function call that does the work."""

    id: str
    seconds_left: Callable[[], float]


@dataclass(frozen=True, slots=True)
class AssetPollenation:
    client: AlphaVantage
    calls: Calls
    assets: AssetRepository
    fundamentals: FundamentalsRepository
    earnings: EarningsRepository
    publisher: EventPublisher
    refused: Callable[[Sequence[RowRefused]], None]
    """Called with what was refused from an answer."""
    clock: Clock

    def pollenate(self, request: Request, worker: Worker) -> bool:
        """``False`` when the time ran out; the same request continues from there.

        Raises ``ItemNotFound`` for an asset that is not tracked, ``LeaseTaken`` while another worker processes it,
        ``BudgetSpent``, ``UpstreamError`` and ``DeliveryFailed``.
        """
        state = self.fundamentals.pollenation(request.symbol)
        asset = self.assets.get(request.symbol, consistent=True)
        if state.company not in ("", asset.id):
            state = replace(state, asked={})
        if not _is_satisfied(asset, request) and not self._ask_all(state, asset.id, request, worker):
            return False
        self._tell_processed(request)
        return True

    def _ask_all(self, state: Pollenation, company: str, request: Request, worker: Worker) -> bool:
        missing = [statement for statement in Statement if not state.is_answered(statement, request.made_at)]
        if missing:
            _require_free(state, worker, self.clock())
            self.calls.take(len(missing))
        try:
            answered = self._ask_for(missing, state, company, request, worker)
        finally:
            self.calls.give_back()  # those not made, if it ended early
        if answered is None:
            return False
        self._note(answered)
        return True

    def _ask_for(
        self, missing: Sequence[Statement], state: Pollenation, company: str, request: Request, worker: Worker
    ) -> Pollenation | None:
        """The state afterwards; ``None`` when the time ran out."""
        if missing:
            state = self._claim(state, worker)
        try:
            state = self._belonging_to(company, state)
            for statement in missing:
                if worker.seconds_left() < STEP_SECONDS:
                    self._release(state)
                    return None
                state = self._answered(statement, state, request, last=statement is missing[-1])
        except WatchkeeperError:
            self._release(state)
            raise
        return state

    def _claim(self, state: Pollenation, worker: Worker) -> Pollenation:
        return self.fundamentals.keep(replace(state, claimed_by=worker.id, claimed_until=self.clock() + CLAIM))

    def _belonging_to(self, company: str, state: Pollenation) -> Pollenation:
        """Set aside what is stored of another company that had the symbol before: it would pass for this one's."""
        if state.company not in ("", company):
            self.fundamentals.set_aside(state.symbol, state.company)
        return replace(state, company=company)

    def _release(self, state: Pollenation) -> None:
        """Release the claim, so that nobody has to wait until it expires. If that fails, they have to, and the original
        error is raised."""
        try:
            self.fundamentals.keep(_released(state))
        except WatchkeeperError as error:
            logger.warning("a claim is left to run out", symbol=state.symbol, reason=str(error))

    def _answered(self, statement: Statement, state: Pollenation, request: Request, *, last: bool) -> Pollenation:
        asked = self._ask(statement, request, state.asked.get(statement))
        answered = replace(state, asked={**state.asked, statement: asked})
        return self.fundamentals.keep(_released(answered) if last else answered)

    def _ask(self, statement: Statement, request: Request, before: Asked | None) -> Asked:
        """Read a statement and store what is new in it. Its time is that when the call began: it does not satisfy
        requests made after that."""
        at, digest = self.clock(), before.digest if before else ""
        try:
            body = self.client.statement(statement, request.symbol)
            told = self._keep(statement, request.symbol, body, digest) if body else ""
        except (RequestRefused, PlanLacksFunction) as error:
            if isinstance(error, PlanLacksFunction):
                measure(UPSTREAM_REFUSED, 1, upstream=ALPHAVANTAGE)
            return _refused(statement, request, error, at, digest)
        except Unreadable as error:
            if not request.last_try:
                raise
            self.refused([RowRefused(f"{request.symbol} {statement}", str(error))])
            return _refused(statement, request, error, at, digest)
        return Asked(at, Outcome.DATA, told) if told else Asked(at, Outcome.NO_DATA, digest)

    def _keep(self, statement: Statement, symbol: str, body: dict[str, Any], before: str) -> str:
        """The digest of the data; ``""`` if there is none."""
        if statement is Statement.OVERVIEW:
            return self._keep_overview(symbol, body, before)
        return self._keep_reports(statement, symbol, body, before)

    def _keep_reports(self, statement: Statement, symbol: str, body: dict[str, Any], before: str) -> str:
        parsed = parse_reports(statement, body, symbol)
        if not parsed.reports:
            return ""
        digest = digest_of(parsed.reports)
        if digest != before:
            self._store_changed(symbol, statement, parsed.reports)
            self._tell_refused(statement, symbol, parsed.refused)
        return digest

    def _store_changed(self, symbol: str, statement: Statement, reports: Sequence[Report]) -> None:
        stored = self.fundamentals.stored(symbol, statement)
        self.fundamentals.put(
            report for report in reports if stored.get((report.period, report.fiscal_date_ending)) != report
        )

    def _keep_overview(self, symbol: str, body: dict[str, Any], before: str) -> str:
        parsed = parse_overview(body, symbol, self.clock().date())
        if not parsed.overview.values:
            return ""
        digest = digest_of(parsed.overview)
        if digest != before:
            latest = next(self.fundamentals.overviews(symbol), None)
            if latest is None or latest.values != parsed.overview.values:
                self.fundamentals.put_overview(parsed.overview)
            self._tell_refused(Statement.OVERVIEW, symbol, parsed.refused)
        return digest

    def _tell_refused(self, statement: Statement, symbol: str, refused: Sequence[RowRefused]) -> None:
        self.refused([RowRefused(f"{symbol} {statement}: {one.subject}", one.reason) for one in refused])

    def _note(self, state: Pollenation) -> None:
        """The asset is as fresh as the statement read first: a request may have come while the others were read."""
        outcomes = {asked.outcome for asked in state.asked.values()}
        no_data = Outcome.DATA not in outcomes and Outcome.NO_DATA in outcomes
        self.assets.pollenated(state.symbol, min(asked.at for asked in state.asked.values()), no_data=no_data)
        measure(POLLENATIONS, 1, outcome=str(Outcome.NO_DATA if no_data else Outcome.DATA))

    def _tell_processed(self, request: Request) -> None:
        """Publish for each expected report that its fiscal period is stored, if it really is: upstreams have the
        statements later than the news."""
        today = self.clock().date()
        waiting = [
            earnings
            for earnings in self.earnings.of_asset(request.symbol, since=today - REPORTED_WITHIN)
            if earnings.earnings_date <= today and not earnings.processed_at and not earnings.withdrawn_at
        ]
        there = [earnings for earnings in waiting if self._is_there(earnings)]
        if there:
            self.publisher.publish([self._processed(earnings, request) for earnings in there])

    def _is_there(self, earnings: Earnings) -> bool:
        reports = self.fundamentals.of_period(earnings.symbol, earnings.fiscal_date_ending)
        told: set[Statement] = {report.statement for report in reports if report.statement is not Statement.EARNINGS}
        if any(report.statement is Statement.EARNINGS and _EPS in report.values for report in reports):
            told.add(Statement.EARNINGS)
        overview = next(self.fundamentals.overviews(earnings.symbol), None)
        return told >= _NEEDED and overview is not None and _reaches(overview, earnings.fiscal_date_ending)

    def _processed(self, earnings: Earnings, request: Request) -> DomainEvent:
        return domain_event(
            EarningsProcessed(
                symbol=earnings.symbol,
                earnings_date=earnings.earnings_date,
                fiscal_date_ending=earnings.fiscal_date_ending,
            ),
            cause=f"{earnings.symbol}/{earnings.fiscal_date_ending.isoformat()}",
            occurred_at=self.clock(),
            correlation_id=request.correlation_id,
        )


def _is_satisfied(asset: Asset, request: Request) -> bool:
    return asset.last_pollenated is not None and asset.last_pollenated >= request.made_at


def _require_free(state: Pollenation, worker: Worker, now: datetime) -> None:
    """Raises ``LeaseTaken`` while another worker processes it."""
    if state.is_claimed_by_another(worker.id, now):
        raise LeaseTaken(f"another worker pollenates {state.symbol}")


def _refused(statement: Statement, request: Request, error: UpstreamError, at: datetime, digest: str) -> Asked:
    logger.warning("a statement was refused", symbol=request.symbol, statement=str(statement), reason=str(error))
    return Asked(at, Outcome.REFUSED, digest, reason=str(error))


def _released(state: Pollenation) -> Pollenation:
    return replace(state, claimed_by="", claimed_until=None)


def _reaches(overview: Overview, day: date) -> bool:
    """Whether it includes that quarter. One that does not say is assumed to: fields come and go."""
    latest = overview.values.get(_LATEST_QUARTER)
    return latest is None or latest >= day.isoformat()
