"""The programs in docs/ are beside the pages and belong to no package: this is how their tests import them."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "docs"))
