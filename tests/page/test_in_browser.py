"""The web page in a real browser: the small profile's results, which are in git, with stand-ins for its images."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from end_to_end import ROOT

from analysis.paper import page as paper_page
from analysis.paper.web import sheets
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

QUIET = ["gpu", "quic", "background-networking", "component-update", "sync", "dev-shm-usage"]
HOSTILE = '</script><script>document.title = "broken"</script> & <b>"a kite"</b>'
WIDTHS = (390, 768, 1440)


def tiles(study: Study, name: str, prompt_ids: list[str], n: int) -> dict[str, np.ndarray]:
    """A colour for each set and prompt."""
    shade = [list(study.image_sets).index(name) * 13 % 256, 90]
    return {p: np.full((n, 64, 64, 3), (*shade, k * 40 % 256), np.uint8) for k, p in enumerate(prompt_ids)}


def small() -> Study:
    return read_profile(Path("params.yaml"), Study)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Iterator[Path]:
    """The page of profile small; its last prompt is a hostile one."""
    path = tmp_path_factory.mktemp("page") / "index.html"
    real = paper_page.read_prompts
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(sheets, "first_images", tiles)
        patch.setattr(paper_page, "read_prompts", lambda p: [*real(p)[:-1], replace(real(p)[-1], prompt=HOSTILE)])
        path.write_text(paper_page.render(small()), encoding="utf-8")
    yield path


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    with playwright.sync_playwright() as p:
        arguments = [f"--disable-{name}" for name in QUIET] + ["--no-first-run"]
        found = p.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=False, args=arguments)
        yield found
        found.close()


Visit = Callable[..., "playwright.Page"]


@pytest.fixture
def visit(browser, file) -> Iterator[Visit]:
    """Opens the page; at the end nothing was said on the console, and nothing was loaded but the file itself."""
    said, contexts = [], []

    def opened(address: str = "", width: int = 1440, where: Path = file, **options) -> "playwright.Page":
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
        one = contexts[-1].new_page()
        one.on("console", lambda message: said.append(message.text))
        one.on("pageerror", lambda error: said.append(str(error)))
        one.on("request", lambda request: said.append(request.url))
        one.goto(f"{where.as_uri()}{address}")
        return one

    yield opened
    for context in contexts:
        context.close()
    assert not [text[:200] for text in said if not text.startswith(("data:", file.parent.as_uri(), ROOT.as_uri()))]


def too_wide(one: "playwright.Page") -> list[str]:
    """What reaches beyond the window, but for what scrolls in a region of its own."""
    return one.evaluate("""() => [...document.querySelectorAll("body *")].filter(e => !e.closest(".scroll, .skip")
        && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))""")


def few_rows(one: "playwright.Page") -> None:
    """Rows are alike: the first and the last two of each table are enough for axe, which looks at each number."""
    one.evaluate(
        "document.querySelectorAll('tbody tr:nth-child(n+3):nth-last-child(n+3)').forEach(row => row.remove())"
    )


def findings(one: "playwright.Page") -> list[str]:
    """axe-core's serious and critical findings."""
    found = axe.Axe().run(one).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found if v["impact"] in ("serious", "critical")]


def left_and_right(one: "playwright.Page") -> tuple[str, str, str]:
    return tuple(one.locator(f"#{name}").input_value() for name in ("prompt", "left", "right"))


def picture(one: "playwright.Page", side: str) -> str:
    return one.locator(f"#{side}-side img").get_attribute("src")


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(visit, width):
    one = visit(width=width)
    assert not too_wide(one)
    one.locator("#unfold").click()
    for summary in one.locator("#sheets summary").all():
        summary.click()
    assert not too_wide(one) and one.evaluate("document.documentElement.scrollWidth") == width
    scrolled = (
        "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.ariaLabel)"
    )
    assert width < 1440 or not one.evaluate(scrolled)  # the regions are for small windows


@pytest.mark.parametrize("width", WIDTHS)
def test_the_first_window_has_the_finding_and_pictures(visit, width):
    one = visit(width=width)
    assert 1 <= len(re.findall(r"\d+(?:\.\d+)?", one.locator(".finding").inner_text())) <= 4
    for selector in (".finding", "#left-side img"):
        box = one.locator(selector).bounding_box()
        assert box["y"] + box["height"] <= 900 and box["width"] > 300


@pytest.mark.parametrize("width", (390, 1440))
def test_axe_finds_nothing_serious(visit, width):
    one = visit(width=width)
    few_rows(one)
    one.locator("#unfold").click()
    one.locator("#sheets summary").first.click()
    one.wait_for_function("document.querySelectorAll('#of-strengths button.number').length > 0")
    assert not findings(one)
    one.locator("#table-methods button.number").first.click()
    assert one.locator("#about").is_visible() and not findings(one)


def test_a_table_is_sorted_by_the_keyboard(visit):
    one = visit()
    table = one.locator("#table-leaderboard table")
    head = table.locator("thead th", has_text="passes")
    one.locator("#find-leaderboard").focus()
    for _ in range(40):
        one.keyboard.press("Tab")
        if one.evaluate("document.activeElement.textContent") == "passes":
            break
    one.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"

    def column() -> list[float]:
        k = table.locator("thead th").all_inner_texts()
        k = next(k for k, text in enumerate(k) if text.startswith("passes"))
        cells = table.locator(f"tbody tr > :nth-child({k + 1})")
        return [float(v) for v in cells.evaluate_all("cells => cells.map(c => c.dataset.v)") if v]

    assert column() == sorted(column()) and len(set(column())) > 3
    one.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending" and column() == sorted(column(), reverse=True)
    others = table.locator("thead th:not([aria-sort=none])")
    assert others.count() == 1


def test_rows_without_a_number_are_last_in_both_orders(visit):
    one = visit()
    table = one.locator("#table-leaderboard table")
    for _ in range(2):
        table.locator("thead button", has_text="rank").click()
        ranks = table.locator("tbody td:nth-child(3)").all_inner_texts()
        first = ranks.index("-")
        assert first > 10 and set(ranks[first:]) == {"-"}


def test_filters_choose_rows_and_columns(visit):
    one = visit()
    board = one.locator("#table-leaderboard")
    rows = board.locator("tbody tr:visible")
    everything = rows.count()
    board.get_by_label("model").select_option("flow transformer")
    assert 10 < rows.count() < everything
    assert board.locator(".count").inner_text() == f"{rows.count()} of {everything} rows"
    board.get_by_label("Find").fill("GUIDANCE")
    assert rows.locator("th").all_inner_texts() == ["guidance interval", "less guidance"]
    linked = visit(one.url[one.url.index("#") :]).locator("#table-leaderboard")
    assert linked.locator("tbody tr:visible th").all_inner_texts() == ["guidance interval", "less guidance"]
    assert linked.get_by_label("model").input_value() == "flow transformer"
    one.locator("#of-mmd_by_prompt summary").click()
    by_prompt = one.locator("#of-mmd_by_prompt")
    by_prompt.get_by_label("prompt").select_option("kite")
    by_prompt.get_by_label("space").select_option("style")
    heads = [text.split()[0] for text in by_prompt.locator("thead th:visible").all_inner_texts()]
    assert heads == ["set", "space", "kite"] and by_prompt.locator("tbody tr:visible").count() == 17
    one.locator("#of-shares summary").click()
    one.locator("#of-shares select").select_option("U-Net")
    assert one.locator("#of-shares thead th:visible").count() == 4


def test_a_number_says_what_it_is_and_hands_the_focus_back(visit):
    one = visit()
    one.locator("#table-methods button.number").first.focus()
    one.keyboard.press("ArrowRight")
    one.keyboard.press("ArrowDown")
    cell = one.evaluate("document.activeElement.textContent")
    one.keyboard.press("Enter")
    about = one.locator("#about")
    value, low, high = re.fullmatch(r"(\S+) \[(\S+), (\S+)\]", cell).groups()
    assert about.locator("h2").inner_text() == "guidance interval: general" and value in about.inner_text()
    assert f"{low} to {high}" in about.inner_text() and "Larger is better" in about.inner_text()
    assert "Share of the gap closed" in about.inner_text() and "Space: the encoder's pooled block" in about.inner_text()
    one.keyboard.press("Escape")
    assert not about.is_visible() and one.evaluate("document.activeElement.textContent") == cell
    assert one.locator("#table-methods button.number[tabindex='0']").count() == 1
    told = one.locator(".finding button").first
    told.press("Enter")
    assert "95% interval" in about.inner_text()
    about.get_by_role("button").click()
    assert one.evaluate("document.activeElement.textContent") == told.inner_text()


def test_every_number_has_a_definition(visit):
    one = visit()
    one.locator("#unfold").click()
    one.wait_for_function("document.querySelectorAll('#of-strengths button.number').length > 0")
    lost = one.evaluate("""() => [...document.querySelectorAll("td button.number")].filter(b => {
        const cell = b.parentElement, key = cell.parentElement.dataset.key ?? b.closest("table").tHead.rows[0].cells[cell.cellIndex].dataset.key;
        return !definitions.has(key);
    }).map(b => b.closest("table").dataset.name)""")
    assert not lost and one.locator("td button.number").count() > 1500


def test_two_sets_are_chosen_and_the_address_leads_back(visit):
    one = visit()
    first, shown = left_and_right(one), picture(one, "right")
    assert first == ("vase", "plain", "style_and_place")
    one.locator("#right").select_option("max_div")
    assert "right=max_div" in one.url and picture(one, "right") != shown
    assert one.locator("#right-side figcaption").inner_text() == "max div"
    one.locator("#prompt").select_option("kite")
    moved = one.url
    one.go_back()
    assert left_and_right(one) == ("vase", "plain", "max_div")
    one.go_back()
    assert left_and_right(one) == first and picture(one, "right") == shown
    one.go_forward()
    one.go_forward()
    assert one.url == moved and left_and_right(one) == ("kite", "plain", "max_div")


def test_a_point_opens_its_images(visit):
    one = visit()
    one.locator("svg.wide a[data-set=langevin]").press("Enter")
    assert left_and_right(one) == ("vase", "plain", "langevin")
    assert one.locator("#pictures").bounding_box()["y"] == pytest.approx(0, abs=40)
    assert one.evaluate("document.activeElement.id") == "pictures"
    narrow = visit(width=390)
    narrow.locator("svg.narrow a[data-set=latent]").click()
    assert left_and_right(narrow)[2] == "latent"


def test_a_deep_link_opens_what_it_names(visit):
    one = visit("#prompt=cave&left=latent&right=truth&sort=methods.7.ascending&open=of-quality,figure-front")
    assert left_and_right(one) == ("cave", "latent", "truth")
    assert one.locator("#table-methods thead th").nth(7).get_attribute("aria-sort") == "ascending"
    assert one.locator("#figure-front img").is_visible() and one.locator("#of-quality table").is_visible()
    assert not one.locator("#of-truth table").is_visible()


@pytest.mark.parametrize(
    "address",
    [
        "#prompt=%E0%A4%A&left=__proto__&right=<b>",
        "#sort=methods.99.ascending",
        "#sort=a.b&open=,,",
        "#rows=filter-leaderboard-1%3Dnone%26find-leaderboard%26__proto__%3D1",
        "#%%%",
        "#nowhere",
    ],
)
def test_a_bad_address_is_harmless(visit, address):
    one = visit(address)
    assert left_and_right(one) == ("vase", "plain", "style_and_place") and picture(one, "left").startswith("data:")


def test_a_hostile_prompt_is_text(visit):
    one = visit("#prompt=portrait")
    assert one.title() == "Repulsion Bench: small"
    assert one.locator("#prompt option:checked").inner_text() == HOSTILE


def test_without_javascript_pictures_and_tables_remain(visit):
    one = visit(width=390, java_script_enabled=False)
    assert one.locator("select:visible, button:visible, input:visible").count() == 0
    sizes = one.locator(".sides img")
    assert sizes.count() == 2 and all(box.bounding_box()["height"] > 100 for box in sizes.all())
    assert one.locator("#table-leaderboard tbody tr:visible").count() > 40
    one.locator("svg.narrow a[data-set=latent]").click(position={"x": 2, "y": 2}, force=True)
    one.locator("#prompt-tree summary").click()
    assert one.locator("#sheet-tree-max_div img").is_visible()
    one.locator("#figure-dials summary").click()
    assert one.locator("#figure-dials img").is_visible()


@pytest.mark.parametrize("javascript", (True, False))
def test_what_is_folded_is_printed_without_controls(visit, javascript):
    one = visit(java_script_enabled=javascript)
    one.emulate_media(media="print")
    assert one.locator("select:visible, nav:visible, #unfold:visible").count() == 0
    for selector in ("#of-quality table", "#figure-dials img", "#sheet-tree-max_div img"):
        assert one.locator(selector).evaluate("e => e.checkVisibility({ contentVisibilityAuto: true })")
        assert one.locator(selector).bounding_box()["height"] > 30


@pytest.mark.parametrize("width", WIDTHS)
def test_the_leaderboard_alone(visit, width):
    one = visit(width=width, where=ROOT / "results" / "leaderboard" / "leaderboard.html")
    assert not too_wide(one)
    one.locator("thead button", has_text="gain").click()
    assert one.locator("tbody tr").first.locator("th").inner_text() == "style and place"
    one.locator("button.number").first.press("Enter")
    assert "is better" in one.locator("#about").inner_text()
    few_rows(one)
    assert not findings(one)
