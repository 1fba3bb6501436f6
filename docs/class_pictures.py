"""Take docs/class-light.png and class-dark.png: the page of a class as a browser shows it on a projector.

    PYTHONPATH=tests/support ./run python docs/class_pictures.py

It needs the group `tests`, for selenium, and Chromium with its driver.
"""

from hashlib import sha256
from pathlib import Path

from browser import browser
from class_page import served, shown, state_of, student

from plytalk.core.contracts.public_key import fingerprint_of
from plytalk.lab.classroom.grading import AnswerMark

DOCS = Path(__file__).parent
PICTURES = {"class-light.png": False, "class-dark.png": True}
"""Each picture, and whether it is dark."""
NAMES = ("erin", "frank", "gina", "henry", "ivy", "jamal", "kira", "luis", "mei")
RIGHT, WRONG, NOT_RUN = AnswerMark.RIGHT, AnswerMark.WRONG, AnswerMark.NOT_RUN
MARKS = (
    (RIGHT, RIGHT, WRONG, RIGHT),
    (RIGHT, RIGHT),
    (RIGHT, RIGHT, NOT_RUN, RIGHT),
    (RIGHT,),
    (RIGHT, WRONG),
    (RIGHT, RIGHT, RIGHT),
    (),
    (RIGHT,),
    (),
)


def pupil(number: int, name: str) -> dict[str, object]:
    is_here = number != 6
    return student(
        name,
        here=is_here,
        key=fingerprint_of(sha256(name.encode()).digest()) if is_here else "",
        marks={str(place): mark.value for place, mark in enumerate(MARKS[number], 1)},
        hints={"2": 1} if number in (1, 4) else {},
    )


def state() -> dict[str, object]:
    return state_of([pupil(number, name) for number, name in enumerate(NAMES)])


def main(into: Path = DOCS) -> None:
    for name, dark in PICTURES.items():
        with served(state) as address, browser(dark=dark) as driver:
            shown(driver, address)
            driver.save_screenshot(str(into / name))


if __name__ == "__main__":
    main()
