"""Sizes and times as text."""

from datetime import datetime

UNITS = ("B", "kB", "MB", "GB", "TB")


def size_in_words(size: float | None) -> str:
    """A number of bytes, such as 1.4 MB; of decimal units, as file managers show them."""
    if size is None:
        return "unknown size"
    unit = 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size /= 1000
        unit += 1
    return f"{size:.0f} {UNITS[unit]}" if unit == 0 or size >= 100 else f"{size:.1f} {UNITS[unit]}"


def time_in_words(seconds: float) -> str:
    """A time that is left, such as 1:05 or 2:03:09."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def rfc3339(time: datetime, timespec: str = "seconds") -> str:
    """A time in UTC by RFC 3339, such as 2026-11-29T10:12:11Z; `timespec` is that of `isoformat`."""
    return time.isoformat(timespec=timespec).replace("+00:00", "Z")
