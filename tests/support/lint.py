# SPDX-License-Identifier: Apache-2.0
"""The lint suite: each check is one function that returns its complaints, none if all is well."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import build
import unit

ROOT = build.ROOT
CHECKS = {}
CODE = (".c", ".h")
GENERATED = ("tests/fuzz/corpus/", "tests/fuzz/regress/")


def check(name):
    def add(function):
        CHECKS[name] = function
        return function
    return add


def files(*suffixes, shebang=None):
    """Files that git knows or would take, by suffix, or by their first line."""
    out = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                         cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    found = []
    for name in sorted(set(out.split("\0")) - {""}):
        path = ROOT / name
        if name.startswith(GENERATED) or not path.is_file():
            continue
        if name.endswith(suffixes) if suffixes else False:
            found.append(name)
        elif shebang:
            with open(path, "rb") as f:
                if re.match(shebang, f.readline(200)):
                    found.append(name)
    return found


def tool(command, ok=(0,), **options):
    """What the tool said if it was not content."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, **options)
    if done.returncode in ok:
        return ""
    return done.stdout.rstrip() or f"{command[0]}: exit status {done.returncode}"


def in_parallel(function, items):
    with concurrent.futures.ThreadPoolExecutor(build.cpus()) as pool:
        return [r for r in pool.map(function, items) if r]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


@check("layers")
def _():
    return [tool([sys.executable, "tests/lint/layers.py", str(ROOT)])]


@check("sizes")
def _():
    return [tool([sys.executable, "tests/lint/sizes.py", *files(".c", ".h", ".py", ".sh", ".build")])]


@check("spdx")
def _():
    """The first line is the licence; behind the line of the interpreter where there is one."""
    wrong = []
    for name in files(".c", ".h", ".py", ".sh", ".build", ".ui", shebang=rb"#!"):
        lines = text_of(name).split("\n", 3)[:3]
        at = 1 if lines[0].startswith(("#!", "<?xml")) else 0
        if "SPDX-License-Identifier: Apache-2.0" not in (lines[at] if at < len(lines) else ""):
            wrong.append(f"{name}: no SPDX line at its start")
    return wrong


@check("whitespace")
def _():
    wrong = []
    for name in files(".c", ".h", ".py", ".sh", ".build", ".md", ".txt", ".ui", ".in", shebang=rb"#!"):
        text = text_of(name)
        for n, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                wrong.append(f"{name}:{n}: white space at the end of the line")
            if "\t" in line and name.endswith(CODE):
                wrong.append(f"{name}:{n}: a tab")
        if text and not text.endswith("\n"):
            wrong.append(f"{name}: no newline at the end")
        if text.endswith("\n\n"):
            wrong.append(f"{name}: empty lines at the end")
    return wrong


@check("todo")
def _():
    """An open end has an issue: TODO(#12)."""
    wrong = []
    for name in files(*CODE, ".sh"):
        for n, line in enumerate(text_of(name).split("\n"), 1):
            if re.search(r"\b(TODO(?!\(#\d+\))|FIXME|XXX)\b", line):
                wrong.append(f"{name}:{n}: {line.strip()}")
    return wrong


@check("potfiles")
def _():
    """po/POTFILES.in names exactly the files with translatable text."""
    uses = set()
    for name in files(".c", ".ui"):
        if name.startswith("apps/"):
            text = text_of(name)
            mark = r'translatable="yes"' if name.endswith(".ui") else r'\b(?:N?C?_|ngettext)\s*\(\s*"'
            if re.search(mark, text):
                uses.add(name)
    listed = set()
    if (ROOT / "po/POTFILES.in").exists():
        listed = {line.strip() for line in text_of("po/POTFILES.in").splitlines()
                  if line.strip() and not line.startswith("#")}
    return ([f"po/POTFILES.in: {n} is missing" for n in sorted(uses - listed)] +
            [f"po/POTFILES.in: {n} has nothing to translate" for n in sorted(listed - uses)])


@check("format")
def _():
    names = files(*CODE)
    return [tool(["clang-format", "--dry-run", "-Werror", *names])] if names else []


@check("python")
def _():
    wrong = []
    for name in files(".py", shebang=rb"#!.*python"):
        try:
            compile(text_of(name), name, "exec")
        except SyntaxError as e:
            wrong.append(f"{name}:{e.lineno}: {e.msg}")
        for n, line in enumerate(text_of(name).split("\n"), 1):
            if len(line) > 130:
                wrong.append(f"{name}:{n}: {len(line)} columns")
    return wrong


@check("shellcheck")
def _():
    names = files(".sh", shebang=rb"#!.*\b(ba|da)?sh\b")
    return [tool(["shellcheck", "-x", "-P", "SCRIPTDIR", *names])] if names else []


def compile_commands():
    path = build.build("gcc", setup_only=True) / "compile_commands.json"
    found = {}
    for c in json.loads(path.read_text()):
        name = os.path.relpath(os.path.join(c["directory"], c["file"]), ROOT)
        if not name.startswith(("build", "..")):
            found[name] = c
    return found


@check("headers")
def _():
    """Every header compiles alone, and included twice."""
    commands = compile_commands()
    if not commands:
        return []
    folder = build.folder("gcc")
    words = next(iter(commands.values()))["command"].split()
    # Every -I and -isystem of the build: a header is not bound to one target.
    flags = []
    for c in commands.values():
        for w in c["command"].split():
            if w.startswith(("-I", "-isystem")) and w not in flags:
                flags.append(w)
    flags += [w for w in words if w.startswith(("-W", "-D", "-std", "-f")) and w not in flags]

    def one(name):
        return tool(["gcc", *[w.replace("\\", "").replace("'", "") for w in flags], "-O2",
                     "-fsyntax-only", "-Werror", "-I", str(ROOT), "-x", "c", "-"],
                    input=f'#include "{name}"\n#include "{name}"\n') if folder else ""

    return in_parallel(one, [n for n in files(".h") if n.startswith(("apps/", "core/", "platform/", "tests/"))])


def dependencies():
    """{object's source: [files of ours it is made from]}, as ninja saw them."""
    deps, current = {}, None
    out = build.run(["ninja", "-C", build.folder("gcc"), "-t", "deps"])
    for line in out.splitlines():
        if line.startswith("    "):
            path = os.path.normpath(os.path.join(build.folder("gcc"), line.strip()))
            if path.startswith(str(ROOT) + os.sep) and not path.startswith(str(build.folder("gcc"))):
                deps[current].append(os.path.relpath(path, ROOT))
        elif line and not line.startswith("ninja:"):
            current = line.split(":")[0]
            deps[current] = []
    return {d[0]: d for d in deps.values() if d}


def fingerprint(name, deps, command):
    h = hashlib.sha256("".join(map(text_of, files(".clang-tidy"))).encode() + command.encode())
    for d in [name, *sorted(deps)]:
        h.update((ROOT / d).read_bytes())
    return h.hexdigest()


@check("tidy")
def _():
    """clang-tidy; a file that passed and has not changed since, headers included, is not redone."""
    build.build("gcc")
    deps, commands = dependencies(), compile_commands()
    done = build.folder("gcc") / "tidy"
    done.mkdir(exist_ok=True)

    def one(name):
        mark = done / fingerprint(name, deps.get(name, []), commands[name]["command"])
        if mark.exists():
            return ""
        said = tool(["clang-tidy", "--quiet", "-p", str(build.folder("gcc")),
                     "--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-error", name])
        if not said:
            mark.touch()
        return "\n".join(dict.fromkeys(
            re.sub(r"^(?:\S*/build)?/?\.\./", "", line) for line in said.splitlines()
            if re.search(r": (error|warning): ", line))) or said

    said = in_parallel(one, sorted(n for n in commands if n.endswith(".c")))
    return list(dict.fromkeys("\n".join(said).splitlines()))  # a header speaks up once only


@check("cppcheck")
def _():
    folders = [d for d in ("apps", "core", "platform") if any((ROOT / d).rglob("*.c"))]
    if not folders:
        return []
    cache = build.folder("gcc") / "cppcheck"
    cache.mkdir(parents=True, exist_ok=True)
    return [tool(["cppcheck", "--enable=warning,portability", "--std=c11", "--library=gtk",
                  "--library=posix", "--inline-suppr", "--error-exitcode=1", "--quiet",
                  f"--cppcheck-build-dir={cache}", "-j", str(build.cpus()), "-I", ".",
                  "-D_GNU_SOURCE", "-D__linux__", "--suppress=missingIncludeSystem",
                  "--suppress=unmatchedSuppression",
                  "-DG_GNUC_PRINTF(a,b)=", "--suppress=normalCheckLevelMaxBranches",
                  f"--suppressions-list={pathlib.Path('tests/lint/cppcheck.txt')}", *folders])]


def names():
    return list(CHECKS)


def run(rep, patterns):
    for name, function in CHECKS.items():
        if not unit.wanted(name, patterns):
            continue
        start = time.monotonic()
        try:
            wrong = [w for w in function() if w]
        except (build.BuildError, FileNotFoundError) as e:
            wrong = [str(e)]
        rep.result(f"lint/{name}", "not ok" if wrong else "ok", time.monotonic() - start,
                   "\n".join(wrong))
