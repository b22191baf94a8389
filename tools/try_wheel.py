"""Build the wheel, install it into a new virtual environment, and use it: a smoke test of the release.

    .venv/bin/python tools/try_wheel.py

The wheel is built from this checkout (after `make setup`) and installed with the locked, hashed runtime requirements.
Then the installed program prints its version, creates the demo plant, and serves it; the log-in page and its static
files must be answered. Everything runs in a temporary folder, so nothing of the checkout can be imported. The exit
status is 1, with a sentence, as soon as a step fails.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

REPOSITORY = Path(__file__).resolve().parent.parent
ANSWERS_WITHIN_SECONDS = 60
LINKED = re.compile(r'(?:href|src)="(/static/[^"]+)"')


def main() -> None:
    """Run every step in a temporary folder, and print each."""
    start = time.monotonic()
    with TemporaryDirectory(prefix="backflush-wheel-") as folder:
        wheel = build(Path(folder, "wheel"))
        program = install(Path(folder, "venv"), wheel)
        try_program(program, Path(folder))
    say(f"The wheel works ({time.monotonic() - start:.0f} s).")


def build(target: Path) -> Path:
    """Build the wheel without the results of earlier builds, and return its path."""
    say("Building the wheel ...")
    shutil.rmtree(REPOSITORY / "build", ignore_errors=True)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", target, REPOSITORY)
    (wheel,) = target.glob("backflush-*.whl")
    return wheel


def install(venv: Path, wheel: Path) -> Path:
    """Install the wheel and its locked requirements into a new virtual environment, and return the program."""
    say(f"Installing {wheel.name} with requirements/runtime.txt into a new virtual environment ...")
    run(sys.executable, "-m", "venv", venv)
    python = venv / "bin" / "python"
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--require-hashes", "-r", REPOSITORY / "requirements" / "runtime.txt")
    run(*pip, "--no-deps", "--no-index", wheel)
    return venv / "bin" / "backflush"


def try_program(program: Path, folder: Path) -> None:
    """Use the installed program as its first user would."""
    stated = run(program, "--version", folder=folder).strip()
    expected = re.search(r'__version__: Final = "(.+)"', (REPOSITORY / "backflush" / "__init__.py").read_text())
    if expected is None or stated != f"backflush {expected[1]}":
        sys.exit(f"The installed program says it is {stated!r}.")
    say(f"{stated}: making the demo plant ...")
    run(program, "demo", folder=folder)
    run(program, "verify", folder=folder)
    port = free_port()
    say(f"Serving it at port {port} ...")
    server = subprocess.Popen([program, "serve", "--port", str(port)], cwd=folder, env=environment())
    try:
        try_pages(f"http://127.0.0.1:{port}", server)
    finally:
        server.terminate()
        server.wait(ANSWERS_WITHIN_SECONDS)


def try_pages(address: str, server: "subprocess.Popen[bytes]") -> None:
    """Request the log-in page and every static file that it names."""
    page = ask(f"{address}/log-in/", server).decode()
    linked = sorted(set(LINKED.findall(page)))
    if not any(name.endswith(".css") for name in linked) or not any(name.endswith(".js") for name in linked):
        sys.exit(f"The log-in page names no style sheet or no script: {linked}")
    for name in linked:
        if not ask(f"{address}{name}", server):
            sys.exit(f"{name} is empty.")
    say(f"The log-in page and its {len(linked)} static files were answered.")


def ask(address: str, server: "subprocess.Popen[bytes]") -> bytes:
    """Return the body of a response with status 200; wait while the server is starting."""
    patience_ends = time.monotonic() + ANSWERS_WITHIN_SECONDS
    while True:
        try:
            with urlopen(address, timeout=10) as answer:  # noqa: S310 - a constant scheme, this machine
                return answer.read()
        except URLError as reason:
            if hasattr(reason, "code") or server.poll() is not None or time.monotonic() > patience_ends:
                sys.exit(f"{address}: {reason}")
            time.sleep(0.2)


def run(*words: str | Path, folder: Path = REPOSITORY) -> str:
    """Return the standard output of a program; stop with its messages if it fails."""
    done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def environment() -> dict[str, str]:
    """Return the environment without variables that point at another plant or at this checkout."""
    return {
        name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "PUBLIC_URL", "PYTHONPATH"}
    }


def free_port() -> int:
    """Return a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def say(sentence: str) -> None:
    """Print a line at once."""
    print(sentence, flush=True)


if __name__ == "__main__":
    main()
