"""`chat lab exercise`, `report` and `grade`: the exercises of the lab book, and their answers."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import click

from plytalk.api.chat import connect
from plytalk.cli.hidden_input import secret
from plytalk.cli.main import paint
from plytalk.cli.parameters import FILE, TEXT, ContactType
from plytalk.cli.worksheet_text import worksheet_rows
from plytalk.core.contracts.errors import Exit, Usage
from plytalk.core.contracts.sanitise import clean
from plytalk.core.io.standard_streams import tell
from plytalk.lab.classroom import exercise_book, grading
from plytalk.lab.classroom.handout import write_handout
from plytalk.lab.classroom.roster import read_roster
from plytalk.lab.classroom.separate_run import judge_apart
from plytalk.lab.classroom.signed_report import add_answer, parse_report, read_report
from plytalk.lab.classroom.task import Exercise, make_files, read_answer
from plytalk.trust import identity as identities
from plytalk.trust.folders import user_file

EXERCISE_EXAMPLES = """\b
Examples:
  chat lab exercise                             the eight exercises
  chat lab exercise 1                           the worksheet of exercise 1
  chat lab exercise 2 --make forge              make your files in a new folder
  chat lab exercise 2 --check forge             check the answer in that folder
  chat lab exercise 1 --check 'onion curtain' --report erin.report --name erin
"""
REPORT_EXAMPLES = """\b
Examples:
  chat lab report erin.report                 show the student, and the exercises answered
  chat lab report erin.report 192.0.2.7       hand it in
"""
HANDOUT_EXAMPLES = """\b
Examples:
  chat lab handout handout.html       for any browser
  chat lab handout handout.pdf        printed by Chromium
"""
GRADE_EXAMPLES = """\b
Examples:
  chat lab grade reports/ --roster 4b.txt             a table
  chat lab grade *.report --roster 4b.txt --csv       for a spreadsheet
"""


@click.command(epilog=EXERCISE_EXAMPLES)
@click.argument("number", type=int, required=False, metavar="[N]")
@click.option("--make", type=FILE, metavar="DIR", help="Make the files of the exercise, which differ for each key or seed.")
@click.option(
    "--check", "given", type=TEXT, metavar="ANSWER", help="Check your answer (words, a file or the folder) by running it."
)
@click.option(
    "--seed", type=TEXT, metavar="TEXT", help="Make and check the files of this seed (default: the fingerprint of your key)."
)
@click.option("--report", type=FILE, metavar="FILE", help="Put the answer into your signed report in this file.")
@click.option("--name", type=TEXT, metavar="NAME", help="Your name in the report, spelt as in the class's roster.")
@click.option(
    "--identity", type=FILE, metavar="FILE", help="The file of your key (default: `identity` among your plytalk files)."
)
def exercise(
    number: int | None,
    make: Path | None,
    given: str | None,
    seed: str | None,
    report: Path | None,
    name: str | None,
    identity: Path | None,
) -> int:
    """Show the exercises of the lab book, make their files, and check answers to them."""
    if number is None:
        if make or given is not None or report:
            raise Usage("Which exercise?", "Put its number in front, such as: chat lab exercise 1 --check 'onion curtain'")
        for place, one in enumerate(exercise_book.EXERCISES, 1):
            print(f"{place}  {one.title}")
        return 0
    chosen = exercise_book.exercise(number)
    if report and (seed or given is None):
        raise Usage("--report takes an answer (--check) for your own key.", "Leave out --seed.")
    if make:
        return make_exercise(number, seed or own_key(identity).fingerprint, make)
    if given is None:
        print("\n".join(worksheet_rows(exercise_book.worksheet(number))))
        print(f"An answer is {chosen.answer}:\n    chat lab exercise {number} --check ANSWER")
        return 0
    own = None if seed else own_key(identity)
    answer = read_answer(chosen, given)
    right = say_verdict(number, chosen, seed or (own.fingerprint if own else ""), answer)
    if report and own:
        added = add_answer(report, name or "", number, answer, own)
        tell(f"{report} now has the answers of {added.name} to {', '.join(map(str, sorted(added.answers)))}.")
    return int(Exit.OK if right else Exit.FAILED)


def make_exercise(number: int, seed: str, folder: Path) -> int:
    files = exercise_book.files(number, seed)
    make_files(files, folder)
    tell(f"Made in {folder}: {', '.join(files)}.")
    return 0


def say_verdict(number: int, chosen: Exercise, seed: str, answer: str) -> bool:
    """Print whether an answer is right, and why."""
    verdict = (judge_apart if chosen.is_program else exercise_book.judge_answer)(number, seed, answer)
    print(paint("Right. " if verdict.right else "Not yet. ", "32" if verdict.right else "31", 1) + clean(verdict.why))
    return verdict.right


def own_key(file: Path | None) -> identities.OwnIdentity:
    """The student's key, made if there is none. Raises StoreError."""
    path = file or user_file("identity")
    own, is_new = identities.load_or_create(path, lambda path: secret(f"Passphrase of {path}: "))
    if is_new:
        tell(f"Created a new identity ({own.fingerprint}) in {path}.")
    return own


@click.command(epilog=REPORT_EXAMPLES)
@click.argument("file", type=FILE, metavar="FILE")
@click.argument("address", type=ContactType(), required=False, metavar="[HOST[:PORT]]")
@click.option("--peer", type=TEXT, metavar="SHA256:...", help="The fingerprint of the class's key, if it is not known yet.")
@click.option("--identity", type=FILE, metavar="FILE", help="The file of your key (default: your own).")
def report(file: Path, address: str | None, peer: str | None, identity: Path | None) -> None:
    """Show what a report answers, or hand it in to the class at an address."""
    content = read_report(file)
    found = parse_report(content)
    if address is None:
        print(f"{found.name}  {found.key.fingerprint}")
        for number in sorted(found.answers):
            print(f"{number}  {exercise_book.exercise(number).title}")
        return
    tell("Handing it in. Each answer is judged there ...")
    for line in asyncio.run(handed_in(content.decode().rstrip(), address, peer, identity or user_file("identity"))):
        print(clean(line))


async def handed_in(content: str, address: str, peer: str | None, identity: Path) -> Sequence[str]:
    """What the class answers to a report. Raises ChatError."""
    async with connect(address, peer=peer, identity=identity, secret=secret) as chat:
        return (await chat.command("report", content)).lines


@click.command(epilog=HANDOUT_EXAMPLES)
@click.argument("file", type=FILE, metavar="FILE")
def handout(file: Path) -> None:
    """Write the worksheets to print: FILE ends with .pdf (needs Chromium) or .html."""
    write_handout(file)
    tell(f"Wrote {file}.")


@click.command(epilog=GRADE_EXAMPLES)
@click.argument("reports", type=FILE, nargs=-1, required=True, metavar="REPORTS...")
@click.option("--roster", type=FILE, metavar="FILE", help="The roster of the class, with each student's key.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for a spreadsheet.")
@click.option(
    "--run-programs", is_flag=True, help="Run the answers that are programs. They can do whatever you can: read them first."
)
def grade(reports: tuple[Path, ...], roster: Path | None, as_csv: bool, run_programs: bool) -> int:
    """Grade reports: verify them, judge each answer again, and print a table."""
    known = read_roster(roster) if roster else None
    graded = grading.grade(grading.report_files(reports), known, run_programs, lambda line: tell(clean(line)))
    if known is None:
        tell("Without --roster, nobody has checked which key belongs to which student.")
    text = grading.as_csv(graded).rstrip() if as_csv else grading.as_table(graded)
    print(os.linesep.join(map(clean, text.splitlines())))
    return int(Exit.FAILED if any(one.refused for one in graded) else Exit.OK)
