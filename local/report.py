"""What the commands report about a stage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from local import samples
from local.board import Section, read_board
from local.cloud import LocalCloud
from local.stages import Stage, StageRefused, asking
from watchkeeper.clock import utc_now

WELCOME = """
The API:  {api}/api/v1

  TOKEN=$(make -s login EMAIL=you@example.org)
  curl -H "Authorization: Bearer $TOKEN" '{api}/api/v1/kernel/patches?limit=5'
  curl -H "Authorization: Bearer $TOKEN" '{api}/api/v1/markets/coverage'
  curl -H "Authorization: Bearer $TOKEN" '{api}/api/v1/me'

A page to try it with: {api}/api/v1/docs

Every AWS client finds this cloud with
  AWS_ENDPOINT_URL={endpoint} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1

make status   shows the status
make grant EMAIL=you@example.org GROUP=Viewer
              lets you look at {api}/api/v1/observability/health with your next token
make seed     makes batches of kefir to look at
make mail     shows the last mail that was sent
make logs FUNCTION=fetch-patches
make down     stops it; the data stays
"""


def welcome(cloud: LocalCloud) -> str:
    return WELCOME.format(api=cloud.api_url, endpoint=cloud.endpoint)


@dataclass(frozen=True)
class Status:
    """The report, and what of it needs attention."""

    lines: Sequence[str]
    troubles: Sequence[str]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def status(stage: Stage) -> Status:
    """Raises `StageRefused` for a stage that cannot be accessed at all."""
    if not isinstance(stage, LocalCloud):
        return _with_board([f"Stage       {stage.stage}", f"API         {_api_url(stage)}"], stage)
    if not stage.is_running:
        stopped = f"The local cloud does not run on port {stage.port}."
        return Status([stopped], [stopped])
    running = [f"Cloud       port {stage.port}, pid {stage.pid}, log {stage.log}", _upstreams(stage)]
    if not stage.is_deployed():
        nothing = "Nothing is deployed on it."
        return Status([*running, nothing], [nothing])
    return _with_board([*running, f"API         {stage.api_url}/api/v1"], stage)


def _with_board(head: Sequence[str], stage: Stage) -> Status:
    sections = read_board(stage, utc_now())
    troubles = [trouble for section in sections for trouble in section.troubles]
    return Status([*head, *board_lines(sections), "", verdict(troubles)], troubles)


def verdict(troubles: Sequence[str]) -> str:
    if not troubles:
        return "all well"
    things = "1 thing needs" if len(troubles) == 1 else f"{len(troubles)} things need"
    return f"{things} a look: {', '.join(troubles)}"


def board_lines(sections: Sequence[Section]) -> list[str]:
    """Aligned over all sections; a line that begins with `!` reports trouble."""
    names = [row.cells[0] for section in sections for row in section.rows]
    width = max(map(len, (*names, *(section.title for section in sections))), default=0)
    return [line for section in sections for line in ("", *_section_lines(section, width))]


def _section_lines(section: Section, width: int) -> Iterator[str]:
    """The first column has the names, the last one is text; those between are right-aligned."""
    table = [(section.title, *section.columns), *(row.cells for row in section.rows)] if section.rows else []
    count = max(map(len, table), default=1)
    widths = [max(len(cells[at]) if at < len(cells) else 0 for cells in table) for at in range(1, count)]
    for number, cells in enumerate(table):
        trouble = section.rows[number - 1].trouble if number else ""
        yield _line("!" if trouble else " ", cells, width, widths, f"! {trouble}" if trouble else "")
    if not section.rows:
        yield f"  {section.title.ljust(width)}  {section.remark}".rstrip()
    if section.unread:
        yield f"! could not be read: {section.unread}"


def _line(mark: str, cells: Sequence[str], width: int, widths: Sequence[int], end: str) -> str:
    others = [*cells[1:], *[""] * (len(widths) - len(cells) + 1)]
    columns = "  ".join(cell.rjust(size) for cell, size in zip(others, widths, strict=True))
    return f"{mark} {cells[0].ljust(width)}  {columns}  {end}".rstrip()


def _api_url(stage: Stage) -> str:
    """As the stack of api outputs it."""
    try:
        with asking(stage):
            stacks = stage.client("cloudformation").describe_stacks(StackName=stage.name("api"))["Stacks"]
    except StageRefused as refusal:
        return f"unknown: {refusal}"
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
    return f"{outputs['ApiUrl']}/api/v1"


def _upstreams(cloud: LocalCloud) -> str:
    pid = samples.pid(cloud)
    return "Upstreams   the samples are not running" if pid is None else f"Upstreams   samples, pid {pid}"
