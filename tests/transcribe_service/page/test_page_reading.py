"""A meeting on the page: who said what, live and afterwards."""

import re

import pytest
from playwright.sync_api import Page, expect

from common.ports.stream_registry import Gap
from tests.transcribe_service.page.conftest import Visit
from tests.transcribe_service.page.seeded import CONVERSATION, EPOCH_MS, WORD_MS, Site, seed_conversation

pytestmark = pytest.mark.component("chromium")

COLOURS = """() => Object.fromEntries([...document.querySelectorAll(".said-by .name")].map((name) => [name.textContent, getComputedStyle(name).color]))"""
LEFT_PX = "document.documentElement.scrollHeight - innerHeight - scrollY"


def transcript(page: Page) -> str:
    """What is read, with who says it where that is said."""
    lines = page.locator(".utterances li").all_inner_texts()
    return "\n".join(re.sub(r"\s+", " ", line).strip() for line in lines)


def test_who_said_what_is_read_in_colours_that_stay(site: Site, visit: Visit) -> None:
    seed_conversation(site, "m1", "Weekly planning")
    site.end("m1", len(CONVERSATION))
    page = visit("/app/meetings/m1")
    expect(page.get_by_role("heading", level=1)).to_have_text("Weekly planning")
    expect(page.locator(".badge")).to_have_text("Complete")
    expect(page.locator(".utterances li")).to_have_count(sum(len(said) for said in CONVERSATION) - 0)
    said = transcript(page)
    assert "Teo Brandt 0:08 The tests of last night were green, on all three versions." in said
    assert "Unattributed 0:25 They are there already, I asked this morning." in said
    colours = page.evaluate(COLOURS)
    assert set(colours) == {"Mara Lindqvist", "Teo Brandt", "Ines Okafor", "Ravi", "Unattributed"}
    assert len(set(colours.values())) == len(colours)

    page.locator(".said-by").get_by_role("button", name="Ravi").first.click()
    page.get_by_label("New name for Ravi").fill("Mara Lindqvist")
    page.keyboard.press("Enter")
    expect(page.locator(".lane-names li")).to_have_count(4)
    page.reload()
    expect(page.locator(".lane-names li")).to_have_count(4)
    del colours["Ravi"]
    assert page.evaluate(COLOURS) == colours, "who is given another's name is the same speaker; nobody else changes"
    assert site.stored("m1").speaker_names == {"Ravi": "Mara Lindqvist"}

    page.get_by_role("list", name="Speakers").get_by_role("button", name="Teo Brandt").click()
    page.get_by_label("New name for Teo Brandt").fill("Nobody")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Teo Brandt: rename")).to_be_focused()
    assert "Teo Brandt" not in site.stored("m1").speaker_names


def test_grey_words_turn_firm_where_they_stand(site: Site, visit: Visit) -> None:
    site.meeting("m1")
    site.say("m1", 0, [("Ada", "so this is what we measured yesterday")], final=False, firm=3)
    page = visit("/app/meetings/m1")
    grey = page.locator(".word.provisional")
    expect(grey).to_have_text(["what", "we", "measured", "yesterday"])
    colours = page.evaluate(
        "['.word.provisional', '.word:not(.provisional)'].map((each) => getComputedStyle(document.querySelector(each)).color)"
    )
    assert colours[0] != colours[1]
    page.evaluate("document.querySelectorAll('.word')[4].kept = true")
    site.say("m1", 0, [("Ada", "so this is what we had measured yesterday and why")], final=False, revision=2, firm=6)
    expect(grey).to_have_text(["measured", "yesterday", "and", "why"])
    site.say("m1", 0, [("Ada", "So this is what we had measured, yesterday.")], revision=3)
    expect(grey).to_have_count(0)
    expect(page.locator(".utterances p")).to_have_text("So this is what we had measured, yesterday.")
    assert page.evaluate("document.querySelectorAll('.word')[4].kept"), "a word that stays is the same element"


def test_the_lanes_show_who_spoke_when_and_lead_there(site: Site, visit: Visit) -> None:
    end_ms = seed_conversation(site, "m1", "")
    site.end("m1", len(CONVERSATION), gaps=(Gap(7, 8, 13_000, 25_000),))
    page = visit("/app/meetings/m1")
    expect(page.locator(".lane-names li")).to_have_text(
        [re.compile(name) for name in ("Mara", "Teo", "Ines", "Ravi", "Unattributed")]
    )
    assert page.locator(".plot path").count() == 5
    assert page.locator(".utterances .gap").inner_text() == "0:13: 12 s of sound are missing here."
    width_ms = float((page.locator(".plot svg").get_attribute("viewBox") or "").split()[2])
    assert width_ms == pytest.approx(end_ms, abs=1_000)
    box = page.locator(".plot").bounding_box()
    assert box is not None
    page.locator(".plot").click(position={"x": box["width"] * 36_000 / width_ms, "y": 5})
    pointed = page.locator(".pointed")
    expect(pointed).to_contain_text("Can I say something about the second point?")
    expect(pointed).to_be_in_viewport()
    plot = page.get_by_role("slider", name="Position in the meeting")
    expect(plot).to_have_attribute("aria-valuetext", "36 seconds, Ravi")
    plot.press("Home")
    expect(pointed).to_contain_text("Good morning")


def test_the_page_follows_until_its_reader_scrolls_up(site: Site, visit: Visit) -> None:
    site.meeting("m1")
    for number in range(30):
        site.say("m1", number * 20_000, [(f"Speaker {number % 3}", f"sentence number {number}")])
    page = visit("/app/meetings/m1")
    expect(page.locator(".utterances li")).to_have_count(30)
    page.wait_for_function(f"() => {LEFT_PX} < 3")
    site.say("m1", 700_000, [("Ada", "and one more")])
    expect(page.get_by_text("and one more", exact=True)).to_be_in_viewport()
    page.mouse.move(400, 400)
    page.mouse.wheel(0, -500)
    button = page.get_by_role("button", name="Follow what is said")
    expect(button).to_be_visible()
    at_px = page.evaluate("scrollY")
    site.say("m1", 720_000, [("Ada", "which nobody scrolls to")])
    expect(page.locator(".utterances li")).to_have_count(32)
    assert page.evaluate("scrollY") == pytest.approx(at_px, abs=2)
    button.click()
    expect(page.get_by_text("which nobody scrolls to", exact=True)).to_be_in_viewport()
    expect(button).to_be_hidden()


def test_what_others_change_is_seen_without_losing_the_place(site: Site, visit: Visit) -> None:
    for number in range(30):
        if not number:
            site.meeting("m1", "Before")
        site.say("m1", number * 20_000, [(f"Speaker {number % 3}", f"sentence number {number}")])
    site.end("m1", 30)
    page = visit("/app/meetings/m1#ms=300000", calm=True)
    expect(page.locator(".pointed")).to_contain_text("sentence number 15")
    at_px = page.evaluate("scrollY")
    answer = page.request.patch(
        f"{site.url}/v1/meetings/m1",
        headers={"Authorization": f"Bearer {site.token}"},
        data={"title": "After", "speaker_names": {"Speaker 0": "Ada"}},
    )
    assert answer.ok
    expect(page.get_by_role("heading", level=1)).to_have_text("After")
    expect(page.locator(".said-by").get_by_text("Ada").first).to_be_attached()
    assert page.evaluate("scrollY") == pytest.approx(at_px, abs=40)
    page.get_by_role("button", name="Rename", exact=True).click()
    page.get_by_label("Title of the meeting").fill("Mine")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Mine")


def test_meetings_come_a_page_at_a_time_the_newest_first(site: Site, visit: Visit) -> None:
    for number in range(33):
        site.meeting(f"m{number}", f"Meeting {number}", opened_at_ms=EPOCH_MS + number * 60_000)
    site.end("m32", 0)
    page = visit("/")
    meetings = page.locator(".meetings li")
    expect(meetings).to_have_count(30)
    expect(meetings.nth(0)).not_to_contain_text("Live")
    expect(meetings.nth(1)).to_contain_text("Live")
    page.get_by_role("button", name="More").click()
    expect(meetings).to_have_count(33)
    assert meetings.locator("a").all_inner_texts() == [f"Meeting {number}" for number in range(32, -1, -1)]
    expect(meetings.nth(30).locator("a")).to_be_focused()
    expect(page.get_by_role("button", name="More")).to_be_hidden()


def test_places_without_anything_say_so(site: Site, visit: Visit, complaints: list[str]) -> None:
    page = visit("/")
    expect(page.get_by_text("No meeting yet.")).to_be_visible()
    site.meeting("m1")
    page.goto(f"{site.url}/app/meetings/m1")
    expect(page.get_by_text("Nothing was said yet.")).to_be_visible()
    site.end("m1", 0)
    expect(page.get_by_text("Nothing was said.", exact=True)).to_be_visible()
    page.goto(f"{site.url}/app/meetings/none")
    expect(page.get_by_role("alert")).to_have_text("There is no such meeting.")
    assert complaints.pop().endswith("404 (NOT FOUND)")


def test_words_are_found_in_the_meeting_that_is_open(site: Site, visit: Visit) -> None:
    seed_conversation(site, "m1", "")
    page = visit("/app/meetings/m1")
    find = page.get_by_label("Find in this meeting")
    find.fill("the REHEARSAL is")
    expect(page.locator(".word.found")).to_have_text(["the", "rehearsal", "is"])
    find.fill("the")
    expect(page.locator(".count")).to_have_text("16 found")
    find.press("Enter")
    find.press("Enter")
    expect(page.locator(".count")).to_have_text("2 of 16")
    expect(page.locator(".found-here")).to_be_in_viewport()
    find.press("Escape")
    expect(page.locator(".word.found")).to_have_count(0)


def test_words_are_found_in_all_meetings_and_lead_there(site: Site, visit: Visit) -> None:
    seed_conversation(site, "m1", "Weekly planning")
    seed_conversation(site, "m2", "")
    page = visit("/")
    search = page.get_by_label("Search in all meetings")
    search.fill("storage")
    search.press("Enter")
    expect(page.get_by_role("heading", level=2)).to_have_text(["m2", "Weekly planning"])
    expect(page.locator(".hits mark")).to_have_text(["storage", "storage"])
    assert page.url == f"{site.url}/app/search#q=storage"
    page.get_by_role("link", name="Ines Okafor").last.click()
    expect(page.locator(".pointed")).to_contain_text("one full rehearsal with the new storage")
    assert page.url.startswith(f"{site.url}/app/meetings/m1#ms=13")
    page.go_back()
    expect(page.locator(".hits mark")).to_have_count(2)
    search.fill("unheard-of")
    search.press("Enter")
    expect(page.get_by_text("Nothing was found.")).to_be_visible()


def test_a_word_is_heard_and_what_follows_it(site: Site, visit: Visit) -> None:
    site.meeting("m1")
    next_ms = site.say("m1", 1_000, [("Ada", "one two three four five six")])
    site.say("m1", next_ms + 5_000, [("Grace", "seven eight nine")])
    site.say("m1", next_ms + 9_000, [("Grace", "ten eleven")], final=False)
    page = visit("/app/meetings/m1")
    page.evaluate(
        "() => { const { play } = HTMLMediaElement.prototype; window.heard = []; HTMLMediaElement.prototype.play = function () { heard.push(this); return play.call(this); }; }"
    )
    page.get_by_text("five", exact=True).click()
    page.wait_for_function("() => heard[0]?.currentTime > 0")
    assert page.evaluate("heard[0].currentTime") == pytest.approx((4 * WORD_MS + 200) / 1000, abs=0.6), (
        "padding comes first"
    )
    expect(page.locator(".playing")).to_have_text(re.compile("five|six"))
    expect(page.locator(".playing")).to_have_text("seven")
    expect(page.locator(".player .heard")).to_have_text("Grace")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.get_by_text("eleven", exact=True).click()
    expect(page.locator(".player")).to_contain_text("can be heard once it is final")
