"""Debian's Chromium, headless, as a person's browser: what it shows, and what it complains about."""

import base64
import json
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars",
)
# Before the page's own scripts: what the layout does by itself, and what the policy forbids.
WATCH = """
window.watched = { shifts: 0, shifted: [], violations: [], errors: [] };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (!entry.hadRecentInput) {
      watched.shifts += entry.value;
      watched.shifted.push(...entry.sources.map((one) => `${one.node?.nodeName} ${one.node?.id || one.node?.className} ` +
        `${JSON.stringify(one.previousRect)} ${JSON.stringify(one.currentRect)}`));
    }
  }
}).observe({ type: "layout-shift", buffered: true });
document.addEventListener("securitypolicyviolation", (event) => watched.violations.push(event.violatedDirective));
window.addEventListener("error", (event) => watched.errors.push(event.message));
window.addEventListener("unhandledrejection", (event) => watched.errors.push(String(event.reason)));
"""


class Browser:
    """One browser; `open` shows a page in it as a new visitor sees it."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="httpserver-page-")
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*FLAGS, f"--user-data-dir={self._folder.name}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self._command("Page.addScriptToEvaluateOnNewDocument", source=WATCH)

    def close(self):
        self.driver.quit()
        self._folder.cleanup()

    def _command(self, name, **parameters):
        return self.driver.execute_cdp_cmd(name, parameters)

    def size(self, width, height, scale=1):
        self._command("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=scale, mobile=False)

    def scheme(self, name):
        """`light` or `dark`, as the system would ask for it."""
        self._command("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": name}])

    def open(self, url):
        self.console()  # what pages before it said is forgotten
        self.driver.get(url)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0])?.textContent", selector)

    def values(self, selector):
        """The exact numbers behind what the elements show; None where there is none."""
        found = self.run("return [...document.querySelectorAll(arguments[0])].map("
                         "(element) => element.dataset.value ?? element.value ?? null)", selector)
        return [None if value in (None, "") else float(value) for value in found]

    def state(self):
        return self.run("return document.querySelector('#state')?.dataset.state")

    def watched(self):
        return self.run("return window.watched")

    def console(self):
        """What the console got since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def key(self, name):
        for kind in ("keyDown", "keyUp"):
            self._command("Input.dispatchKeyEvent", type=kind, key=name, code=name,
                          windowsVirtualKeyCode={"Tab": 9, "ArrowLeft": 37, "Enter": 13}[name])

    def picture(self, height=None):
        """A PNG of the whole page, or of its first `height` pixels."""
        clip = self.run("return { x: 0, y: 0, width: innerWidth, scale: 1,"
                        " height: document.documentElement.scrollHeight }")
        clip["height"] = height or clip["height"]
        shot = self._command("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                             clip=clip)
        return base64.b64decode(shot["data"])


def said_by(server, path="/truth?quantiles=0.5,0.9,0.99&scrapes=0"):
    return json.loads(server.get(path)[2])
