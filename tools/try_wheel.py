"""Build the wheel, install it into a new virtual environment, and use it: the smoke test of what is shipped.

    .venv/bin/python tools/try_wheel.py

The wheel is built from this checkout (after `make setup`) and installed with the locked, hashed runtime requirements.
Then the installed program states its version, makes the demo plant, and serves it; the log-in page and the static
files that the page names must be answered. Nothing of the checkout can be imported, because everything runs in a
folder of its own. The exit status is 1, with a sentence, as soon as a step fails.
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
    """Run every step in a temporary folder, and say what is being done."""
    start = time.monotonic()
    with TemporaryDirectory(prefix="backflush-wheel-") as folder:
        wheel = build(Path(folder, "wheel"))
        program = install(Path(folder, "venv"), wheel)
        try_program(program, Path(folder))
    say(f"The wheel works ({time.monotonic() - start:.0f} s).")


def build(target: Path) -> Path:
    """Return the wheel, built without what an earlier build left behind."""
    say("Building the wheel ...")
    shutil.rmtree(REPOSITORY / "build", ignore_errors=True)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", target, REPOSITORY)
    (wheel,) = target.glob("backflush-*.whl")
    return wheel


def install(venv: Path, wheel: Path) -> Path:
    """Return the program of a new virtual environment that has the wheel and its locked requirements."""
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
    """Ask for the log-in page and for every static file that it names."""
    page = ask(f"{address}/log-in/", server).decode()
    linked = sorted(set(LINKED.findall(page)))
    if not any(name.endswith(".css") for name in linked) or not any(name.endswith(".js") for name in linked):
        sys.exit(f"The log-in page names no style sheet or no script: {linked}")
    for name in linked:
        if not ask(f"{address}{name}", server):
            sys.exit(f"{name} is empty.")
    say(f"The log-in page and its {len(linked)} static files were answered.")


def ask(address: str, server: "subprocess.Popen[bytes]") -> bytes:
    """Return the body of an answer with status 200, waiting while the server is starting."""
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
    """Return what a program writes to standard output; stop with its messages if it fails."""
    done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def environment() -> dict[str, str]:
    """Return the environment without what points at another plant or at this checkout."""
    return {
        name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "PUBLIC_URL", "PYTHONPATH"}
    }


def free_port() -> int:
    """Return a port of this machine that nothing listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def say(sentence: str) -> None:
    """Print what is happening, at once."""
    print(sentence, flush=True)


if __name__ == "__main__":
    main()
