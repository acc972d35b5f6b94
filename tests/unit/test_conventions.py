"""What the tree promises of itself: small files, whole plugins, a pure core, a README that names what is there."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "cepd").rglob("*.py"))
PLUGINS = {"actions": "actions", "channels": "channels"}


def plugin_modules() -> list[tuple[str, str]]:
    return [
        (kind, path.stem)
        for kind in PLUGINS
        for path in sorted((ROOT / "cepd" / kind).glob("*.py"))
        if not path.stem.startswith("_")
    ]


def test_tests_are_small() -> None:
    tests = sorted((ROOT / "tests").rglob("*.py"))
    assert not [str(path) for path in tests if len(path.read_text(encoding="utf-8").splitlines()) > 400]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_and_says_why_it_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    if path.name != "__init__.py" or text.strip():
        assert ast.get_docstring(ast.parse(text)), "a module's docstring says why it exists"


@pytest.mark.parametrize(("kind", "name"), plugin_modules())
def test_a_plugin_is_a_module_a_schema_a_test_and_a_line_of_the_readme(kind: str, name: str) -> None:
    assert (ROOT / "schemas" / kind / f"{name}.schema.json").is_file()
    assert (ROOT / "tests" / "unit" / kind / f"test_{name}.py").is_file() or (
        ROOT / "tests" / "unit" / kind / f"test_{kind}_{name}.py"
    ).is_file()
    assert re.search(rf"^\|.*{kind[:-1]}.*`{name}`", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)


def test_each_kind_of_state_is_a_module_and_a_schema() -> None:
    """A window, aggregate or anomaly method is listed nowhere else."""

    def modules(folder: str) -> set[str]:
        return {path.stem for path in (ROOT / "cepd/engine" / folder).glob("[!_]*.py")}

    def schemas(folder: str) -> set[str]:
        return {path.name.removesuffix(".schema.json") for path in (ROOT / "schemas" / folder).glob("*.json")}

    anomaly = json.loads((ROOT / "schemas/triggers/anomaly.schema.json").read_text(encoding="utf-8"))
    assert modules("aggregates") == schemas("aggregates")
    assert modules("anomaly") == set(anomaly["properties"]["method"]["enum"])
    assert modules("units") == schemas("windows") | schemas("triggers") - {"event", "metric", "schedule"}


def test_the_core_loads_without_the_world() -> None:
    script = (
        "import sys, pkgutil, importlib\n"
        "for package in ('model', 'engine', 'policies', 'templating', 'intake'):\n"
        "    module = importlib.import_module('cepd.' + package)\n"
        "    for found in pkgutil.walk_packages(module.__path__, f'cepd.{package}.'):\n"
        "        importlib.import_module(found.name)\n"
        "print(*sorted(sys.modules))\n"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "cepd.engine.engine" in loaded
    world = {"sqlite3", "httpx2", "starlette", "uvicorn", "watchdog", "prometheus_client", "typer", "yaml"}
    # Jinja2 itself imports asyncio and with it socket; that nothing of ours does is import-linter's to hold.
    assert world.isdisjoint(loaded), world & set(loaded)


def test_validate_and_simulate_import_only_what_they_need(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text(
        "kind: RulePack\nname: p\nrules:\n"
        "  - {id: r, trigger: {type: event}, actions: [{type: webhook, endpoint: 'https://example.com/'}]}\n"
    )
    for arguments in (["validate", "."], ["simulate", ".", "--rule", "r", "--payload", "{}"], ["version"]):
        script = (
            f"import sys; sys.argv = ['cepd', *{arguments!r}]\n"
            "from cepd.cli.main import run\n"
            "try:\n    run()\nexcept SystemExit as done:\n    assert not done.code, done.code\n"
            "print(*sorted(sys.modules), file=sys.stderr)\n"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == 0, done.stderr
        loaded = set(done.stderr.split())
        heavy = {"starlette", "uvicorn", "httpx2", "watchdog", "prometheus_client", "sqlite3", "cepd.wiring"}
        assert heavy.isdisjoint(loaded), heavy & loaded
        if arguments == ["version"]:
            late = {"yaml", "jsonschema", "jinja2", "re2"}
            assert late.isdisjoint(loaded), late & loaded


def test_every_dependency_earns_its_line_in_the_readme() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for requirement in project["dependencies"]:
        name = requirement.split("==")[0]
        assert re.search(rf"^\| *`?{re.escape(name)}`? *\|", readme, re.M), f"{name} has no line in the table"


def test_the_metrics_page_lists_every_metric_and_no_other() -> None:
    from cepd.telemetry.metrics import TABLE

    text = (ROOT / "ops/metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(cepd_\w+)` \| (\w+) \| ([^|]*) \| (.*) \|$", text, re.M)
    assert [tuple(row) for row in rows] == [
        (metric.name, metric.kind, ", ".join(f"`{label}`" for label in metric.labels), metric.help) for metric in TABLE
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_left_for_later(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", text)
    for node in ast.walk(ast.parse(text)):
        assert not isinstance(node, ast.Pass), f"line {node.lineno}"


def test_the_readme_has_no_place_left_to_fill() -> None:
    assert "@@" not in (ROOT / "README.md").read_text(encoding="utf-8")
