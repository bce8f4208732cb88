"""Debian's Chromium, driven by hand: what a reader with a mouse, a keyboard, a phone or weak eyes meets on a page."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.request import urlopen

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from websocket import WebSocket

DESKTOP, PHONE = (1280, 900), (390, 844)
Theme = Literal["light", "dark"]
SCRIPTS = Path(__file__).parent / "browser.js"


@dataclass(frozen=True)
class Stop:
    """Where Tab has led."""

    number: int
    """Of the element, among those that Tab is to reach."""
    name: str
    is_seen: bool
    """Whether it has a size, lies in the window, and is outlined."""
    tip: str | None
    """What the tooltip says; None while it is hidden."""
    wanted: str | None
    """What it is to say."""


def _connected(address: str) -> "WebSocket":
    """The protocol's connection to the first page of the browser at this address."""
    from websocket import create_connection

    with urlopen(f"http://{address}/json/list") as answer:
        pages = [each for each in json.load(answer) if each["type"] == "page"]
    # The client would check each byte of each answer in Python; that of a screenshot took longer than to make it.
    return create_connection(pages[0]["webSocketDebuggerUrl"], suppress_origin=True, skip_utf8_validation=True)


class Browser:
    """One window, which stays open from page to page.

    Args:
        chromium: the program.
        driver: chromedriver.
        screenshots: their folder.
    """

    def __init__(self, chromium: str, driver: str, screenshots: Path) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.chrome: Chrome = webdriver.Chrome(options=options, service=Service(driver))
        self._page = _connected(self.chrome.capabilities["goog:chromeOptions"]["debuggerAddress"])
        self._number = 0
        self.screenshots = screenshots
        self.file = Path()

    def close(self) -> None:
        """Ends the browser."""
        self._page.close()
        self.chrome.quit()

    def open(self, file: Path, size: tuple[int, int] = DESKTOP, theme: Theme = "light") -> None:
        """Opens a file in a window of this size; a narrow one is a phone."""
        self.file = file
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.command("Emulation.setEmulatedMedia", media="", features=features)
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.command("Emulation.setDeviceMetricsOverride", **metrics)
        for log in ("browser", "performance"):
            self.chrome.get_log(log)
        self.chrome.get(file.as_uri())
        self.run(SCRIPTS.read_text())

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of the Chrome DevTools Protocol, given to the page itself: thousands would keep the driver busy."""
        self._number += 1
        self._page.send(json.dumps({"id": self._number, "method": name, "params": parameters}))
        while (answer := json.loads(self._page.recv())).get("id") != self._number:
            pass  # events, which nobody asked for
        assert "error" not in answer, f"{name}: {answer}"
        return answer["result"]

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns, which has its arguments in `arguments`."""
        called = f"(function () {{ {script}\n}})(...{json.dumps(arguments)})"
        found = self.command("Runtime.evaluate", expression=called, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def complaints(self) -> list[str]:
        """All that the console shows."""
        return [entry["message"] for entry in self.chrome.get_log("browser")]

    def requests(self) -> list[str]:
        """All that was asked for but the file itself, and pictures that stand in it."""
        messages = [json.loads(entry["message"])["message"] for entry in self.chrome.get_log("performance")]
        sent = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if url.split("#")[0] != self.file.as_uri() and not url.startswith("data:")]

    def overflow(self) -> int:
        """The number of pixels by which the page is wider than the window."""
        return int(self.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def faint_texts(self) -> list[str]:
        """Texts whose contrast is less than WCAG 2.2 AA asks for, each with its contrast."""
        return list(self.run("return window.look.faintTexts()"))

    def unnamed(self) -> list[str]:
        """Elements that can be focused and have no name, and identifiers that stand twice."""
        return list(self.run("return window.look.unnamed()"))

    def tab_through(self, at_most: int = 400) -> Iterator[Stop]:
        """Presses Tab until there is nothing new."""
        for _ in range(min(int(self.run("return window.look.begin()")), at_most)):
            self.press("Tab", 9)
            yield Stop(*self.run("return window.look.stop()"))
        assert self.run("return window.look.stays()"), "Tab has changed what there is to reach"

    def press(self, key: str, code: int) -> None:
        """Presses a key."""
        for kind in ("rawKeyDown", "keyUp"):
            self.command("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def hover_marks(self) -> list[str]:
        """Moves the pointer onto every mark; those where no tooltip tells of it, or of what covers it."""
        wrong = []
        number, place = 0, self.run("return window.look.place(0)")
        while place is not None:
            x, y = place
            self.command("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
            asked = "const [n, x, y] = arguments; return [window.look.hovered(n, x, y), window.look.place(n + 1)]"
            problem, place = self.run(asked, number, x, y)
            number += 1
            if problem:
                wrong.append(problem)
        return wrong

    def screenshot(self, name: str) -> Path:
        """The whole page, as a file that stays."""
        self.run("document.activeElement.blur(); window.scrollTo(0, 0)")
        self.screenshots.mkdir(parents=True, exist_ok=True)
        target = self.screenshots / f"{name}.png"
        target.write_bytes(base64.b64decode(self.command("Page.captureScreenshot", captureBeyondViewport=True)["data"]))
        return target
