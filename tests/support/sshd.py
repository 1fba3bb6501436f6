"""A real sshd on this machine, run as an ordinary process with its own keys, and the `ssh` that reaches it."""

import contextlib
import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from web_servers import answers, free_port

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
HAS_SSH = SSHD and shutil.which("ssh")
NEEDS_SSH = "needs sshd and ssh (on Debian: apt install openssh-server)"
SSHD_FILE = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
Subsystem sftp internal-sftp
"""
QUIET = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"


def new_key(file: Path, kind: str = "ed25519") -> str:
    """Make a key pair; its public line."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "guest", "-f", str(file)], check=True)
    return file.with_suffix(".pub").read_text().strip()


@contextlib.contextmanager
def sshd(folder: Path, before_key: str = "") -> Iterator[str]:
    """The `ssh` command that reaches a sshd; `before_key` are the options that its line of authorized_keys begins with."""
    folder.mkdir()
    new_key(folder / "host_key")
    line = new_key(folder / "user_key")
    (folder / "authorized_keys").write_text(f"{before_key} {line}\n".lstrip())
    port = free_port()
    (folder / "sshd_config").write_text(SSHD_FILE.format(port=port, folder=folder))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")], stderr=subprocess.PIPE) as process:
        try:
            while not answers(port):
                assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
            yield f"ssh -F none -o BatchMode=yes {QUIET} -i {folder}/user_key -p {port} {getpass.getuser()}@127.0.0.1"
        finally:
            process.terminate()
            process.communicate()
