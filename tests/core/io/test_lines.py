"""Lines in and out, for programs and people."""

import asyncio
import io
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.errors import Usage
from plytalk.core.io.lines import PIECE, LineReader, LineWriter
from plytalk.testing import randomly
from plytalk.testing.verdict import idle


async def all_lines(reader: LineReader) -> list[str]:
    lines = []
    while (came := await reader.read()) is not None:
        lines += came
    return lines


async def test_lines_come_as_they_are_written_and_a_last_one_without_an_end_counts(pipe) -> None:
    read, writer = pipe
    reader = LineReader(read)
    writer.write(b"one\ntwo\r\nthr")
    assert await reader.read() == ["one", "two"]
    writer.write(b"ee\n\nlast")
    assert await reader.read() == ["three", ""]
    writer.close()
    assert await reader.read() == ["last"]
    assert await reader.read() is None
    assert await reader.read() is None


@given(st.lists(st.text(st.characters(exclude_characters="\r\n\ufeff", codec="utf-8"), max_size=50)), st.integers(0, 99))
def test_whatever_the_pieces_the_lines_are_whole(lines: list[str], seed: int) -> None:
    async def main() -> list[str]:
        reader = LineReader(read)
        return await all_lines(reader)

    read, write = os.pipe()
    with open(read, "rb"):
        with open(write, "wb", buffering=0) as writer:
            for piece in randomly(seed)("".join(line + "\n" for line in lines).encode()):
                writer.write(piece)
        assert asyncio.run(main()) == lines


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        (b"\xef\xbb\xbfone\ntwo\n", ["one", "two"]),
        (b"\xef\xbb\xbfone", ["one"]),
        (b"\xef\xbb\xbf\none\n", ["", "one"]),
        (b"\xef\xbb\xbf\xef\xbb\xbfone\n", ["\ufeffone"]),
        (b"one\n\xef\xbb\xbftwo\n", ["one", "\ufefftwo"]),
        (b"\xef\xbb\xbf", []),
        (b"", []),
        (b"\xef\xbb", ["\ufffd"]),
    ],
)
@given(seed=st.integers(0, 99))
def test_one_leading_byte_order_mark_is_removed(written: bytes, read_as: list[str], seed: int) -> None:
    read, write = os.pipe()
    with open(read, "rb"):
        with open(write, "wb", buffering=0) as writer:
            for piece in randomly(seed)(written):
                writer.write(piece)
        assert asyncio.run(all_lines(LineReader(read, lambda sentence: None))) == read_as


async def test_bytes_that_are_no_text_are_told_once(tmp_path) -> None:
    told: list[str] = []
    (tmp_path / "lines").write_bytes(b"caf\xc3\xa9\ncaf\xe9\nna\xefve\n\xff")
    with open(tmp_path / "lines", "rb") as file:
        assert await all_lines(LineReader(file.fileno(), told.append)) == ["caf\u00e9", "caf\ufffd", "na\ufffdve", "\ufffd"]
    assert told == ["Line 2 of standard input is not UTF-8: what is not is replaced by \ufffd, here and in later lines."]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
async def test_text_in_another_encoding_is_refused_before_any_of_it_is_used(tmp_path, encoding: str) -> None:
    (tmp_path / "lines").write_bytes("\ufeffhello\nagain\n".encode(encoding))
    with open(tmp_path / "lines", "rb") as file, pytest.raises(Usage, match="Standard input is text in UTF-16") as refusal:
        await LineReader(file.fileno()).read()
    assert "iconv" in refusal.value.hint


async def test_a_file_is_read_like_a_pipe(tmp_path) -> None:
    (tmp_path / "lines").write_bytes(b"a\n" * 100_000)
    with open(tmp_path / "lines", "rb") as file:
        assert await all_lines(LineReader(file.fileno())) == ["a"] * 100_000


async def test_a_line_of_many_pieces_is_one_line(tmp_path) -> None:
    (tmp_path / "long").write_bytes(b"x" * (20 * PIECE) + b"\nend")
    with open(tmp_path / "long", "rb") as file:
        reader = LineReader(file.fileno(), most=20 * PIECE)
        assert [len(line) for line in await all_lines(reader)] == [20 * PIECE, 3]


@pytest.mark.parametrize("long", [b"x" * 999_999, "é".encode() * 500_000, b"\xff" * 999_999], ids=["ascii", "utf-8", "not text"])
async def test_a_line_without_an_end_is_not_kept_whole_and_nothing_is_lost_behind_it(tmp_path, long: bytes) -> None:
    told: list[str] = []
    (tmp_path / "lines").write_bytes(b"one\n" + long + b"\ntwo\n" + long)
    with open(tmp_path / "lines", "rb") as file:
        reader, kept = LineReader(file.fileno(), told.append, most=1001), 0
        lines: list[str] = []
        while (came := await reader.read()) is not None:
            lines, kept = lines + came, max(kept, len(reader._rest))
    assert [line for line in lines if len(line.encode()) <= 1001] == ["one", "two"]
    assert [len(line.encode()) > 1001 for line in lines] == [False, True, False, True]
    assert kept <= 1002 + PIECE
    assert all(len(line) <= 1002 + PIECE for line in lines)
    assert told == []


async def test_what_is_not_utf8_is_read_as_far_as_it_goes(pipe) -> None:
    read, writer = pipe
    writer.write(b"caf\xe9\n")
    writer.close()
    assert await all_lines(LineReader(read)) == ["caf\ufffd"]


async def test_an_input_that_cannot_be_read_is_at_its_end() -> None:
    assert await all_lines(LineReader(10_000)) == []


async def test_a_fast_writer_waits_in_its_pipe_and_not_in_our_memory(pipe) -> None:
    read, writer = pipe
    os.set_blocking(writer.fileno(), False)
    reader = LineReader(read)
    writer.write(b"first\n")
    assert await reader.read() == ["first"]
    written = 0
    for _ in range(1000):
        written += writer.write(b"x" * 1023 + b"\n") or 0
        await asyncio.to_thread(lambda: None)  # the reader's thread gets its turn
    assert written < 1000 * 1024, "all that was written was taken in"
    writer.close()
    assert len(await all_lines(reader)) == written // 1024


async def test_lines_that_were_read_and_not_used_are_there_for_the_next_reader(pipe) -> None:
    read, writer = pipe
    reader = LineReader(read)
    writer.write(b"one\ntwo\nthree\n")
    lines = await reader.read()
    assert lines == ["one", "two", "three"]
    reader.put_back(lines[1:])
    reader.put_back(["zero"])
    writer.close()
    assert await reader.read() == ["zero", "two", "three"]
    assert await reader.read() is None


async def test_whoever_is_cancelled_while_reading_loses_nothing(pipe) -> None:
    read, writer = pipe
    reader = LineReader(read)
    reading = asyncio.create_task(reader.read())
    await idle()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    writer.write(b"still here\n")
    assert await reader.read() == ["still here"]
    writer.close()
    assert await reader.read() is None


# -- out ------------------------------------------------------------------------------------------------------------------


class Screen(io.StringIO):
    flushed = 0

    def flush(self) -> None:
        self.flushed += 1


async def test_lines_of_one_turn_are_flushed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    writer = LineWriter(lambda: None)
    writer.write("one")
    writer.write("two")
    assert (screen.getvalue(), screen.flushed) == ("one\ntwo\n", 0)
    await idle()
    assert screen.flushed == 1
    writer.write("three")
    await idle()
    assert screen.flushed == 2


async def test_what_the_screen_cannot_show_is_written_as_escapes(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    with open(tmp_path / "screen", "w", encoding="latin-1") as screen:
        monkeypatch.setattr(sys, "stdout", screen)
        writer = LineWriter(lambda: None)
        writer.write("Grüße, 世界")
        writer.flush()
        await idle()
    assert (tmp_path / "screen").read_text("latin-1") == "Grüße, \\u4e16\\u754c\n"


async def test_once_nobody_reads_it_is_silent_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    gone: list[bool] = []
    with open(write, "w") as screen:
        monkeypatch.setattr(sys, "stdout", screen)
        writer = LineWriter(lambda: gone.append(True))
        os.close(read)
        writer.write("anybody?")
        writer.flush()
        assert gone == [True]
        writer.write("nobody")
        await idle()
        assert gone == [True]
