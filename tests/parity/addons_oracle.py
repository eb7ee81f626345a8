"""Compares our ops with the real tensorflow-addons, on inputs drawn anew.

example: python tests/parity/addons_oracle.py --seeds 3

tensorflow-addons cannot be imported beside Keras 3, so the script makes a virtual environment with
the last pair whose compiled ops load on the CPU, TensorFlow 2.14 and tensorflow-addons 0.22, makes
fixtures there and runs tests/parity/test_tfa_ops.py on them here. Needs Python 3.9 to 3.11 for it.
"""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
# Not tensorflow-cpu: the compiled ops want symbols that only the full package has.
PACKAGES = ("tensorflow==2.14.1", "tensorflow-addons==0.22.0", "numpy<2")


def environment(folder: Path, python: str) -> Path:
    """Return the interpreter of the environment in `folder`, made now if it is not complete."""
    interpreter, complete = folder / "bin" / "python", folder / ".complete"
    if not complete.exists():
        check = "import sys; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 11))"
        if subprocess.run([python, "-c", check], check=False).returncode:
            sys.exit(f"error: {python} is not Python 3.9 to 3.11; name one with --python")
        print(f"making {folder} ({', '.join(PACKAGES)})", flush=True)
        subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(interpreter), "-m", "pip", "install", "--quiet", *PACKAGES]
        subprocess.run(install, check=True)
        complete.touch()
    return interpreter


def compare(interpreter: Path, seed: int) -> int:
    """Make one fixture with the real package and return the exit status of our tests on it."""
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as folder:
        maker = REPOSITORY / "tests" / "parity" / "addons_fixture.py"
        target = Path(folder) / f"tfa-ops-{seed}.npz"
        command = [str(interpreter), str(maker), str(target), str(seed)]
        asked = subprocess.run(command, check=False, env=quiet, capture_output=True, text=True)
        if asked.returncode:
            sys.exit(f"error: tensorflow-addons gave no fixture:\n{asked.stderr[-2000:]}")
        print(asked.stdout.strip(), flush=True)
        tests = [sys.executable, "-m", "pytest", "-q", "tests/parity/test_tfa_ops.py"]
        ours = {**quiet, "ROADSEG_PARITY_DIR": folder}
        return subprocess.run(tests, check=False, cwd=REPOSITORY, env=ours).returncode


def main() -> int:
    """Compare on each seed; return 0 if all agree."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--venv", type=Path, default=REPOSITORY / "build" / "addons-oracle")
    parser.add_argument("--python", default=sys.executable, help="interpreter to make it with")
    parser.add_argument("--seed", type=int, help="first seed; drawn if not given")
    parser.add_argument("--seeds", type=int, default=1, help="how many, one after another")
    arguments = parser.parse_args()
    first = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    interpreter = environment(arguments.venv, arguments.python)
    return max(compare(interpreter, first + i) for i in range(arguments.seeds))


if __name__ == "__main__":
    sys.exit(main())
