"""Python's search for cycles of objects that nobody needs any more, where it would only take time.

What is no longer needed is freed all the same, by counting who refers to it; the search is for what refers to itself.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_search() -> Iterator[None]:
    """Search for no cycles within; in the whole process, so not for long.

    For where thousands of rows are made that have none: each brings the next search nearer, and each search goes
    through all rows made so far. It took a sixth of a booking of 22,000 movements.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def keep_what_is_loaded() -> None:
    """From now on search only among what comes later: what a process has loaded at its start stays until its end.

    Going through all of it took a tenth of a second, which every few dozen pages somebody waited for.
    """
    gc.collect()
    gc.freeze()
