"""tap — the whole framework of the Python tests: a case is a function, a failure is a line you can read.

    @case
    def what_must_hold():
        need("zip")
        check(got == wanted, got, wanted)

    sys.exit(run_cases())

ONLY="case another" in the environment runs these cases alone."""
import os
import shutil
import tempfile
import traceback

CASES = []


class Skip(Exception):
    """The machine lacks what a case needs."""


def case(function):
    CASES.append(function)
    return function


def check(truth, *what):
    """Fails the case when `truth` is false; `what` tells the reader why, of long texts the end."""
    if not truth:
        raise AssertionError(" ".join(str(w) for w in what)[-2500:])


def need(*programs):
    """Skips the case where a program is not installed."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise Skip("not installed: " + " ".join(missing))


def run_case(number, function):
    """Runs one case and prints its line; whether it did not fail, whatever went wrong in it."""
    line = f"{number} - {function.__name__.replace('_', ' ')}"
    try:
        function()
        print(f"ok {line}", flush=True)
    except Skip as reason:
        print(f"ok {line} # SKIP {' '.join(str(reason).split())}", flush=True)
    except Exception:  # pylint: disable=broad-except
        print(f"not ok {line}")
        print("".join(f"# {text}\n" for text in traceback.format_exc().splitlines()), end="", flush=True)
        return False
    return True


def run_cases(cases=None, folders=True, begin=None):
    """Runs all cases, each in an empty folder of its own unless `folders` is false, after `begin()` there. The exit
    status: 1 when one failed."""
    only = os.environ.get("ONLY", "").split()
    chosen = [c for c in cases or CASES if not only or c.__name__ in only]
    top, good = os.getcwd(), True
    print(f"1..{len(chosen)}", flush=True)
    for number, function in enumerate(chosen, 1):
        folder = tempfile.mkdtemp(prefix="candor-test-") if folders else top
        os.chdir(folder)
        if begin:
            begin()
        good = run_case(number, function) and good
        os.chdir(top)
        if folders:
            shutil.rmtree(folder, ignore_errors=True)
    return not good
