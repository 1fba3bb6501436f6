"""Rules of the project that no single test would notice being broken."""

import ast
import io
import os
import re
import shutil
import subprocess
import sys
import tokenize
import tomllib
from pathlib import Path

import pytest
from asserting import empty_tests

from plytalk.core.contracts.kinds import KINDS
from plytalk.core.registry.registry import Registry

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("core", "trust", "lab", "plugins", "cli")
SOURCES = sorted(
    file.relative_to(ROOT).as_posix()
    for folder in FOLDERS
    for file in (ROOT / folder).rglob("*.py")
    if file.name != "__init__.py"
)
SHARED = {"plugins/attacks": "tests/lab/attacks/test_matrix.py", "core/contracts": "tests/core/contracts/test_contracts.py"}
"""Folders whose files are all put through one test: each attack on every stack, each contract by its layers."""

MISSING: set[str] = set()
"""Source files without a test file. It stays empty."""


def proof_of(source: str) -> str:
    folder, _, name = source.rpartition("/")
    return SHARED.get(folder, f"tests/{folder}/test_{name}")


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_file_has_a_test_file_of_the_same_name(source: str) -> None:
    assert (ROOT / proof_of(source)).is_file() is (source not in MISSING)


def test_the_list_of_missing_tests_names_no_file_that_is_gone() -> None:
    assert set(SOURCES) >= MISSING


def test_no_folder_of_ours_is_a_package_of_that_name() -> None:
    """`core`, `plugins` and `cli` are reached as plytalk.core and so on; under their own names they would be loaded twice."""
    look = (
        "import sys, plytalk.cli.main; from plytalk.core.registry.registry import Registry;"
        " Registry().load_all(); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for names in (set(loaded), set(sys.modules)):
        assert "plytalk" in names
        assert not {name for name in names if name.partition(".")[0] in FOLDERS}


# -- core names no algorithm ----------------------------------------------------------------------------------------------

ALGORITHMS = re.compile(
    r"(?<![a-z])(aes|a?es?gcm|gcm|3?des|chacha\w*|poly1305|rsa|oaep|ecdsa|dsa|ed25519|ed448|curve25519|x25519|x448|ml-?kem\w*|kyber"
    r"|noise|hkdf|scrypt|argon2\w*|spake2|md5|sha-?(?!256)\d+|blake[23]\w*)"
    r"(?![a-z])",
    re.IGNORECASE,
)
"""All but SHA-256, which makes the fingerprints of keys, as OpenSSH shows them."""
CORE = [source for source in SOURCES if source.startswith("core/")]


def names_in_code(text: str) -> set[str]:
    """The algorithms that the code names: comments and docstrings may give examples."""
    found = set()
    before = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME or (
            token.type == tokenize.STRING and before not in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        ):
            found |= {match.lower() for match in ALGORITHMS.findall(token.string)}
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            before = token.type
    return found


@pytest.mark.parametrize("source", CORE)
def test_core_names_no_algorithm(source: str) -> None:
    assert names_in_code((ROOT / source).read_text()) == set()


def test_the_look_for_algorithms_finds_them() -> None:
    code = """
from x import AESGCM, ChaCha20Poly1305
kind = "ssh-ed25519"  # not DSA
def f():
    '''As ECDSA does.'''
    rsa_key = 1
"""
    assert names_in_code(code) == {"aesgcm", "chacha20poly1305", "ed25519", "rsa"}
    assert names_in_code("digest(x, 'sha512'), hkdf, Noise, '3des', 'sha256'") == {"sha512", "hkdf", "noise", "3des"}
    assert names_in_code("message = is_close = does = parse = transport = universal = 1") == set()


# -- core names no plugin -------------------------------------------------------------------------------------------------

WORDS = {"allow", "length", "none", "raw", "tcp", "text", "ws", "wss"}
"""Words of the language, and schemes of addresses, that are names of layers, too."""
BROUGHT = {(kind, name) for kind, name in Registry().found if kind != "attack"}
BY_KIND = re.compile("|".join(rf"\b{kind}[s`' ]*{re.escape(name)}\b" for kind, name in sorted(BROUGHT) if name != "none"))
OPTIONS = {f"--{option.name}" for layer in Registry().layers(KINDS) for option in layer.options}


def plugins_named_in(text: str) -> set[str]:
    """What the strings of a program, but for its docstrings, name of plugins: layers, profiles, options and modules."""
    tree = ast.parse(text)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    said = {str(node.value) for node in strings if id(node) not in docstrings}
    names = said & ({name for _, name in BROUGHT} - WORDS)
    options = {option for each in said for option in re.findall(r"--[a-z][a-z-]*", each)} & OPTIONS
    return names | options | {found[0] for each in said for found in re.finditer(r"plytalk\.plugins|" + BY_KIND.pattern, each)}


@pytest.mark.parametrize("source", CORE)
def test_core_names_no_plugin(source: str) -> None:
    assert plugins_named_in((ROOT / source).read_text()) == set()


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ('if layer.name == "rooms": ...', "rooms"),
        ('DEFAULT = {"framer": "u16"}', "u16"),
        ('PROFILES = ("secure-chat",)', "secure-chat"),
        ('hint = f"Use the feature rooms at {x}."', "feature rooms"),
        ('hint = f"Choose the cipher `aesgcm`."', "cipher `aesgcm"),
        ('hint = "Give --operator KEY."', "--operator"),
        ('import_module("plytalk.plugins.rooms.hub")', "plytalk.plugins"),
    ],
)
def test_the_look_for_plugins_finds_them(code: str, named: str) -> None:
    assert named in plugins_named_in(code)


def test_words_of_the_language_may_be_names_of_layers() -> None:
    code = """
def f():
    "The feature rooms, in a docstring."
    return "raw", "none", "There is room for one.", "--auth NAME", f"the framer `{name}`"
"""
    assert plugins_named_in(code) == set()


# -- who imports whom -----------------------------------------------------------------------------------------------------


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    lint = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if lint is None:
        pytest.skip("needs import-linter: pip install import-linter")
    # Its search path is the installed package's; that of a copy comes first.
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([lint, "--no-cache"], cwd=root, env=environment, capture_output=True, text=True)


def test_imports_keep_their_direction() -> None:
    run = lint_imports(ROOT)
    assert run.returncode == 0, run.stdout
    assert " 0 broken" in run.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources and the contracts, to plant faults in."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "src", tmp_path / "src", symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


FAULTS = {
    "core/pipeline/handshake_io.py": ("import ssl", "core opens no socket"),
    "core/contracts/peers.py": ("import subprocess", "core opens no socket"),
    "core/stack/selection.py": ("import plytalk.plugins.rooms.member_names", "cli > lab > api > plugins > trust > core"),
    "lab/attacks/clock.py": ("import plytalk.lab.classroom.draws", "the lab knows no classroom"),
    "plugins/attacks/dropping.py": ("import plytalk.lab.attacks.run", "cli > lab > api > plugins > trust > core"),
    "plugins/framers/raw.py": ("import plytalk.plugins.ciphers.none", "layers never import each other"),
    "plugins/ciphers/none.py": ("import plytalk.plugins.rooms.member_names", "only features know rooms"),
    "plugins/chat_screen/plain_lines.py": ("import plytalk.plugins.uis.console", "what the console is made of knows no layer"),
    "plugins/noise/states.py": ("import plytalk.plugins.messages.records", "the Noise engine knows no layer"),
    "plugins/rooms/member_names.py": ("import plytalk.plugins.framers.raw", "what rooms are made of knows no layer"),
    "plugins/sockets/tcp_sockets.py": ("import plytalk.plugins.uis.console", "what transports are made of knows no layer"),
    "plugins/files/manifest.py": ("import plytalk.plugins.framers.raw", "what carries files knows no layer"),
}
"""A forbidden import for each contract, and the name of the contract that must report it."""


def test_every_contract_about_imports_reports_a_planted_fault(copy: Path) -> None:
    for file, (line, _) in FAULTS.items():
        assert (copy / file).is_file()
        (copy / file).write_text(f"{(copy / file).read_text()}\n{line}  # noqa\n")
    run = lint_imports(copy)
    broken = {line for line in run.stdout.splitlines() if " BROKEN" in line}
    for _, contract in FAULTS.values():
        assert any(line.startswith(contract) for line in broken), f"{contract}: {run.stdout}"
    assert " 0 kept" in run.stdout


# import-linter sees imports of modules. What `asyncio` offers needs a look at the code.
OPENS = re.compile(
    r"(open|start|create)_(unix_)?(connection|server|datagram_endpoint|subprocess_\w+)|sock_(connect|accept)|connect_(read|write)_pipe"
)


def opened_in(text: str) -> set[str]:
    """The names in the code that open a socket or start a program."""
    names = {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom | ast.Import):
            names |= {alias.name.rpartition(".")[2] for alias in node.names}
        elif isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)  # getattr(asyncio, "open_connection")
    return {name for name in names if OPENS.fullmatch(name)} | names & {"system", "popen", "fork", "__import__"}


@pytest.mark.parametrize("source", CORE)
def test_core_opens_no_socket_and_starts_no_program(source: str) -> None:
    assert opened_in((ROOT / source).read_text()) <= OPENED.get(source, set())


OPENED: dict[str, set[str]] = {}


@pytest.mark.parametrize(
    "code",
    [
        "import asyncio\nasyncio.open_connection('x', 1)",
        "from asyncio import start_server",
        "loop.create_connection(f, 'x', 1)",
        "asyncio.open_unix_connection('x')",
        "asyncio.create_subprocess_exec('x')",
        "getattr(asyncio, 'open_connection')",
        "import os\nos.system('x')",
        "__import__('socket')",
        "loop.sock_connect(s, 'x')",
    ],
)
def test_the_look_for_sockets_finds_them(code: str) -> None:
    assert opened_in(code)


KNOWN_FOLDERS = {
    "core": {"bases", "contracts", "conversation", "endpoints", "io", "pipeline", "registry", "stack"},
    "trust": set(),
    "lab": {"attacks", "audit", "bench", "classroom", "fuzz", "inspect", "vectors"},
    "plugins": {
        *("attacks", "authenticators", "ciphers", "features", "framers", "handshakes", "messages", "transports", "uis"),
        *("chat_screen", "files", "lan", "noise", "relay", "rooms", "sockets", "ssh", "web"),
    },
    "cli": {"new-plugin"},
}


def folders_in(root: Path) -> dict[str, set[str]]:
    """The folders with files in them, but for caches."""
    return {
        top: {
            path.name for path in (root / top).iterdir() if path.is_dir() and path.name != "__pycache__" and any(path.glob("*.*"))
        }
        for top in FOLDERS
    }


def test_every_folder_is_under_a_contract_about_imports() -> None:
    """A new folder is named here when a contract in pyproject.toml says who may import it."""
    assert folders_in(ROOT) == KNOWN_FOLDERS
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    named = {name for contract in contracts for name in (*contract.get("modules", ()), *contract.get("source_modules", ()))}
    for folder in KNOWN_FOLDERS["plugins"]:
        assert named & {f"plytalk.plugins.{folder}", f"plytalk.plugins.{folder}.*"}


def test_a_new_folder_is_noticed(copy: Path) -> None:
    (copy / "plugins" / "bridges").mkdir()
    (copy / "plugins" / "bridges" / "irc.py").write_text("")
    assert folders_in(copy) != KNOWN_FOLDERS


NEEDED = {
    "plytalk",
    "pluggy",
    "msgspec",
    "typing_extensions",
    "__main__",
}  # msgspec loads typing_extensions where it is installed


def test_the_kit_needs_only_what_plytalk_needs() -> None:
    look = "import sys, plytalk.testing; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert "plytalk.testing" in loaded
    strange = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names) - NEEDED
    assert {name for name in strange if not name.startswith(("_", "sitecustomize", "usercustomize"))} == set()


# -- folders that say what is in them -------------------------------------------------------------------------------------


def misnamed_in(folder: Path) -> set[str]:
    """What the docstring of a package lists as a file and is none, and what it leaves out, where it lists any."""
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    listed = set(re.findall(r"^(\w+\.py) {2,}\S", docstring, re.MULTILINE))
    return listed ^ {file.name for file in folder.glob("*.py") if file.name != "__init__.py"} if listed else set()


def test_a_folder_that_lists_its_files_lists_them_all() -> None:
    packages = [file.parent for folder in FOLDERS for file in (ROOT / folder).rglob("__init__.py")]
    assert {str(folder.relative_to(ROOT)): found for folder in packages if (found := misnamed_in(folder))} == {}


def test_a_file_that_a_folder_does_not_list_is_found(tmp_path: Path) -> None:
    for name in ("listed.py", "forgotten.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "__init__.py").write_text('"""A folder.\n\nlisted.py  this\ngone.py    that\n"""\n')
    assert misnamed_in(tmp_path) == {"forgotten.py", "gone.py"}


# -- tests that can fail --------------------------------------------------------------------------------------------------


def test_every_test_asserts_something() -> None:
    files = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("examples/*/tests/**/*.py")]
    assert empty_tests(files) == []


def test_the_look_for_tests_that_assert_nothing_finds_them(tmp_path: Path) -> None:
    file = tmp_path / "test_planted.py"
    file.write_text("""
def holds(): assert True
def test_empty(): print(1)
async def test_only_suppresses():
    with suppress(ValueError): work()
class TestClass:
    def test_in_a_class(self): self.work()
def test_asserts(): assert work()
def test_raises():
    with pytest.raises(ValueError): work()
def test_by_a_helper(): holds()
def test_by_the_kit(): check_cipher(Xor)
""")
    found = [name.partition("::")[2] for name in empty_tests([file])]
    assert found == ["test_empty", "test_only_suppresses", "test_in_a_class"]


def test_what_objects_hold_is_asked_in_one_place() -> None:
    """See tests/support/heap.py for what goes wrong otherwise."""
    files = [file for file in ROOT.glob("tests/**/*.py") if "get_referents(" in file.read_text(encoding="utf-8")]
    assert {file.name for file in files} == {"heap.py", Path(__file__).name}


def test_temporary_folders_are_made_in_one_place() -> None:
    """What the standard library offers leaves the folder behind if it is interrupted at the wrong moment."""
    users = [name for name in SOURCES if re.search(r"TemporaryDirectory\(|mkdtemp\(", (ROOT / name).read_text(encoding="utf-8"))]
    assert users == []


def stale_sums(text: str) -> list[int]:
    """The lines with an augmented assignment to shared state whose value awaits."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.AugAssign)
        and not isinstance(node.target, ast.Name)
        and any(isinstance(part, ast.Await | ast.YieldFrom) for part in ast.walk(node.value))
    ]


def test_no_augmented_assignment_to_shared_state_awaits() -> None:
    """`self.x |= await f()` reads `self.x` before it awaits: what others assign meanwhile is lost."""
    files = [file for file in (ROOT / name for name in (*FOLDERS, "src", "tests", "examples")) for file in file.rglob("*.py")]
    assert [f"{file}:{line}" for file in files for line in stale_sums(file.read_text(encoding="utf-8"))] == []


def test_an_augmented_assignment_that_awaits_is_found() -> None:
    assert stale_sums(
        "async def f(self):\n    self.x |= await g()\n    self.y += 1\n    x += await g()\n    z[0] += h(await g())"
    ) == [2, 5]


PREDICATE = re.compile(
    r"(?<!os\.path)(?<!\bentry)\.(exists|is_file|is_dir|is_symlink|is_mount|is_socket|is_fifo|is_block_device|is_char_device)\("
)


def test_whether_a_path_exists_is_asked_of_os_path() -> None:
    """A Path raises OSError for a name that is too long or a folder that may not be read; os.path says no. (An `entry` is one of
    os.scandir, whose name exists.)
    """
    users = [
        f"{name}:{number}"
        for name in {*SOURCES} - {"lab/attacks/scenario.py"}  # which makes the files that it looks for
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if PREDICATE.search(line)
    ]
    assert users == []
