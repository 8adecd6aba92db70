"""What building images needs from a Docker Engine."""

from __future__ import annotations

import io
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import docker
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from emulator.base_image import ImageError

PULL_STALL_LIMIT_S = 15
BUILD_STALL_LIMIT_S = 600
LAST_LINES = 8


class Engine(Protocol):
    """Images of one engine."""

    def architecture(self) -> str:
        """Return the architecture that it runs, as Debian names it."""

    def has(self, tag: str) -> bool:
        """Tell whether it holds an image."""

    def pull(self, tag: str) -> bool:
        """Fetch an image from its registry; False when that cannot be reached soon."""

    def load(self, archive: Path, tag: str, label: str) -> None:
        """Make an image out of the tar file of a root file system."""

    def build(
        self, context: bytes, dockerfile: str, tag: str, arguments: Mapping[str, str]
    ) -> Generator[tuple[str, float], None, None]:
        """Build an image, telling each line and the fraction that is done.

        Closed before its end, it stops the build. What it made and does not belong to the
        finished image is removed.
        """

    def retire(self, repository: str, keep: int) -> None:
        """Remove all but the newest images of a repository, unless they are in use."""


class DockerEngine:
    """The engine that `DOCKER_HOST` names, over its API."""

    def __init__(self, client: docker.APIClient) -> None:
        self._client = client

    @classmethod
    @contextmanager
    def connected(cls) -> Iterator[DockerEngine]:
        """Connect for a while.

        Raises:
            ImageError: no engine answers.
        """
        remedy = "standby-lab doctor tells what is missing and the command for it"
        try:
            client = docker.from_env(timeout=BUILD_STALL_LIMIT_S).api
        except (DockerException, RequestException, ValueError) as reason:
            raise ImageError(f"no Docker Engine answers: {reason}", remedy=remedy) from reason
        try:
            yield cls(client)
        except (DockerException, RequestException) as reason:
            raise ImageError(f"the Docker Engine failed: {reason}", remedy=remedy) from reason
        finally:
            client.close()

    def architecture(self) -> str:
        """See `Engine`."""
        return str(self._client.version()["Arch"])

    def has(self, tag: str) -> bool:
        """See `Engine`."""
        return bool(self._client.images(tag, quiet=True))

    def pull(self, tag: str) -> bool:
        """See `Engine`."""
        stall_limit_s, self._client.timeout = self._client.timeout, PULL_STALL_LIMIT_S
        try:
            messages = list(self._client.pull(tag, stream=True, decode=True))
        except (APIError, RequestException):
            return False
        finally:
            self._client.timeout = stall_limit_s
        return not any("error" in message for message in messages)

    def load(self, archive: Path, tag: str, label: str) -> None:
        """See `Engine`."""
        repository, _, version = tag.partition(":")
        self._client.import_image_from_file(
            str(archive), repository, version, changes=[f"LABEL {label}"]
        )

    def build(
        self, context: bytes, dockerfile: str, tag: str, arguments: Mapping[str, str]
    ) -> Generator[tuple[str, float], None, None]:
        """See `Engine`."""
        account = _Account()
        messages = self._client.build(
            fileobj=io.BytesIO(context),
            custom_context=True,
            dockerfile=dockerfile,
            tag=tag,
            buildargs=dict(arguments),
            network_mode="host",
            rm=True,
            forcerm=True,
            decode=True,
        )
        try:
            for message in messages:
                if "error" in message:
                    raise account.failure(str(message["error"]))
                line = str(message.get("stream", "")).strip()
                if line:
                    account.enter(line)
                    yield line, account.done
        finally:
            messages.close()
            self._clear(account)

    def _clear(self, account: _Account) -> None:
        """Remove what a build left, and nothing of another build that runs at the same time."""
        for container in account.containers:
            try:
                self._client.remove_container(container, force=True)
            except NotFound:
                continue
            except APIError:  # the engine is removing it at this moment
                with suppress(APIError):
                    self._client.wait(container, condition="removed")
        for image in self._client.images(filters={"dangling": True}):
            if image["Id"].removeprefix("sha256:")[:12] in account.images:
                self._remove(image["Id"])

    def retire(self, repository: str, keep: int) -> None:
        """See `Engine`."""
        newest_first = sorted(
            self._client.images(repository), key=lambda image: int(image["Created"]), reverse=True
        )
        for image in newest_first[keep:]:
            for tag in image["RepoTags"] or []:
                self._remove(tag)

    def _remove(self, image: str) -> None:
        try:
            self._client.remove_image(image)
        except APIError:
            return  # in use by a lab or a build, or already gone with another


@dataclass
class _Account:
    """What the lines of a build tell: how far it is, and what it has made.

    Attributes:
        done: the fraction of its steps that have ended.
        last: the last lines.
        images: short ids of the images that this build made, not found in the cache.
        containers: ids of the containers that were not removed yet.
    """

    done: float = 0.0
    last: list[str] = field(default_factory=list)
    images: set[str] = field(default_factory=set)
    containers: set[str] = field(default_factory=set)
    _fresh: bool = False

    def enter(self, line: str) -> None:
        """Take note of one line."""
        self.last = [*self.last[1 - LAST_LINES :], line]
        if step := re.match(r"Step (\d+)/(\d+) : (\w+)", line):
            self.done = (int(step[1]) - 1) / int(step[2])
            self._fresh = step[3] not in ("ARG", "FROM")
        elif line == "---> Using cache":
            self._fresh = False
        elif running := re.match(r"---> Running in (\w+)", line):
            self.containers.add(running[1])
        elif removed := re.match(r"Remov\w+ intermediate container (\w+)", line):
            self.containers.discard(removed[1])
        elif (made := re.match(r"---> ([0-9a-f]{12})$", line)) and self._fresh:
            self.images.add(made[1])

    def failure(self, reason: str) -> ImageError:
        """Return the error that ends this build."""
        lines = "\n".join(f"  {line}" for line in self.last)
        return ImageError(
            f"the image build failed: {reason}\n{lines}",
            remedy="if apt-get failed, check that this computer reaches its Debian mirror",
        )
