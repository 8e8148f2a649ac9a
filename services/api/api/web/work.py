"""The writes of one request, committed in one transaction together with the answer to its ``Idempotency-Key``.

A request's writes and its answer are stored in one transaction: a client that lost the answer and retries with the same
key gets the same answer, and nothing is done twice. (The header is that of the IETF draft "The Idempotency-Key HTTP
Header Field".) Errors are not stored: nothing was written, and the request may be retried.

A request with effects before its commit claims its key first (``issued_at``). The claim holds the time, and reserves
the key while there is no answer. It is not released when the request is rejected: a concurrent duplicate may have had
its effects under the same claim.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from aws_lambda_powertools.event_handler import Response

from api.web.identity import Caller
from api.web.problems import Changed, InvalidParameter, KeyReused, PreconditionFailed
from api.web.requests import Event, header, method
from api.web.responses import version_named
from watchkeeper import records
from watchkeeper.clock import from_iso, to_iso, utc_now
from watchkeeper.dynamodb import Item, Put, Table, Value, Write
from watchkeeper.errors import ConditionFailed
from watchkeeper.people.table import IS_NEW, KEYS, user_key

ANSWERS_KEPT = timedelta(hours=24)
MAX_KEY_CHARACTERS = 255

_IS_FREE = f"{IS_NEW} OR expires_at <= :now"


@dataclass(frozen=True, slots=True)
class _Intended:
    write: Write
    otherwise: Exception
    """Raised if the condition of the write does not hold."""


class Work:
    """The work of one request, from reading its headers to committing its writes. Without ``keeps_answer``, the route
    itself must be idempotent for the same ``key``."""

    def __init__(self, event: Event, caller: Caller, table: Table, *, keeps_answer: bool = True) -> None:
        self.caller = caller
        self.now: datetime = utc_now().replace(microsecond=0)
        self._table = table
        self._intended: list[_Intended] = []
        self._if_match = header(event, "if-match")
        self.key = _key_of(event)
        """The ``Idempotency-Key``; empty if it was not sent."""
        self._keeps_answer = keeps_answer and bool(self.key)
        self._request = _fingerprint(event)
        self._issued_at: datetime | None = None

    @property
    def user(self) -> str:
        return self.caller.user

    def command_id(self) -> str | None:
        """An id for idempotent commands that take effect before the commit: the same for the same request with the same
        ``key`` by the same person, as long as the key is stored. ``None`` without a key."""
        if not self.key:
            return None
        told = f"{self.user}\n{self._request}\n{self.key}\n{to_iso(self.issued_at())}"
        return sha256(told.encode(errors="surrogatepass")).hexdigest()[:32]

    def issued_at(self) -> datetime:
        """When the request first arrived with its ``key``, for results that must be the same on every retry. From then
        on the key belongs to the request, whether an answer is stored or not. Raises ``KeyReused`` if it belongs to a
        different request."""
        if self._issued_at is None:
            self._issued_at = self._claim() if self.key else self.now
        return self._issued_at

    def _claim(self) -> datetime:
        """When the key was claimed: now, or by an earlier attempt of this request."""
        claim: Item = {**self._key_item("CLAIM"), "request": self._request, "issued_at": to_iso(self.now)}
        try:
            self._table.put(self._expiring(claim), keys=KEYS, condition=_IS_FREE, values=self._times)
        except ConditionFailed:
            known = self._table.get(self._key_item("CLAIM"))
            if known is None:
                return self.now
            self._require_own(known)
            return from_iso(str(known["issued_at"]))
        return self.now

    def leave_open(self) -> None:
        """The answer is not final: it is not stored, and a retry of the request with the same ``key`` continues the
        work."""
        self._keeps_answer = False

    def add(self, *writes: Write, otherwise: Exception | None = None) -> None:
        """Write this when the request commits. If one of its conditions does not hold then, ``otherwise`` is raised, or
        ``Changed`` by default, which retries the request."""
        self._intended += [_Intended(write, otherwise or Changed("changed meanwhile")) for write in writes]

    def require_version(self, version: int) -> None:
        """Raises ``PreconditionFailed`` if ``If-Match`` was sent without that version."""
        named = [version_named(tag) for tag in self._if_match.split(",") if not tag.strip().startswith("W/")]
        if self._if_match and "*" not in named and str(version) not in named:
            raise PreconditionFailed("another version")

    def known_answer(self) -> Response[str] | None:
        """The answer to an earlier request with the same key. Raises ``KeyReused`` if that was a different request."""
        item = self._table.get(self._key_item("ANSWER")) if self._keeps_answer else None
        if item is None or int(item["expires_at"]) <= self.now.timestamp():
            return None
        self._require_own(item)
        kept = records.loads(str(item["answer"]))
        return Response(kept["status"], kept["content_type"], kept["body"], kept["headers"])

    def commit(self, answer: Response[str]) -> Response[str]:
        """Write everything. Returns the given answer, unless a concurrent duplicate of this request was faster."""
        kept = [_Intended(self._kept(answer), Changed("answered meanwhile"))] if self._keeps_answer else []
        intended = [*self._intended, *kept]
        try:
            self._table.write([one.write for one in intended], keys=KEYS)
        except ConditionFailed as error:
            if kept and (known := self.known_answer()):
                return known
            raise _first(intended, error.failed).otherwise from error
        return answer

    def _kept(self, answer: Response[str]) -> Put:
        told = {
            "status": answer.status_code,
            "content_type": answer.content_type,
            "body": answer.body,
            "headers": answer.headers,
        }
        item: Item = {**self._key_item("ANSWER"), "request": self._request, "answer": records.dumps(told)}
        return Put(self._expiring(item), _IS_FREE, self._times)

    def _require_own(self, item: Item) -> None:
        if item["request"] != self._request:
            raise KeyReused("another request")

    def _key_item(self, kind: str) -> dict[str, str]:
        """The key of an item that is stored for the ``Idempotency-Key``."""
        name = sha256(self.key.encode(errors="surrogatepass")).hexdigest()
        return {"PK": user_key(self.user), "SK": f"{kind}#{name}"}

    @property
    def _times(self) -> dict[str, Value]:
        return {":now": int(self.now.timestamp())}

    def _expiring(self, item: Item) -> Item:
        expires = int((self.now + ANSWERS_KEPT).timestamp())
        return {**item, "expires_at": expires, "TTL": expires}


def _key_of(event: Event) -> str:
    key = header(event, "idempotency-key") if method(event) == "POST" else ""
    if len(key) > MAX_KEY_CHARACTERS:
        raise InvalidParameter("Idempotency-Key", f"is longer than {MAX_KEY_CHARACTERS} characters")
    return key


def _fingerprint(event: Event) -> str:
    http = event["requestContext"]["http"]
    said = [http["method"], event.get("rawPath", ""), event.get("rawQueryString", ""), event.get("body") or ""]
    return sha256(records.dumps(said).encode()).hexdigest()


def _first(intended: Sequence[_Intended], failed: Sequence[int]) -> _Intended:
    return intended[min(failed)]
