"""Admin > Server > Status: what this appliance is and what it is at."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from emulator.appliance.health import health
from emulator.appliance.web.frame import WebFrame


def status_pages(frame: WebFrame) -> Blueprint:
    """Return the page of the appliance's state."""
    pages = Blueprint("status", __name__, url_prefix="/admin/status")

    @pages.get("")
    def status() -> ResponseReturnValue:
        parts = frame.parts
        facts = parts.identity.facts()
        mails = parts.mail.list()
        return render_template(
            "status.html",
            health=health(parts, facts),
            licences=facts.parsed_licences,
            users=len(parts.content.all("users")),
            phones=len(parts.content.all("phones")),
            lines=parts.content.all("lines"),
            busy={"backup": parts.backups.busy, "import": parts.gate.working("importing")},
            queued=sum(1 for one in mails if one["state"] == "queued"),
        )

    return pages
