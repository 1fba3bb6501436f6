"""plytalk/1: Noise XX with hybrid forward secrecy, between two long-lived identities (docs/protocol.md).

    client                                                     server
      | --- preamble: PLYTALK1, the suites it offers ----------> |
      | <-- preamble: the suite chosen, those it knows --------- |
      |     (a one-time code is agreed on here, if there is one) |
      | --- A  e, e1 ------------------------------------------> |     the prologue is both preambles, so that
      | <-- B  e, ee, ekem1, s, es + identity ------------------ |     an edited offer makes B fail
      |     (the authenticators judge the server)                |
      | --- C  s, se [, psk] + identity -----------------------> |
      |                               (and here the client)      |

A suite is a whole Noise protocol name; nothing is mixed and matched. Identities are Ed25519 keys that sign a static key, as
noise-libp2p has it, and until when that counts; each process makes a new static key every hour.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from plytalk.core.contracts.errors import HandshakeFailed, Refused, StackMismatch, Usage, WrongSecret
from plytalk.core.contracts.handshake import Handshake, HandshakeIO, NegotiatingIO, negotiating
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.spans import Passed, Span
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.noise import payload, preamble
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.primitives import X25519
from plytalk.plugins.noise.proof import Proven, Prover
from plytalk.plugins.noise.protocol import NoiseProtocol, named
from plytalk.plugins.noise.suites import CLASSICAL, GREETING, HYBRID, MAX_A, MAX_B, MAX_C, SETS, A, B, C, short_name
from plytalk.trust import identity as identities
from plytalk.trust.folders import user_file

if TYPE_CHECKING:
    from plytalk.core.contracts.audit import Finding, Probe

SECRETS = {"": "no shared secret", "psk": "a pre-shared key (--psk-file)", "code": "a one-time code (--code)"}
"""What the user of each `agreement` gave."""


class Plytalk1(Handshake):
    """Noise XX with ML-KEM-768 beside X25519, between identities that each side proves."""

    name = "plytalk1"
    needs = {Property.BOUNDARIES}
    gives = {Property.STATES, Property.PEER_KEY, Property.FRESHNESS, Property.FORWARD_SECRECY, Property.POST_QUANTUM}
    prefers = {"framer": "u16", "cipher": "noise", "messages": "records", "auth": "known-hosts"}
    shows = {Role.INITIATOR, Role.RESPONDER}
    speaks_first = Role.INITIATOR
    steps = {GREETING: "preamble", A: "message A", B: "message B", C: "message C"}
    variants = {
        "": {},
        **{short_name(suite): {"suite": short_name(suite)} for suite in HYBRID + CLASSICAL},
    }
    options = (
        Option("identity", "Your long-lived key (default: the one `chat keys show` names).", Path, metavar="FILE"),
        Option(
            "suite",
            "Suites to offer or accept: hybrid (default), classical, any, or names such as XX_25519_AESGCM.",
            metavar="NAMES",
            agreed=True,
        ),
    )

    @classmethod
    def configured(cls, options: Mapping[str, Any]) -> type[Self]:
        if all(suite in HYBRID for suite in suites_named(options.get("suite"))):
            return cls
        gives = cls.gives - {Property.POST_QUANTUM}
        caution = (
            "The suites allowed with --suite include some that a future quantum computer can break; `--suite hybrid` has none."
        )
        return type(cls.__name__, (cls,), {"gives": gives, "caution": caution, "__doc__": cls.__doc__})

    def __init__(self, identity: Path | None = None, suite: str | None = None) -> None:
        self._file = identity
        self._suites = suites_named(suite)
        self._key: identities.OwnIdentity | None = None
        self._protocol: Callable[[str], NoiseProtocol] = named

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        file = self._file or user_file("identity")
        self._key, new = identities.load_or_create(file, lambda path: secret(f"Passphrase of {path}: "))
        self.identity = Identity(self._key.public.type, self._key.public.blob)
        return identities.made_known(self._key, new)

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        io = negotiating(io)
        offer = preamble.Offer(preamble.tokens(self._suites, io.agreement))
        await io.send(GREETING, offer.encode())
        reply = await self._answer(io)
        answer = preamble.Answer.decode(reply)
        if answer.chosen not in offer.tokens:  # never less than was offered, and no second try with less
            raise mismatch(offer.tokens, answer.known)
        own = self._prover.current()
        io.answer()
        handshake = await self._start(io, own, answer.chosen, offer.encode(), reply)
        try:
            await io.send(A, handshake.write_message())
            identity = handshake.read_message(await io.receive(B, MAX_B))
            await self._judge(io, handshake, own, identity)  # before the first secret byte leaves
            await io.send(C, handshake.write_message(own.proof))
            return finish(handshake, io)
        finally:
            handshake.forget()  # however it ends

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        io = negotiating(io)
        greeting = await io.receive(GREETING, preamble.MAX_BYTES)
        if not greeting.startswith(preamble.MAGIC):
            raise StackMismatch(
                "The other side runs another handshake than `plytalk1`: it did not begin with its preamble.",
                "Start it with --profile plytalk1, or this side with the layers of the other.",
            )
        offer = preamble.Offer.decode(greeting)
        known = preamble.tokens(self._suites, io.agreement)
        chosen = next((token for token in offer.tokens if token in known), "")
        answer = preamble.Answer(chosen, known).encode()
        await io.send(GREETING, answer)
        if not chosen:
            raise mismatch(known, offer.tokens)
        own = self._prover.current()
        io.answer()
        handshake = await self._start(io, own, chosen, greeting, answer, initiator=False)
        try:
            if handshake.read_message(await io.receive(A, MAX_A)):
                raise HandshakeFailed("The other side sent a payload in a handshake message that must have none.")
            await io.send(B, handshake.write_message(own.proof))
            identity = self._read_last(io, handshake, await io.receive(C, MAX_C))
            await self._judge(io, handshake, own, identity)
            return finish(handshake, io)
        finally:
            handshake.forget()

    @staticmethod
    def _read_last(io: NegotiatingIO, handshake: HandshakeState, message: bytes) -> bytes:
        try:
            return handshake.read_message(message)
        except HandshakeFailed as error:
            if io.agreement:  # it is the first that the pre-shared key protects
                raise WrongSecret from error
            raise

    def seeded(self, draw: Callable[[str, int], bytes]) -> "Plytalk1":
        """For the lab's vectors alone."""
        from plytalk.plugins.noise import seeded

        made = copy(self)
        made._key = seeded.seeded_identity(draw)
        made.identity = Identity(made._key.public.type, made._key.public.blob)
        static = X25519.load(draw("static", X25519.dhlen))
        made._prover = Prover(made._key, X25519, static, lambda: seeded.CLOCK)
        made._protocol = lambda suite: seeded.seeded_protocol(named(suite), draw)
        return made

    def verifpal_model(self, known: Collection[Role], agrees: bool) -> str:
        from plytalk.plugins.noise.verifpal_model import noise_model

        [token] = preamble.tokens(self._suites[:1], "psk" if agrees else "")
        return noise_model(named(preamble.suite(token)), known)

    def fields(self, message: Passed) -> Iterator[Span]:
        from plytalk.plugins.noise import message_spans

        if message.kind == GREETING:
            return message_spans.greeting(message.data)
        chosen = preamble.Answer.decode(message.before[1]).chosen  # both preambles come before the first
        return message_spans.noise_message(named(preamble.suite(chosen)), message.number - 2, message.data)

    def audit(self, probe: "Probe") -> "AsyncIterator[Finding]":
        from plytalk.plugins.noise.plytalk1_audit import audit

        return audit(probe, unknown_client)

    @staticmethod
    async def _answer(io: NegotiatingIO) -> bytes:
        """The server's preamble, which it sends to every client: one that closes instead knows no plytalk/1."""
        try:
            return await io.receive(GREETING, preamble.MAX_BYTES)
        except HandshakeFailed as error:
            if io.has_received:
                raise
            raise StackMismatch(
                "The other side did not answer the handshake `plytalk1`: it runs another stack, or is full.",
                "Ask what the server runs, and choose the same with --profile.",
            ) from error

    async def _start(
        self, io: NegotiatingIO, own: Proven, chosen: str, offer: bytes, answer: bytes, initiator: bool = True
    ) -> HandshakeState:
        psks = [await io.agree()] if io.agreement else []
        protocol = self._protocol(preamble.suite(chosen))
        told = preamble.prologue(offer, answer)
        return HandshakeState(protocol, initiator=initiator, prologue=told, s=own.pair, psks=psks, disclose=io.disclose)

    async def _judge(self, io: NegotiatingIO, handshake: HandshakeState, own: Proven, identity: bytes) -> None:
        try:
            shown = self._identify(handshake, own, identity)
        except payload.WrongDate as refusal:
            await io.refuse(refusal)
        else:
            await io.ask(shown)

    def _identify(self, handshake: HandshakeState, own: Proven, identity: bytes) -> Identity:
        assert handshake.rs is not None
        if handshake.rs == own.pair.public:
            raise Refused("The other side shows this side's own key: someone is sending our messages back.")
        key = payload.decode(identity, handshake.rs, self._prover.clock()).key
        return Identity(identities.KEY_TYPE, key.blob)  # one text for all: a server has thousands of them at rest

    @cached_property
    def _prover(self) -> Prover:
        return Prover(self._own, X25519)

    @property
    def _own(self) -> identities.OwnIdentity:
        if self._key is None:
            raise Usage("There is no identity yet: `ready` comes before the first conversation.")
        return self._key


def unknown_client(suites: Sequence[str], kind: type[identities.OwnIdentity]) -> Plytalk1:
    """The handshake of a client that no server has seen before."""
    handshake = Plytalk1(suite=",".join(suites))
    handshake._key = kind(Ed25519PrivateKey.generate())
    return handshake


def suites_named(names: str | None) -> tuple[str, ...]:
    """The suites that `--suite` names. Raises Usage."""
    known = SETS["any"]
    short = {short_name(suite): (suite,) for suite in known}
    given = [name.strip() for name in (names or "hybrid").split(",")]
    chosen = tuple(suite for name in given for suite in SETS.get(name) or short.get(name) or (name,))
    if unknown := [suite for suite in chosen if suite not in known]:
        raise Usage(f"plytalk/1 has no suite {unknown[0]!r}.", f"Known: {', '.join((*SETS, *known))}.")
    return tuple(dict.fromkeys(chosen))


def mismatch(ours: Sequence[str], theirs: Sequence[str]) -> StackMismatch:
    """In the words of the command line; what these came to on each side is for --debug."""
    here, there = ({secret_of(one) for one in tokens} for tokens in (ours, theirs))
    if here != there:
        said = [" and ".join(sorted(one)) for one in (here, there)]
        hint = "Give both sides the same of --psk-file and --code, or neither."
    else:
        said = [next((f"--suite {name}" for name in SETS if set(SETS[name]) == {*one}), "other suites") for one in (ours, theirs)]
        hint = "Give both the same --suite."
    error = StackMismatch(f"This side has {said[0]} and the other side has {said[1]}.", hint)
    error.add_note(f"Here: {', '.join(ours)}. On the other side: {', '.join(theirs)}.")
    return error


def secret_of(token: str) -> str:
    """What a token says about a shared secret, as its user knows it."""
    return SECRETS.get(preamble.agreement(token), "another kind of secret")


def finish(handshake: HandshakeState, io: NegotiatingIO) -> SessionSecrets:
    suite = handshake.protocol.name
    keys = handshake.split()
    return SessionSecrets(states=(keys.send, keys.receive), suite=suite, transcript=keys.handshake_hash)


@hookimpl
def layers() -> list[type[Plytalk1]]:
    return [Plytalk1]
