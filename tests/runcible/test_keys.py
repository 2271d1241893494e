"""Keys as files: nobody else can read them, and nothing overwrites them."""

import os
import stat
import subprocess

import pytest

from runcible.certification import keys
from runcible.certification.trust_root import TrustRoot
from runcible.errors import KeyStoreError


@pytest.fixture
def directory(tmp_path, noon, passphrase):
    keys.create(tmp_path / "keys", passphrase, at=noon, algorithms=("ECDSA-P256-SHA256",))
    return tmp_path / "keys"


def test_everything_in_the_directory_is_its_owners_alone(key_directory):
    assert stat.S_IMODE(key_directory.stat().st_mode) == 0o700
    files = sorted(path.name for path in key_directory.iterdir())
    assert len(files) == 5
    assert {stat.S_IMODE((key_directory / name).stat().st_mode) for name in files} == {0o600}


def test_private_keys_are_encrypted(key_directory):
    paths = list(key_directory.glob("*.pem"))
    assert paths
    for path in paths:
        assert path.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")


def test_openssl_opens_a_key_with_the_passphrase(key_directory, passphrase):
    (path,) = key_directory.glob("rsa-*.pem")
    command = ["openssl", "pkey", "-in", path, "-passin", f"pass:{passphrase.decode()}", "-noout", "-check"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_the_first_key_is_rsa_and_the_second_ecdsa(ring):
    assert ring.signer.algorithms == ("RSA-SHA256", "ECDSA-P256-SHA256")
    assert ring.signer.keyids == tuple(key.keyid for key in ring.trust_root.keys)


def test_an_rsa_key_has_3072_bits_unless_told_otherwise(tmp_path, noon):
    root = keys.create(tmp_path / "keys", b"x", at=noon)
    assert root.keys[0].public._key.key_size == 3072


def test_all_three_algorithms_can_be_used(tmp_path, noon, certify, load_policy, rules_with, rule):
    algorithms = ("Ed25519", "ECDSA-P256-SHA256", "RSA-SHA256")
    root = keys.create(tmp_path / "keys", b"x", at=noon, algorithms=algorithms, rsa_bits=2048)
    ring = keys.open_ring(tmp_path / "keys", b"x")
    wanted = {"time_to_live_days": 1, "signatures": list(algorithms), "timestamp": "required"}
    made = certify(by=ring, policy=load_policy(rules_with(rule(), certificate=wanted)))
    assert [root.key(signature.keyid).algorithm for signature in made.envelope.signatures] == list(algorithms)


def test_keys_are_never_overwritten(directory, noon, passphrase):
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    with pytest.raises(KeyStoreError):
        keys.create(directory, passphrase, at=noon, algorithms=("Ed25519",))
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
    assert [path.name for path in directory.parent.iterdir()] == ["keys"]


def test_an_empty_directory_may_stand_there_already(tmp_path, noon):
    (tmp_path / "keys").mkdir()
    keys.create(tmp_path / "keys", b"x", at=noon, algorithms=("Ed25519",))
    assert keys.open_ring(tmp_path / "keys", b"x").signer.algorithms == ("Ed25519",)


def test_a_wrong_passphrase_opens_nothing(directory):
    with pytest.raises(KeyStoreError, match="passphrase"):
        keys.open_ring(directory, b"wrong")


def test_an_empty_passphrase_makes_nothing(tmp_path, noon):
    with pytest.raises(ValueError):
        keys.create(tmp_path / "keys", b"", at=noon)
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_file_that_others_can_touch_is_refused(directory, passphrase, mode):
    (path,) = directory.glob("ecdsa-*.pem")
    path.chmod(mode)
    with pytest.raises(KeyStoreError, match="0600"):
        keys.open_ring(directory, passphrase)


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o770])
def test_a_directory_that_others_can_enter_is_refused(directory, passphrase, mode):
    directory.chmod(mode)
    with pytest.raises(KeyStoreError, match="0700"):
        keys.open_ring(directory, passphrase)


def test_a_link_in_place_of_a_key_is_refused(directory, tmp_path, passphrase):
    (path,) = directory.glob("ecdsa-*.pem")
    path.rename(tmp_path / "elsewhere.pem")
    path.symlink_to(tmp_path / "elsewhere.pem")
    with pytest.raises(KeyStoreError):
        keys.open_ring(directory, passphrase)


@pytest.mark.parametrize("name", ["time-stamping.pem", "trust-root.json"])
def test_a_missing_file_is_told(directory, passphrase, name):
    (directory / name).unlink()
    with pytest.raises(KeyStoreError, match=name):
        keys.open_ring(directory, passphrase)


def test_a_missing_directory_is_told(tmp_path):
    with pytest.raises(KeyStoreError):
        keys.open_ring(tmp_path / "nothing", b"x")


def test_a_key_in_place_of_another_is_noticed(directory, passphrase):
    (path,) = directory.glob("ecdsa-*.pem")
    path.write_bytes((directory / "time-stamping.pem").read_bytes())
    with pytest.raises(KeyStoreError, match="doesn't hold the key"):
        keys.open_ring(directory, passphrase)


def test_rubbish_in_place_of_a_key_is_told(directory, passphrase):
    (path,) = directory.glob("ecdsa-*.pem")
    path.write_bytes(os.urandom(500))
    with pytest.raises(KeyStoreError):
        keys.open_ring(directory, passphrase)


def test_a_retired_key_signs_no_more(key_directory, tmp_path, noon, passphrase):
    root = keys.create(tmp_path / "keys", passphrase, at=noon, algorithms=("Ed25519", "ECDSA-P256-SHA256"))
    (tmp_path / "keys" / "trust-root.json").write_bytes(root.with_key_retired(root.keys[0].keyid, noon).bytes)
    assert keys.open_ring(tmp_path / "keys", passphrase).signer.algorithms == ("ECDSA-P256-SHA256",)


def test_the_trust_root_holds_no_private_key(directory):
    data = (directory / "trust-root.json").read_bytes()
    assert b"PRIVATE" not in data
    assert TrustRoot.from_bytes(data).bytes == data
