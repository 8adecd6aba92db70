"""What every page of the module shares: the engine, the frame, rendering and refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

from flask import Response, make_response, render_template
from flask.typing import ResponseReturnValue

from redundancy.console import Console
from redundancy.errors import RedundancyError
from redundancy.pages import texts
from redundancy.pages.frame import Frame, Language
from redundancy.pages.navigation import tabs

SEE_OTHER = 303
CONFLICT = 409
WRONG_FIELDS = 422

View = Callable[[], ResponseReturnValue]


@dataclass(frozen=True)
class Problem:
    """A refusal as a page shows it."""

    why: str
    todo: str = ""


@dataclass(frozen=True)
class Session:
    """The engine and the frame, as the views use them."""

    console: Console
    frame: Frame

    @property
    def language(self) -> Language:
        """Return the language of the person who asks."""
        return self.frame.language()

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Render a template of the module."""
        content = render_template(
            f"redundancy/{template}",
            t=partial(texts.text, self.language),
            csrf=self.frame.csrf_token(),
            dialog=[one for one in tabs(self.language) if one.place == "module"],
            **values,
        )
        return make_response(content, status)

    def read(self, view: View) -> View:
        """Wrap a page that only shows: for administrators (R48)."""
        return self.frame.require_admin(view)

    def act(self, view: View) -> View:
        """Wrap a page that changes something: for administrators, and not forged (F10)."""

        @wraps(view)
        def checked() -> ResponseReturnValue:
            self.frame.check_csrf()
            return view()

        return self.frame.require_admin(checked)

    def problem(self, error: RedundancyError) -> Problem:
        """Put a refusal into words; one that has no translation speaks for itself."""
        why = texts.known(self.language, f"why.{error.code}") or error.message
        todo = texts.known(self.language, f"do.{error.code}") or error.remedy
        return Problem(why, todo)
