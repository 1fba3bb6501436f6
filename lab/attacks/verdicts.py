"""How each side of an attacked conversation ended, as far as the attacker can tell.

Between two real programs the attacker sees the traffic, and not their screens. A side *refused* if it ended the conversation
before it could talk. It *noticed* the attack if it ended the conversation at once, or if its layers are such that its screen says
so; otherwise it was *deceived*.
"""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

from plytalk.core.contracts.attack import Outcome
from plytalk.core.contracts.errors import Exit
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.lab.attacks.attacker_connection import Progress, StackConnection
from plytalk.lab.attacks.interceptor import FrameInterceptor

SERVER_GOES_ON = "a server does not end, and waits for others"


class Verdict(StrEnum):
    """The verdict on one side of an attack."""

    REFUSED = "refused"
    DECEIVED = "deceived"
    NOTICED = "noticed"
    NOT_ATTACKED = "not attacked"
    NOT_KNOWN = "not known"


def verdicts(interceptor: FrameInterceptor) -> Iterator[str]:
    """A line for each side."""
    for role in Role:
        connection = interceptor.impersonations.get(role)
        left_first = interceptor.closings[:1] == [role]
        if connection:
            verdict, why = of_connection(role, connection, left_first)
        else:
            verdict, why = of_frames(role, interceptor, left_first)
        yield f"verdict, {role.value}: {verdict}. {why}"


def of_connection(role: Role, connection: StackConnection, left_first: bool) -> tuple[Verdict, str]:
    """The verdict on a side that the attacker talked to in the other side's place."""
    match connection.progress:
        case Progress.CONNECTED | Progress.HANDSHAKE_DONE if not left_first:
            return Verdict.NOT_ATTACKED, "The attacker gave up on it before it was let in, since the other side had left."
        case Progress.CONNECTED:
            return Verdict.REFUSED, f"It hung up in the handshake, before it said a word: {_exit_codes(role, connection)}."
        case Progress.HANDSHAKE_DONE:
            code = SERVER_GOES_ON if role is Role.RESPONDER else f"exit code {Exit.HANDSHAKE:d}"
            return Verdict.REFUSED, f"It finished the handshake and did not let the attacker in: {code}."
    told = f"It let the attacker in, who read {connection.heard:,} of its frames; it was told {connection.told:,} by the attacker"
    if Property.CLEAN_END in connection.messages.gives and left_first and not connection.said_goodbye:
        return Verdict.NOTICED, f"{told}, and hung up without a goodbye."
    return Verdict.DECEIVED, f"{told}."


def _exit_codes(role: Role, connection: StackConnection) -> str:
    if role is Role.RESPONDER:
        return SERVER_GOES_ON
    if connection.agrees:
        return f"exit code {Exit.HANDSHAKE:d}, since the attacker does not know the secret"
    return f"exit code {Exit.CHANGED_PEER:d} if it knows another key for this address, {Exit.HANDSHAKE:d} if it knows none"


def of_frames(role: Role, interceptor: FrameInterceptor, left_first: bool) -> tuple[Verdict, str]:
    """The verdict on a side that was sent what the other side did not send, or not sent what it did."""
    since = interceptor.attacked.get(role)
    if since is None:
        return Verdict.NOT_ATTACKED, "Everything that it was sent came from the other side, as it was."
    if not interceptor.may_talk(role):
        end = "hung up" if left_first else "did not finish it"
        code = SERVER_GOES_ON if role is Role.RESPONDER else f"exit code {Exit.HANDSHAKE:d}"
        return Verdict.REFUSED, f"It {end} in the handshake: {code}."
    later = Counter(frame.sender for frame in interceptor.frames[since:])
    if left_first and role not in interceptor.cut_off and not later[role] and later[role.other] <= 1:
        return Verdict.NOTICED, "It ended the conversation at once."
    goes_on = "Its connection was closed, as at an end" if role in interceptor.cut_off else "It went on"
    if interceptor.by_hand:
        return Verdict.NOT_KNOWN, f"{goes_on}; the wire does not tell whether its screen says something."
    if interceptor.attack.predict(interceptor.stack) is Outcome.HELD:
        return Verdict.NOTICED, f"{goes_on}; its layers notice that, and its screen says so."
    return Verdict.DECEIVED, f"{goes_on}; nothing tells it that something is wrong."
