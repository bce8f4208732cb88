"""Real reports of every scheme as their readers meet them: with a mouse, a keyboard, a phone, at night, on paper."""

import pytest

from tests.report.browser import DESKTOP, PHONE
from tests.report.conftest import SCHEMES

WIDTHS = {"desktop": DESKTOP, "phone": PHONE}


@pytest.fixture(scope="session")
def report(trained, session_folder):
    """The file of a scheme's report, made once."""
    known = {}

    def make(scheme):
        if scheme not in known:
            content = trained(scheme).report()
            known[scheme] = session_folder / f"{scheme}.html"
            known[scheme].write_text(content, encoding="utf-8")
        return known[scheme]

    return make


@pytest.mark.parametrize("width, theme", [("desktop", "light"), ("phone", "dark")])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_report_works_for_everyone(report, browser, scheme, width, theme):
    file = report(scheme)
    assert file.stat().st_size < 5e6
    browser.open(file, WIDTHS[width], theme)
    browser.screenshot(f"{scheme}-{width}-{theme}")
    assert browser.overflow() <= 0, "the page scrolls to the side"
    assert browser.unnamed() == []
    assert browser.hover_marks() == []
    stops = list(browser.tab_through())
    assert [stop.number for stop in stops] == list(range(len(stops))) and len(stops) > 10
    assert [stop for stop in stops if not stop.is_seen] == []
    assert [stop for stop in stops if stop.tip != stop.wanted] == []
    assert browser.faint_texts() == []
    assert browser.overflow() <= 0, "with everything unfolded"
    assert browser.complaints() == []
    assert browser.requests() == []


@pytest.mark.parametrize("width, theme", [("desktop", "dark"), ("phone", "light")])
def test_the_other_two_looks_are_kept_as_well(report, browser, width, theme):
    browser.open(report("indirect"), WIDTHS[width], theme)
    browser.screenshot(f"indirect-{width}-{theme}")
    assert browser.faint_texts() == []


CUT = """
return [...document.querySelectorAll(arguments[0])].filter((each) => {
  const box = each.getBoundingClientRect();
  return box.width && (box.right > innerWidth || each.scrollWidth > each.clientWidth);
}).map((each) => each.textContent.slice(0, 60));
"""


@pytest.mark.parametrize("scheme", ["indirect", "pool"])
def test_captions_and_patterns_fit_a_phone(report, browser, scheme):
    browser.open(report(scheme), PHONE)
    assert browser.run("return document.querySelectorAll('.table .title').length") > 2
    assert browser.run(CUT, ".table .title, .scroll:has(.pairs)") == []


def test_the_keyboard_hides_a_tooltip_and_the_button_turns_the_page(report, browser):
    browser.open(report("indirect"), theme="dark")
    dark = browser.run("return getComputedStyle(document.body).backgroundColor")
    button = browser.run("return document.getElementById('theme').textContent")
    browser.run("document.getElementById('theme').click()")
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)" != dark
    assert browser.run("return document.getElementById('theme').textContent") == "Dark page" != button
    browser.run("document.querySelector('.mark').focus()")
    assert browser.run("return !document.getElementById('tip').hidden")
    browser.press("Escape", 27)
    assert browser.run("return document.getElementById('tip').hidden")


def test_a_finger_is_as_good_as_a_mouse(report, browser):
    browser.open(report("indirect"), PHONE)
    x, y = browser.run("return window.look.place(0)")
    browser.command("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    browser.command("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert browser.run("return window.look.hovered(...arguments)", 0, x, y) is None


def test_on_paper_all_but_single_weights_is_unfolded_and_nothing_is_there_to_press(report, browser):
    browser.open(report("indirect"), theme="dark")
    browser.command("Emulation.setEmulatedMedia", media="print")
    try:
        shown = "const element = document.querySelector(arguments[0]); return getComputedStyle(element).display"
        assert [browser.run(shown, name) for name in ("nav", "#theme", ".skip")] == ["none"] * 3
        assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert browser.run(
            "return [...document.querySelectorAll('details:not(.text *) table')].every((each) => each.offsetHeight > 0)"
        )
        words = "[...document.querySelectorAll('.sentence button')]"
        assert browser.run(f"return {words}.length > 0 && {words}.every((each) => each.offsetHeight > 0)")
        assert browser.run(shown, ".text details") == "none"
        assert browser.run(CUT_OFF) == [], "paper does not scroll"
    finally:
        browser.command("Emulation.setEmulatedMedia", media="")


CUT_OFF = """
return [...document.querySelectorAll(".scroll, footer pre")].filter((each) => {
  const style = getComputedStyle(each);
  return style.overflowX !== "visible" || style.overflowY !== "visible" || style.maxHeight !== "none";
}).map((each) => each.ariaLabel);
"""


def test_nothing_is_lost_without_scripts(report, browser):
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.chrome.get(report("direct").as_uri())
        button = browser.chrome.find_element("id", "theme")
        assert not button.is_displayed(), "a button that does nothing"
        assert browser.chrome.find_element("css selector", "svg.chart").is_displayed()
        assert browser.chrome.find_element("css selector", "summary").is_displayed()
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)
