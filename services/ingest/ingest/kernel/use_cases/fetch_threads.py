"""Fetch whole threads: those of new mails whose parent is missing, and those that are requested."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ingest.kernel.lore import Lore
from ingest.kernel.mail import Mail, parse
from ingest.kernel.use_cases.count_weeks import ask_to_count
from ingest.kernel.use_cases.keep_mails import MailKeeper, Weeks
from ingest.reading import Reading
from watchkeeper.clock import Clock
from watchkeeper.queues import WorkQueue

Wanted = tuple[str, str]
"""A mail, and the list in which its thread is searched."""


@dataclass(frozen=True, slots=True)
class ThreadFetch:
    client: Lore
    keeper: MailKeeper
    statistics: WorkQueue
    clock: Clock
    lists: Sequence[str]
    """The watched lists; a thread is searched in each of them."""

    def fetch(self, message_ids: Iterable[str], reading: Reading, *, list_name: str | None = None) -> list[Wanted]:
        """Store the threads of these mails as the lists have them. Returns the mails there was no time for."""
        self._count_weeks(reading)
        left = self._wanted(dict.fromkeys(message_ids), list_name)
        while left and not reading.out_of_time():
            self._fetch_one(*left.pop(0), reading)
        return left

    def fetch_missing(
        self, message_ids: Iterable[str], reading: Reading, *, list_name: str | None = None
    ) -> list[Wanted]:
        """The same for mails that may have been stored meanwhile, from a list or with the thread of another one."""
        self._count_weeks(reading)
        left = self._wanted(self.keeper.threading.missing(message_ids), list_name)
        while left and not reading.out_of_time():
            self._fetch_one(*left.pop(0), reading)
            missing = set(self.keeper.threading.missing(message_id for message_id, _ in left))
            left = [(message_id, name) for message_id, name in left if message_id in missing]
        return left

    def _wanted(self, message_ids: Iterable[str], list_name: str | None) -> list[Wanted]:
        lists = (list_name,) if list_name else self.lists
        return [(message_id, name) for message_id in message_ids for name in lists]

    def link_tracked(self, message_ids: Iterable[str], reading: Reading) -> None:
        """Link replies to mails that Patchwork tracks as patches although they do not look like patches."""
        self.keeper.link_tracked(message_ids, before_write=lambda _: reading.keep_lease())

    def _fetch_one(self, message_id: str, list_name: str, reading: Reading) -> None:
        reading.keep_lease()
        with self.client.thread(list_name, message_id) as raw:
            mails: list[Mail] = [parse(one, now=self.clock()) for one in raw]

        def before_write(weeks: Weeks) -> None:
            reading.save({"weeks": [f"{name}#{week}" for name, week in sorted(weeks)]})

        kept = self.keeper.keep(mails, list_name, before_write=before_write)
        kept.count_in(reading)
        self._count_weeks(reading)

    def _count_weeks(self, reading: Reading) -> None:
        """Queue the weeks noted before a write to be counted: after it, and even if the call was killed during it."""
        if weeks := reading.cursor.get("weeks"):
            ask_to_count(self.statistics, weeks)
            reading.save({})
