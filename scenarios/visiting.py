"""What people do at the tab "Redundanz": those who may, and those who may not."""

from __future__ import annotations

import httpx

from scenarios.browsing import (
    SWITCHOVER_FORM,
    Answer,
    PageTrouble,
    answer_of,
    asks,
    confirm,
    forms_of,
    log_in,
    open_tab,
    send_switchover,
)
from scenarios.drill import Drill
from scenarios.models.steps import Click, Intrusion, Visit
from scenarios.verdict import Verdict

NOBODY, FOREIGN_PAGE = "nobody", "a foreign page"
_IN_VAIN_S = 10.0  # real; nobody waits for longer at a box without power
_REFUSED = httpx.codes.FORBIDDEN


def visit(drill: Drill, wanted: Visit) -> str:
    """Log in and open the tab (R48, R49); who did.

    Raises:
        PageTrouble: the login or the tab is refused.
    """
    browser, login = _logged_in(drill, wanted.on, wanted.by)
    drill.tabs[wanted.on, wanted.by or ""] = (browser, open_tab(browser))
    return login


def switch_over(drill: Drill, click: Click) -> str:
    """Click in the open tab, and record what answers; what is said of it.

    Raises:
        PageTrouble: nobody has the tab open, or it does not answer.
    """
    if (click.on, click.by or "") not in drill.tabs:
        raise PageTrouble(f"{click.on}: nobody has the tab open")
    look(drill, click.on, "before-click")
    if click.answered == "no":
        return _click_in_vain(drill, click)
    for _ in range(click.clicks):
        answer = _switch(drill, click)
    _record(drill, click.on, answer)
    return f"the page answers {answer.status}"


def intrude(drill: Drill, wanted: Intrusion) -> str:
    """Send the switchover's form without the right to (F10); what is said of it.

    Raises:
        PageTrouble: the page does not answer.
    """
    fields = {}
    if wanted.by == NOBODY:
        browser = drill.node(wanted.on).browser()
    else:
        person = None if wanted.by == FOREIGN_PAGE else wanted.by
        browser, _ = _logged_in(drill, wanted.on, person)
        if person is not None:
            fields = _own_form(browser)
    look(drill, wanted.on, "before-click")
    try:
        answer = answer_of(browser.post(SWITCHOVER_FORM, data=fields))
    except httpx.HTTPError as error:
        raise PageTrouble(f"{SWITCHOVER_FORM}: no answer: {error}") from error
    _record(drill, wanted.on, answer)
    refused = answer.status == _REFUSED
    verdict = Verdict.PASSED if refused else Verdict.FAILED
    text = f"a switchover by {wanted.by} was answered {answer.status}"
    drill.lab.note("expectation", verdict.value, text=text)
    return f"the page answers {answer.status}"


def look(drill: Drill, node: str, moment: str) -> None:
    """Put an appliance's status and the digest of its content into the history."""
    for what, argv in (("status", ["status"]), ("digest", ["content", "digest"])):
        drill.read(node, moment, what, drill.node(node).ctl(argv))


def _logged_in(drill: Drill, on: str, person: str | None) -> tuple[httpx.Client, str]:
    """Log a person in; one password opens all of a lab's pages."""
    access = drill.pair.access[on]
    login = access.login if person is None else drill.entries[person].key
    browser = drill.node(on).browser()
    log_in(browser, login, access.password)
    return browser, login


def _own_form(browser: httpx.Client) -> dict[str, str]:
    """Return the fields of a form that the person is given, its token among them."""
    forms = forms_of(browser.get("/"))
    if not forms:
        raise PageTrouble(f"{browser.base_url}: this person is given no form")
    return forms[0].fields


def _record(drill: Drill, node: str, answer: Answer) -> None:
    drill.read(node, "click", "page", {"status": answer.status, "text": answer.text})
    look(drill, node, "after-click")


def _switch(drill: Drill, click: Click) -> Answer:
    """Click, and confirm where the page asks for it and the scenario says so (D17)."""
    browser, tab = drill.tabs[click.on, click.by or ""]
    page = send_switchover(browser, tab)
    if click.confirm == "yes" and asks(page):
        return confirm(browser, page)
    return answer_of(page)


def _click_in_vain(drill: Drill, click: Click) -> str:
    """Click at a box that ends before it can answer (F6); what is said of it."""
    drill.tabs[click.on, click.by or ""][0].timeout = httpx.Timeout(_IN_VAIN_S)
    try:
        status = _switch(drill, click).status
    except PageTrouble as trouble:
        text, verdict = f"the click on {click.on} was not answered", Verdict.PASSED
        said = str(trouble)
    else:
        text, verdict = f"the click on {click.on} was answered: {status}", Verdict.FAILED
        said = text
    drill.lab.note("expectation", verdict.value, text=text)
    return said
