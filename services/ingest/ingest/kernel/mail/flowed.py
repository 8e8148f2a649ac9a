"""format=flowed (RFC 3676) undone: soft line breaks joined, stuffed spaces removed."""

from collections.abc import Iterator

_DIFF_STARTS = ("+", "-", " ", "@@", "diff ", "index ", "\t")
_SIGNATURE = "-- "


def unflow(text: str, *, delete_space: bool) -> str:
    """Paragraphs as one line each.

    Quoted lines of a diff are left as they are: their trailing spaces are content, and most mailers that
    quote a patch in a flowed mail do not trim them.
    """
    return "\n".join(_paragraphs(text.split("\n"), delete_space))


def _paragraphs(lines: list[str], delete_space: bool) -> Iterator[str]:
    pending: list[str] = []
    depth = 0
    for line in lines:
        quotes, content = _unstuffed(line)
        if pending and (quotes != depth or content == _SIGNATURE):
            yield _prefixed(depth, "".join(pending))
            pending = []
        depth = quotes
        if _is_soft(quotes, content):
            pending.append(content[:-1] if delete_space else content)
        else:
            yield _prefixed(depth, "".join([*pending, content]))
            pending = []
    if pending:
        yield _prefixed(depth, "".join(pending))


def _unstuffed(line: str) -> tuple[int, str]:
    content = line.lstrip(">")
    return len(line) - len(content), content.removeprefix(" ") if content != _SIGNATURE else content


def _is_soft(quotes: int, content: str) -> bool:
    if not content.endswith(" ") or content == _SIGNATURE or not content.strip():
        return False
    return not (quotes and content.startswith(_DIFF_STARTS))


def _prefixed(depth: int, content: str) -> str:
    return f"{'>' * depth} {content}" if depth else content
