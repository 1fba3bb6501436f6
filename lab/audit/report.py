"""An audit of a server from outside: what anyone who can reach it can find out, graded.

`audit` connects, waits whether the server speaks first, and lets the handshake of the profile that fits ask further.
"""

import asyncio
import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain

from plytalk.core.contracts.audit import Audits, Finding, Grade
from plytalk.core.contracts.errors import CannotConnect, RemoteError
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import MEANINGS, PROTECTIONS, Profile, Property
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.transport import Transport
from plytalk.core.pipeline.handshake_io import FIRST
from plytalk.core.stack.selection import Stack
from plytalk.lab.audit.probe import ServerProbe, UnreadConnection

GREETING, PATIENCE = 2.0, 5.0
"""Seconds to wait for a server that speaks first, and for any answer."""

Known = tuple[Profile, Stack]


@dataclass(frozen=True)
class Report:
    """All findings about a server, and the profile that it speaks; None if it was not recognised."""

    profile: Profile | None
    findings: Sequence[Finding]

    @property
    def passed(self) -> bool:
        """Whether nothing is broken or weaker than the policy wants."""
        return all(finding.grade is not Grade.FAIL for finding in self.findings)


async def audit(
    known: Sequence[Known],
    host: str,
    port: int,
    *,
    required: AbstractSet[Property],
    thorough: bool = False,
    patience: float = PATIENCE,
    greeting: float = GREETING,
) -> Report:
    """Audit a server. A protection of `required` that it lacks is a failure. Raises CannotConnect.

    `known` are the profiles that can be recognised, each with its stack; `patience` and `greeting` are in seconds.
    """
    spare: UnreadConnection | None = await _listen(known[0][1].transport, host, port, greeting)
    assert spare is not None
    first = bytes(spare.data[:FIRST])
    candidates = (
        _greeting_like(known, first) if first else [one for one in known if one[1].handshake.speaks_first is Role.INITIATOR]
    )
    tried: list[str] = []
    try:
        while candidates:
            (profile, stack), *candidates = candidates
            tried.append(profile.name)
            probe = ServerProbe(stack, host, port, spare, thorough, patience)
            spare = None
            if findings := await _ask(probe):
                return Report(profile, [_graded(one, required) for one in chain(_missing(stack), findings)])
            first = first or probe.first
            candidates += [one for one in _greeting_like(known, probe.first) if one[0].name not in tried]
    finally:
        if spare:
            spare.stream.close()
    return Report(None, [_graded(_unknown(first, tried), required)])


async def _listen(transport: Transport, host: str, port: int, seconds: float) -> UnreadConnection:
    unread = UnreadConnection(await transport.connect(host, port))
    unread.stream.deliver_to(unread.receive, unread.ended)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await unread.something.wait()
    return unread


def _greeting_like(known: Sequence[Known], first: bytes) -> list[Known]:
    return [
        (profile, stack)
        for profile, stack in known
        if stack.handshake.speaks_first is Role.RESPONDER and profile.greeting and re.match(profile.greeting, first, re.DOTALL)
    ]


async def _ask(probe: ServerProbe) -> list[Finding]:
    """What the handshake finds out; nothing if the server does not speak it."""
    findings: list[Finding] = []
    handshake = probe.stack.handshake
    if not isinstance(handshake, Audits):
        return findings
    try:
        async for finding in handshake.audit(probe):
            findings.append(finding)
    except (CannotConnect, RemoteError) as error:
        if findings:  # it has answered before
            says = f"It does not answer another connection, so the rest could not be checked. {error}"
            findings.append(
                Finding(Grade.WARN, "access", says, "A server that keeps listening (`--keep`) can be audited completely.")
            )
    return findings


def _missing(stack: Stack) -> list[Finding]:
    """The protections that a stack does not give. Where the server shows a key, its client can check whose it is."""
    given = stack.gives | ({Property.PEER_IDENTITY} if Property.PEER_KEY in stack.gives else set())
    return [_lack(prop, "`chat explain` names the layers that give it.") for prop in PROTECTIONS if prop not in given]


def _lack(prop: Property, advice: str) -> Finding:
    lack = MEANINGS[prop].lack
    return Finding(Grade.WARN, "protection", f"No {prop}: {lack}.", advice, lacks=prop)


def _unknown(first: bytes, tried: Sequence[str]) -> Finding:
    if first:
        says = f"It speaks, but like no profile that is installed: {clean(first[:24].decode('latin-1'))!r}."
        return Finding(Grade.FAIL, "handshake", says, "Check the port: is this a chat?")
    says = f"It says nothing by itself and does not answer {' or '.join(tried)}: a plaintext chat, or no chat at all."
    return Finding(Grade.FAIL, "handshake", says, "Run plytalk with its default stack: `chat serve`.", lacks=Property.SECRECY)


def _graded(finding: Finding, required: AbstractSet[Property]) -> Finding:
    if finding.lacks is None:
        return finding
    return replace(finding, grade=Grade.FAIL if finding.lacks in required else Grade.WARN)
