"""What companies report: one item for each statement and fiscal period, kept permanently.

| access pattern | key condition |
|---|---|
| a statement's periods, or some of them | table: `symbol`, `statement` = `<statement>#<period>#<fiscal date ending>` |
| a company's overviews, newest first | table: `symbol`, `statement` = `overview#<day it was first reported>` |
| the progress of its pollenation | table: `symbol`, `statement` = `pollenation` |
| the data of another company, which had the symbol before | table: `symbol`, `statement` = `former#<its id>#…` |

The year and its last quarter end on the same day, so the kind of period is part of the key.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from watchkeeper import records
from watchkeeper.clock import from_iso
from watchkeeper.dynamodb import Between, Item, Keys, Table
from watchkeeper.errors import ConditionFailed, LeaseTaken, NoAnswer
from watchkeeper.markets.models import Asked, Outcome, Overview, Period, Report, Statement

KEYS = Keys("symbol", "statement")

_POLLENATION = "pollenation"
_FORMER = "former"
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Pollenation:
    """How far the fundamentals of an asset have been requested, and by whom."""

    symbol: str
    asked: Mapping[Statement, Asked] = field(default_factory=dict)
    claimed_by: str = ""
    claimed_until: datetime | None = None
    edition: int = 0
    """Counts the times this was stored."""
    company: str = ""
    """Whose they are: the asset's id, because its symbol can be reassigned to another company."""

    def is_answered(self, statement: Statement, since: datetime) -> bool:
        """Whether the statement was requested at that moment or later."""
        asked = self.asked.get(statement)
        return asked is not None and asked.at >= since

    def is_claimed_by_another(self, worker: str, now: datetime) -> bool:
        return self.claimed_by not in ("", worker) and self.claimed_until is not None and self.claimed_until > now


class FundamentalsRepository:
    def __init__(self, table: Table) -> None:
        self._table = table

    def reports(
        self,
        symbol: str,
        statement: Statement,
        period: Period,
        *,
        since: date | None = None,
        until: date | None = None,
        descending: bool = True,
        page_size: int = _PAGE,
    ) -> Iterator[Report]:
        """The fiscal periods that ended in these days, both included, newest first."""
        prefix = f"{statement}#{period}#"
        between = Between(prefix + (since.isoformat() if since else ""), prefix + (until.isoformat() if until else "~"))
        found = self._table.query(
            {"symbol": symbol}, sort=("statement", between), descending=descending, page_size=page_size
        )
        return map(report_from_item, found)

    def stored(self, symbol: str, statement: Statement) -> dict[tuple[Period, date], Report]:
        """All periods of a statement."""
        between = Between(f"{statement}#", f"{statement}#~")
        found = self._table.query({"symbol": symbol}, sort=("statement", between), consistent=True)
        return {(report.period, report.fiscal_date_ending): report for report in map(report_from_item, found)}

    def put(self, reports: Iterable[Report]) -> None:
        self._table.batch_put(map(_report_item, reports), keys=KEYS)

    def overviews(
        self, symbol: str, *, since: date | None = None, until: date | None = None, page_size: int = 2
    ) -> Iterator[Overview]:
        """Overviews of the company that were first reported within these days, both included, newest first."""
        low, high = since.isoformat() if since else "", until.isoformat() if until else "~"
        between = Between(f"overview#{low}", f"overview#{high}")
        found = self._table.query({"symbol": symbol}, sort=("statement", between), descending=True, page_size=page_size)
        return map(overview_from_item, found)

    def put_overview(self, overview: Overview) -> None:
        self._table.put(
            {
                "symbol": overview.symbol,
                "statement": f"overview#{overview.last_updated.isoformat()}",
                "record": records.dumps(dict(overview.values)),
            },
            keys=KEYS,
        )

    def set_aside(self, symbol: str, company: str) -> None:
        """Keep everything stored for the symbol as a former company's. It can be interrupted and repeated."""
        told = {str(item["statement"]): item for item in self._table.query({"symbol": symbol}, consistent=True)}
        items = {name: item for name, item in told.items() if not name.startswith((_POLLENATION, _FORMER))}
        former: Iterator[Item] = ({**item, "statement": f"{_FORMER}#{company}#{name}"} for name, item in items.items())
        self._table.batch_put(former, keys=KEYS)
        self._table.batch_delete(items.values(), keys=KEYS)

    def of_period(self, symbol: str, fiscal_date_ending: date) -> list[Report]:
        """The stored reports for a fiscal period, annual or quarterly."""
        day = fiscal_date_ending.isoformat()
        kinds = [statement for statement in Statement if statement is not Statement.OVERVIEW]
        keys = [
            {"symbol": symbol, "statement": f"{statement}#{period}#{day}"} for statement in kinds for period in Period
        ]
        return [report_from_item(item) for item in self._table.batch_get(keys, consistent=True)]

    def pollenation(self, symbol: str, *, consistent: bool = True) -> Pollenation:
        """An empty one for an asset that was never requested."""
        item = self._table.get({"symbol": symbol, "statement": _POLLENATION}, consistent=consistent)
        return _pollenation(item) if item else Pollenation(symbol)

    def keep(self, pollenation: Pollenation) -> Pollenation:
        """Store the progress, changed from what was last read or kept; returns the one to continue with.

        Raises ``LeaseTaken`` if another worker has stored one since.
        """
        kept = replace(pollenation, edition=pollenation.edition + 1)
        try:
            self._table.put(
                _pollenation_item(kept),
                keys=KEYS,
                condition="edition = :read" if pollenation.edition else "attribute_not_exists(edition)",
                values={":read": pollenation.edition} if pollenation.edition else {},
            )
        except ConditionFailed as error:
            raise LeaseTaken(f"another worker pollenates {pollenation.symbol}") from error
        except NoAnswer:
            if not self._is_kept(kept):
                raise
        return kept

    def _is_kept(self, kept: Pollenation) -> bool:
        """Whether it was stored all the same. A worker that assumed it was not would have to wait until its own claim
        expires."""
        wanted = _pollenation_item(kept)
        return self._table.get({name: wanted[name] for name in ("symbol", "statement")}) == wanted


def _report_item(report: Report) -> Item:
    return {
        "symbol": report.symbol,
        "statement": f"{report.statement}#{report.period}#{report.fiscal_date_ending.isoformat()}",
        "record": records.dumps(dict(report.values)),
    }


def report_from_item(item: Item) -> Report:
    statement, period, day = str(item["statement"]).split("#")
    return Report(
        symbol=str(item["symbol"]),
        statement=Statement(statement),
        period=Period(period),
        fiscal_date_ending=date.fromisoformat(day),
        values=records.loads(str(item["record"])),
    )


def overview_from_item(item: Item) -> Overview:
    return Overview(
        symbol=str(item["symbol"]),
        last_updated=date.fromisoformat(str(item["statement"]).partition("#")[2]),
        values=records.loads(str(item["record"])),
    )


def _pollenation_item(pollenation: Pollenation) -> Item:
    asked = {str(statement): records.loads(records.encode(one)) for statement, one in pollenation.asked.items()}
    claim = {"by": pollenation.claimed_by, "until": pollenation.claimed_until} if pollenation.claimed_by else None
    return {
        "symbol": pollenation.symbol,
        "statement": _POLLENATION,
        "edition": pollenation.edition,
        "record": records.dumps(
            {"company": pollenation.company, "asked": asked, **({"claim": claim} if claim else {})}
        ),
    }


def _pollenation(item: Item) -> Pollenation:
    record = records.loads(str(item["record"]))
    claim = record.get("claim", {})
    return Pollenation(
        symbol=str(item["symbol"]),
        company=record.get("company", ""),
        asked={Statement(name): _asked(one) for name, one in record["asked"].items()},
        claimed_by=claim.get("by", ""),
        claimed_until=records.moment(claim.get("until")),
        edition=int(item["edition"]),
    )


def _asked(record: Mapping[str, str]) -> Asked:
    return Asked(
        at=from_iso(record["at"]),
        outcome=Outcome(record["outcome"]),
        digest=record.get("digest", ""),
        reason=record.get("reason", ""),
    )
