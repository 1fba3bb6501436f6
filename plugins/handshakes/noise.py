"""Noise (revision 34) with a pattern of your choice, without a preamble: both sides must be given the same protocol name.

    client                                    server
      | --- -> e [payload] ------------------> |      the messages of the pattern, each in its own frame;
      | <-- <- e, ee, s, es [payload] -------- |      here those of XX
      | --- -> s, se [payload] --------------> |

A message in which a static key travels carries the identity payload of noise-libp2p, as in plytalk/1. What libp2p lets follow it
(extensions) is ignored here, and it may lack the expiry; plytalk/1 refuses both. An empty payload shows no identity, which is
all that plain Noise peers have: no authenticator accepts it. All other messages have an empty payload. The authenticators judge
an identity as it comes; that its owner is really there shows, at the latest, when the first record opens (sections 7.7 and 7.8).
"""

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any, Self

from plytalk.core.contracts.errors import HandshakeFailed, Refused, Usage
from plytalk.core.contracts.handshake import Handshake, HandshakeIO, NegotiatingIO, negotiating
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.limits import KIB
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.spans import Passed, Span
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.noise import payload, security, static
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.primitives import KeyPair
from plytalk.plugins.noise.proof import Proven, Prover
from plytalk.plugins.noise.protocol import interactive
from plytalk.trust import identity as identities
from plytalk.trust.folders import user_file

PATTERN, SUITE = "XX", "25519_ChaChaPoly_SHA256"
NOISE = b"N"
MAX_MESSAGE = 8 * KIB
REPLAYABLE = (
    "With the pattern {pattern} the client's part of a handshake can be recorded and played again. So a server lets nobody in "
    "before the client's first record opens."
)
UNDATED = (
    "An identity's proof need not have an expiry here, since libp2p's have none: someone who copies a static key and the proof "
    "for it passes for their owner for ever. The handshake `plytalk1` requires an expiry."
)


class Noise(Handshake):
    """Any interactive Noise pattern; static keys that it sends are tied to identities."""

    name = "noise"
    needs = {Property.BOUNDARIES}
    gives = {Property.STATES, Property.PEER_KEY, Property.FRESHNESS, Property.FORWARD_SECRECY}
    prefers = {"framer": "u16", "cipher": "noise", "messages": "records", "auth": "known-hosts"}
    shows = {Role.INITIATOR, Role.RESPONDER}
    speaks_first = Role.INITIATOR
    options = (
        Option(
            "pattern", "The handshake pattern with its modifiers, such as XX, IK, NNpsk0 or XXhfs.", default=PATTERN, agreed=True
        ),
        Option(
            "noise-suite",
            "The rest of the protocol name (+MLKEM768 is added for hfs).",
            default=SUITE,
            metavar="NAME",
            agreed=True,
        ),
        Option("prologue", "Text that must be the same on both sides.", default="", agreed=True),
        Option("identity", "Your long-lived key (default: the one `chat keys show` names).", Path, metavar="FILE"),
        Option("no-identity", "Show no identity and ask for none: for plain Noise programs.", bool, False, agreed=True),
        Option("static-key", "Keep the static key in this file (hex, made at first use; default: a new one each time).", Path),
        Option("remote-key", "The other side's static key (hex), for patterns that need it in advance.", metavar="HEX"),
    )

    @classmethod
    def configured(cls, options: Mapping[str, Any]) -> type[Self]:
        pattern = interactive(options.get("pattern") or PATTERN, options.get("noise_suite") or SUITE).pattern
        senders = {role for role in Role if "s" in pattern.sent(role is Role.INITIATOR)}
        shows = frozenset() if options.get("no_identity") else frozenset(senders)
        known = "s" in pattern.initiator_pre + pattern.responder_pre
        present = security.proves_presence(pattern)
        holds = {
            Property.STATES: True,
            Property.FRESHNESS: present,
            Property.FORWARD_SECRECY: security.keeps_forward_secrecy(pattern),
            Property.PEER_KEY: bool(shows),
            Property.PEER_IDENTITY: known and bool(options.get("remote_key")),
            Property.POST_QUANTUM: pattern.kem,
        }
        gives = frozenset(prop for prop, true in holds.items() if true)
        prefers = {kind: name for kind, name in cls.prefers.items() if kind != "auth" or Role.RESPONDER in shows}
        cautions = [] if present else [REPLAYABLE.format(pattern=pattern.name)]
        cautions += [UNDATED] if shows else []
        stated = {"shows": shows, "gives": gives, "prefers": prefers, "first_record_proves": not present}
        return type(cls.__name__, (cls,), {"__doc__": cls.__doc__, "caution": " ".join(cautions), **stated})

    def __init__(
        self,
        pattern: str = PATTERN,
        noise_suite: str = SUITE,
        prologue: str = "",
        identity: Path | None = None,
        no_identity: bool = False,
        static_key: Path | None = None,
        remote_key: str | None = None,
    ) -> None:
        self._protocol = interactive(pattern, noise_suite)
        self._prologue = os.fsencode(prologue)
        self._identities, self._identity_file, self._static_file = not no_identity, identity, static_key
        self._remote = static.from_hex(remote_key, self._protocol.dh, "--remote-key") if remote_key else None
        self._static: KeyPair | None = None
        self._prover: Prover | None = None
        self._clock = time.time

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        pattern, initiator = self._protocol.pattern, role is Role.INITIATOR
        needs, told = pattern.needs(initiator), []
        if ("rs" in needs) != bool(self._remote):
            raise Usage(f"The pattern {pattern.name} {'needs' if 'rs' in needs else 'has no use for'} --remote-key here.")
        if "s" in needs:
            self._static = static.load_or_make(self._static_file, self._protocol.dh)
        if self._static and "s" in (pattern.initiator_pre if initiator else pattern.responder_pre):
            told.append(f"The other side must be given this one's static key: --remote-key {self._static.public.hex()}")
        if self._static and self._identities and "s" in pattern.sent(initiator):
            file = self._identity_file or user_file("identity")
            own, new = identities.load_or_create(file, lambda path: secret(f"Passphrase of {path}: "))
            self.identity = Identity(own.public.type, own.public.blob)
            known = self._static_file or "s" in (pattern.initiator_pre if initiator else pattern.responder_pre)
            self._prover = Prover(own, self._protocol.dh, self._static if known else None, lambda: self._clock())
            told += identities.made_known(own, new)
        return told

    def seeded(self, draw: Callable[[str, int], bytes]) -> Self:
        """For the lab's vectors alone."""
        from plytalk.plugins.noise import seeded

        made = copy(self)
        made._protocol = seeded.seeded_protocol(self._protocol, draw)
        made._clock = lambda: seeded.CLOCK
        pattern = self._protocol.pattern
        if "s" in pattern.needs(True) | pattern.needs(False):
            made._static = made._protocol.dh.load(draw("static", made._protocol.dh.dhlen))
            if self._identities:
                own = seeded.seeded_identity(draw)
                made.identity = Identity(own.public.type, own.public.blob)
                made._prover = Prover(own, made._protocol.dh, made._static, lambda: seeded.CLOCK)
        return made

    def verifpal_model(self, known: Collection[Role], agrees: bool) -> str:
        from plytalk.plugins.noise.verifpal_model import noise_model

        return noise_model(self._protocol, known, self._identities)

    def fields(self, message: Passed) -> Iterator[Span]:
        from plytalk.plugins.noise import message_spans

        return message_spans.noise_message(self._protocol, message.number, message.data)

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        return await self._run(negotiating(io), initiator=True)

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        return await self._run(negotiating(io), initiator=False)

    async def _run(self, io: NegotiatingIO, initiator: bool) -> SessionSecrets:
        pattern = self._protocol.pattern
        if bool(pattern.psks) != bool(io.agreement):
            wrong = "takes a pre-shared key, and nothing brings one" if pattern.psks else "takes no pre-shared key"
            raise Usage(f"The pattern {pattern.name} {wrong}.", "Give --psk-file with a psk pattern, and only with one.")
        psks = [await io.agree()] * pattern.psks if pattern.psks else []  # the same secret for each psk token
        own = self._prover.current() if self._prover else Proven(self._static, b"") if self._static else None
        handshake = HandshakeState(
            self._protocol, initiator=initiator, prologue=self._prologue, s=own and own.pair, rs=self._remote, psks=psks,
            disclose=io.disclose,
        )  # fmt: skip
        try:
            for tokens in pattern.messages:
                if handshake.my_turn:
                    await io.send(NOISE, handshake.write_message(own.proof if own and "s" in tokens else b""))
                else:
                    said = handshake.read_message(await io.receive(NOISE, MAX_MESSAGE))
                    await self._judge(io, own, handshake.rs if "s" in tokens else None, said)
            keys = handshake.split()
        finally:
            handshake.forget()
        return SessionSecrets(states=(keys.send, keys.receive), suite=self._protocol.name, transcript=keys.handshake_hash)

    async def _judge(self, io: NegotiatingIO, own: Proven | None, key: bytes | None, said: bytes) -> None:
        if key is None:
            if said:
                raise HandshakeFailed("The other side sent a payload in a handshake message that must have none.")
        elif own and key == own.pair.public:
            raise Refused("The other side shows this side's own key: someone is sending our messages back.")
        elif said and self._identities:
            await self._identify(io, own, key, said)

    async def _identify(self, io: NegotiatingIO, own: Proven | None, key: bytes, said: bytes) -> None:
        try:
            shown = payload.decode(said, key, self._clock(), foreign=True)
        except payload.WrongDate as refusal:
            await io.refuse(refusal)
            return
        if shown.dated and own and own.dated:  # both sides are plytalk, and use its first record
            io.answer()
        await io.ask(Identity(shown.key.type, shown.key.blob))


@hookimpl
def layers() -> list[type[Noise]]:
    return [Noise]
