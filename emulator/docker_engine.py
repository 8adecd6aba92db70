"""What building images needs from a Docker Engine."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import docker
from docker.errors import APIError, DockerException
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
    ) -> Iterator[tuple[str, float]]:
        """Build an image, telling each line and the fraction that is done."""

    def discard(self, label: str) -> None:
        """Remove nameless images and stopped containers that carry a label."""

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
    ) -> Iterator[tuple[str, float]]:
        """See `Engine`."""
        last: list[str] = []
        done = 0.0
        for message in self._client.build(
            fileobj=io.BytesIO(context),
            custom_context=True,
            dockerfile=dockerfile,
            tag=tag,
            buildargs=dict(arguments),
            network_mode="host",
            rm=True,
            forcerm=True,
            decode=True,
        ):
            if "error" in message:
                raise _failure(message, last)
            line = str(message.get("stream", "")).strip()
            if not line:
                continue
            last = [*last[1 - LAST_LINES :], line]
            step = re.match(r"Step (\d+)/(\d+) ", line)
            if step is not None:
                done = (int(step[1]) - 1) / int(step[2])
            yield line, done

    def discard(self, label: str) -> None:
        """See `Engine`."""
        for container in self._client.containers(
            all=True, filters={"label": label, "status": "exited"}
        ):
            self._client.remove_container(container["Id"])
        for image in self._client.images(filters={"label": label, "dangling": True}):
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


def _failure(message: Mapping[str, Any], last: list[str]) -> ImageError:
    lines = "\n".join(f"  {line}" for line in last)
    return ImageError(
        f"the image build failed: {message['error']}\n{lines}",
        remedy="if apt-get failed, check that this computer reaches its Debian mirror",
    )
