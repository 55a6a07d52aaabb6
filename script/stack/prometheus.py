"""A real Prometheus with a data folder of its own that goes away with it."""

import json
import math
import pathlib
import shutil
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from stack import ports
from stack.awaiting import await_condition
from stack.process import Process, StartError

BINARY = "/usr/bin/prometheus"
CONFIGURATION = """\
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
scrape_configs:
  - job_name: httpserver
    static_configs:
      - targets: ['{target}']
"""


class Prometheus:
    """Scrapes `target` (HOST:PORT) every second from the moment it is ready.

    With `configuration` it does what that text of a prometheus.yml says; `flags` are added, and `binary`
    is another Prometheus than Debian's.
    """

    def __init__(self, target=None, *, port=None, native_histograms=False, configuration=None,
                 flags=(), binary=BINARY):
        self.target = target
        self.binary = binary
        self.flags = [*flags]
        if native_histograms:
            self.flags.append("--enable-feature=native-histograms")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="httpserver-prometheus-"))
        self.process = None
        try:
            (self.folder / "prometheus.yml").write_text(
                configuration or CONFIGURATION.format(target=target))
            self._start([port] if port else [ports.any_free() for _ in range(5)])
        except BaseException:
            self.stop()
            raise

    def _start(self, candidates):
        # Prometheus cannot be told port 0, and another program may be quicker: so several tries.
        for number, self.port in enumerate(candidates, start=1):
            self.process = Process([
                self.binary, f"--config.file={self.folder}/prometheus.yml",
                f"--storage.tsdb.path={self.folder}/data",
                f"--web.listen-address={ports.LOOPBACK}:{self.port}", "--log.level=warn",
                *self.flags])
            try:
                await_condition(self._ready, timeout_seconds=60, what="Prometheus' readiness")
                return
            except (StartError, TimeoutError):
                self.process.kill()
                if number == len(candidates):
                    raise

    def _ready(self):
        if not self.process.running():
            raise StartError(f"prometheus ended: {self.process.stderr_text().strip()}")
        try:
            with urllib.request.urlopen(self.url("/-/ready"), timeout=5):
                return True
        except OSError:
            return False

    def url(self, path="/"):
        return f"http://{ports.LOOPBACK}:{self.port}{path}"

    def ask(self, path, **parameters):
        """The `data` of an answer of the HTTP API; ValueError carries Prometheus' own error text."""
        url = self.url(f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(f"{path} {parameters}: {error.read().decode()}") from error

    def query(self, expression):
        """An instant query: list of (labels, value)."""
        data = self.ask("query", query=expression)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(series["metric"], float(series["value"][1])) for series in data["result"]]

    def value(self, expression):
        """The value of an expression with one result; NaN when it has none."""
        result = self.query(expression)
        if len(result) > 1:
            raise ValueError(f"{expression} has {len(result)} results, not one")
        return result[0][1] if result else math.nan

    def targets(self):
        return self.ask("targets", state="active")["activeTargets"]

    def await_scrape(self, timeout_seconds=30):
        """Waits for a stored scrape; TimeoutError carries the last error of the target."""
        try:
            await_condition(lambda: self.value("max(up)") == 1, timeout_seconds=timeout_seconds)
        except TimeoutError:
            errors = [target["lastError"] for target in self.targets()]
            raise TimeoutError(f"Prometheus did not reach {self.target}: {errors}") from None

    def await_value(self, expression, wanted, timeout_seconds=30):
        """Waits until the expression has that value: what was counted has been scraped."""
        return await_condition(lambda: self.value(expression) == wanted, every_seconds=0.2,
                               timeout_seconds=timeout_seconds, what=f"{expression} == {wanted}")

    def stop(self):
        if self.process is not None:
            self.process.stop(timeout_seconds=20)
        shutil.rmtree(self.folder, ignore_errors=True)
