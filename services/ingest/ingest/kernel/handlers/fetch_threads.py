"""``fetch-threads``: messages, or an operator, name mails whose whole threads are to be fetched."""

from collections.abc import Mapping
from typing import Any

from ingest.kernel.container import LORE, Container, container
from ingest.kernel.handlers.forms import Form, Forms, Work, checked
from ingest.kernel.handlers.work import attempt, each_message
from ingest.kernel.use_cases.fetch_threads import ThreadFetch, Wanted
from ingest.reading import RECENT, Reading
from ingest.work import read_source
from watchkeeper.entry import LambdaContext, entry_point

SOURCE = "threads"
FORMS: Forms = {
    None: Form(optional={"message_ids": list, "tracked": list, "list": str, "if_missing": bool}),
}


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    if "Records" in event:
        return each_message(event, context, FORMS, lambda work: _do(work, container(), context))
    _do(checked(dict(event), FORMS), container(), context)
    return {"message_ids": list(event.get("message_ids", []))}


def _do(work: Work, kernel: Container, context: LambdaContext) -> None:
    attempt(work, kernel.threads_queue, context, lambda: _read(work, kernel, context), scheduled=False)


def _fetch(work: Work, threads: ThreadFetch, current: Reading) -> list[Wanted]:
    fetch = threads.fetch_missing if work.get("if_missing") else threads.fetch
    return fetch(work.get("message_ids", ()), current, list_name=work.get("list"))


def _read(work: Work, kernel: Container, context: LambdaContext) -> bool:
    left: list[Wanted] = []

    def read(current: Reading) -> bool:
        threads = kernel.thread_fetch()
        current.begin(RECENT)
        threads.link_tracked(work.get("tracked", ()), current)
        left.extend(_fetch(work, threads, current))
        current.go_live()
        current.finish({}, complete=False)
        return True

    read_source(LORE, SOURCE, kernel.progress, context, read)
    for name in dict.fromkeys(name for _, name in left):
        message_ids = [message_id for message_id, wanted_in in left if wanted_in == name]
        kernel.threads_queue.send({**work, "tracked": [], "message_ids": message_ids, "list": name})
    return True
