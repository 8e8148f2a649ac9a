"""Validation of messages for the kernel watch's functions."""

from ingest.reading import MODES
from watchkeeper import messages
from watchkeeper.messages import Form, Forms, Work, WorkRefused, told

__all__ = ["Form", "Forms", "Work", "WorkRefused", "checked", "watched", "work_of"]

_EVERY = {"mode": str, "attempt": int}


def work_of(body: str, forms: Forms) -> Work:
    """Raises ``WorkRefused`` with what is wrong."""
    return checked(messages.work_of(body), forms)


def checked(work: object, forms: Forms) -> Work:
    """The same for a message that is already decoded."""
    every = {task: Form(form.needed, {**_EVERY, **form.optional}) for task, form in forms.items()}
    known = messages.checked(work, every)
    if known.get("mode", MODES[0]) not in MODES:
        raise WorkRefused(f"mode is {told(known['mode'])}; it can be {', '.join(MODES)}")
    return known


def watched(name: str, names: tuple[str, ...]) -> str:
    """The name of a source; raises ``WorkRefused`` for one that is not watched."""
    if name not in names:
        raise WorkRefused(f"{told(name)} is not watched; {', '.join(names) or 'nothing'} is")
    return name
