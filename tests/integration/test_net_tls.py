"""Whom the client believes over TLS."""

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from cepd.net import GuardedClient
from cepd.ports import HttpError
from tests.support.client import get
from tests.support.wire import OK, answering, serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `localhost` that nobody but this test believes, with its key in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on PATH to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    made = subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "-", "-out", "-"),
        ],
        capture_output=True,
        check=True,
    )
    path.write_bytes(made.stdout)
    return path


@pytest.mark.parametrize(
    ("host", "believed", "fine"),
    [("localhost", True, True), ("localhost", False, False), ("127.0.0.1", True, False)],
)
def test_a_certificate_is_checked_against_the_name_in_the_url(
    certificate: Path, host: str, believed: bool, fine: bool
) -> None:
    async def run() -> None:
        serve = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        serve.load_cert_chain(certificate)
        trust = ssl.create_default_context(cafile=certificate if believed else None)
        async with serving(answering(OK), tls=serve) as wire:
            client = GuardedClient(trust=trust)
            url = f"https://{host}:{wire.port}/"
            try:
                if fine:
                    assert (await get(client, url)).body == b"ok"
                    return
                with pytest.raises(HttpError, match="CERTIFICATE_VERIFY_FAILED") as raised:
                    await get(client, url)
                assert not raised.value.sent
                assert not wire.requests
            finally:
                await client.aclose()

    asyncio.run(run())
