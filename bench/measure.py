"""Runs a command and measures it: wall time and the peak of the memory that its processes hold together."""

import os
import platform
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("TARN_CACHE", Path.home() / ".cache" / "tarn"))
TARN = os.environ.get("TARN", str(ROOT / "build/release/tarn"))


@dataclass
class Measured:
    seconds: float
    peak_bytes: int
    out: str
    err: str
    code: int
    cpu_seconds: float  # user and system, of the process and the children that it waited for

    def __str__(self):
        known = self.cpu_seconds > self.seconds / 10  # PySpark's work is done by a child that it does not wait for
        cpu = f"{self.cpu_seconds:7.2f} s of CPU" if known else " " * 16
        return f"{self.seconds:7.2f} s  {cpu}  {self.peak_bytes / 1e6:7.0f} MB"


def memory_of(pid):
    """Resident bytes of a process and its children; pages that several of them share count for each."""
    total, todo = 0, [pid]
    while todo:
        at = todo.pop()
        try:
            with open(f"/proc/{at}/statm") as file:
                total += int(file.read().split()[1])
            for task in os.listdir(f"/proc/{at}/task"):
                with open(f"/proc/{at}/task/{task}/children") as file:
                    todo += [int(child) for child in file.read().split()]
        except (OSError, IndexError):
            continue
    return total * os.sysconf("SC_PAGE_SIZE")


def run(command, cwd=None, env=None, check=True):
    """Wall time of the whole process; memory by the kernel's own high-water mark, or for several processes by looking every 10 ms."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    peak = [0]
    ended = threading.Event()

    def watch():
        while not ended.wait(0.01):
            peak[0] = max(peak[0], memory_of(process.pid))

    output = {}
    readers = [
        threading.Thread(target=lambda name=name, pipe=pipe: output.update({name: pipe.read()}))
        for name, pipe in (("out", process.stdout), ("err", process.stderr))
    ]
    watcher = threading.Thread(target=watch)
    for thread in [*readers, watcher]:
        thread.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    ended.set()
    for thread in [*readers, watcher]:
        thread.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    found = Measured(seconds, max(peak[0], usage.ru_maxrss * 1024), output["out"], output["err"], process.returncode, usage.ru_utime + usage.ru_stime)
    if check and found.code != 0:
        raise SystemExit(f"{' '.join(map(str, command))} left with {found.code}\n{found.out[-3000:]}\n{found.err[-3000:]}")
    return found


def machine():
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")),
        platform.machine(),
    )
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1e6
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GB, Linux {platform.release()}"


def ratio(a, b):
    return f"{a / b:.2f}x"


def engine_python():
    """A Python with the bare engine of exactly our version, made when first needed."""
    folder = CACHE / "venv-bench"
    wanted = (ROOT / "bench/requirements.txt").read_text()
    if (folder / ".complete").exists() and (folder / ".complete").read_text() == wanted:
        return folder / "bin/python"
    subprocess.run(["python3", "-m", "venv", "--clear", folder], check=True)
    subprocess.run(
        [folder / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r", ROOT / "bench/requirements.txt"],
        check=True,
    )
    (folder / ".complete").write_text(wanted)
    return folder / "bin/python"
