"""What the module's pages need of the frame that an appliance puts around them.

The frame is the appliance's: navigation, login, protection against forged requests, language
and stylesheet. It provides the template `frame.html` with the blocks `title`, `head` (inside
`<head>`) and `content`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeVar

from flask.typing import ResponseReturnValue

Language = Literal["de", "en"]
View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


class Frame(Protocol):
    """The appliance's side of the module's pages; used within requests only."""

    def require_admin(self, view: View) -> View:
        """Wrap a view: whoever is no administrator is sent to the login or refused (R48, F10)."""

    def csrf_token(self) -> str:
        """Return the token that a form carries in its hidden field `csrf_token`."""

    def check_csrf(self) -> None:
        """End the request with an error unless its form carries the session's token."""

    def language(self) -> Language:
        """Return the language of the person who asks."""

    def user(self) -> str:
        """Return the login of the person who asks."""
