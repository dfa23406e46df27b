"""Running the language server."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout
from typing import Any

from pygls.exceptions import JsonRpcException

from qdsl.lsp.handlers import HANDLERS
from qdsl.lsp.server import Server


def serve() -> int:
    """Serves one client over stdin and stdout until it leaves. 0 if it said so before."""
    logging.getLogger("pygls").setLevel(logging.ERROR)
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_is_a_defect)
    server = Server()
    for method, (answer, options) in HANDLERS.items():
        server.feature(method, options)(_guarded(answer))
    # pygls closes what it writes to, and what is printed must not get into the protocol
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as channel, redirect_stdout(sys.stderr):
        server.start_io(sys.stdin.buffer, channel)
    return 0 if server.left else 1


def _is_a_defect(record: logging.LogRecord) -> bool:
    """pygls also logs what a request is refused with."""
    return not (record.exc_info and isinstance(record.exc_info[1], JsonRpcException))


def _guarded(handler: Callable[[Server, Any], Awaitable[Any]]) -> Callable[[Server, Any], Awaitable[Any]]:
    """A defect of qdsl is logged at the client, and the request answered with nothing."""

    async def guarded(ls: Server, params: Any) -> Any:
        try:
            return await handler(ls, params)
        except (JsonRpcException, asyncio.CancelledError):
            raise
        except Exception:
            ls.log_defect()
            return None

    return guarded
