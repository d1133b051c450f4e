"""The page for everybody: by keyboard, by ear, in both colour schemes, on a narrow screen."""

import pytest
from playwright.sync_api import Page, expect

from tests.transcribe_service.page.conftest import Visit
from tests.transcribe_service.page.seeded import CONVERSATION, Site, seed_conversation

pytestmark = pytest.mark.component("chromium")

LEAST_CONTRAST = 4.5
SCHEMES = ("light", "dark")
PLACES = ("/", "/app/record", "/app/search", "/app/meetings/m1")
CONTRASTS = """() => {
  const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)); return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
  const ground = (node) => { for (let each = node; each; each = each.parentElement) { const color = rgb(getComputedStyle(each).backgroundColor); if (color[3] !== 0) return color; } };
  const low = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text; (text = texts.nextNode());) {
    const node = text.parentElement;
    if (!text.textContent.trim() || !node.checkVisibility() || node.closest("noscript, .unseen, .skip")) continue;
    const [one, other] = [light(rgb(getComputedStyle(node).color)), light(ground(node))].sort((a, b) => b - a);
    const contrast = (one + 0.05) / (other + 0.05);
    if (contrast < LEAST) low.push([text.textContent.trim().slice(0, 30), contrast]);
  }
  return low;
}""".replace("LEAST", str(LEAST_CONTRAST))
PALETTE = """() => {
  const probe = document.createElement("p");
  document.body.append(probe);
  const light = (name) => { probe.style.color = `var(${name})`; const [x, y, z] = getComputedStyle(probe).color.match(/[\\d.]+/g).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)); return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
  const contrast = (one, other) => { const [x, y] = [light(one), light(other)].sort((a, b) => b - a); return (x + 0.05) / (y + 0.05); };
  const texts = ["--ink", "--soft", "--provisional", "--link", "--alarm", "--speaker-none", ...Array.from({ length: 10 }, (_, number) => `--speaker-${number}`)];
  const pairs = [...texts.flatMap((text) => [[text, "--paper"], [text, "--raised"]]), ["--on-accent", "--accent"], ["--ink", "--mark"], ["--ink", "--mark-here"], ["--ink", "--heard"]];
  return Object.fromEntries(pairs.map(([text, ground]) => [`${text} on ${ground}`, contrast(text, ground)]));
}"""
FAULTS = """() => {
  const faults = [], seen = (node) => node.checkVisibility() && !node.closest("[aria-hidden=true]");
  const name = (node) => node.getAttribute("aria-label") || [...(node.labels ?? [])].map((label) => label.textContent).join(" ") || node.textContent;
  for (const node of document.querySelectorAll("a, button, input, select, summary, meter, [role=button], [role=slider], [tabindex='0']")) {
    if (seen(node) && !name(node).trim()) faults.push(`no name: ${node.outerHTML.slice(0, 80)}`);
  }
  for (const node of document.querySelectorAll("button")) if (!node.hasAttribute("type")) faults.push(`no type: ${node.outerHTML.slice(0, 80)}`);
  for (const node of document.querySelectorAll("[tabindex]")) if (node.tabIndex > 0) faults.push("an order of its own");
  for (const node of document.querySelectorAll("svg")) if (!node.closest("[aria-hidden=true]") && !node.getAttribute("aria-label")) faults.push("a picture without words");
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  if (new Set(ids).size !== ids.length) faults.push("an id twice");
  for (const node of document.querySelectorAll("[aria-describedby]")) if (!document.getElementById(node.getAttribute("aria-describedby"))) faults.push("described by nothing");
  if ([...document.querySelectorAll("h1")].filter(seen).length !== 1) faults.push("not one main heading");
  if (document.querySelectorAll("main").length !== 1 || !document.documentElement.lang || !document.title) faults.push("no main part, language or title");
  return faults;
}"""


def seed(site: Site) -> None:
    """A meeting with all that a page can show: speakers, nobody, grey words, marks."""
    end_ms = seed_conversation(
        site, "m1", "Weekly planning, and a title that goes on for so long that it needs a second line"
    )
    site.say(
        "m1",
        end_ms,
        [("Ravi", "And the third point-that-is-written-in-one-very-long-word-which-nobody-can-pronounce is")],
        final=False,
        firm=2,
    )


def shown(page: Page, site: Site, place: str) -> None:
    page.goto(site.url + place)
    expect(page.locator("h1")).to_be_visible()
    if "m1" in place:
        expect(page.locator(".word.provisional").first).to_be_visible()
        page.get_by_label("Find in this meeting").fill("the")
        expect(page.locator(".count")).to_contain_text("found")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_text_can_be_read(site: Site, visit: Visit, scheme: str) -> None:
    seed(site)
    page = visit("/")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    low = {pair: contrast for pair, contrast in page.evaluate(PALETTE).items() if contrast < LEAST_CONTRAST}
    assert low == {}
    for place in PLACES:
        shown(page, site, place)
        assert page.evaluate(CONTRASTS) == [], place
    page.get_by_role("button", name="Sign out").click()
    assert page.evaluate(CONTRASTS) == []


def test_everything_has_a_name_and_its_place(site: Site, visit: Visit) -> None:
    seed(site)
    page = visit("/")
    for place in PLACES:
        shown(page, site, place)
        assert page.evaluate(FAULTS) == [], place
    page.get_by_role("button", name="Sign out").click()
    assert page.evaluate(FAULTS) == []


def test_a_narrow_screen_scrolls_in_one_direction(site: Site, visit: Visit) -> None:
    seed(site)
    page = visit("/")
    page.set_viewport_size({"width": 360, "height": 700})
    for place in PLACES:
        shown(page, site, place)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, place
    page.get_by_role("list", name="Speakers").get_by_role("button").first.click()
    page.get_by_text("Export", exact=True).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.keyboard.press("Escape")


def focused(page: Page) -> str:
    """What the keyboard is at."""
    return str(
        page.evaluate(
            "(() => { const at = document.activeElement; return at.getAttribute('aria-label') || at.labels?.[0]?.textContent || at.textContent; })()"
        )
    ).strip()


def walk(page: Page, to: str, most: int = 30) -> None:
    """Presses the Tab key until it is there; all on the way can be seen to be focused."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if focused(page).startswith(to):
            assert page.evaluate("document.activeElement.matches(':focus-visible')")
            return
    raise AssertionError(f"the Tab key does not lead to {to}, but to {focused(page)}")


def test_the_keyboard_is_enough(site: Site, visit: Visit) -> None:
    seed_conversation(site, "m1", "Weekly planning")
    site.end("m1", len(CONVERSATION))
    page = visit("/")
    expect(page.get_by_role("link", name="Weekly planning")).to_be_visible()
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    walk(page, "Weekly planning", most=1)
    page.keyboard.press("Enter")
    expect(page.locator(".utterances")).to_contain_text("Good morning")
    expect(page.locator("h1")).to_be_focused()
    walk(page, "Rename", most=1)
    walk(page, "Mara Lindqvist: rename", most=1)
    page.keyboard.press("Enter")
    page.keyboard.type("Chair")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Chair: rename")).to_be_focused()
    walk(page, "Position in the meeting")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".pointed")).to_contain_text("I would still like")
    walk(page, "Find in this meeting", most=1)
    walk(page, "Export", most=1)
    page.keyboard.press("Enter")
    walk(page, "Text", most=1)
    page.keyboard.press("Escape")
    assert focused(page).startswith("Export")
    walk(page, "see: play from here", most=1)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "How: play from here"
    page.keyboard.press("End")
    assert focused(page) == "take?: play from here"
    page.keyboard.press("Enter")
    expect(page.locator(".playing")).to_have_text("take?")
    walk(page, "5 seconds back")
    walk(page, "Pause", most=1)
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_focused()
