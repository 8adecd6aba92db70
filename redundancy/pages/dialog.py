"""The dialog "Modul-Konfiguration: Redundanz": its four tabs (R19 to R44)."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from functools import partial
from os import SEEK_END
from typing import BinaryIO, cast
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from redundancy.configuration import ModuleConfiguration
from redundancy.errors import RedundancyError
from redundancy.pages import forms, texts
from redundancy.pages.general import General
from redundancy.pages.navigation import DIALOG
from redundancy.pages.session import CONFLICT, SEE_OTHER, WRONG_FIELDS, Problem, Session


def add_to(blueprint: Blueprint, session: Session) -> None:
    """Add the dialog."""
    General(session).add_to(blueprint)
    _Settings(session).add_to(blueprint)
    _Standby(session).add_to(blueprint)
    _Import(session).add_to(blueprint)


@dataclass(frozen=True)
class _Settings:
    """*Einstellungen*: which appliance is the active, attempts, mails, schedule (R21)."""

    session: Session
    path: str = f"{DIALOG}/einstellungen"

    def add_to(self, blueprint: Blueprint) -> None:
        show, save = self.session.read(self.show), self.session.act(self.save)
        blueprint.add_url_rule(self.path, "settings", show, methods=["GET"])
        blueprint.add_url_rule(self.path, "save_settings", save, methods=["POST"])

    def show(self) -> Response:
        saved = "saved" in request.args
        return self._page(forms.shown(self.session.console.configuration()), saved=saved)

    def save(self) -> ResponseReturnValue:
        filled = forms.filled_settings(request.form, self.session.console.configuration())
        if filled.configuration is None:
            return self._page(filled, WRONG_FIELDS)
        try:
            self.session.console.save_configuration(filled.configuration, self.session.frame.user())
        except RedundancyError as error:
            return self._page(filled, CONFLICT, problem=self.session.problem(error))
        return redirect(f"{self.path}?saved", SEE_OTHER)

    def _page(
        self,
        filled: forms.Filled,
        status: int = 200,
        *,
        saved: bool = False,
        problem: Problem | None = None,
    ) -> Response:
        return self.session.page(
            "settings.html",
            status,
            form=filled,
            units=forms.UNITS,
            sources=forms.SOURCES,
            languages=forms.LANGUAGES,
            meets=self.session.console.collisions(),
            local=partial(texts.local, ZoneInfo(self.session.console.overview().zone)),
            saved=saved,
            problem=problem,
        )


@dataclass(frozen=True)
class _Standby:
    """*Standby-Einstellungen*: how the standby is reached, and its pinned key (R33, D11).

    Nothing is saved before the key is confirmed: a configuration without a pinned key would
    send the password to whoever answers. What waits for confirmation, the password above all,
    stays here and never goes back to the browser.
    """

    session: Session
    path: str = f"{DIALOG}/standby-einstellungen"
    waiting: dict[str, ModuleConfiguration] = field(default_factory=dict)

    def add_to(self, blueprint: Blueprint) -> None:
        show, save = self.session.read(self.show), self.session.act(self.save)
        confirm = self.session.act(self.confirm)
        blueprint.add_url_rule(self.path, "standby", show, methods=["GET"])
        blueprint.add_url_rule(self.path, "save_standby", save, methods=["POST"])
        blueprint.add_url_rule(f"{self.path}/bestaetigen", "pin", confirm, methods=["POST"])

    def show(self) -> Response:
        saved = "saved" in request.args
        return self._page(forms.shown(self.session.console.configuration()), saved=saved)

    def save(self) -> ResponseReturnValue:
        present = self.session.console.configuration()
        if present is None:
            return self._page(forms.shown(None), CONFLICT)
        filled = forms.filled_standby(request.form, present)
        wanted = filled.configuration
        if wanted is None:
            return self._page(filled, WRONG_FIELDS)
        if not wanted.standby_server:
            return self._save(wanted.model_copy(update={"standby_host_key": ""}), filled)
        try:
            key = self.session.console.standby_host_key(wanted)
        except RedundancyError as error:
            why = texts.text(self.session.language, "unreachable", message=error.message)
            return self._page(filled, CONFLICT, problem=Problem(why))
        if key == present.standby_host_key:
            return self._save(wanted, filled)
        self.waiting[self.session.frame.user()] = wanted
        return self.session.page(
            "confirm_key.html",
            server=wanted.standby_server,
            key=key,
            fingerprint=fingerprint(key),
            changed=fingerprint(present.standby_host_key),
            action=f"{self.path}/bestaetigen",
        )

    def confirm(self) -> ResponseReturnValue:
        wanted = self.waiting.pop(self.session.frame.user(), None)
        filled = forms.shown(wanted or self.session.console.configuration())
        if wanted is None:
            return self._page(filled, CONFLICT, problem=self._lost("confirm-key.lost"))
        try:
            key = self.session.console.standby_host_key(wanted)
        except RedundancyError as error:
            why = texts.text(self.session.language, "unreachable", message=error.message)
            return self._page(filled, CONFLICT, problem=Problem(why))
        if key != request.form.get("key"):
            return self._page(filled, CONFLICT, problem=self._lost("confirm-key.differs"))
        return self._save(wanted.model_copy(update={"standby_host_key": key}), filled)

    def _lost(self, key: str) -> Problem:
        return Problem(texts.text(self.session.language, key))

    def _save(
        self, configuration: ModuleConfiguration, filled: forms.Filled
    ) -> ResponseReturnValue:
        try:
            self.session.console.save_configuration(configuration, self.session.frame.user())
        except RedundancyError as error:
            return self._page(filled, CONFLICT, problem=self.session.problem(error))
        return redirect(f"{self.path}?saved", SEE_OTHER)

    def _page(
        self,
        filled: forms.Filled,
        status: int = 200,
        *,
        saved: bool = False,
        problem: Problem | None = None,
    ) -> Response:
        present = self.session.console.configuration()
        return self.session.page(
            "standby.html",
            status,
            form=filled,
            configured=present is not None,
            pinned=fingerprint(present.standby_host_key) if present else "",
            saved=saved,
            problem=problem,
        )


@dataclass(frozen=True)
class _Import:
    """*Standby-Import*: the one upload that fills the standby (R40 to R44)."""

    session: Session
    path: str = f"{DIALOG}/standby-import"

    def add_to(self, blueprint: Blueprint) -> None:
        show, take = self.session.read(self.show), self.session.act(self.take)
        blueprint.add_url_rule(self.path, "import", show, methods=["GET"])
        blueprint.add_url_rule(self.path, "take_import", take, methods=["POST"])

    def show(self) -> Response:
        return self._page(200)

    def take(self) -> Response:
        upload = request.files.get("backup")
        if upload is None or not upload.filename:
            return self._page(WRONG_FIELDS, missing=True)
        stream = cast("BinaryIO", upload.stream)
        stream.seek(0, SEEK_END)
        size = stream.tell()
        stream.seek(0)
        try:
            imported = self.session.console.initialise(stream, size, self.session.frame.user())
        except RedundancyError as error:
            return self._page(CONFLICT, problem=self.session.problem(error))
        return self.session.page("imported.html", imported=imported)

    def _page(
        self, status: int, *, missing: bool = False, problem: Problem | None = None
    ) -> Response:
        role = self.session.console.overview().designated
        return self.session.page(
            "import.html", status, own_role=role, missing=missing, problem=problem
        )


def fingerprint(host_key: str) -> str:
    """Return a host key's fingerprint as `ssh-keygen -l` shows it, "" for no key."""
    kind, _, body = host_key.partition(" ")
    if not body:
        return ""
    digest = hashlib.sha256(base64.b64decode(body.split()[0])).digest()
    return f"{kind} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
