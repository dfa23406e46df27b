"""Named locks between processes, which the system gives back when their holder ends, however it ends.

A name is one byte of a lock file, far beyond its end. Where the system has no such locks, every one is free: then
processes may do the same work twice, which costs time and no result.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl


class Locks:
    """The lock file beside another file. They hold against other processes only, and end when any `Locks` of this process
    on the file is closed. Raises OSError when the file cannot be made."""

    def __init__(self, beside: Path) -> None:
        self._file = os.open(beside.with_name(beside.name + ".locks"), os.O_RDWR | os.O_CREAT, 0o666)

    def close(self) -> None:
        os.close(self._file)

    def take(self, name: str) -> bool:
        """Whether the lock is ours now; never waits."""
        if sys.platform == "win32":
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(name))
        except (BlockingIOError, PermissionError):
            return False
        return True

    def release(self, name: str) -> None:
        if sys.platform != "win32":
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(name))


def _place(name: str) -> int:
    """62 bits of a hash: two names never meet, and offsets stay positive."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 2
