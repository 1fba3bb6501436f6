"""Web servers that pass WebSockets on, each run as an ordinary process on a free port: nginx and caddy."""

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
CADDY = shutil.which("caddy")

NGINX_FILE = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} {tls};
        location {path} {{
            proxy_pass http://127.0.0.1:{behind}/;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_read_timeout {timeout}s;
        }}
    }}
}}
"""
CADDY_FILE = """
{{
    admin off
    auto_https off
}}
http://127.0.0.1:{port} {{
    bind 127.0.0.1
    reverse_proxy 127.0.0.1:{behind}
}}
"""


@contextlib.contextmanager
def nginx(folder: Path, behind: int, timeout: int = 60, tls: tuple[Path, Path] | None = None, path: str = "/") -> Iterator[int]:
    """nginx in front of a port: with its usual timeout or another one, perhaps with a certificate and its key, and at a path."""
    port = free_port()
    folder.mkdir()
    secured = f"ssl; ssl_certificate {tls[0]}; ssl_certificate_key {tls[1]}" if tls else ""
    file = folder / "nginx.conf"
    file.write_text(NGINX_FILE.format(folder=folder, port=port, behind=behind, timeout=timeout, tls=secured, path=path))
    with running([str(NGINX), "-e", "stderr", "-p", str(folder), "-c", str(file)], port, folder):
        yield port


@contextlib.contextmanager
def caddy(folder: Path, behind: int) -> Iterator[int]:
    """caddy in front of a port."""
    port = free_port()
    folder.mkdir()
    file = folder / "Caddyfile"
    file.write_text(CADDY_FILE.format(port=port, behind=behind))
    with running([str(CADDY), "run", "--adapter", "caddyfile", "--config", str(file)], port, folder):
        yield port


@contextlib.contextmanager
def running(command: list[str], port: int, home: Path) -> Iterator[None]:
    """A program that listens on this port while the block runs."""
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment)
    try:
        while not answers(port):
            assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
        yield
    finally:
        process.terminate()
        process.communicate()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])
