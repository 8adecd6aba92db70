"""The administrator's hand: fills in and sends forms as a person at a browser would.

Nothing of the pages' code is known here, only what stands in the HTML: a form is found by
its address or by a field that it has, hidden fields (the CSRF token among them) go back as
they came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import BinaryIO

import httpx

REDUNDANCY_TAB = "/admin/advanced/redundancy"
SWITCHOVER_FORM = f"{REDUNDANCY_TAB}/switchover"
_LOGIN = "/login"
UPLOAD_LIMIT_S = 3600.0  # gigabytes are verified and taken in before the page answers
_SKIPPED = {"script", "style", "head", "template", "nav"}
_TOKEN = re.compile(r"[A-Za-z0-9_-]{24,}")  # session and CSRF tokens, should a page show one


class PageTrouble(Exception):  # noqa: N818 - what an administrator would say
    """The page is not what a person would need it to be; the message says how."""


@dataclass
class Form:
    """A form of a page.

    Attributes:
        action: where it goes, "" for the page itself.
        fields: name and present value of its inputs.
        kinds: name and `type` of its inputs.
    """

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def named(self, kind: str) -> str:
        """Return the name of the first input of a type.

        Raises:
            PageTrouble: there is none.
        """
        for name, one in self.kinds.items():
            if one == kind:
                return name
        raise PageTrouble(f"the form to {self.action} has no field of type {kind}")


@dataclass(frozen=True)
class Answer:
    """A page as it was answered: status and the text that a person reads."""

    status: int
    text: str


class _Reader(HTMLParser):
    """Collects the forms and the visible text of a page, its main part apart."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._words: list[str] = []
        self._main: list[str] = []
        self._inside_main = False
        self._hidden = 0

    @property
    def words(self) -> list[str]:
        """The main part's text; all of it where no part is marked as the main one."""
        return self._main or self._words

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms, their inputs, and where invisible text begins."""
        values = {name: value or "" for name, value in attrs}
        if tag in _SKIPPED:
            self._hidden += 1
        elif tag == "main":
            self._inside_main = True
        elif tag == "form":
            self.forms.append(Form(values.get("action", "")))
        elif tag in {"input", "select", "textarea", "button"} and self.forms:
            self._note_field(tag, values)

    def _note_field(self, tag: str, values: Mapping[str, str]) -> None:
        name, kind = values.get("name", ""), values.get("type", tag)
        unticked = kind in {"checkbox", "radio"} and "checked" not in values
        if not name:
            return
        self.forms[-1].kinds.setdefault(name, kind)
        if not unticked and kind not in {"submit", "button", "file"}:
            self.forms[-1].fields.setdefault(name, values.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        """Note where invisible text ends."""
        if tag in _SKIPPED and self._hidden:
            self._hidden -= 1
        elif tag == "main":
            self._inside_main = False

    def handle_data(self, data: str) -> None:
        """Collect what a person sees."""
        if not self._hidden and data.strip():
            (self._main if self._inside_main else self._words).append(data.strip())


def answer_of(response: httpx.Response) -> Answer:
    """Reduce a response to what a person sees; anything like a token is left out."""
    reader = _Reader()
    reader.feed(response.text)
    return Answer(response.status_code, _TOKEN.sub("…", " ".join(reader.words)))


def forms_of(response: httpx.Response) -> list[Form]:
    """Return the forms of a page."""
    reader = _Reader()
    reader.feed(response.text)
    return reader.forms


def log_in(browser: httpx.Client, login: str, password: str) -> None:
    """Log in as an administrator (R48).

    Raises:
        PageTrouble: there is no login form, or it does not take the password.
    """
    page = _get(browser, _LOGIN)
    form = next((one for one in forms_of(page) if "password" in one.kinds.values()), None)
    if form is None:
        raise PageTrouble(f"{page.url}: there is no login form")
    secret = form.named("password")
    person = next(name for name in form.fields if name != secret and form.kinds[name] != "hidden")
    fields = {**form.fields, person: login, secret: password}
    done = _post(browser, str(page.url.join(form.action or str(page.url))), fields)
    if done.status_code >= httpx.codes.BAD_REQUEST or any(
        set(one.kinds) == set(form.kinds)
        for one in forms_of(done)  # the login, once more
    ):
        raise PageTrouble(f"{page.url}: the login as {login} was refused ({done.status_code})")


def open_tab(browser: httpx.Client, address: str = REDUNDANCY_TAB) -> httpx.Response:
    """Open a page that needs a login (R49).

    Raises:
        PageTrouble: it does not open.
    """
    page = _get(browser, address)
    if page.status_code != httpx.codes.OK:
        raise PageTrouble(f"{page.url}: {page.status_code} {answer_of(page).text[:200]}")
    return page


def click_switchover(browser: httpx.Client, tab: httpx.Response) -> Answer:
    """Send the tab's switchover form; whatever answers is returned (R5, D9, D17).

    Raises:
        PageTrouble: the tab shows no such form.
    """
    return answer_of(send_switchover(browser, tab))


def send_switchover(browser: httpx.Client, tab: httpx.Response) -> httpx.Response:
    """Send the tab's switchover form; the page that answers.

    Raises:
        PageTrouble: the tab shows no such form.
    """
    form = _form_to(tab, SWITCHOVER_FORM)
    return _post(browser, str(tab.url.join(form.action)), form.fields)


def asks(page: httpx.Response) -> bool:
    """Say whether a page asks for a confirmation: its form goes to the switchover, with a box."""
    return any(
        page.url.join(form.action).path == SWITCHOVER_FORM and "checkbox" in form.kinds.values()
        for form in forms_of(page)
    )


def confirm(browser: httpx.Client, asked: httpx.Response) -> Answer:
    """Tick the box of the page that asks for a confirmation, and send it (D17).

    Raises:
        PageTrouble: the page asks for none.
    """
    form = _form_to(asked, SWITCHOVER_FORM)
    box = form.named("checkbox")
    return answer_of(_post(browser, str(asked.url.join(form.action)), {**form.fields, box: "1"}))


def upload(browser: httpx.Client, tab: httpx.Response, name: str, file: BinaryIO) -> Answer:
    """Send a file by the upload form of a page (R42), a piece in memory at a time.

    Raises:
        PageTrouble: the page has none, or it does not answer.
    """
    form = next((one for one in forms_of(tab) if "file" in one.kinds.values()), None)
    if form is None:
        raise PageTrouble(f"{tab.url}: there is no upload form: {answer_of(tab).text[:300]}")
    files = {form.named("file"): (name, file, "application/octet-stream")}
    target = tab.url.join(form.action)
    try:
        done = browser.post(target, data=form.fields, files=files, timeout=UPLOAD_LIMIT_S)
    except httpx.HTTPError as error:
        raise PageTrouble(f"{tab.url}: the upload was not answered: {error}") from error
    return answer_of(done)


def _form_to(page: httpx.Response, address: str) -> Form:
    for form in forms_of(page):
        if page.url.join(form.action).path == address:
            return form
    raise PageTrouble(f"{page.url}: no form goes to {address}: {answer_of(page).text[:300]}")


def _get(browser: httpx.Client, address: str) -> httpx.Response:
    try:
        return browser.get(address)
    except httpx.HTTPError as error:
        raise PageTrouble(f"{browser.base_url.join(address)}: no answer: {error}") from error


def _post(browser: httpx.Client, address: str, fields: Mapping[str, str]) -> httpx.Response:
    try:
        return browser.post(address, data=dict(fields))
    except httpx.HTTPError as error:
        raise PageTrouble(f"{address}: no answer: {error}") from error
