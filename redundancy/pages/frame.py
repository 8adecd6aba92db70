"""What the module's pages need of the frame that an appliance puts around them.

The frame is the appliance's: navigation, login, protection against forged requests, language
and stylesheet. It provides the template `frame.html` with the blocks `title` and `content`.

A page that changes by itself passes it `refresh_s`, in seconds, and `refresh_to` if it leads
elsewhere. The frame looks again without taking the reader's place away: elements with
`data-live="name"` get their new content. It does so without a script too, by loading the page.
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

    def elsewhere(self, address: str, path: str) -> str:
        """Return the URL of a page at an address that this appliance will have in a moment.

        Cookies stay behind, so the language that was chosen goes along.
        """

    def user(self) -> str:
        """Return the login of the person who asks."""
