"""Answers that are programs, judged in another process: with limits on its time and its files, and with a folder of no value.

The process may do what its user may do: it is not a sandbox. It is given no key, and what it prints is thrown away. The verdict
comes over a pipe that the program could write to as well, so a program that is to be graded should also be read.
"""

import json
import os
import subprocess
import sys
from contextlib import suppress

from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.limits import MIB
from plytalk.core.contracts.sanitise import brief
from plytalk.core.io.temporary_folder import TemporaryFolder
from plytalk.lab.classroom import exercise_book
from plytalk.lab.classroom.task import AnswerVerdict

SECONDS = 60
"""How long a program may take."""
MOST_WRITTEN = MIB
"""How large a file a program may write, in bytes."""
PASSED = ("PATH", "PYTHONPATH", "SYSTEMROOT", "LANG", "LC_ALL")
"""The environment variables that a program is given."""


def judge_apart(number: int, seed: str, answer: str) -> AnswerVerdict:
    """Whether an answer is right, judged in another process. Raises Usage."""
    environment = {name: os.environ[name] for name in PASSED if name in os.environ}
    with TemporaryFolder() as folder:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(number), seed],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment | {"PLYTALK_HOME": folder, "HOME": folder},
            cwd=folder,
            start_new_session=True,
        )
        try:
            printed, _ = process.communicate(answer.encode(), SECONDS)
        except subprocess.TimeoutExpired:
            return AnswerVerdict(False, f"The program was stopped: it ran for more than {SECONDS} seconds.")
        finally:
            end(process)
    return verdict_in(printed, process.returncode)


def end(process: "subprocess.Popen[bytes]") -> None:
    """End the process, and what it has started."""
    with suppress(OSError, AttributeError):  # AttributeError: Windows has no process groups
        os.killpg(process.pid, 9)
    process.kill()
    process.communicate()


def verdict_in(printed: bytes, status: int) -> AnswerVerdict:
    try:
        found = json.loads(printed)
        return AnswerVerdict(found["right"] is True, brief(str(found["why"])))
    except (ValueError, KeyError, TypeError):
        return AnswerVerdict(False, f"The program ended the process that judges it (status {status}).")


def main() -> None:
    """Judge the answer on standard input; the number of the exercise and the seed are arguments."""
    number, seed = int(sys.argv[1]), sys.argv[2]
    answer = sys.stdin.buffer.read().decode()
    verdicts = os.dup(1)
    os.dup2(2, 1)  # what the program prints goes nowhere
    limit_resources()
    try:
        verdict = exercise_book.judge_answer(number, seed, answer)
    except ChatError as error:
        verdict = AnswerVerdict(False, error.sentence)
    os.write(verdicts, json.dumps({"right": verdict.right, "why": verdict.why}).encode())


def limit_resources() -> None:
    with suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
