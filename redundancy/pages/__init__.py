"""The module's web pages: the dialog of R20 and the tab "Redundanz" of R49."""

from __future__ import annotations

from flask import Blueprint

from redundancy.console import Console
from redundancy.pages import dialog, rollback, switchover
from redundancy.pages.frame import Frame
from redundancy.pages.navigation import Tab, tabs
from redundancy.pages.session import Session

__all__ = ["Frame", "Tab", "blueprint", "tabs"]


def blueprint(console: Console, frame: Frame) -> Blueprint:
    """Return the module's pages for an appliance's frame.

    Args:
        console: the engine.
        frame: the appliance's login, language and protection against forged requests.
    """
    pages = Blueprint("redundancy", __name__, template_folder="templates")
    session = Session(console, frame)
    dialog.add_to(pages, session)
    switchover.add_to(pages, session)
    rollback.add_to(pages, session)
    return pages
