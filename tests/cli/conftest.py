"""`chat explain`, which shows the stack that the command line, the environment and the config file come to."""

import json

import pytest
from click.testing import CliRunner

from plytalk.cli.main import chat


@pytest.fixture
def explain(tmp_path):
    """`chat explain` with arguments, an environment and a config file: the stack it came to, and the whole answer."""

    def explained(*arguments, settings="", **environment):
        (tmp_path / "plytalk").mkdir(exist_ok=True)
        (tmp_path / "plytalk" / "config.toml").write_text(settings)
        environment = {f"PLYTALK_{name}": value for name, value in environment.items()}
        run = CliRunner(env={"XDG_CONFIG_HOME": str(tmp_path), **environment}).invoke(chat, ["explain", "--json", *arguments])
        if run.exception and not isinstance(run.exception, SystemExit):
            raise run.exception
        assert run.exit_code == 0, run.output
        return {kind: ",".join(names) for kind, names in json.loads(run.stdout)["stack"].items()}

    return explained
