"""The installation does its work once, and says what to do when it cannot."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from app.local import chromium, install
from app.local.home import LocalError


@pytest.fixture
def stamp(folder):
    return install.Stamp(folder / "made" / ".installed.json")


def test_what_is_in_place_is_left_alone(stamp):
    with stamp.replaced_by({"runs": "abc", "tests": "def"}):
        pass
    assert stamp.holds({"runs": "abc"})
    assert stamp.holds({"runs": "abc", "tests": "def"})


def test_a_changed_lock_file_means_work(stamp):
    with stamp.replaced_by({"runs": "abc"}):
        pass
    assert not stamp.holds({"runs": "changed"})
    assert not stamp.holds({"runs": "abc", "tests": "def"})


def test_an_installation_that_broke_off_is_begun_again(stamp):
    with stamp.replaced_by({"runs": "abc"}):
        pass
    with pytest.raises(install.CannotInstallError), stamp.replaced_by({"runs": "abc"}):
        raise install.CannotInstallError("the network is gone")
    assert not stamp.holds({"runs": "abc"})


def test_an_old_python_is_refused_with_the_way_out(monkeypatch, capsys):
    monkeypatch.setattr(install, "OLDEST_PYTHON", (9, 0))
    assert install.main(["run"]) == 1
    assert "needs Python 9.0 or newer" in capsys.readouterr().err


def test_a_python_without_venv_is_explained_to_an_ordinary_user(monkeypatch, folder):
    monkeypatch.setattr(install, "VENV", folder / "venv")
    monkeypatch.setattr(install, "PYTHON", folder / "venv" / "bin" / "python")
    monkeypatch.setattr(install, "can_make_environments", lambda: False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(install.CannotInstallError, match=r"sudo apt-get install python3\.\d+-venv"):
        install.make_virtual_environment()


def test_a_lock_without_hashes_is_not_installed():
    for lock in [*install.ROOT.glob("requirements*.txt"), *install.LOCKS.glob("*.txt")]:
        pinned = [line for line in lock.read_text().splitlines() if "==" in line and not line.startswith((" ", "#"))]
        assert pinned
        assert all(line.endswith("\\") for line in pinned), f"a pin without its hash in {lock.name}"


def test_npm_of_this_machine_is_used_only_if_its_node_is_new_enough(monkeypatch, folder):
    old = folder / "node"
    old.write_text("#!/bin/sh\necho v18.20.4\n")
    old.chmod(0o755)
    assert install.major_version(str(old)) == 18
    assert install.major_version(sys.executable) == 0


def test_a_chromium_that_does_not_start_is_named(monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/bin/false")
    with pytest.raises(LocalError, match="CHROMIUM=/bin/false does not start"):
        chromium.find_or_install()


def test_the_browser_tests_never_go_without_a_browser(monkeypatch):
    monkeypatch.delenv("CHROMIUM", raising=False)
    for way in ("on_path", "by_apt", "by_playwright"):
        monkeypatch.setattr(chromium, way, lambda: None)
    with pytest.raises(LocalError, match="Install it by hand"):
        chromium.find_or_install()


def test_the_browser_tests_take_the_shell_of_chromium_where_there_is_one_that_starts(monkeypatch, folder):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(folder))
    assert chromium.without_windows("/usr/bin/chromium") == "/usr/bin/chromium"
    shell = _a_program(folder / chromium.SHELL, "exit 0")
    assert chromium.without_windows("/usr/bin/chromium") == shell
    _a_program(folder / chromium.SHELL, "exit 1")
    assert chromium.without_windows("/usr/bin/chromium") == "/usr/bin/chromium"


def test_a_chromium_that_is_named_is_the_one_for_everything(monkeypatch, folder):
    monkeypatch.setenv("PATH", str(folder))
    named = _a_program(folder / "mine", "exit 0")
    _a_program(folder / chromium.SHELL, "exit 0")
    monkeypatch.setenv("CHROMIUM", named)
    assert chromium.without_windows(chromium.find_or_install()) == named


@pytest.mark.parametrize("packages", ["chromium", f"chromium {chromium.SHELL}"])
def test_on_a_bare_machine_apt_brings_chromium_and_its_shell_where_there_is_one(monkeypatch, folder, packages):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    _a_program(folder / "apt-get", _an_apt_get_with(packages, folder))
    whole = chromium.find_or_install()
    assert whole == str(folder / "chromium")
    assert chromium.without_windows(whole) == str(folder / packages.split()[-1])


def _an_apt_get_with(packages: str, folder: Path) -> str:
    """One that "installs" these packages, and nothing at all if one is asked for that it does not have."""
    return f"""
      for word in "$@"; do case "$word" in chromium*)
        case " {packages} " in *" $word "*) ;; *) exit 100;; esac
        printf '#!/bin/sh\\n' > "{folder}/$word"; /bin/chmod +x "{folder}/$word";;
      esac; done"""


def _a_program(path: Path, does: str) -> str:
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)
    return str(path)
