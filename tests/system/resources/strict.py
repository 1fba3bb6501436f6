"""`chat`, where addresses of this machine have the limits and penalties of any other.

python -m tests.system.resources.strict serve ...
"""

from plytalk.cli.main import main
from plytalk.core.endpoints.lifecycle import Lifecycle

if __name__ == "__main__":
    defaults = Lifecycle.__init__.__kwdefaults__
    assert defaults is not None
    assert "is_exempt" in defaults, "the exemption has moved: change this program with it"
    defaults["is_exempt"] = lambda peer: False
    main()
