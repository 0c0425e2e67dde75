"""Opens each report of a folder in a real browser, as people do: reads, unfolds, searches, copies, prints.

Prints what is not as it should be, as JSON: a list for each report. Screenshots go to the folder's `shown`.
"""

import json
import pathlib
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

FOLDER = pathlib.Path(sys.argv[1])
BROWSER = sys.argv[2]


def violations(page):
    """What an accessibility checker that is not this project's finds."""
    found = Axe().run(page).response["violations"]
    return [f"{it['id']}: {it['nodes'][0]['html'][:200]}" for it in found]


def used(page, report, large):
    """What a person does with a report."""
    wrong = []
    # Unfolded, a symptom shows the lines around it, and the one that it is in.
    for one in page.locator("details.excerpt").all()[:3]:
        one.locator("summary").focus()
        page.keyboard.press("Enter")
        if not one.evaluate("it => it.open"):
            wrong.append("a symptom does not unfold by the keyboard")
        pre = one.locator("pre")
        if pre.count() and not pre.locator("mark").count():
            wrong.append("the line of a symptom is not marked")
    facts = page.locator(".fact")
    total = facts.count()
    if total:
        name = facts.last.locator("h3 code").text_content()
        page.locator("#search").fill(name)
        shown = page.locator(".fact:visible").count()
        if not 1 <= shown < max(total, 2) or name not in page.locator(".fact:visible").first.text_content():
            wrong.append(f"a search for {name} shows {shown} of {total}")
        page.locator("#search").fill("no such thing anywhere")
        if page.locator(".fact:visible").count() or "0 of" not in page.locator("#hits").inner_text():
            wrong.append("a search for nothing shows something")
        page.locator("#search").fill("")
    copies = page.locator(".copy")
    if copies.count():
        copies.first.click()
        page.locator(".copy", has_text="Copied").first.wait_for()
        held = page.evaluate("navigator.clipboard.readText()")
        if held != page.locator(".command pre").first.inner_text():
            wrong.append(f"copied was {held!r}")
    # Nobody prints thousands of pages.
    if not large:
        pdf = page.pdf()
        if not pdf.startswith(b"%PDF") or len(pdf) < 5000:
            wrong.append("it does not print")
    else:
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        page.wait_for_timeout(1000)
        if page.evaluate("window.scrollY") < 1000 or not page.locator("footer").is_visible():
            wrong.append("its end does not come into view")
    return wrong


def seen(browser, report):
    wrong = []
    large = report.stat().st_size > 5_000_000
    for name, options in {
        "light": {"color_scheme": "light", "viewport": {"width": 1200, "height": 900}},
        "dark": {"color_scheme": "dark", "viewport": {"width": 1200, "height": 900}},
        "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "has_touch": True},
        "plain": {"java_script_enabled": False, "viewport": {"width": 1200, "height": 900}},
    }.items():
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(f"{name}: says {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"{name}: fails with {error}"))
        page.on("request", lambda request: request.url.startswith("file:") or wrong.append(f"asks for {request.url}"))
        page.on("dialog", lambda dialog: (wrong.append(f"{name}: shows a dialog"), dialog.dismiss()))
        page.goto(report.as_uri())
        page.screenshot(path=FOLDER / "shown" / f"{report.stem}-{name}.png")
        if name == "plain":
            if page.locator(".copy:visible").count() or page.locator(".search:visible").count():
                wrong.append("offers without scripts what takes a script")
            if page.locator(".fact").count() and not page.locator(".fact").first.is_visible():
                wrong.append("shows no facts without scripts")
        else:
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wide > 0:
                wrong.append(f"{name}: is {wide} pixels too wide")
            # Every element of a very large page takes the checker minutes, and its cards are all alike.
            if not large:
                wrong += [f"{name}: {it}" for it in violations(page)]
        if name == "light":
            wrong += used(page, report, large)
        context.close()
        # The others would ask each of its thousands of cards the same.
        if large:
            break
    return wrong


(FOLDER / "shown").mkdir(exist_ok=True)
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
    # A checker that finds nothing anywhere checks nothing.
    page = browser.new_page()
    page.set_content("<html><body><img src='data:,'></body></html>")
    assert violations(page)
    print(json.dumps({report.name: seen(browser, report) for report in sorted(FOLDER.glob("*.html"))}))
    browser.close()
