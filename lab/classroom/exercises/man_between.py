"""Exercise 3: man in the middle. The answer is an attack; it must rewrite a line of an encrypted conversation unnoticed."""

from collections.abc import Callable, Iterator, Mapping

from plytalk.core.bases.attacking import Takeover
from plytalk.core.contracts.attack import Attack, Interceptor
from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.peers import Role
from plytalk.core.io.temporary_folder import TemporaryFolder
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.matrix import MatrixRunner
from plytalk.lab.attacks.run import AttackRecord, run_attack
from plytalk.lab.attacks.scenario import Scenario, scenarios
from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.loading import plugin_in, said
from plytalk.lab.classroom.task import AnswerVerdict, Exercise, Files, template

FALLS, HOLDS = "secure-chat", "plytalk1 --suite XX_25519_AESGCM"


def meeting_places(draw: Draw) -> list[str]:
    """The place that the client names, and the one that the server's user is to read."""
    return draw.words("places", 2)


def script(draw: Draw) -> list[tuple[Role, str]]:
    hour = draw.below("hour", 12) + 1
    return [
        (Role.INITIATOR, "Is this line safe?"),
        (Role.RESPONDER, "It is encrypted."),
        (Role.INITIATOR, f"Then meet me at the {meeting_places(draw)[0]} at {hour}."),
        (Role.RESPONDER, "I shall be there."),
    ]


def wanted(draw: Draw) -> list[str]:
    """What the server's user is to read."""
    true, false = meeting_places(draw)
    return [line.replace(true, false) for role, line in script(draw) if role is Role.INITIATOR]


def make(draw: Draw) -> Files:
    task = f"The client will say:\n\n{script(draw)[2][1]}\n\nMake the server's user read:\n\n{wanted(draw)[1]}\n"
    return {"task.txt": task.encode(), "attack.py": template("attack.py")}


def check(draw: Draw, answer: str) -> AnswerVerdict:
    faults: list[str] = []
    attacked = clock.run(measure_both(watched(plugin_in(answer, "attacks", Attack), faults), draw))
    if faults:
        return AnswerVerdict(False, f"Your attack raised {faults[0]}")
    if why := failed(attacked[FALLS], draw):
        return AnswerVerdict(False, why)
    if wanted(draw)[1] in attacked[HOLDS].participants[Role.RESPONDER].shown:
        return AnswerVerdict(False, f"It gets through on {HOLDS}, too. That must be impossible: please report it.")
    return AnswerVerdict(True, "Neither user noticed. On plytalk1, with a key known in advance, the same attack fails.")


def failed(record: AttackRecord, draw: Draw) -> str:
    """Why the attack is not what the task asks for; empty where it is."""
    client, server = (record.participants[role] for role in Role)
    if record.error:
        return f"Your attack raised {record.error.strip().splitlines()[-1]}"
    if record.alarmed:
        return f"Someone noticed: {[*client.alarms, *server.alarms][0]}"
    if server.shown != wanted(draw):
        return f"The server's user read {server.shown!r}. See task.txt."
    if client.shown != server.said:
        return f"The client's user read {client.shown!r}: what the server says has to pass as it is."
    return ""


def watched(kind: type[Attack], faults: list[str]) -> Callable[[], Attack]:
    """The attack, whose faults are noted: a `Takeover` cuts both connections for them, as where someone has noticed."""
    if not issubclass(kind, Takeover):
        return kind

    class Watched(kind):  # type: ignore[misc, valid-type]
        async def take_over(self, interceptor: Interceptor) -> None:
            try:
                await super().take_over(interceptor)
            except* ChatError:
                interceptor.cut()
            except* Exception as group:
                faults.extend(said(error) for error in leaves(group))
                raise

    return Watched


def leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """The exceptions in a group that are not groups."""
    for error in group.exceptions:
        yield from leaves(error) if isinstance(error, BaseExceptionGroup) else [error]


async def measure_both(make_attack: Callable[[], Attack], draw: Draw) -> Mapping[str, AttackRecord]:
    """The attack on a stack where it can succeed, and on one where it cannot."""
    found = {scenario.name: scenario for scenario in scenarios(Registry())}
    return {name: await attacked(make_attack, found[name], draw) for name in (FALLS, HOLDS)}


async def attacked(make_attack: Callable[[], Attack], scenario: Scenario, draw: Draw) -> AttackRecord:
    with TemporaryFolder() as folder:
        runner = MatrixRunner(scenario, folder, ())
        await runner.prepare()
        return await run_attack(runner.stacks, runner.own, make_attack(), runner.handshake_steps, script=script(draw))


HINTS = (
    "`await interceptor.impersonate_both()` gives two connections: to the client, and to the server.",
    "In `changed`: if `item` is the line of the task, return the other line; return everything else as it is.",
)
EXERCISE = Exercise(
    "Man in the middle",
    "the folder with your attack.py, or that file",
    make,
    check,
    HINTS,
    answer_file="attack.py",
    is_program=True,
)
