"""What the system refuses to every program that asks for too much, such as one more open file: no layer's fault, and no bug."""

from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM

from plytalk.core.contracts.errors import Shortage

NO_THREAD = "can't start new thread"
"""What Python says where the system refuses a thread."""


def shortage(error: BaseException | None) -> Shortage | None:
    """The error to raise in place of one by which the system refuses a resource; None for all else."""
    match error:
        case OSError(errno=number) if number in (EMFILE, ENFILE):
            return Shortage("Too many files are open.", "Raise the limit with `ulimit -n`, or LimitNOFILE in a unit of systemd.")
        case OSError(errno=number) if number in (ENOMEM, ENOBUFS):
            return Shortage("The system has no memory left for this program.", "End other programs, or look at `ulimit -a`.")
        case RuntimeError() if str(error) == NO_THREAD:
            return Shortage(
                "The system lets this program start no more threads.",
                "Raise the limit: `ulimit -u`, TasksMax in a unit of systemd, or that of the container.",
            )
    return None
