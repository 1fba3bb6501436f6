"""The project as others get it: an sdist, a wheel of that, an installation from the folder, and a zip without links.

Everything is built from a copy, so that nothing is left behind in the project, and installed into fresh environments without a
network. What needs one (a clone with `./run`, pipx, uv) is tried by .ci/fresh-clone.
"""

import email
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from fresh import PROJECT, Fresh, tracked

import plytalk

FOLDERS = ("core", "trust", "lab", "plugins", "cli")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, links as links."""
    copy = tmp_path_factory.mktemp("source") / "plytalk"
    for name in tracked():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, copy / name, follow_symlinks=False)
    for link in FOLDERS:  # git lists what is behind them under its own name alone
        if not os.path.lexists(copy / "src" / "plytalk" / link):
            (copy / "src" / "plytalk" / link).symlink_to(f"../../{link}")
    return copy


@pytest.fixture(scope="module")
def built(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    pytest.importorskip("build", reason="install build: pip install build")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return folder


def wheel_in(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    return wheel


def expected() -> set[str]:
    """Every file that a running program needs, by its place in the package."""
    files = {name for name in tracked() if PurePosixPath(name).parts[0] in FOLDERS}
    kit = {name.removeprefix("src/") for name in tracked() if name.startswith(("src/plytalk/api/", "src/plytalk/testing/"))}
    pages = {page.name for page in (PROJECT / "docs" / "man").iterdir()}
    manual = {f"plytalk-{plytalk.__version__}.data/data/share/man/man1/{page}" for page in pages}
    top = {f"plytalk/{name}" for name in ("__init__.py", "__main__.py", "py.typed")}
    return {f"plytalk/{name}" for name in files} | kit | manual | top


def works(fresh: Fresh, where: Path) -> None:
    """The command runs, from this place and no other, and every layer loads."""
    chat = fresh.bin / "chat"
    assert fresh.run(chat, "--version").startswith("plytalk ")
    assert "What an eavesdropper learned" in fresh.run(chat, "demo")
    assert "Nothing is wrong." in fresh.run(chat, "plugins", "--check")
    assert fresh.run(fresh.bin / "plytalk", "--version") == fresh.run(chat, "--version")
    place = fresh.run(fresh.bin / "python", "-c", "import plytalk.core.pipeline.connection as it; print(it.__file__)")
    assert Path(place.strip()).resolve().is_relative_to(where.resolve())


def test_the_wheel_has_one_top_level_package_and_every_module(built: Path) -> None:
    with zipfile.ZipFile(wheel_in(built)) as wheel:
        names = {name for name in wheel.namelist() if not PurePosixPath(name).parts[0].endswith(".dist-info")}
    assert names == expected()


def test_the_sdist_is_the_project_with_its_links_and_no_second_copy(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        files = {within(member.name): member for member in archive.getmembers() if not member.isdir()}
    made = {name for name in files if name.startswith("plytalk.egg-info/")} | {"PKG-INFO", "setup.cfg"}
    assert {name for name in files if name not in made} == set(tracked()) | {f"src/plytalk/{folder}" for folder in FOLDERS}
    assert {name: member.linkname for name, member in files.items() if member.issym()} == {
        f"src/plytalk/{folder}": f"../../{folder}" for folder in FOLDERS
    }


def within(name: str) -> str:
    """A name in an archive, without the folder that holds everything."""
    return str(PurePosixPath(*PurePosixPath(name).parts[1:]))


def test_the_tests_of_an_unpacked_sdist_run_there(built: Path, tmp_path: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    shutil.unpack_archive(sdist, tmp_path / "unpacked", filter="data")
    (project,) = (tmp_path / "unpacked").iterdir()
    fresh = Fresh(tmp_path, plytalk=False)
    fresh.run(fresh.bin / "pip", "install", "-e", ".", cwd=project)
    assert " passed" in fresh.run(fresh.bin / "pytest", "tests/core/contracts", "tests/docs/test_site.py", cwd=project)


# -- the same bytes ---------------------------------------------------------------------------------------------------------


def wheel_of(project: Path, folder: Path, umask: int, **environment: str) -> bytes:
    """The wheel that a builder with this umask and this environment makes of a project."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), str(project)]
    inherited = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    subprocess.run(command, cwd=project, umask=umask, env=inherited | environment, check=True, stdout=subprocess.DEVNULL)
    return wheel_in(folder).read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="modes and umasks are those of a Unix system")
@pytest.mark.parametrize("epoch", [{}, {"SOURCE_DATE_EPOCH": "1700000000"}], ids=["our time", "the builder's time"])
def test_two_builds_give_the_same_bytes(source: Path, tmp_path: Path, epoch: dict[str, str]) -> None:
    pytest.importorskip("build", reason="install build: pip install build")
    one = shutil.copytree(source, tmp_path / "one", symlinks=True)
    other = shutil.copytree(source, tmp_path / "other", symlinks=True)
    for number, path in enumerate(sorted(other.rglob("*.*"))):  # as a checkout at another time, with a strict umask
        if path.is_file():
            path.chmod(0o600)
            os.utime(path, (10**9 + number, 10**9 + number))
    first = wheel_of(one, tmp_path / "first", 0o022, **epoch)
    assert first == wheel_of(other, tmp_path / "second", 0o077, **epoch, PYTHONHASHSEED="7", TZ="Asia/Tokyo")


def test_a_module_that_is_gone_is_not_in_the_next_wheel(source: Path, tmp_path: Path) -> None:
    pytest.importorskip("build", reason="install build: pip install build")
    copy = shutil.copytree(source, tmp_path / "copy", symlinks=True)
    (copy / "core" / "gone.py").touch()
    assert b"core/gone.py" in wheel_of(copy, tmp_path / "before", 0o022)
    (copy / "core" / "gone.py").unlink()
    assert b"core/gone.py" not in wheel_of(copy, tmp_path / "after", 0o022)


def test_the_wheel_of_the_sdist_works_elsewhere(built: Path, tmp_path: Path) -> None:
    fresh = Fresh(tmp_path, plytalk=False)
    fresh.run(fresh.bin / "pip", "install", wheel_in(built))
    works(fresh, fresh.site)
    page = fresh.folder / "share" / "man" / "man1" / "chat-serve.1"
    assert page.read_text() == (PROJECT / "docs" / "man" / page.name).read_text()
    if shutil.which("man"):  # it looks beside the folders of PATH
        assert fresh.run("man", "-w", "chat-serve") == f"{page}\n"


def test_pip_install_of_the_folder(source: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(source, tmp_path / "copy", symlinks=True)
    fresh = Fresh(tmp_path, plytalk=False)
    fresh.run(fresh.bin / "pip", "install", ".", cwd=copy)
    works(fresh, fresh.site)


def test_pip_install_in_place(source: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(source, tmp_path / "copy", symlinks=True)
    fresh = Fresh(tmp_path, plytalk=False)
    fresh.run(fresh.bin / "pip", "install", "-e", ".", cwd=copy)
    works(fresh, copy)
    module = copy / "core" / "contracts" / "limits.py"
    module.write_text(module.read_text() + "\nCHANGED = True\n")
    assert fresh.run(fresh.bin / "python", "-c", "from plytalk.core.contracts.limits import CHANGED; print(CHANGED)") == "True\n"


@pytest.mark.skipif(shutil.which("git") is None, reason="install git: it makes the archive")
def test_an_archive_whose_links_became_text_installs_all_the_same(source: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(source, tmp_path / "copy", symlinks=True)
    for command in ("git init --quiet", "git add --all --force"):
        subprocess.run(command.split(), cwd=copy, check=True)
    tree = subprocess.run(["git", "write-tree"], cwd=copy, check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run(["git", "archive", "--format=zip", f"--output={tmp_path / 'plytalk.zip'}", tree], cwd=copy, check=True)
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(tmp_path / "plytalk.zip") as archive:
        archive.extractall(unpacked)  # Python's unpacker makes no links, as Windows' does not
    assert (unpacked / "src" / "plytalk" / "core").read_text() == "../../core"
    fresh = Fresh(tmp_path, plytalk=False)
    fresh.run(fresh.bin / "pip", "install", ".", cwd=unpacked)
    works(fresh, fresh.site)


def test_the_folders_are_no_packages_of_those_names(tmp_path: Path) -> None:
    load = (
        "import sys; from plytalk.core.registry.registry import Registry; import plytalk.cli.talk;"
        " assert Registry().load_all(); print(*sys.modules)"
    )
    fresh = Fresh(tmp_path)
    modules = fresh.run(fresh.bin / "python", "-c", load).split()
    assert "plytalk.core.registry.registry" in modules
    assert not {"core", "plugins", "cli"} & set(modules)


def test_the_version_is_that_of_the_package_and_stands_nowhere_else(built: Path) -> None:
    assert wheel_in(built).name.startswith(f"plytalk-{plytalk.__version__}-")
    elsewhere = [name for name in ("pyproject.toml", "setup.py", "CITATION.cff") if (PROJECT / name).exists()]
    assert not [name for name in elsewhere if plytalk.__version__ in (PROJECT / name).read_text()]


def test_the_wheel_tells_of_extras_for_users_alone_and_of_no_address_that_does_not_exist(built: Path) -> None:
    with zipfile.ZipFile(wheel_in(built)) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
        told = email.message_from_bytes(wheel.read(name))
    assert set(told.get_all("Provides-Extra", [])) == {
        "passphrase",
        "codes",
        "rooms",
        "fast",
        "files",
        "web",
        "proxy",
        "ssh",
        "lan",
        "lab",
    }
    assert told.get_all("Project-URL") is None
    assert told["Home-page"] is None
    assert {"Typing :: Typed", "Programming Language :: Python :: 3.11"} <= set(told.get_all("Classifier", []))
