"""The tab *Allgemein*: name, description, log level and log, role and runs (R19)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from redundancy.causes import sentence
from redundancy.console import Overview
from redundancy.errors import RedundancyError
from redundancy.logbook import LEVELS
from redundancy.pages import forms, texts
from redundancy.pages.navigation import DIALOG
from redundancy.pages.session import CONFLICT, SEE_OTHER, WRONG_FIELDS, Problem, Session

REFRESH_S = 3


@dataclass(frozen=True)
class General:
    """The tab's pages."""

    session: Session
    path: str = f"{DIALOG}/allgemein"

    def add_to(self, blueprint: Blueprint) -> None:
        """Add the tab."""
        first, show = self.session.read(self.first), self.session.read(self.show)
        save, log = self.session.act(self.save), self.session.read(self.log)
        # Without the slash too: a redirect to it would name whatever host the client claims.
        blueprint.add_url_rule(f"{DIALOG}/", "dialog", first, methods=["GET"], strict_slashes=False)
        blueprint.add_url_rule(self.path, "general", show, methods=["GET"])
        blueprint.add_url_rule(self.path, "save_general", save, methods=["POST"])
        blueprint.add_url_rule(f"{self.path}/protokoll", "log", log, methods=["GET"])

    def first(self) -> ResponseReturnValue:
        """Lead the dialog's own address to its first tab."""
        return redirect(self.path, SEE_OTHER)

    def show(self) -> Response:
        """Show the tab."""
        saved = "saved" in request.args
        return self._page(forms.shown(self.session.console.configuration()), saved=saved)

    def save(self) -> ResponseReturnValue:
        """Save name, description and log level."""
        present = self.session.console.configuration()
        if present is None:
            return self._page(forms.shown(None), CONFLICT)
        filled = forms.filled_general(request.form, present)
        if filled.configuration is None:
            return self._page(filled, WRONG_FIELDS)
        try:
            self.session.console.save_configuration(filled.configuration, self.session.frame.user())
        except RedundancyError as error:
            return self._page(filled, CONFLICT, problem=self.session.problem(error))
        return redirect(f"{self.path}?saved", SEE_OTHER)

    def log(self) -> Response:
        """Give the log as a file, down to the level that is set."""
        text = "".join(f"{line}\n" for line in self.session.console.log_lines())
        headers = {"Content-Disposition": 'attachment; filename="redundanz.log"'}
        return Response(text, mimetype="text/plain", headers=headers)

    def _page(
        self,
        filled: forms.Filled,
        status: int = 200,
        *,
        saved: bool = False,
        problem: Problem | None = None,
    ) -> Response:
        seen = self.session.console.overview()
        moving = texts.transfer(self.session.language, seen.transfer) if seen.transfer else ""
        return self.session.page(
            "general.html",
            status,
            transfer=moving,
            refresh_s=REFRESH_S if seen.transfer or _running(seen) else None,
            form=filled,
            configured=self.session.console.configuration() is not None,
            levels=LEVELS,
            log=f"{self.path}/protokoll",
            seen=seen,
            sentence=partial(sentence, language=self.session.language),
            local=partial(texts.local, ZoneInfo(seen.zone)),
            saved=saved,
            problem=problem,
        )


def _running(seen: Overview) -> bool:
    return any(one.outcome == "running" for one in seen.runs)
