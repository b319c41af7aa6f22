"""A command that serves in the foreground until SIGINT or SIGTERM."""

from __future__ import annotations

import asyncio
import signal


async def until_told() -> None:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    await told.wait()
