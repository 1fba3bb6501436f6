"""The look from outside: by which profile a server is recognised, what of it is a failure, and what an unknown one is told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet

import pytest
from doors import Doors, Guest, greets
from msgspec.structs import replace

from plytalk.core.contracts.audit import Finding, Grade, Probe
from plytalk.core.contracts.errors import CannotConnect, HandshakeFailed
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Profile, Property
from plytalk.lab.attacks import clock
from plytalk.lab.audit.report import Known, Report, audit
from plytalk.testing.endpoints import stack_of
from plytalk.testing.parts import GivenKeys, TypedFrames

FOUND = Finding(Grade.GOOD, "identity", "It is there.")


class Asks(GivenKeys):
    """The client speaks first: a server that answers at all is one of these."""

    name = "test-asks"
    speaks_first = Role.INITIATOR

    async def audit(self, probe: Probe) -> AsyncIterator[Finding]:
        async with probe.io() as io:
            await io.send(b"K", b"who are you?")
            await io.receive(b"A", 100)
        yield FOUND


class Waits(GivenKeys):
    """The server speaks first, so its greeting tells."""

    name = "test-waits"
    speaks_first = Role.RESPONDER

    async def audit(self, probe: Probe) -> AsyncIterator[Finding]:
        async with probe.io() as io:
            await io.receive(b"G", 100)
        yield FOUND


class Interrupted(Waits):
    """Goes away after the first answer."""

    name = "test-interrupted"

    async def audit(self, probe: Probe) -> AsyncIterator[Finding]:
        async for finding in super().audit(probe):
            yield finding
        raise HandshakeFailed("It hung up.")


def known(doors: Doors, handshake: type[Handshake], greeting: bytes = b"") -> Known:
    profile = Profile(handshake.name, "for a test", 1, greeting=greeting)
    return profile, replace(stack_of(handshake), transport=doors)


def look(doors: Doors, profiles: Sequence[Known], required: AbstractSet[Property] = frozenset()) -> Report:
    async def looked() -> Report:
        report = await audit(profiles, "chat.invalid", 1, required=required)
        for guest in doors.guests:
            await guest.gone.wait()  # no connection is left open
        return report

    async def bounded() -> Report:
        return await asyncio.wait_for(looked(), 600)

    return clock.run(bounded())


def answers(guest: Guest) -> None:
    guest.listen(lambda guest: guest.stream.send(TypedFrames().encode(b"A", b"me")))


def test_a_server_that_greets_is_recognised_by_its_greeting() -> None:
    doors = Doors(greets(TypedFrames().encode(b"G", b"welcome")))
    report = look(doors, [known(doors, Asks), known(doors, Interrupted, b"SSH-"), known(doors, Waits, b"G.{4}wel")])
    assert report.profile is not None
    assert report.profile.name == "test-waits"
    assert FOUND in report.findings
    assert len(doors.guests) == 1  # the visit that heard the greeting was used for the first question


def test_a_server_that_waits_is_asked_by_those_who_speak_first() -> None:
    doors = Doors(answers)
    report = look(doors, [known(doors, Waits, b"G"), known(doors, Asks)])
    assert report.profile is not None
    assert report.profile.name == "test-asks"


def test_a_greeting_that_comes_late_still_tells() -> None:
    def late(guest: Guest) -> None:
        guest.listen()
        asyncio.get_running_loop().call_later(3.0, guest.stream.send, TypedFrames().encode(b"G", b"welcome"))

    doors = Doors(late)
    report = look(doors, [known(doors, Asks), known(doors, Waits, b"G")])
    assert report.profile is not None
    assert report.profile.name == "test-waits"


def test_what_the_stack_lacks_is_graded_by_what_is_required() -> None:
    doors = Doors(answers)
    lenient = look(doors, [known(doors, Asks)])
    strict = look(doors, [known(doors, Asks)], {Property.SECRECY})
    lacking = {finding.lacks: finding.grade for finding in lenient.findings}
    assert lacking[Property.SECRECY] is lacking[Property.ORDER] is Grade.WARN
    assert lenient.passed
    assert [finding.lacks for finding in strict.findings if finding.grade is Grade.FAIL] == [Property.SECRECY]
    assert not strict.passed


def test_a_key_that_is_shown_can_be_checked_so_its_identity_is_not_missing() -> None:
    class Shown(Asks):
        gives = {*Asks.gives, Property.PEER_KEY}

    doors = Doors(answers)
    without, shown = (look(doors, [known(doors, handshake)]) for handshake in (Asks, Shown))
    assert Property.PEER_IDENTITY in {finding.lacks for finding in without.findings}
    assert Property.PEER_IDENTITY not in {finding.lacks for finding in shown.findings}


def test_a_server_that_goes_away_meanwhile_keeps_what_was_found() -> None:
    doors = Doors(greets(TypedFrames().encode(b"G", b"welcome")))
    report = look(doors, [known(doors, Interrupted, b"G")])
    assert FOUND in report.findings
    assert report.findings[-1].grade is Grade.WARN
    assert "does not answer another connection" in report.findings[-1].says
    assert "It hung up." in report.findings[-1].says


def test_a_greeting_of_nobody_s_is_shown_without_what_a_terminal_would_obey() -> None:
    doors = Doors(greets(b"\x1b]0;owned\x07SSH-2.0"))
    report = look(doors, [known(doors, Waits, b"G")])
    [finding] = report.findings
    assert (report.profile, report.passed, finding.grade) == (None, False, Grade.FAIL)
    assert "SSH-2.0" in finding.says
    assert "\x1b" not in finding.says


def test_who_says_nothing_may_be_a_plaintext_chat_and_fails_where_secrecy_is_required() -> None:
    doors = Doors()
    report = look(doors, [known(doors, Asks)], {Property.SECRECY})
    [finding] = report.findings
    assert (report.profile, report.passed) == (None, False)
    assert "does not answer test-asks" in finding.says


def test_nobody_there_is_no_report() -> None:
    doors = Doors()
    doors.open = False
    with pytest.raises(CannotConnect):
        look(doors, [known(doors, Asks)])
