"""The picture of the data model in the documentation."""

import subprocess
import sys
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parent.parent


def test_the_picture_matches_the_models() -> None:
    done = subprocess.run(
        [sys.executable, "tools/data_model.py", "--check"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
