"""``rebuild-read-model``: an operator's function, which makes a read model anew while it is read and written.

A call goes on until little time is left, or for so many ``seconds``, and says how far it is; it is called again until
that is ``done``, or ``stopped``: then some events cannot be read, and with ``leave_out`` it goes on without them.
Without a ``model`` it says which there are, and which are being made.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ingest.observability.container import read_model_rebuilding
from ingest.observability.use_cases.rebuild_read_model import described
from watchkeeper import messages
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.errors import ConditionFailed, ItemNotFound
from watchkeeper.observability.projections import REBUILT

MARGIN_SECONDS = 120
"""No page is begun with less: all its rows are written in that."""


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    rebuilding, model = read_model_rebuilding(), event.get("model")
    if model is None:
        unfinished = rebuilding.unfinished().items()
        return {"models": list(REBUILT), "rebuilds": {name: described(name, progress) for name, progress in unfinished}}
    try:
        progress = rebuilding.go_on(
            str(model), _time_in(context, event.get("seconds")), leave_out=event.get("leave_out") is True
        )
    except ItemNotFound as error:
        return {"error": str(error)}
    except ConditionFailed:
        return {"error": f"somebody else is making {messages.told(model)} anew; call again"}
    return described(str(model), progress)


def _time_in(context: LambdaContext, seconds: object) -> Callable[[], bool]:
    """Whether there is time left: of the call, and of the ``seconds`` it was asked to work for."""
    end = MARGIN_SECONDS * 1000
    if isinstance(seconds, int | float):
        end = max(end, context.get_remaining_time_in_millis() - int(seconds * 1000))
    return lambda: context.get_remaining_time_in_millis() > end
