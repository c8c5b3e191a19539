"""Tests of TLS, client certificates and bearer tokens in the clients and programs of serving/, over both protocols."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

import client as client_program
import load_test
import smoke_test
from client import ClientError, Credentials, GrpcClient, RestClient, RetryPolicy, ServedModel, UnavailableError
from fake_servers import FakeModel, grpc_server, http_server, page_handler, rest_server
from secure_servers import Certificates, make_certificates, secure_grpc_server, secure_rest_server

TOKEN = "abc.DEF-123_~+/="
PROTOCOLS: dict[str, tuple[Any, Any]] = {
    "rest": (secure_rest_server, RestClient),
    "grpc": (secure_grpc_server, GrpcClient),
}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def token_file(tmp_path) -> Path:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return tmp_path / "token"


@pytest.fixture(params=PROTOCOLS)
def protocol(request) -> str:
    return request.param


@pytest.fixture
def trusting(certificates) -> Credentials:
    return Credentials(uses_tls=True, ca_file=certificates.path("ca.pem"))


def ask(protocol: str, where: str, credentials: Credentials) -> str:
    retry = RetryPolicy(retries=2, first_wait_seconds=0.01)
    make = PROTOCOLS[protocol][1]
    with make(where, ServedModel("vehicles"), retry=retry, credentials=credentials, timeout_seconds=10.0) as client:
        return str(client.predict([b"red"])[0].label)


def test_a_server_whose_authority_is_known_is_asked(protocol, certificates, trusting):
    with PROTOCOLS[protocol][0](FakeModel(), certificates) as where:
        assert ask(protocol, where, trusting) == "red"


def test_a_server_whose_authority_is_not_known_is_not_asked(protocol, certificates, trusting):
    fake = FakeModel()
    for ca_file in (None, certificates.path("other_ca.pem")):
        with (
            PROTOCOLS[protocol][0](fake, certificates) as where,
            pytest.raises(ClientError, match="--ca_file") as raised,
        ):
            ask(protocol, where, dataclasses.replace(trusting, ca_file=ca_file))
        assert not isinstance(raised.value, UnavailableError)
    assert fake.requests == []


def test_the_environment_does_not_replace_the_authority_that_is_given(certificates, trusting, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.path("other_ca.pem")))
    with secure_rest_server(FakeModel(), certificates) as where:
        assert ask("rest", where, trusting) == "red"


def test_a_server_that_asks_for_a_certificate_gets_one(protocol, certificates, trusting):
    shown = dataclasses.replace(
        trusting, client_certificate=certificates.path("client.pem"), client_key=certificates.path("client.key")
    )
    with PROTOCOLS[protocol][0](FakeModel(), certificates, asks_client=True) as where:
        assert ask(protocol, where, shown) == "red"
        with pytest.raises(ClientError):
            ask(protocol, where, trusting)


def test_a_token_is_shown_and_read_again_for_each_request(protocol, certificates, trusting, token_file):
    shown = dataclasses.replace(trusting, token_file=token_file)
    with PROTOCOLS[protocol][0](FakeModel(), certificates, token=TOKEN) as where:
        with PROTOCOLS[protocol][1](where, ServedModel("vehicles"), credentials=shown) as client:
            assert client.predict([b"red"])[0].label == "red"
            assert client.status()
            token_file.write_text("expired")
            with pytest.raises(ClientError, match="--token_file"):
                client.predict([b"red"])
        with pytest.raises(ClientError, match="--token_file"):
            ask(protocol, where, trusting)


def test_a_netrc_does_not_replace_the_token(certificates, trusting, token_file, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with secure_rest_server(FakeModel(), certificates, token=TOKEN) as where:
        assert ask("rest", where, dataclasses.replace(trusting, token_file=token_file)) == "red"


@pytest.mark.parametrize("content", ["", "two words", "two\nlines", "é"])
def test_a_file_that_holds_no_token_is_named(protocol, certificates, trusting, token_file, content):
    token_file.write_text(content)
    with (
        PROTOCOLS[protocol][0](FakeModel(), certificates) as where,
        pytest.raises(ClientError, match=str(token_file)),
    ):
        ask(protocol, where, dataclasses.replace(trusting, token_file=token_file))


def test_an_authority_that_is_no_pem_is_told_and_not_tried_again(protocol, certificates, trusting, token_file):
    with (
        PROTOCOLS[protocol][0](FakeModel(), certificates) as where,
        pytest.raises(ClientError, match="PEM") as raised,
    ):
        ask(protocol, where, dataclasses.replace(trusting, ca_file=token_file))
    assert not isinstance(raised.value, UnavailableError)


def test_tls_with_a_server_that_speaks_none_is_told(protocol, trusting):
    serve = {"rest": rest_server, "grpc": grpc_server}[protocol]
    with serve(FakeModel()) as where, pytest.raises(ClientError, match="TLS"):
        ask(protocol, where.replace("http:", "https:"), trusting)


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        (401, ClientError, "--token_file"),
        (403, ClientError, "--token_file"),
        (413, ClientError, "--batch_size"),
        (429, UnavailableError, "429"),
        (502, UnavailableError, "502"),
        (503, UnavailableError, "503"),
    ],
)
def test_what_a_proxy_says_is_told_and_asked_again_where_that_can_help(code, kind, message):
    with http_server(page_handler(code, b"<h1>proxy</h1>")) as url, pytest.raises(kind, match=message) as raised:
        ask("rest", url, Credentials())
    assert type(raised.value) is kind


def flags_of(certificates: Certificates, token_file: Path) -> list[str]:
    files = {"ca_file": "ca.pem", "client_certificate": "client.pem", "client_key": "client.key"}
    given = [f"--{flag}={certificates.path(name)}" for flag, name in files.items()]
    return ["--model_name=vehicles", f"--token_file={token_file}", *given]


def where_flags(protocol: str, where: str) -> list[str]:
    return [f"--url={where}"] if protocol == "rest" else ["--protocol=grpc", "--tls", f"--address={where}"]


def test_the_client_and_the_smoke_test_ask_a_secured_server(protocol, certificates, token_file, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"red")
    with PROTOCOLS[protocol][0](FakeModel(), certificates, token=TOKEN, asks_client=True) as where:
        flags = [*flags_of(certificates, token_file), *where_flags(protocol, where)]
        assert client_program.main([*flags, str(tmp_path / "a.jpg")]) == 0
        assert smoke_test.main(flags) == 0


def test_the_load_test_asks_secured_servers_over_both_protocols(certificates, token_file, tmp_path):
    secured = {"token": TOKEN, "asks_client": True}
    with (
        secure_rest_server(FakeModel(), certificates, **secured) as url,
        secure_grpc_server(FakeModel(), certificates, **secured) as address,
    ):
        where = [f"--url={url}", f"--address={address}", "--tls"]
        files = [f"--json={tmp_path / 'load.json'}", f"--plot={tmp_path / 'load.png'}"]
        size = ["--requests=20", "--concurrency=2", "--sizes=16"]
        assert load_test.main([*flags_of(certificates, token_file), *where, *files, *size]) == 0
    assert TOKEN not in (tmp_path / "load.json").read_text()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--ca_file={ca}", "--url=http://host:8501"], "https://"),
        (["--ca_file={ca}", "--protocol=grpc", "--address=host:8500"], "--tls"),
        (["--token_file={token}", "--url=http://host:8501"], "https://"),
        (["--token_file={token}", "--protocol=grpc", "--address=host:8500"], "--tls"),
        (["--client_certificate={ca}", "--url=https://host"], "--client_key"),
        (["--tls"], "--protocol"),
        (["--ca_file=/no/such/file", "--url=https://host"], "/no/such/file"),
    ],
)
def test_flags_that_would_secure_nothing_are_refused(token_file, capsys, flags, message):
    given = [flag.format(ca=token_file, token=token_file) for flag in flags]
    with pytest.raises(SystemExit) as ended:
        smoke_test.main(["--model_name=vehicles", *given])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_a_token_may_go_to_this_machine_unencrypted(token_file):
    """As through `kubectl port-forward`, or to a proxy beside the client."""
    with rest_server(FakeModel()) as url:
        assert smoke_test.main(["--model_name=vehicles", f"--url={url}", f"--token_file={token_file}"]) == 0
