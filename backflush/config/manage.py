"""Run Django's management commands: `python -m backflush.config.manage migrate`."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Run a Django command with Backflush's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backflush.config.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
