"""How many connections the system lets a server or a relay have."""

from msgspec.structs import replace

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.limits import DEFAULT_LIMITS, Limits
from plytalk.core.io.standard_streams import tell

SPARE = 200
"""Open files that do not belong to a member: handshakes in progress, logs, and what Python needs."""


def limits_for(members: int | None, ping: float) -> Limits:
    """The limits of a server with room for this many members. Raises Usage where the system does not let us open as many files.

    Where no number was asked for, there is room for the usual one, or for as many as there can be files, and the user is told.
    """
    wanted = members or DEFAULT_LIMITS.connections
    most = allow_open_files(wanted + SPARE)
    if most >= wanted + SPARE:
        return replace(Limits(), connections=wanted, ping=ping)
    few = f"The system lets a program open {most:,} files here"
    if members:
        raise Usage(
            f"{few}, too few for --members {members}.",
            "Raise it with `ulimit -n`, or LimitNOFILE in a unit of systemd, or choose fewer.",
        )
    quarter = most // 4
    connections = max(most - SPARE, quarter)
    tell(f"{few}, so no more than {connections:,} people can be in the chat. Raise it with `ulimit -n`.")
    return replace(Limits(), connections=connections, unauthenticated=min(DEFAULT_LIMITS.unauthenticated, quarter), ping=ping)


def allow_open_files(wanted: int) -> int:
    """Have the system let this program open this many files, or as many as it may; how many that is, at most what was wanted."""
    try:
        from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit
    except ImportError:  # Windows, which has no such limit
        return wanted
    soft, hard = getrlimit(RLIMIT_NOFILE)
    most = wanted if hard == RLIM_INFINITY else min(wanted, hard)
    if soft != RLIM_INFINITY and soft < most:
        setrlimit(RLIMIT_NOFILE, (most, hard))
    return most
