"""Each process is told what it needs, and no secret of another one."""

from __future__ import annotations

import base64

import pytest

from app.local.environment import Address, environment_of, whole_environment
from app.local.home import LocalError
from app.local.procfile import read_procfile
from app.local.provision import ROLES

ADDRESS = Address("127.0.0.1", 8000, 8001, "http://localhost:8000")
URLS = {name: f"postgresql://{role}" for name, role in ROLES.items()} | {
    "SUPERUSER_DATABASE_URL": "postgresql://postgres",
    "REDIS_URL": "redis://",
}
DATABASES = {
    "release": {"DATABASE_URL", "MIGRATION_DATABASE_URL"},
    "web": {"DATABASE_URL"},
    "live": {"DATABASE_URL"},
    "worker": {"DATABASE_URL"},
    "signer": {"SIGNER_DATABASE_URL"},
    "clock": {"CLOCK_DATABASE_URL"},
}


def test_the_procfile_has_the_six_types_of_process():
    assert list(read_procfile()) == ["release", "web", "live", "worker", "signer", "clock"]


@pytest.mark.parametrize("process", DATABASES)
def test_a_process_sees_the_database_as_its_own_role_only(process, home):
    told = environment_of(process, whole_environment(home, ADDRESS, URLS))
    assert {name for name in told if name.endswith("DATABASE_URL")} == DATABASES[process]


@pytest.mark.parametrize("process", DATABASES)
def test_only_release_and_signer_learn_where_the_signing_keys_are(process, home):
    told = environment_of(process, whole_environment(home, ADDRESS, URLS))
    knows = {"SIGNING_KEY_DIR", "SIGNING_PASSPHRASE_FILE"} & set(told)
    assert bool(knows) == (process in {"release", "signer"})
    assert told["TRUST_ROOT_FILE"] == str(home.trust_root)


def test_the_clock_sees_ids_only_and_cannot_unseal_anything(home):
    whole = whole_environment(home, ADDRESS, URLS)
    assert [process for process in DATABASES if "SEALING_KEY_FILE" not in environment_of(process, whole)] == ["clock"]


def test_a_process_that_nobody_thought_of_gets_no_database(home):
    told = environment_of("newcomer", whole_environment(home, ADDRESS, URLS))
    assert not [name for name in told if name.endswith("DATABASE_URL") or name.startswith("SIGNING_")]


def test_what_lies_around_in_the_environment_stays_there(home, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    told = whole_environment(home, ADDRESS, URLS)
    assert "AWS_SECRET_ACCESS_KEY" not in told
    assert told["LOG_LEVEL"] == "DEBUG"


def test_the_sealing_key_is_made_once_and_kept(home, monkeypatch):
    monkeypatch.delenv("SEALING_KEY_FILE", raising=False)
    whole_environment(home, ADDRESS, URLS)
    first = (home.secrets / "sealing.key").read_text()
    whole_environment(home, ADDRESS, URLS)
    assert (home.secrets / "sealing.key").read_text() == first
    assert len(base64.b64decode(first)) == 32


@pytest.mark.parametrize("said", ["0", "65536", "eighty", "8000.5", "-1", "٨٠٠٠"])
def test_a_port_that_is_none_is_refused(said, monkeypatch):
    monkeypatch.setenv("PORT", said)
    with pytest.raises(LocalError, match="PORT must be a port"):
        Address.from_environment()


def test_a_second_port_follows_the_first(monkeypatch):
    for name in ("LIVE_PORT", "BASE_URL", "BIND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORT", "9100")
    assert Address.from_environment() == Address("127.0.0.1", 9100, 9101, "http://localhost:9100")
