"""Handing mails in over a real socket: in the clear, encrypted, with a login."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from emulator.appliance.crash_point import CrashPoint
from emulator.appliance.linux.machine import Clocks, LinuxMachine
from emulator.clock import RealCalendar, RealStopwatch
from emulator.ports import MailServer

HOST = "127.0.0.1"
MESSAGE = b"Subject: x\r\n\r\nText\r\n"


class Sink:
    def __init__(self):
        self.taken = []

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802 - aiosmtpd finds it so
        self.taken.append(
            (envelope.rcpt_tos[0], session.ssl is not None, bool(session.authenticated))
        )
        return "250 kept"


@pytest.fixture
def certificate(tmp_path):
    """Make a certificate of 127.0.0.1, signed by itself; the file of it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail sink")])
    began = datetime(2020, 1, 1, tzinfo=UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=36500))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return file


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
def port(sink, certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    def known(_server, _session, _envelope, _mechanism, login):
        fits = (login.login, login.password) == (b"pbx", b"open sesame")
        return AuthResult(success=fits, handled=False)

    with socket.create_server((HOST, 0)) as free:  # Controller asks itself at the port it is told
        number = free.getsockname()[1]
    server = Controller(sink, HOST, port=number, tls_context=context, authenticator=known)
    server.start()
    yield number
    server.stop()


@pytest.fixture
def machine(tmp_path):
    clocks = Clocks(RealCalendar(), RealStopwatch())
    state = tmp_path / "state"
    state.mkdir()
    return LinuxMachine(
        state,
        tmp_path,
        interface="lo",
        clocks=clocks,
        tell=lambda *_event: None,
        crash_point=CrashPoint(lambda _stop: None),
    )


def test_mail_goes_in_the_clear_where_nothing_else_is_asked_for(machine, sink, port):
    machine.submit_mail(MailServer(HOST, port, "pbx@example.com"), "a@example.com", MESSAGE)
    assert sink.taken == [("a@example.com", False, False)]


def test_mail_goes_encrypted_and_with_a_login(machine, sink, port, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = MailServer(HOST, port, "pbx@example.com", "starttls", "pbx", "open sesame")
    machine.submit_mail(server, "a@example.com", MESSAGE)
    assert sink.taken == [("a@example.com", True, True)]


def test_stranger_with_a_certificate_of_his_own_gets_no_mail_and_no_password(machine, sink, port):
    server = MailServer(HOST, port, "pbx@example.com", "starttls", "pbx", "open sesame")
    with pytest.raises(ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        machine.submit_mail(server, "a@example.com", MESSAGE)
    assert sink.taken == []


def test_wrong_password_defers_and_is_in_no_words(machine, port, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = MailServer(HOST, port, "pbx@example.com", "starttls", "pbx", "wrong password")
    with pytest.raises(ConnectionError) as trouble:
        machine.submit_mail(server, "a@example.com", MESSAGE)
    assert "535" in str(trouble.value)
    assert "wrong password" not in str(trouble.value)


def test_server_that_speaks_no_tls_from_the_start_gets_nothing(machine, sink, port):
    with pytest.raises(ConnectionError):
        machine.submit_mail(
            MailServer(HOST, port, "pbx@example.com", "tls"), "a@example.com", MESSAGE
        )
    assert sink.taken == []
