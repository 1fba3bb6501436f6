"""`chat`, where addresses of this machine have the limits and penalties of any other.

python -m tests.system.resources.strict serve ...
"""

from plytalk.cli.main import main
from plytalk.core.endpoints.server import Server

if __name__ == "__main__":
    (Server.__init__.__kwdefaults__ or {})["is_exempt"] = lambda peer: False
    main()
