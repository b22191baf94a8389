"""The whole tour as `make run` starts it: a process that serves the demo plant until it is stopped."""

import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.doors.test_tour import COMMAND, environment_of

SECONDS_TO_SERVE = 120


@contextmanager
def served_tour(folder: Path, port: int) -> Iterator[Path]:
    """A running tour with its output file. It is stopped as by Ctrl-C, and then nothing must be listening."""
    said = folder / "said.txt"
    command = [*COMMAND, "tour", "--port", str(port)]
    environment = environment_of() | {"PUBLIC_URL": "https://elsewhere.example"}
    with said.open("w") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out)
        try:
            until = time.monotonic() + SECONDS_TO_SERVE
            while "\nPassword" not in said.read_text():
                assert process.poll() is None, said.read_text()
                assert time.monotonic() < until, said.read_text()
                time.sleep(0.1)
            yield said
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def visited(browser: urllib.request.OpenerDirector, address: str, **typed: str) -> str:
    """Return the text of a page, once the server accepts connections."""
    until = time.monotonic() + SECONDS_TO_SERVE
    while True:
        try:
            data = urlencode(typed).encode() if typed else None
            return str(browser.open(address, data, timeout=30).read().decode())
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError:
            assert time.monotonic() < until, f"nothing answers at {address}"
        time.sleep(0.1)


def test_the_tour_ends_with_pages_and_a_log_in_that_works_beside_a_taken_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        with served_tour(tmp_path, port) as file:
            said = file.read_text()
            assert f"Port {port} is taken" in said
            people = set(re.findall(r"^(\w+\.\w+) +\w", said, re.MULTILINE))
            assert people == {"rosa.marsh", "jan.osei", "ken.ibbotson", "ama.dunn"}
            last = re.search(
                r"\nAddress   (http://127\.0\.0\.1:\d+/)\nName      (\S+)\nPassword  (axle-hinge-lamp-\d+)\n\Z", said
            )
            assert last is not None, said
            address, name, password = last.groups()
            assert name in people
            browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
            form = visited(browser, f"{address}log-in/")
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
            assert token is not None
            typed = {"username": name, "password": password, "csrfmiddlewaretoken": token[1]}
            home = visited(browser, f"{address}log-in/", **typed)
            assert "Manufacturing" in home
            assert "Backflush errors" in home
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(address, timeout=5)
