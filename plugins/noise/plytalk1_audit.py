"""An audit of a plytalk/1 server from outside: its suites, its key, the clients that it admits, and what it refuses.

The audit uses a new identity, so that it reveals nothing about the person who runs it.
"""

from collections.abc import AsyncIterator, Callable, Sequence

from plytalk.core.contracts.audit import Finding, Grade, Probe
from plytalk.core.contracts.errors import CannotConnect, RemoteError
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.peers import Identity
from plytalk.core.contracts.properties import Property
from plytalk.plugins.noise import preamble
from plytalk.plugins.noise.primitives import MLKEM768, X25519
from plytalk.plugins.noise.suites import GREETING, HYBRID, MAX_B, SETS, A, B
from plytalk.trust.identity import OwnIdentity

UNHEARD_OF = "Noise_UnheardOf"
MALFORMED = b"GET / HTTP/1.1\r\n"


class Forger(OwnIdentity):
    """An identity whose signatures are over another message."""

    def sign(self, message: bytes) -> bytes:
        return super().sign(b"not " + message)


MakeClient = Callable[[Sequence[str], type[OwnIdentity]], Handshake]
"""Makes the handshake of an unknown client from the suites that it offers and the kind of its identity."""


async def audit(probe: Probe, client: MakeClient) -> AsyncIterator[Finding]:
    """Audit a server. Raises RemoteError if it does not speak plytalk/1."""
    answer = await offered(probe, (UNHEARD_OF, *SETS["any"]))
    agreement = next((way for way in ("code", "psk") if any(_brings(token, way) for token in answer.known)), "")
    yield Finding(Grade.GOOD, "protocol", "It speaks plytalk/1, and ignores suites that it does not know.")
    keys: dict[Identity, None] = {}
    if agreement == "code":  # another connection would use up one of the five guesses
        accepted = [suite for suite in SETS["any"] if preamble.tokens([suite], agreement)[0] in answer.known]
    else:
        named = [suite for suite in SETS["any"] if preamble.tokens([suite], agreement)[0] in answer.known]
        others = [suite for suite in SETS["any"] if suite not in named]
        # All others at once: after several failures, the server refuses the auditor.
        if others and await shown(probe, client, others, agreement):
            named = [*SETS["any"]]
        accepted = []
        for suite in named:
            if key := await shown(probe, client, [suite], agreement):
                accepted.append(suite)
                keys[key] = None
    for finding in (*about_suites(accepted, answer, agreement), *about_keys(list(keys), agreement)):
        yield finding
    if accepted and not agreement:
        yield await preferred(probe, accepted, answer.chosen)
    async for finding in probe.habits(GREETING, MALFORMED):
        yield finding
    if agreement:
        means = {"psk": "a pre-shared key", "code": "a one-time code, with five guesses in all"}[agreement]
        yield Finding(Grade.GOOD, "access", f"Only peers that know {means} get in.")
    elif accepted:
        yield await low_order(probe, accepted[0])
        yield await forged(probe, client, accepted)
        yield await admitted(probe, client, accepted)  # last: a server for one conversation ends after it


def _brings(token: str, agreement: str) -> bool:
    return "psk3" in token and token.endswith("/code") == (agreement == "code")


async def offered(probe: Probe, tokens: Sequence[str]) -> preamble.Answer:
    """Return the server's answer to an offer. Raises RemoteError."""
    async with probe.io() as io:
        await io.send(GREETING, preamble.Offer(tuple(tokens)).encode())
        return preamble.Answer.decode(await io.receive(GREETING, preamble.MAX_BYTES))


async def answers(probe: Probe, tokens: Sequence[str]) -> bool:
    """Whether the server still answers an offer."""
    try:
        await offered(probe, tokens)
    except (RemoteError, CannotConnect):
        return False
    return True


async def shown(probe: Probe, client: MakeClient, suites: Sequence[str], agreement: str) -> Identity | None:
    """Return the key that the server proves if only these suites are offered; None if it accepts none of them."""
    try:
        return await probe.key_shown_to(client(suites, OwnIdentity), agreement)
    except RemoteError:
        return None


def about_suites(accepted: Sequence[str], answer: preamble.Answer, agreement: str) -> list[Finding]:
    """Return a finding for each suite, and for each contradiction between the server's answer and its behaviour."""
    found = []
    for suite in accepted:
        if suite in HYBRID:
            found.append(Finding(Grade.GOOD, "suite", f"It accepts {suite}."))
        else:
            says = f"It accepts {suite}, which a future quantum computer can break."
            found.append(Finding(Grade.WARN, "suite", says, "Start it with --suite hybrid.", lacks=Property.POST_QUANTUM))
    named = [suite for suite in SETS["any"] if preamble.tokens([suite], agreement)[0] in answer.known]
    for suite in (suite for suite in SETS["any"] if (suite in named) != (suite in accepted)):
        says = f"It names {suite} and does not take it." if suite in named else f"It takes {suite} and does not name it."
        found.append(Finding(Grade.FAIL, "suite", says, "It violates the protocol: update it."))
    if not accepted:
        found.append(Finding(Grade.FAIL, "suite", f"It has no suite that is known here: {', '.join(answer.known)}."))
    return found


def about_keys(keys: Sequence[Identity], agreement: str) -> list[Finding]:
    if len(keys) > 1:
        says = f"It shows different keys under different suites: {', '.join(key.fingerprint for key in keys)}."
        return [Finding(Grade.FAIL, "identity", says, "Ask the person who runs it: someone may be between you.")]
    if keys:
        says = f"It proves the key {keys[0].algorithm} {keys[0].fingerprint}."
        return [
            Finding(Grade.GOOD, "identity", says, f"Compare it with what the server prints; then --peer {keys[0].fingerprint}")
        ]
    if agreement:
        return [Finding(Grade.GOOD, "identity", "It shows its key only to peers that know the code.")]
    return []


async def preferred(probe: Probe, accepted: Sequence[str], first: str) -> Finding:
    """Find out whose order of suites decides. `first` is the server's choice when they were offered in order."""
    if len(accepted) > 1 and first == (await offered(probe, list(reversed(accepted)))).chosen:
        return Finding(Grade.GOOD, "preference", f"It takes {first} first, whatever the client's order.")
    return Finding(Grade.GOOD, "preference", f"The client's order decides; offered {accepted[0]} first, it takes {first}.")


async def low_order(probe: Probe, suite: str) -> Finding:
    """Send a first message whose key makes every shared secret zero (RFC 7748, section 6.1)."""
    kem = MLKEM768.generate_keypair().public if suite in HYBRID else b""
    async with probe.io() as io:
        await io.send(GREETING, preamble.Offer((suite,)).encode())
        await io.receive(GREETING, preamble.MAX_BYTES)
        await io.send(A, bytes(X25519.dhlen) + kem)
        try:
            await io.receive(B, MAX_B)
        except RemoteError:
            return Finding(Grade.GOOD, "robustness", "It refuses a key of low order.")
    return Finding(Grade.FAIL, "robustness", "It answers a key of low order.", "It violates the protocol: update it.")


async def forged(probe: Probe, client: MakeClient, accepted: Sequence[str]) -> Finding:
    """Show an identity that did not sign this handshake's static key."""
    if await probe.lets_in(client(accepted, Forger)):
        says = "It lets in a client that shows someone else's key without proving it."
        return Finding(Grade.FAIL, "access", says, "It violates the protocol: update it.")
    return Finding(Grade.GOOD, "access", "It refuses an identity without proof.")


async def admitted(probe: Probe, client: MakeClient, accepted: Sequence[str]) -> Finding:
    """Find out whether a client with a new key is admitted."""
    match await probe.lets_in(client(accepted, OwnIdentity)):
        case True:
            says = "It lets in anyone who can reach it."
            return Finding(
                Grade.WARN, "access", says, "Start it with --allow FILE, --psk-file FILE or --code, if it is not for everyone."
            )
        case False if not await answers(probe, accepted):
            says = "It turns away a source whose handshakes fail often, as this audit's did: who may come in was not seen."
            return Finding(Grade.GOOD, "access", says)
        case False:
            return Finding(Grade.GOOD, "access", "It does not let strangers in, or someone is talking to it now.")
    return Finding(Grade.GOOD, "access", "It does not say whether a stranger may come in: perhaps a person is being asked.")
