"""Mutation testing: break the source at one point, run the nearest tests, and see whether they notice. Not part of the test run.

    ./run --group mutation
    ./run python tests/support/mutation.py core/stack/selection.py      every point of a file
    ./run python tests/support/mutation.py --sample 40 core/*/*.py      some points of each file, drawn by --seed
    ./run python tests/support/mutation.py --changed main               the lines that differ from a branch or commit

It works in a clone of the last commit, ends at once where a test fails there without any change, prints each change that no test
noticed, and ends with status 1 where those are more than 5 % of a file's. Changes that cannot be noticed are listed in
EQUIVALENT, each with its reason. Made with cosmic-ray.

Measured, changes that no test noticed of those tried:

    --sample 30 --seed 5 cli/stacks.py                      0 of 30     commit fe58f4c, 2026-11-29
    --sample 25 --seed 5 core/stack/selection.py            1 of 25     commit e272844, 2026-11-29; it has a test since
    --sample 25 --seed 5 plugins/handshakes/plytalk1.py     0 of 25     commit e272844, 2026-11-29
    --sample 20 --seed 7 plugins/messages/records.py        1 of 20     commit d050b51, 2026-11-29; it has a test since
    --sample 20 --seed 7 core/endpoints/server.py           2 of 20     commit a543d5f, 2026-11-29; tested or listed since
    --sample 20 --seed 7 core/pipeline/establish.py         8 of 20     commit a543d5f, 2026-11-29; tested or listed since
    --sample 20 --seed 7 core/pipeline/session.py           0 of 19     commit a543d5f, 2026-11-29
    --sample 20 --seed 7 plugins/rooms/directory.py         0 of 17     commit a543d5f, 2026-11-29
    --sample 20 --seed 7 plugins/rooms/history.py           5 of 18     commit a543d5f, 2026-11-29; tested or listed since
    --sample 20 --seed 7 plugins/rooms/hub.py               2 of 19     commit a543d5f, 2026-11-29; tested or listed since
    --sample 20 --seed 7 plugins/rooms/member_names.py      0 of 18     commit a543d5f, 2026-11-29
"""

import argparse
import json
import os
import random
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AT_MOST = 5  # percent
SECONDS = 240  # for the tests of one change: a change may make them wait

NEAREST = {
    "src/plytalk/api/choice.py": (
        "tests/api/test_choice.py tests/cli/test_choice.py tests/cli/test_stacks.py tests/cli/test_stacks_options.py"
    ),
    "cli/stacks.py": "tests/cli/test_stacks.py tests/cli/test_stacks_options.py tests/cli/test_completion.py",
    **dict.fromkeys(
        (f"core/pipeline/{name}.py" for name in ("establish", "authentication", "user_questions", "entrance", "step_timer")),
        "tests/core/pipeline/test_establish.py tests/core/pipeline/test_authentication.py"
        " tests/core/pipeline/test_user_questions.py tests/core/pipeline/test_entrance.py tests/core/pipeline/test_step_timer.py"
        " tests/core/endpoints/test_client.py tests/core/endpoints/test_capacity.py"
        " tests/core/endpoints/test_lifecycle.py tests/core/conversation/test_direct_chat.py"
        " tests/core/conversation/test_ending_chat.py",
    ),
    "core/endpoints/arrival.py": "tests/core/endpoints/test_arrival.py tests/core/endpoints/test_capacity.py",
    "core/endpoints/endpoint.py": "tests/core/endpoints/test_endpoint.py tests/core/endpoints/test_client.py",
    "core/endpoints/lifecycle.py": "tests/core/endpoints/test_lifecycle.py tests/core/endpoints/test_handlers.py",
    "core/endpoints/server.py": "tests/core/endpoints/test_server.py tests/core/endpoints/test_lifecycle.py",
    "core/pipeline/batches.py": "tests/core/pipeline/test_batches.py tests/core/pipeline/test_connection.py",
    "core/pipeline/connection.py": (
        "tests/core/pipeline/test_connection.py tests/core/conversation/test_direct_chat.py"
        " tests/core/conversation/test_ending_chat.py"
    ),
    "core/conversation/ending_chat.py": (
        "tests/core/conversation/test_ending_chat.py tests/core/conversation/test_direct_chat.py"
        " tests/core/conversation/test_farewell.py"
        " tests/core/contracts/test_endings.py tests/core/endpoints/test_client.py"
    ),
    "core/conversation/direct_chat.py": (
        "tests/core/conversation/test_direct_chat.py tests/core/conversation/test_ending_chat.py"
        " tests/core/pipeline/test_broadcast.py"
        " tests/core/pipeline/test_establish.py tests/core/pipeline/test_user_questions.py tests/core/pipeline/test_entrance.py"
        " tests/core/contracts/test_endings.py"
        " tests/core/endpoints/test_client.py"
    ),
    "core/stack/selection.py": (
        "tests/core/stack/test_selection.py tests/core/contracts/test_contracts.py tests/plugins/test_profiles.py"
    ),
    "plugins/ciphers/noise.py": "tests/plugins/ciphers/test_noise.py",
    "plugins/authenticators/words.py": "tests/plugins/authenticators/test_words.py",
    "plugins/handshakes/plytalk1.py": (
        "tests/plugins/handshakes/test_plytalk1.py tests/plugins/handshakes/test_plytalk1_told.py"
        " tests/plugins/noise/test_preamble.py"
    ),
    "plugins/messages/records.py": "tests/plugins/messages/test_records.py",
    "plugins/rooms/directory.py": "tests/plugins/rooms/test_directory.py tests/plugins/rooms/test_member_names.py",
    "plugins/rooms/hub.py": (
        "tests/plugins/rooms/test_hub.py tests/plugins/rooms/test_room_commands.py tests/plugins/rooms/test_resume.py"
        " tests/plugins/rooms/test_member.py tests/plugins/rooms/test_typed_command.py tests/plugins/rooms/test_history.py"
        " tests/plugins/rooms/test_room_list.py tests/plugins/rooms/test_pace.py tests/plugins/rooms/test_returning.py"
    ),
    "plugins/rooms/returning.py": (
        "tests/plugins/rooms/test_returning.py tests/plugins/rooms/test_resume.py tests/plugins/rooms/test_history.py"
    ),
    "plugins/rooms/pace.py": "tests/plugins/rooms/test_pace.py tests/plugins/rooms/test_budget.py",
    "plugins/rooms/history.py": "tests/plugins/rooms/test_history.py tests/plugins/rooms/test_hub.py",
    "plugins/rooms/member_names.py": "tests/plugins/rooms/test_member_names.py tests/plugins/rooms/test_moderation.py",
}
"""The tests that must notice; for any other file its own test file."""

# Every other operator of cosmic-ray makes changes that say little, such as `a + b` into `a << b`, or into another annotation.
OPERATORS = (
    r"ReplaceComparisonOperator_(Eq_NotEq|NotEq_Eq|Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Lt_GtE|Gt_LtE|Is_IsNot|IsNot_Is)",
    r"ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_FloorDiv|FloorDiv_Mul|Mod_Add|LShift_RShift|BitAnd_Add)",
    r"ReplaceUnaryOperator_Delete_\w+|Replace(True|False|And|Or|Continue|Break)\w+|AddNot|NumberReplacer|ExceptionReplacer|ZeroIterationForLoop",
)

ANY_BOUND = "It is a bound that one more or one less keeps as well; that there is one is tested."
EPOCH = "An epoch is any text that is never given twice: of one byte less it is so too."
NO_CODE = "What replaces a missing code must be none of those that are looked for, and -1 and 1 are not among them either."
MEMORY = "How many results are kept changes no result."

EQUIVALENT: dict[tuple[str, str], str] = {
    ("core/endpoints/server.py", "for listener, arrivals in zip(tuple(self.listeners), self.arrivals, strict=True):"): (
        "Each address has its listener by then, or an exception has been raised."
    ),
    ("core/pipeline/step_timer.py", "left = (timeout.when() or 0) - self._loop.time()"): (
        "The number is for the type checker: a clock runs whenever a person is asked."
    ),
    ("core/io/address.py", "@lru_cache(1024)"): MEMORY,
    ("core/conversation/ui_hearer.py", "MAX_SAME, MAX_NOTICES = 3, 100"): ANY_BOUND,
    (
        "core/contracts/limits.py",
        'if len(text) * 4 <= most or len(text.encode(errors="replace")) <= most:  # a character has four bytes at most',
    ): "The first of the two spares short lines the second, which decides.",
    ("plugins/rooms/directory.py", "if TYPE_CHECKING:"): "An annotation is no more than text when it runs.",
    ("plugins/rooms/directory.py", "MAX_REMEMBERED = 10_000"): ANY_BOUND,
    ("plugins/rooms/returning.py", "REMEMBERED = 10_000"): ANY_BOUND,
    (
        "plugins/rooms/hub.py",
        "for key in {member.key for member in self.members.values() if isinstance(member, Member) and member.key}:",
    ): "Where the members without a key are looked at too, nothing is found: the file marks keys.",
    ("plugins/rooms/hub.py", "self.epoch = history.epoch if history else secrets.token_hex(8)"): EPOCH,
    ("plugins/rooms/history.py", "WAIT = 2.0"): ANY_BOUND,
    ("plugins/rooms/history.py", "changed = [room for room in rooms if self._kept.get(room.name, (0, 0))[1] != room.log.next]"): (
        "The first number of the default is not read, and the second may be any that is not a next number: those begin at 1."
    ),
    ("plugins/rooms/history.py", "if log.first > first:"): "Where the two are equal, nothing is there to delete.",
    ("plugins/rooms/history.py", 'if new and getattr(error, "sqlite_errorcode", 0) & 0xFF in NO_ROOM:'): NO_CODE,
    ("plugins/rooms/history.py", 'match getattr(error, "sqlite_errorcode", 0) & 0xFF:'): NO_CODE,
    (
        "plugins/rooms/history.py",
        "do(\"INSERT INTO meta VALUES ('epoch', ?), ('after', 0)\", (secrets.token_hex(8),))",
    ): EPOCH,
    ("plugins/rooms/history.py", 'flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)'): (
        "The number is for systems without this flag."
    ),
    ("plugins/rooms/member_names.py", "table.update((code, text) for code in codes if code < 128 or not ascii_alone)"): (
        "No line of the table has U+0080."
    ),
    ("plugins/rooms/member_names.py", "@functools.lru_cache(64)"): MEMORY,
    (
        "plugins/rooms/member_names.py",
        "for _ in range(3):  # a capital may look like one whose small letter looks like another, and that like a third",
    ): ("A fourth step changes the look of no character, which was tried for all; without the third a test fails."),
}
"""(file, the changed line without its indentation): why no test can notice."""


def tests_for(source: str) -> str:
    folder, _, name = source.rpartition("/")
    return NEAREST.get(source, f"tests/{folder}/test_{name}")


def config(source: str, base: str | None) -> str:
    """The configuration of cosmic-ray for one file. JSON strings are TOML strings."""
    command = "./run python -m pytest -x -q -p no:randomly -p no:cacheprovider"
    lines = [
        "[cosmic-ray]",
        f"module-path = {json.dumps(source)}",
        f"timeout = {SECONDS}",
        "excluded-modules = []",
        f"test-command = {json.dumps(f'{command} {tests_for(source)}')}",
        '[cosmic-ray.distributor]\nname = "local"',
        "[cosmic-ray.filters.operators-filter]",
        f"exclude-operators = [{json.dumps(f'core/(?!({chr(124).join(OPERATORS)})$)')}]",
    ]
    if base:
        lines += ["[cosmic-ray.filters.git-filter]", f"branch = {json.dumps(base)}"]
    return "\n".join(lines) + "\n"


def changed_files(base: str) -> list[str]:
    names = subprocess.run(
        ["git", "diff", "--name-only", base, "--"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [
        name
        for name in names.splitlines()
        if re.fullmatch(r"(core|trust|lab|plugins|cli)/.*\.py", name) and (ROOT / tests_for(name).split()[0]).exists()
    ]


def leave_only(session: Path, count: int, seed: int) -> None:
    """Skip all but some of the changes that are still to be tried."""
    from cosmic_ray.work_db import use_db
    from cosmic_ray.work_item import WorkerOutcome, WorkResult

    with use_db(str(session)) as database:
        waiting = sorted(database.pending_work_items, key=lambda item: str(item.mutations))
        random.Random(seed).shuffle(waiting)
        for item in waiting[count:]:
            database.set_result(item.job_id, WorkResult(worker_outcome=WorkerOutcome.SKIPPED))


def results(session: Path) -> Iterator[tuple[str, int, str, str]]:
    """File, line, what that becomes, and outcome of each change that was tried: `killed`, `survived`, `incompetent`..."""
    from cosmic_ray.work_db import use_db
    from cosmic_ray.work_item import WorkerOutcome

    with use_db(str(session), mode=1) as database:
        for item, result in database.completed_work_items:
            if result.worker_outcome != WorkerOutcome.SKIPPED:
                [change] = item.mutations
                yield (
                    str(change.module_path),
                    change.start_pos[0],
                    became(result.diff or ""),
                    str(result.test_outcome).rpartition(".")[2].lower(),
                )


def became(diff: str) -> str:
    """The first line that a change brings."""
    return next((line[1:].strip() for line in diff.splitlines() if re.match(r"\+(?!\+\+ )", line)), "")


def is_equivalent(folder: Path, source: str, line: int) -> bool:
    return (source, (folder / source).read_text().splitlines()[line - 1].strip()) in EQUIVALENT


def clone(folder: Path) -> Path:
    """The last commit, with an environment for itself: a change must not reach what others run meanwhile."""
    copy = folder / "plytalk"
    subprocess.run(["git", "clone", "--quiet", ROOT, copy], check=True)
    subprocess.run(["./run", "--group", "mutation"], cwd=copy, check=True)
    return copy


def examine(copy: Path, source: str, base: str | None, sample: int, seed: int) -> float:
    """Try the changes of one file. Returns the percentage that no test noticed, and prints them."""
    with tempfile.TemporaryDirectory() as folder:
        session, settings = Path(folder, "session.sqlite"), Path(folder, "config.toml")
        settings.write_text(config(source, base))
        steps = [["cosmic-ray", "init", settings, session], ["cr-filter-operators", session, settings]]
        steps += [["cr-filter-git", "--config", settings, session]] if base else []
        steps += [["cosmic-ray", "baseline", settings]]  # where a test fails already, every change would count as noticed
        for step in steps:
            subprocess.run(["./run", *step], cwd=copy, check=True, stdout=subprocess.DEVNULL)
        if sample:
            leave_only(session, sample, seed)
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(["./run", "cosmic-ray", "exec", settings, session], cwd=copy, env=environment, check=True)
        counted: Counter[str] = Counter()
        for name, line, changed, outcome in sorted(results(session)):
            noticed = "killed" if outcome != "survived" else "equivalent" if is_equivalent(copy, source, line) else "survived"
            counted[noticed] += 1
            if noticed == "survived":
                print(f"  {name}:{line}: no test noticed `{changed}`", flush=True)
    tried = counted["killed"] + counted["survived"]
    share = 100 * counted["survived"] / tried if tried else 0.0
    print(f"{source}: {tried} changes, {counted['survived']} noticed by no test ({share:.0f} %)", flush=True)
    return share


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "files", nargs="*", help="source files, as core/stack/selection.py; all of the list in this file if none are given"
    )
    parser.add_argument("--changed", metavar="BASE", help="only lines that differ from this branch or commit")
    parser.add_argument("--sample", type=int, default=0, metavar="COUNT", help="at most this many changes of each file")
    parser.add_argument("--seed", type=int, default=1, help="what draws the sample")
    parser.add_argument("--clone", type=Path, help="a clone made before, with its environment, to work in")
    chosen = parser.parse_args(arguments)
    files = chosen.files or (changed_files(chosen.changed) if chosen.changed else list(NEAREST))
    with tempfile.TemporaryDirectory() as folder:
        copy = chosen.clone or clone(Path(folder))
        shares = [examine(copy, source, chosen.changed, chosen.sample, chosen.seed) for source in files]
    return int(any(share > AT_MOST for share in shares))


if __name__ == "__main__":
    raise SystemExit(main())
