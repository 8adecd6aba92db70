"""Admin > Erweiterte Einstellungen > Protokoll: what happened, by level, and as a ZIP."""

from __future__ import annotations

import io
import zipfile
from collections import deque

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from emulator.appliance import event_log
from emulator.appliance.event_log import LEVELS, Level
from emulator.appliance.web.frame import WebFrame
from emulator.appliance.web.navigation import LOG

ROWS = 200


def log_pages(frame: WebFrame) -> Blueprint:
    """Return the page of the log."""
    pages = Blueprint("log", __name__, url_prefix=LOG)

    def lines(file: str, upto: Level) -> list[str]:
        disk, zone = frame.parts.machine.disk, frame.parts.identity.facts().zone
        found = event_log.rows(disk, file)
        return [event_log.words(row, zone) for row in found if event_log.shown(row, upto)]

    @pages.get("")
    def log() -> ResponseReturnValue:
        upto = _level()
        newest = deque(lines(event_log.NEWEST, upto), ROWS)
        return render_template(
            "log.html", lines=reversed(newest), levels=LEVELS, level=upto, rows=ROWS, path=LOG
        )

    @pages.get("/zip")
    def download() -> ResponseReturnValue:
        upto, packed = _level(), io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, file in enumerate(event_log.FILES):
                text = "".join(f"{line}\n" for line in lines(file, upto))
                if text or not number:
                    archive.writestr(f"appliance{f'.{number}' if number else ''}.log", text)
        name = f"{frame.parts.identity.facts().name}-log.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(packed.getvalue(), mimetype="application/zip", headers=headers)

    return pages


def _level() -> Level:
    wish = request.args.get("level")
    return next((one for one in LEVELS if one == wish), "info")
