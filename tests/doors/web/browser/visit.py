from pathlib import Path
from typing import Any, Final

from django.conf import settings
from playwright.sync_api import Browser, Page

from tests.doors.web.visitors import PASSWORD, session_of

AXE: Final = Path(__file__).resolve().parents[4] / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIZES: Final = {"phone": (390, 844), "tablet": (820, 1180), "desk": (1440, 900)}
THEMES: Final = ("light", "dark")


class Visit:
    """A visitor with a browser. `complaints` collects the errors of the browser's console."""

    def __init__(self, browser: Browser, address: str, size: str = "desk", theme: str = "light") -> None:
        width, height = SIZES[size]
        by_finger = size != "desk"
        self._context = browser.new_context(
            viewport={"width": width, "height": height}, has_touch=by_finger, is_mobile=by_finger
        )
        self._context.add_cookies([{"name": "backflush_theme", "value": theme, "url": address}])
        self.address = address
        self.page: Page = self._context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def close(self) -> None:
        """Close the browser context."""
        self._context.close()

    def sign_in(self, name: str) -> "Visit":
        """Start a session of a user without the log-in page, and open Home."""
        session = session_of(name)
        self._context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": self.address}])
        return self.goes("/")

    def sign_in_by_hand(self, name: str) -> "Visit":
        """Sign in through the log-in page."""
        self.goes("/log-in/")
        self.page.fill("#username", name)
        self.page.fill("#password", PASSWORD)
        self.page.click("button[type=submit]:has-text('Sign in')")
        self.page.wait_for_url(f"{self.address}/")
        return self

    def goes(self, path: str) -> "Visit":
        """Open a page and wait until nothing is loading."""
        self.page.goto(self.address + path)
        self.page.wait_for_load_state("networkidle")
        return self

    def focused(self) -> str:
        """The id of the focused element."""
        return str(self.page.evaluate("document.activeElement.id"))

    def violations(self) -> list[str]:
        """Return what axe finds on the page, including best practices, and whether it scrolls sideways."""
        # Wait for colour transitions to end.
        self.page.evaluate("Promise.allSettled(document.getAnimations().map(one => one.finished))")
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = self.page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        said = [
            f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']]}" for one in found["violations"]
        ]
        wide = self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        return [*said, *(["the page scrolls sideways"] if wide else [])]
