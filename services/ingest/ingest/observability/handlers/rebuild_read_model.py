"""``rebuild-read-model``: an operator's function, which rebuilds a read model while it is being read and written.

A call works until little time is left, or for ``seconds``, and returns the progress. Call it again until that is
``done`` or ``stopped``: the latter means that some events cannot be read, and with ``leave_out`` it continues without
them. Without a ``model`` it lists the models, and the rebuilds in progress.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ingest.observability.containers.rebuild_read_model import read_model_rebuilding
from ingest.observability.use_cases.rebuild_read_model import described
from watchkeeper import messages
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.errors import ConditionFailed, ItemNotFound
from watchkeeper.observability.projections import REBUILT

MARGIN_SECONDS = 120
"""No page is started with less: enough to write all its rows."""


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
        return {"error": f"somebody else is rebuilding {messages.told(model)}; call again"}
    return described(str(model), progress)


def _time_in(context: LambdaContext, seconds: object) -> Callable[[], bool]:
    """Whether there is time left, both of the call and of the requested ``seconds``."""
    end = MARGIN_SECONDS * 1000
    if isinstance(seconds, int | float):
        end = max(end, context.get_remaining_time_in_millis() - int(seconds * 1000))
    return lambda: context.get_remaining_time_in_millis() > end
