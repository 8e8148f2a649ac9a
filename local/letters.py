"""The dead letters of a stage, through its function `dead-letters`, as readable text."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local.stages import Stage, asking

FUNCTION = "dead-letters"
INDENT = "    "

Json = Mapping[str, Any]


class LettersRefused(Exception):
    """The function could not do what was requested, and says why."""


def counted(stage: Stage) -> Iterator[str]:
    """How many letters each queue has."""
    letters = _ask(stage, action="list")["letters"]
    width = max(map(len, letters))
    yield f"Dead letters of stage {stage.stage}"
    yield from (f"  {queue:<{width}}  {count:>5}" for queue, count in letters.items())
    filled = [queue for queue, count in letters.items() if count]
    if filled:
        where = "" if stage.stage == "local" else f"STAGE={stage.stage} "
        yield f"make dlq {where}QUEUE={filled[0]} lists them"


def listed(stage: Stage, queue: str) -> Iterator[str]:
    """The oldest letters of a queue."""
    answer = _ask(stage, action="list", queue=queue)
    letters = answer["letters"]
    more = ", and there are more" if answer["more"] else ""
    yield f"{queue}: {_letters(len(letters))}{', oldest first' if len(letters) > 1 else ''}{more}"
    for letter in letters:
        yield ""
        yield from _paragraph(letter)


def shown(stage: Stage, queue: str, letter_id: str) -> Iterator[str]:
    """Everything about one letter."""
    letter = _ask(stage, action="show", queue=queue, id=letter_id)["letter"]
    facts = {name: value for name, value in letter.items() if name not in ("work", "record", "attributes")}
    width = max(map(len, facts))
    yield from (f"{name:<{width}}  {plain('-' if value is None else value)}" for name, value in facts.items())
    for part in ("work", "attributes", "record"):
        if letter.get(part):
            yield f"{part}:"
            yield from (INDENT + plain(line) for line in _pretty(letter[part]))


def redriven(stage: Stage, queue: str, letter_id: str | None) -> tuple[list[str], bool]:
    """The lines about redriven letters, and whether all were redriven."""
    return _settled(_ask(stage, action="redrive", queue=queue, **_one(letter_id)), "redriven", "Sent again")


def dropped(stage: Stage, queue: str, letter_id: str | None, reason: str) -> tuple[list[str], bool]:
    """The lines about dropped letters, and whether all were dropped."""
    answer = _ask(stage, action="drop", queue=queue, reason=reason, **_one(letter_id))
    return _settled(answer, "dropped", "Dropped")


def _settled(answer: Json, what: str, word: str) -> tuple[list[str], bool]:
    done, failed = answer[what], answer["failed"]
    lines = [f"{word}: {_letters(len(done))} of {answer['queue']}."]
    if failed:
        lines.append(f"Still there: {_letters(len(failed))}.")
        lines += [f"  {one['id']}  {plain(one['reason'])}" for one in failed]
    if "stopped" in answer:
        lines.append(f"It was stopped: {plain(answer['stopped'])}. Do it again.")
    elif answer["more"]:
        lines.append("There are more than there was time for: do it again.")
    return lines, not failed and not answer["more"]


def _ask(stage: Stage, **request: str) -> Json:
    with asking(stage):
        answer = stage.client("lambda").invoke(FunctionName=stage.name(FUNCTION), Payload=json.dumps(request).encode())
        payload = json.loads(answer["Payload"].read() or "null")
    if answer.get("FunctionError"):
        said = payload or {}
        raise LettersRefused(f"{FUNCTION} failed: {said.get('errorType')}: {plain(said.get('errorMessage'))}")
    if "error" in payload:
        raise LettersRefused(plain(payload["error"]))
    found: Json = payload
    return found


def _paragraph(letter: Json) -> Iterator[str]:
    cause = ": ".join(filter(None, (letter["function"] or letter["kind"], letter["error"])))
    yield f"{letter['id']}  {plain(cause)}"
    if letter["message"]:
        yield INDENT + plain(letter["message"])
    yield INDENT + plain(", ".join(_circumstances(letter)))
    yield INDENT + plain(letter["work"])


def _circumstances(letter: Json) -> Iterable[str]:
    if letter["failed_at"]:
        yield f"failed {letter['failed_at']}"
    if letter["receives"] is not None:
        yield f"tried {letter['receives']} times"
    if letter["sent_at"]:
        yield f"sent {letter['sent_at']}"
    yield f"correlation id {letter['correlation_id'] or 'unknown'}"


def _pretty(value: Any) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return text.splitlines()


def plain(value: object) -> str:
    """One line without control sequences: letters quote what strangers wrote."""
    return "".join(character if character.isprintable() else " " for character in str(value))


def _letters(count: int) -> str:
    return "1 letter" if count == 1 else f"{count} letters"


def _one(letter_id: str | None) -> dict[str, str]:
    return {"id": letter_id} if letter_id else {}
