"""The page of `quorum-layout --html` in headless Chromium: its counting against Python's, and its keys."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from quorate.layout import Zone, meets, quorum, survives, tolerance, unavailability

ROOT = Path(__file__).resolve().parents[3]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1000,1200",
]
RIGHT, ENTER = "\ue014", "\ue007"
"""Keys, in the code points of the WebDriver protocol."""
ZONES = [Zone("az1", 0.0001), Zone("az2", 0.01), Zone("az4", 0.0001)]


class Browser:
    """One browser, driven by the WebDriver protocol."""

    def __init__(self, port: str, profile: Path, *flags: str) -> None:
        self.root = f"http://127.0.0.1:{port}"
        options = {"args": [*FLAGS, f"--user-data-dir={profile}", *flags]}
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
        self.session = self._ask("POST", "/session", wanted)["sessionId"]

    def _ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.root + path, data, {"Content-Type": "application/json"}, method=method)
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def ask(self, method, path, body=None):
        return self._ask(method, f"/session/{self.session}{path}", body)

    def open(self, file):
        self.ask("POST", "/url", {"url": f"file://{file}"})

    def run(self, script, *arguments):
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def press(self, element, keys):
        found = self.ask("POST", "/element", {"using": "css selector", "value": element})
        self.ask("POST", f"/element/{next(iter(found.values()))}/value", {"text": keys})

    def text(self, element):
        return self.run("return document.querySelector(arguments[0]).textContent", element)

    def close(self):
        self.ask("DELETE", "")


@pytest.fixture
def browsers(tmp_path):
    assert shutil.which("chromedriver"), "chromedriver is missing: scripts/setup system installs it"
    with subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True) as driver:
        port = next(
            m[1] for line in driver.stdout if (m := re.search(r"started successfully on port (\d+)", line))
        )
        opened = []

        def browse(*flags):
            opened.append(Browser(port, tmp_path / f"profile{len(opened)}", *flags))
            return opened[-1]

        yield browse
        for browser in opened:
            browser.close()
        driver.terminate()


@pytest.fixture
def page(tmp_path):
    def write(*words):
        file = tmp_path / "page.html"
        named = [
            word
            for z in ZONES
            for word in ("--zone", f"{z.name}={z.outage}" if words[0] == "plan" else z.name)
        ]
        done = subprocess.run(
            [ROOT / "scripts/quorum-layout", *words, *named, "--html", file],
            capture_output=True,
            text=True,
            check=False,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        )
        assert done.returncode in (0, 1), done.stderr
        return file

    return write


def test_the_page_counts_as_python_does_on_every_outage(browsers, page):
    browser = browsers()
    browser.open(page("plan", "--managers", "3-5"))
    cases = [
        (layout, off, down)
        for layout in itertools.product(range(4), repeat=3)
        if 1 <= sum(layout) <= 6
        for lost in range(3)
        for off in itertools.combinations(range(3), lost)
        for down in range(2)
        if down <= sum(count for zone, count in enumerate(layout) if zone not in off)
    ]
    asked = []
    for layout, off, down in cases:
        # the node that is down stands in a zone that is on, where there is one
        zone = next((z for z, count in enumerate(layout) if count and z not in off), None)
        asked.append([list(layout), list(off), [[zone, 0]] if down else []])
    found = browser.run("return arguments[0].map(([l, z, m]) => window.quorate.evaluate(l, z, m))", asked)

    assert len(cases) > 300
    for (layout, off, down), answer in zip(cases, found, strict=True):
        held = tolerance(layout)
        assert answer["known"]
        assert answer["hasQuorum"] == survives(layout, off, down), (layout, off, down)
        assert answer["quorum"] == quorum(sum(layout))
        assert (answer["nodes"], answer["zones"], answer["zonePlusNodes"]) == tuple(held)
        assert answer["meetsGoal"] == int(meets(layout, "zone"))
        assert answer["unavailability"] == unavailability(layout, [zone.outage for zone in ZONES])
        if answer["hasQuorum"] and not down:
            fatal = [
                z
                for z, count in enumerate(layout)
                if count and z not in off and not survives(layout, (*off, z))
            ]
            assert answer["fatal"] == fatal


def test_managers_are_moved_and_switched_by_keyboard(browsers, page):
    browser = browsers()
    browser.open(page("plan", "--managers", "5"))
    assert browser.text("#fact-layout") == "2,1,2"
    assert "meets the goal zone" in browser.text("#answer")

    browser.press("#m-1-0", RIGHT)  #  moves the only manager of az2 on
    assert browser.text("#fact-layout") == "2,0,3"
    assert "does not meet" in browser.text("#answer")
    assert browser.run("return document.activeElement.id") == "m-2-2"

    browser.press("#off-2", ENTER)  # switches the zone off
    assert browser.text("#answer") == "No quorum: 2 of 5 managers answer, 3 are needed."
    browser.press("#all-up", " ")
    browser.press("#m-0-0", " ")
    assert browser.text("#answer") == "The quorum stands: 4 of 5 managers answer, 3 are needed."
    assert browser.run("return document.getElementById('m-0-0').getAttribute('aria-pressed')") == "true"

    browser.press("#more-0", " ")
    assert browser.text("#fact-quorum") == "4 of 6"
    browser.press("#reset", ENTER)
    assert browser.text("#fact-layout") == "2,1,2"


def test_the_steps_of_a_move_are_shown_on_the_board(browsers, page):
    browser = browsers()
    browser.open(page("move", "1,1,1", "2,2,1", "--spare-zone"))
    rows = "return [...document.querySelectorAll('#steps tr')].map(row => row.cells[2].textContent)"
    assert browser.run(rows) == ["1,1,1,1", "2,1,1,1", "2,2,1,1", "2,2,1,0"]
    browser.run("document.querySelector('#steps tr:nth-child(2) button').click()")
    assert browser.text("#fact-layout") == "2,1,1,1"


def test_the_page_asks_nobody_for_anything_and_reports_no_error(browsers, page):
    file = page("plan", "--managers", "3-7")
    assert not re.search(r"(src|href)=|@import|url\(|fetch\(|https?://(?!www\.w3\.org)", file.read_text())
    browser = browsers()
    browser.open(file)
    assert browser.run("return performance.getEntriesByType('resource').length") == 0
    assert browser.text("#answer")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_in_light_and_dark(browsers, page, scheme):
    browser = browsers(*(["--force-dark-mode"] if scheme == "dark" else []))
    browser.open(page("plan", "--managers", "5"))
    browser.ask(
        "POST",
        "/goog/cdp/execute",
        {
            "cmd": "Emulation.setEmulatedMedia",
            "params": {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
        },
    )
    pairs = browser.run(
        "return ['#answer', '.soft', 'h1', '.manager', '#fact-cost', '.zone h3', 'td'].map(what => {"
        " const e = document.querySelector(what); let b = e;"
        " const paint = x => getComputedStyle(x).backgroundColor;"
        " while (b && paint(b) === 'rgba(0, 0, 0, 0)') b = b.parentElement;"
        " return [what, getComputedStyle(e).color, paint(b)]; })"
    )
    for what, word, ground in pairs:
        assert contrast(word, ground) >= 4.5, (what, word, ground)


def contrast(one, other):
    """WCAG 2.1's contrast ratio of two CSS colours."""

    def light(colour):
        parts = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_printed_it_keeps_the_answer_and_drops_the_buttons(browsers, page):
    browser = browsers()
    browser.open(page("plan", "--managers", "5"))
    browser.ask(
        "POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {"media": "print"}}
    )
    shown = "return getComputedStyle(document.querySelector(arguments[0])).display"
    assert browser.run(shown, ".row") == "none"
    assert browser.run(shown, ".keys") == "none"
    assert browser.run(shown, "#answer") != "none"
    printed = browser.ask("POST", "/print", {})
    assert len(printed) > 1000
