"""The audit of plytalk/1 against servers that do not keep to the protocol: each fault is found, and is the only one found."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace
from stacks import stack_of

from plytalk.core.contracts.audit import Grade
from plytalk.core.contracts.handshake import HandshakeIO, NegotiatingIO
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Identity, SessionSecrets
from plytalk.core.contracts.properties import PROTECTIONS
from plytalk.core.endpoints.server import Server
from plytalk.core.registry.registry import Registry
from plytalk.lab.audit.report import Report, audit
from plytalk.plugins.handshakes import plytalk1
from plytalk.plugins.handshakes.plytalk1 import CLASSICAL, HYBRID, Plytalk1
from plytalk.plugins.noise import payload, preamble
from plytalk.plugins.noise.primitives import DH, X25519, KeyPair
from plytalk.plugins.noise.proof import Prover
from plytalk.trust.identity import OwnIdentity, create


@asynccontextmanager
async def serving(home: Path, kind: type[Plytalk1], *, limits: Limits | None = None, **options: Any) -> AsyncIterator[int]:
    """A server with this handshake, and its port."""
    create(home / "identity")
    stack, memo = stack_of("plytalk1")
    stack = replace(stack, handshake=kind(identity=home / "identity", **options))
    task = asyncio.create_task(Server(stack, Registry().manager.hook, limits=limits).run("127.0.0.1", 0, keep=True))
    try:
        yield int((await memo.address).rpartition(":")[2])
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def audited(port: int, *profiles: str, patience: float = 5.0) -> Report:
    registry = Registry()
    known = [(registry.profile(name), stack_of(name)[0]) for name in profiles or ("plytalk1",)]
    return await audit(known, "127.0.0.1", port, required=frozenset(PROTECTIONS), patience=patience, greeting=0.0)


def failures(report: Report) -> list[str]:
    return [finding.says for finding in report.findings if finding.grade is Grade.FAIL]


def said(report: Report) -> str:
    return "\n".join(finding.says for finding in report.findings)


async def test_a_server_that_keeps_to_the_protocol_has_no_fault(tmp_path: Path) -> None:
    async with serving(tmp_path, Plytalk1) as port:
        report = await audited(port)
    assert report.passed
    assert report.profile
    assert report.profile.name == "plytalk1"


class Trusting(Plytalk1):
    """Does not check what ties an identity to the key of the conversation."""

    def _identify(self, handshake: Any, own: Any, identity: bytes) -> Identity:
        start = len(payload.HEAD)
        key = payload.identity_key(identity[start : start + payload.KEY_BYTES])
        return Identity(key.type, key.blob)


async def test_a_server_that_takes_a_forged_identity_fails(tmp_path: Path) -> None:
    async with serving(tmp_path, Trusting) as port:
        assert failures(await audited(port)) == ["It lets in a client that shows someone else's key without proving it."]


async def test_a_server_that_takes_a_key_of_low_order_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = DH.dh

    def careless(self: DH, pair: KeyPair, public: bytes) -> bytes:
        return original(self, pair, public) if any(public) else bytes(32)

    monkeypatch.setattr(DH, "dh", careless)
    async with serving(tmp_path, Plytalk1) as port:
        assert failures(await audited(port)) == ["It answers a key of low order."]


class ManyFaced(Plytalk1):
    """Shows a new identity in every conversation."""

    @property
    def _own(self) -> OwnIdentity:
        return OwnIdentity(Ed25519PrivateKey.generate())

    @property
    def _prover(self) -> Prover:  # type: ignore[override]
        return Prover(self._own, X25519)


async def test_a_server_that_shows_different_keys_fails(tmp_path: Path) -> None:
    async with serving(tmp_path, ManyFaced) as port:
        (failure,) = failures(await audited(port))
    assert failure.startswith("It shows different keys under different suites: SHA256:")


class Boastful(Plytalk1):
    """Names suites that it does not take."""

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        return await super().respond(Edited(io, known=HYBRID + CLASSICAL))


@NegotiatingIO.register
class Edited:
    """A wire on which the server's answer names other suites."""

    def __init__(self, io: HandshakeIO, known: Iterable[str]) -> None:
        self._io, self._known = io, tuple(known)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._io, name)

    def send(self, kind: bytes, frame: bytes) -> Any:
        if kind == plytalk1.GREETING:
            answer = preamble.Answer.decode(frame)
            named = tuple(dict.fromkeys((*([answer.chosen] if answer.chosen else []), *self._known)))
            frame = preamble.Answer(answer.chosen, named).encode()
        return self._io.send(kind, frame)


async def test_a_server_that_names_what_it_does_not_take_fails(tmp_path: Path) -> None:
    async with serving(tmp_path, Boastful, suite="hybrid") as port:
        found = failures(await audited(port))
    assert {f"It names {suite} and does not take it." for suite in CLASSICAL} <= set(found)


class Stubborn(Plytalk1):
    """Breaks off where it is offered a suite that it has not heard of."""

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        return await super().respond(Picky(io))


class Picky:
    def __init__(self, io: HandshakeIO) -> None:
        self._io = io

    def __getattr__(self, name: str) -> Any:
        return getattr(self._io, name)

    async def receive(self, kind: bytes, limit: int) -> bytes:
        frame = await self._io.receive(kind, limit)
        if kind == plytalk1.GREETING and b"UnheardOf" in frame:
            raise plytalk1.StackMismatch
        return frame


async def test_a_server_that_stumbles_over_new_suites_is_not_taken_for_plytalk1(tmp_path: Path) -> None:
    async with serving(tmp_path, Stubborn) as port:
        report = await audited(port)
    assert report.profile is None
    assert not report.passed


class Patient(Plytalk1):
    """Goes on waiting whatever comes."""

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        try:
            return await super().respond(io)
        except Exception:
            await asyncio.Event().wait()
            raise


async def test_a_server_that_never_gives_up_is_warned_of(tmp_path: Path) -> None:
    async with serving(tmp_path, Patient, limits=Limits(first_byte=60, handshake=60)) as port:
        report = await audited(port, patience=0.5)
    warned = {finding.says for finding in report.findings if finding.grade is Grade.WARN}
    assert "A malformed first frame leaves the connection open." in warned
    assert "An oversize first frame leaves the connection open." in warned


# -- who speaks first ------------------------------------------------------------------------------------------------------


async def test_a_server_that_greets_late_is_known_all_the_same() -> None:
    stack, memo = stack_of("secure-chat")
    task = asyncio.create_task(Server(stack, Registry().manager.hook).run("127.0.0.1", 0, keep=True))
    try:
        port = int((await memo.address).rpartition(":")[2])
        report = await audited(port, "plytalk1", "demo02", "secure-chat")
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert report.profile
    assert report.profile.name == "secure-chat"
    assert "It shows an RSA key with 2048 bits" in said(report)
