"""The command line in this process, on the database of the test."""

import json
from typing import Any

from typer.testing import CliRunner, Result

from backflush.console.main import commands


class Console:
    """Runs commands; each argument is one word, and `typed` is their standard input."""

    def __init__(self) -> None:
        self._app = commands()
        self.typed = ""

    def run(self, *words: object) -> Result:
        """Run a command with what is typed to it, and return its result. Any exception but a refusal is raised."""
        result = CliRunner().invoke(self._app, [str(word) for word in words], input=self.typed, catch_exceptions=False)
        assert "Traceback" not in result.stderr
        return result

    def says(self, *words: object) -> str:
        """Return the text output of a successful command."""
        result = self.run(*words)
        assert (result.exit_code, result.stderr) == (0, ""), result.stderr
        return result.stdout

    def tells(self, *words: object) -> Any:
        """Return the JSON output of a successful command."""
        return json.loads(self.says(*words, "--json"))

    def refuses(self, *words: object) -> str:
        """Return the code of a refusal, and require that it has a sentence and no other output."""
        spoken, told = self.run(*words), self.run(*words, "--json")
        assert (spoken.exit_code, told.exit_code, spoken.stdout, told.stdout) == (1, 1, "", "")
        error = json.loads(told.stderr)["error"]
        assert set(error) == {"code", "field", "sentence", "params", "details"}
        assert spoken.stderr.splitlines() == [error["sentence"], *error["details"]]
        return str(error["code"])
