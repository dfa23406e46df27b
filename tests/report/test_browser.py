"""The HTML report in a real headless browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from qdsl.report import write_report
from qdsl.report.compare import write_comparison
from qdsl.study.result import StudyRun

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (shutil.which("chromium") and shutil.which("chromedriver")), reason="no chromium with its driver"
    ),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def opened(browser: Any, run: StudyRun, out_dir: Path) -> Any:
    (path,) = write_report(run, out_dir, ("html",))
    browser.get(path.as_uri())
    return browser


def test_selecting_a_point_shows_its_numbers(browser: Any, noisy_run: StudyRun, tmp_path: Path) -> None:
    page = opened(browser, noisy_run, tmp_path)
    title = page.find_element("id", "point-name")
    before = title.text, [x.text for x in page.find_elements("css selector", "#facts dd")]
    other = next(i for i in range(len(noisy_run.front)) if i != noisy_run.chosen)
    mark = page.find_element("css selector", f"#front .figure [data-point='{other}'] .hit")
    page.execute_script("arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", mark)
    after = title.text, [x.text for x in page.find_elements("css selector", "#facts dd")]
    assert after[0].startswith(f"Point {other + 1} of {len(noisy_run.front)}")
    assert after[1] != before[1]
    page.execute_script("arguments[0].click()", page.find_element("id", "back"))
    assert (title.text, [x.text for x in page.find_elements("css selector", "#facts dd")]) == before


def test_arrow_keys_walk_along_the_front(browser: Any, run: StudyRun, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    page = opened(browser, run, tmp_path)
    page.find_element("css selector", "#front .figure [aria-checked='true']").send_keys(Keys.HOME)
    assert page.find_element("id", "point-name").text.startswith(f"Point {len(run.front)} of")


def test_a_table_can_be_sorted(browser: Any, run: StudyRun, tmp_path: Path) -> None:
    page = opened(browser, run, tmp_path)
    head = page.find_element("css selector", "#layers table.sortable thead th.num button")
    rows = "return [...document.querySelectorAll('#layers table.sortable tbody tr')].map(r => r.textContent)"
    before = page.execute_script(rows)
    page.execute_script("arguments[0].click()", head)
    page.execute_script("arguments[0].click()", head)
    after = page.execute_script(rows)
    assert sorted(after) == sorted(before)
    assert head.find_element("xpath", "..").get_attribute("aria-sort") == "descending"


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_runs_over_the_edge(browser: Any, large_run: StudyRun, tmp_path: Path, width: int) -> None:
    page = opened(browser, large_run, tmp_path)
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    over = page.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert over <= 0


def test_the_console_stays_silent_and_a_hostile_name_does_not_run(
    browser: Any, renamed: Callable[[str], StudyRun], tmp_path: Path
) -> None:
    from selenium.common.exceptions import NoAlertPresentException

    page = opened(browser, renamed("</script><script>alert(1)</script><img src=x onerror=alert(2)>"), tmp_path)
    with pytest.raises(NoAlertPresentException):
        _ = page.switch_to.alert.text
    assert [entry for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def test_the_roofline_shows_the_words_of_one_port_at_a_time(browser: Any, run: StudyRun, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    page = opened(browser, run, tmp_path)
    figures = page.find_elements("css selector", "#roofline .tabs > .scroll")
    choices = page.find_elements("css selector", "#roofline input")
    assert len(figures) == len(choices) > 1

    def visible() -> list[int]:
        return [i for i, figure in enumerate(figures) if figure.is_displayed()]

    assert visible() == [0]
    choices[0].send_keys(Keys.ARROW_RIGHT)
    assert visible() == [1]
    assert "roof" in figures[1].find_element("css selector", "path.roof").get_attribute("class")


def test_where_the_energy_comes_from_opens_without_running_over(browser: Any, run: StudyRun, tmp_path: Path) -> None:
    page = opened(browser, run, tmp_path)
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    page.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    why = page.find_element("css selector", "#mappings details.why")
    assert "stationary" in why.text and "⌈" in why.text
    over = page.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert over <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["report", "compare"])
def test_axe_finds_nothing(browser: Any, noisy_run: StudyRun, tmp_path: Path, page: str, scheme: str) -> None:
    """What axe-core knows of keyboards, screen readers and contrast, with everything opened."""
    write_report(noisy_run, tmp_path, ("html",))
    write_comparison([("a", noisy_run), ("b", noisy_run)], tmp_path, ("html",))
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.get((tmp_path / f"{page}.html").as_uri())
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    browser.execute_script(files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = browser.execute_async_script("axe.run(document).then(arguments[arguments.length - 1])")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found["violations"]] == []
    assert len(found["passes"]) > 20


def test_a_table_can_be_saved(browser: Any, run: StudyRun, tmp_path: Path) -> None:
    page = opened(browser, run, tmp_path)
    page.execute_script(
        "URL.createObjectURL = blob => { window.saved = blob; return ''; };"
        "HTMLAnchorElement.prototype.click = function () { window.name_of = this.download; };"
    )
    button = page.find_element("css selector", "#occupancy .csv")
    assert button.get_attribute("aria-label") == "Occupancy of the memories as a CSV file"
    page.execute_script("arguments[0].click()", button)
    text = page.execute_async_script("window.saved.text().then(arguments[arguments.length - 1])")
    head, *rows = text.splitlines()
    assert page.execute_script("return window.name_of") == "occupancy_of_the_memories.csv"
    assert head == "layer,glb,wspad" and [r.split(",")[0] for r in rows] == [x.name for x in run.study.network.layers]
    tables = page.find_elements("css selector", "table")
    assert len(page.find_elements("css selector", ".csv")) == len(tables) > 5
