"""The language as a JSON Schema, for editors that complete and check scenario files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scenarios.models.scenario import Scenario

SCHEMA = Path(__file__).parent / "library" / "scenario.schema.json"
MODELINE = "# yaml-language-server: $schema=../scenario.schema.json"


def schema() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12)."""
    made = Scenario.model_json_schema(by_alias=True)
    for model in (made, *made["$defs"].values()):
        for name in ("covers", "changes"):  # one may be written without brackets
            if name in model.get("properties", {}):
                whole = model["properties"][name]
                model["properties"][name] = {"anyOf": [whole, whole["items"]]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def rendered() -> str:
    """Return the schema as its file has it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
