"""The live page in Debian's Chromium: what it shows is what the server says."""

import gzip
import re
import subprocess

import pytest

from browser import Browser, said_by
from stack.awaiting import await_condition
from stack.load import Hey
from stack.server import ROOT

pytestmark = pytest.mark.heavy

TOKEN = "a token nobody guesses".replace(" ", "-")
LAW = "uniform(0s,100ms)"
QUANTILES = ("0.5", "0.9", "0.99")


@pytest.fixture(scope="module")
def browser():
    one = Browser()
    yield one
    one.close()


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return path


def send(server, requests=200):
    load = Hey(server.url("/"), connections=5, requests=requests)
    assert load.answers() == {200: requests}


def show(browser, server, state="live"):
    browser.size(1280, 900)
    browser.scheme("light")
    browser.open(server.url("/ui/"))
    await_condition(lambda: browser.state() == state, what=f"the state {state}")


def await_count(browser, count):
    """Until the page has the second with the last of so many requests."""
    await_condition(lambda: browser.values("#row-count td:nth-child(5)") == [count],
                    what=f"{count} requests on the page")


def assert_quiet(browser, expected=()):
    """Nothing was thrown, forbidden or complained about, but what is expected."""
    watched = browser.watched()
    assert watched["errors"] == [] and watched["violations"] == []
    complaints = [line for line in browser.console()
                  if not any(part in line for part in expected)]
    assert complaints == []


def column(browser, number):
    return browser.values(",".join(f"#row-{q} td:nth-child({number})" for q in range(3)))


def test_its_numbers_are_those_of_the_truth(server, browser):
    one = server("--delay", LAW, "--seed", "11", "--log", "off", env={"VERSION": "7.1"})
    send(one)
    show(browser, one)
    await_count(browser, 200)
    truth = said_by(one)
    rule = truth["rules"][0]
    served = rule["served"]
    assert served["count"] == 200
    assert column(browser, 5) == [served["quantiles"][q] for q in QUANTILES]
    assert column(browser, 2) == [rule["law_expected"]["quantiles"][q] for q in QUANTILES]
    # All of them were in the last minute, whose extremes are told within 0.1 %.
    assert column(browser, 3) == pytest.approx(column(browser, 5), rel=0.001)
    assert column(browser, 6) == pytest.approx(
        [histogram_quantile(float(q), truth["bounds_seconds"], served["buckets"])
         for q in QUANTILES])
    assert column(browser, 4) == pytest.approx(column(browser, 6))
    assert browser.values("#row-mean td:nth-child(5)") == [
        pytest.approx(served["sum_seconds"] / served["count"])]
    assert browser.values("#overshoot") == [pytest.approx(
        (rule["waited"]["sum_seconds"] - rule["drawn"]["sum_seconds"]) / 200, abs=1e-9)]
    assert browser.values("#codes [data-code='200']") == [200]
    assert browser.text("#law") == rule["law"]
    assert browser.text("#seed") == truth["seed"]
    assert browser.text("#version") == "7.1"
    assert browser.text("#instance") == truth["instance"]
    assert browser.text("#draws") == "200"
    assert browser.text("#row-1 td:nth-child(2)") == "90.00 ms"
    assert_quiet(browser)


def histogram_quantile(q, bounds, cumulative):
    """As Prometheus has it, by a second hand."""
    rank = q * cumulative[-1]
    lower, below = 0.0, 0
    for bound, count in zip(bounds, cumulative):
        if count >= rank:
            return lower + (bound - lower) * (rank - below) / (count - below)
        lower, below = bound, count
    return bounds[-1]


def test_a_page_without_traffic_says_so_and_counts_its_own_requests(server, browser):
    one = server("--delay", "const(30ms)", "--seed", "1", "--log", "off")
    show(browser, one, state="quiet")
    assert browser.text("#state") == "no traffic yet"
    browser.run("document.querySelector('#send-count').value = 3;"
                "document.querySelector('#send-form button').click()")
    await_condition(lambda: browser.text("#send-state") == "3 of 3 answered", what="the answers")
    rows = browser.run("return [...document.querySelectorAll('#sent tr')].map((row) =>"
                       " [...row.cells].slice(1, 4).map((cell) => Number(cell.dataset.value)))")
    assert len(rows) == 3
    for drawn, waited, total in rows:
        assert drawn == 0.03
        assert drawn <= waited + 1e-3 and waited <= total + 1e-3
    await_count(browser, 3)
    assert browser.state() == "live"
    assert_quiet(browser)


def test_a_draw_is_shown_with_its_ordinal(server, browser):
    one = server("--delay", LAW, "--seed", "5", "--log", "off")
    show(browser, one, state="quiet")
    browser.run("document.querySelector('#send-count').value = 2;"
                "document.querySelector('#send-form button').click()")
    await_condition(lambda: browser.text("#send-state") == "2 of 2 answered", what="the answers")
    names = browser.run("return [...document.querySelectorAll('#sent td:first-child')]"
                        ".map((cell) => cell.textContent)")
    assert sorted(names) == ["#0", "#1"]
    assert_quiet(browser)


def test_a_change_of_the_law_shows(server, browser, token_file):
    one = server("--delay", LAW, "--seed", "3", "--log", "off", "--admin", token_file)
    send(one, 50)
    show(browser, one)
    await_count(browser, 50)

    def change(law, token):
        browser.run("document.querySelector('#law-text').value = arguments[0];"
                    "document.querySelector('#token').value = arguments[1];"
                    "document.querySelector('#law-form button[type=submit]').click()", law, token)

    change("const(40ms)", "wrong" * 5)
    await_condition(lambda: browser.text("#law-state") == "the token is not right",
                    what="the refusal")
    change("const(40ms", TOKEN)
    await_condition(lambda: "expected ')'" in browser.text("#law-state"), what="the reason")
    assert browser.text("#law") == LAW
    change("const(40ms)", TOKEN)
    await_condition(lambda: browser.text("#law") == "const(40ms)", what="the law in the title")
    assert browser.text("#law-state") == "from now on: const(40ms)"
    send(one, 30)
    await_count(browser, 30)
    assert column(browser, 2) == [0.04] * 3
    served = said_by(one)["rules"][0]["served"]
    assert served["count"] == 30
    assert column(browser, 5) == [served["quantiles"][q] for q in QUANTILES]
    # The browser itself tells of the answers that said no.
    assert_quiet(browser, expected=("status of 401", "status of 400"))


def test_without_admin_there_is_no_form(server, browser):
    one = server("--delay", "none", "--log", "off")
    show(browser, one, state="quiet")
    assert browser.run("return document.querySelector('#law-form').hidden")
    assert "--admin" in browser.text("#law-off")
    assert browser.text("#law") == "nothing"


def test_it_tells_of_the_end_and_comes_back_after_a_restart(server, browser):
    one = server("--delay", "const(1ms)", "--seed", "1", "--log", "off", "--drain-delay", "2s")
    send(one, 20)
    show(browser, one)
    await_count(browser, 20)
    port = one.port
    one.send_signal(15)
    await_condition(lambda: browser.state() == "draining", what="the state draining")
    assert one.wait(20) == 0
    await_condition(lambda: browser.state() == "lost", what="the state lost")
    # Requests that are refused make the browser say so.
    expected = ("ERR_", "status of 503")
    other = server("--delay", "const(2ms)", "--seed", "2", "--log", "off",
                   "--listen", f"127.0.0.1:{port}")
    await_condition(lambda: browser.text("#law") == "const(2ms)", what="the other server's law")
    send(other, 10)
    await_count(browser, 10)
    assert browser.state() == "live"
    assert browser.text("#seed") == "2"
    assert_quiet(browser, expected)


def test_a_lost_connection_is_told(server, browser):
    one = server("--delay", "const(1ms)", "--log", "off")
    send(one, 5)
    show(browser, one)
    one.kill()
    one.wait()
    await_condition(lambda: browser.state() == "lost", what="the state lost")
    assert browser.run("return document.body.hasAttribute('data-stale')")


def test_too_many_viewers_are_told_and_let_in_later(server, browser):
    one = server("--delay", "none", "--log", "off")
    others = []
    for _ in range(64):
        others.append(one.connect())
        others[-1].sendall(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        assert others[-1].recv(12) == b"HTTP/1.1 200"
    show(browser, one, state="refused")
    assert browser.text("#state") == "too many viewers, trying again"
    for other in others:
        other.close()
    await_condition(lambda: browser.state() == "quiet", what="a place")
    assert_quiet(browser, expected=("status of 503",))


@pytest.fixture(scope="module")
def busy(binary):
    """A server that was busy, for tests that only look at the page."""
    from stack.server import Server
    one = Server("--delay", LAW, "--seed", "9", "--log", "off")
    send(one)
    yield one
    assert one.stop() == 0


@pytest.mark.parametrize("width", [360, 768, 1280, 3840])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_stays_in_place(busy, browser, width, scheme):
    browser.size(width, 900)
    browser.scheme(scheme)
    browser.open(busy.url("/ui/"))
    await_count(browser, 200)
    assert browser.run("return document.documentElement.scrollWidth") <= width
    overflowing = browser.run(
        "return [...document.querySelectorAll('main > *, .tile, .card, h1, #state')].filter("
        "(element) => element.getBoundingClientRect().right > innerWidth + 0.5).length")
    assert overflowing == 0
    assert browser.watched()["shifts"] < 0.01, browser.watched()["shifted"]
    assert_quiet(browser)


def test_the_heatmap_is_read_with_the_keyboard(busy, browser):
    show(browser, busy)
    await_count(browser, 200)
    browser.run("document.querySelector('#heatmap').focus()")
    browser.key("ArrowLeft")
    await_condition(lambda: re.match(r"\d\d:\d\d:\d\d: ", browser.text("#reading")),
                    what="the reading of a second")


def test_it_is_there_for_who_does_not_see_it(busy, browser):
    show(browser, busy)
    await_count(browser, 200)
    assert browser.run("return document.documentElement.lang") == "en"
    unnamed = browser.run("""
        const named = (e) => e.ariaLabel || e.labels?.length || e.textContent.trim() || e.title;
        return [...document.querySelectorAll('input, button, select, a, canvas:not([aria-hidden])')]
          .filter((e) => !named(e)).map((e) => e.outerHTML)""")
    assert unnamed == []
    for number in range(3):
        assert "law" in browser.run("return document.querySelector(arguments[0]).ariaLabel",
                                    f"#line-{number}")
    assert browser.run("return document.querySelectorAll('main h2').length") >= 6
    # By the keyboard alone, from the start: the link to the numbers, then the heatmap.
    browser.run("document.activeElement.blur()")
    reached = []
    for _ in range(3):
        browser.key("Tab")
        reached.append(browser.run("return document.activeElement.className || document.activeElement.id"))
    assert reached[:2] == ["skip", "heatmap"]


CONTRASTS = """
    const style = getComputedStyle(document.documentElement);
    const luminance = (name) => {
      const [r, g, b] = style.getPropertyValue(`--${name}`).trim().match(/[0-9a-f]{2}/g)
        .map((two) => parseInt(two, 16) / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = {};
    for (const ink of ["ink", "muted", "law", "measured", "buckets", "good", "warn", "bad"]) {
      for (const under of ["paper", "card"]) {
        const [one, other] = [luminance(ink), luminance(under)].sort((a, b) => b - a);
        found[`${ink} on ${under}`] = (one + 0.05) / (other + 0.05);
      }
    }
    return found;"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(busy, browser, scheme):
    """WCAG 2.2, 1.4.3: 4.5 to 1."""
    show(browser, busy)
    browser.scheme(scheme)
    contrasts = browser.run(CONTRASTS)
    assert len(contrasts) == 16
    assert {name: value for name, value in contrasts.items() if value < 4.5} == {}


def test_the_page_is_small_and_loads_nothing_from_elsewhere(busy):
    packed = 0
    for path in sorted((ROOT / "web").iterdir()):
        if path.suffix not in (".html", ".css", ".js", ".svg"):
            continue
        name = "" if path.name == "index.html" else path.name
        status, fields, body = busy.get(f"/ui/{name}", headers={"Accept-Encoding": "gzip"})
        assert (status, fields["content-encoding"]) == (200, "gzip"), path.name
        assert gzip.decompress(body) == path.read_bytes() == busy.get(f"/ui/{name}")[2]
        assert re.findall(rb"https?://(?!www\.w3\.org/2000/svg)", path.read_bytes()) == []
        packed += len(body)
    assert packed < 60_000


def test_pictures_are_as_committed():
    """script/page-pictures writes them; here only that they are there, and small."""
    listed = subprocess.run(["git", "ls-files", "docs/pictures/page-*.png"], cwd=ROOT, text=True,
                            capture_output=True, check=False).stdout.split()
    if not listed:
        pytest.skip("not a git checkout")
    sizes = {path: (ROOT / path).stat().st_size for path in listed}
    assert set(sizes) == {f"docs/pictures/page-{kind}.png" for kind in ("light", "dark", "phone")}
    assert all(size < 400_000 for size in sizes.values()), sizes
