"""Ports as a cloud needs them, and other programs that occupy them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from local.processes import is_port_free


def six_free_ports() -> int:
    """The first of six in a row; elsewhere in each process, as tests run beside each other."""
    ports = range(42000 + os.getpid() % 10000, 65000)
    return next(port for port in ports if all(map(is_port_free, range(port, port + 6))))


@contextmanager
def taken(port: int) -> Iterator[None]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield
