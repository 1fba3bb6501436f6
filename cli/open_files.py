"""How many connections the system lets a server or a relay have."""

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.limits import Limits

SPARE = 200
"""Open files that do not belong to a member: handshakes in progress, logs, and what Python needs."""


def open_files_for(members: int | None) -> int:
    """How many may be inside: what was asked for, if the system lets us open as many files. Raises Usage where it does not."""
    wanted = members or Limits.connections
    most = allow_open_files(wanted + SPARE)
    if members and most < wanted + SPARE:
        raise Usage(
            f"The system lets a program open {most:,} files here, too few for --members {members}.",
            "Raise it with `ulimit -n`, or LimitNOFILE in a unit of systemd, or choose fewer.",
        )
    return most - SPARE


def allow_open_files(wanted: int) -> int:
    """Have the system let this program open so many files, or as many as it may; how many that is, at most what was wanted."""
    try:
        from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit
    except ImportError:  # Windows, which has no such limit
        return wanted
    soft, hard = getrlimit(RLIMIT_NOFILE)
    most = wanted if hard == RLIM_INFINITY else min(wanted, hard)
    if soft != RLIM_INFINITY and soft < most:
        setrlimit(RLIMIT_NOFILE, (most, hard))
    return most
