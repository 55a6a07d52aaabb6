"""What script/page-pictures does once everything is installed and built."""

import argparse
import contextlib
import tempfile
import time

from browser import Browser  # test/page

from stack.awaiting import await_condition
from stack.load import Hey
from stack.server import ROOT, Server

CONNECTIONS = 300
FIRST_LAW = "uniform(0s,2s)"
SECOND_LAW = "lognormal(200ms,2s)"
SEND = "document.querySelector('#send-form button').click()"
# Name, width, height that is kept, pixels to a point.
PICTURES = (("light", 1280, 1010, 1), ("dark", 1280, None, 1), ("phone", 390, 1500, 1.5))


def take(server, folder):
    with contextlib.closing(Browser()) as browser:
        for name, width, height, scale in PICTURES:
            browser.size(width, 900, scale)
            browser.scheme("dark" if name == "dark" else "light")
            browser.open(server.url("/ui/"))
            await_condition(lambda: browser.state() == "live", what="the live page")
            browser.run(SEND)
            await_condition(lambda: browser.text("#send-state").startswith("5 of 5"),
                            what="five answers", timeout_seconds=60)
            (folder / f"page-{name}.png").write_bytes(browser.picture(height))


def main():
    parser = argparse.ArgumentParser(prog="script/page-pictures")
    parser.add_argument("--seconds", type=int, default=300, metavar="N",
                        help="how long requests are sent before (default 300)")
    seconds = parser.parse_args().seconds
    folder = ROOT / "docs" / "pictures"
    folder.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        token = stack.enter_context(tempfile.NamedTemporaryFile("w"))
        token.write("only-for-these-pictures")
        token.flush()
        server = Server("--delay", FIRST_LAW, "--seed", "7", "--log", "off", "--admin", token.name,
                        env={"VERSION": "1.0"})
        stack.callback(server.stop)
        load = Hey(server.url("/"), connections=CONNECTIONS, seconds=seconds + 60)
        stack.callback(load.kill)
        time.sleep(seconds * 0.55)
        status, _, said = server.get("/admin/delay", method="POST", body=SECOND_LAW,
                                     headers={"Authorization": "Bearer only-for-these-pictures"})
        assert status == 200, said
        time.sleep(seconds * 0.45)
        take(server, folder)


if __name__ == "__main__":
    main()
