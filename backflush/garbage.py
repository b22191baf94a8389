"""Python's search for cycles, put off while thousands of rows are made that have none.

Each row made brings the next search nearer, and each search goes through all rows made so far: it took a sixth of a
booking of 22,000 movements. What is no longer needed is freed all the same, by counting who refers to it.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_search() -> Iterator[None]:
    """Search for no cycles within; in the whole process, so not for long."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
