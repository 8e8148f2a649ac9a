"""Run MiniStack and save its state now and then, not only when it ends.

Executed by the interpreter of MiniStack's own virtual environment: nothing of this repository can be imported here.
MiniStack by itself writes its state only on the way out, so a crash would lose everything since it was started.
"""

import logging
import threading
import time

from ministack import app
from ministack.core.persistence import save_all

SHORTEST_PAUSE = 30.0
SAVING_SHARE = 0.05
"""At most this part of the time goes into saving, however large the state has grown."""

# Queues are saved before the tables: work may then be done twice after a crash, which is harmless, but is not lost.
FIRST = ("sqs", "lambda", "eventbridge")


def main() -> None:
    threading.Thread(target=save_regularly, name="save-regularly", daemon=True).start()
    app.main()


def save_regularly() -> None:
    pause = SHORTEST_PAUSE
    while True:
        time.sleep(pause)
        begin = time.monotonic()
        try:
            save()
        except Exception:
            logging.getLogger("emulator").exception("The state could not be saved this time")
        pause = max(SHORTEST_PAUSE, (time.monotonic() - begin) / SAVING_SHARE)


def save() -> None:
    states = app._build_persistence_save_dict()
    order = sorted(states, key=lambda name: (name not in FIRST, name))
    save_all({name: states[name] for name in order})


if __name__ == "__main__":
    main()
