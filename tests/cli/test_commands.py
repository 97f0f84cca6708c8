"""`explain`, `rules`, `server`, `new-rule`, and the command itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from oakum import __version__, catalogue, configuration
from oakum.cli import main

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def test_explain(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "page", lambda rule: f"# {rule.code}\n")
    assert run("explain", "pt01") == (0, "# PT01\n", "")
    assert run("explain", "simple_leak") == (0, "# PT01\n", "")
    assert run("explain", "PT011") == (2, "", "error: there is no rule `PT011`; did you mean `PT01`?\n")


def test_rules(run: Any) -> None:
    status, out, err = run("rules")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "PT01  warning      safe    simple-leak",
        "PT02  information  review  risky-leak",
        "TK01  hint                 stubborn-leak",
        "OK01  hint         safe    unused-suppression",
    ]


def test_rules_as_json(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for rule in catalogue.known():
        monkeypatch.setitem(sys.modules, rule.module, sys)
    rows = json.loads(run("rules", "--output-format=json")[1])
    keys = "code name smell frameworks category subcategory level fix practices page url"
    assert " ".join(rows[0]) == keys
    assert [row["fix"] for row in rows] == ["safe", "review", None, "safe"]
    assert (rows[0]["frameworks"], rows[0]["practices"]) == (["torch"], ["free it"])


def test_a_broken_pack_is_told(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "problems", lambda: ("pack.rule: NameError",))
    status, out, err = run("rules")
    assert (status, err) == (2, "error: pack.rule: NameError\n")
    assert "simple-leak" in out


@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        ([], None),
        (["--stdio"], None),
        (["--tcp=127.0.0.1:2087"], ("127.0.0.1", 2087)),
        (["--tcp", "[::1]:2087"], ("::1", 2087)),
    ],
)
def test_server(run: Any, monkeypatch: pytest.MonkeyPatch, arguments: list[str], address: tuple[str, int] | None) -> None:
    from oakum.lsp import server

    started: list[Any] = []
    monkeypatch.setattr(server, "main", lambda tcp, ws: started.append(tcp) or 0)
    assert run("server", *arguments)[0] == 0
    assert started == [address]


def test_server_at_no_address(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("server", "--tcp=nowhere")
    assert "'nowhere' is no address such as 127.0.0.1:2087" in capsys.readouterr().err


def test_new_rule(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rules/oakum_rules/tensorflow").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path / "docs")
    status, out, err = run("new-rule", "TK17", "hungry-callback")
    module = tmp_path / "rules/oakum_rules/tensorflow/hungry_callback.py"
    page = tmp_path / "tests/rules/tensorflow/hungry_callback.md"
    assert (status, out, err) == (0, f"{module}\n{page}\n", "")
    assert "[TK17]" in page.read_text()
    source = module.read_text()
    assert source.count("## ") == 6
    compile(source, str(module), "exec")
    assert 'smell="Hungry Callback"' in source
    assert run("new-rule", "TK17", "hungry-callback")[::2] == (2, f"error: {module} is there already\n")


@pytest.mark.parametrize(
    ("code", "name", "message"),
    [
        ("X01", "a-leak", "`X01` is no code for a rule"),
        ("PT1", "a-leak", "`PT1` is no code for a rule"),
        ("PT31", "a/leak", "`a/leak` is no name for a rule"),
        ("PT01", "a-leak", "there is a rule PT01 simple-leak already"),
        ("PT31", "simple-leak", "there is a rule PT01 simple-leak already"),
        ("PT31", "a-leak", "is in no checkout of Oakum and in no rule pack"),
    ],
)
def test_new_rule_that_can_not_be(run: Any, code: str, name: str, message: str) -> None:
    status, out, err = run("new-rule", code, name)
    assert (status, out) == (2, "")
    assert message in err


def test_version_and_help(run: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert (end.value.code, capsys.readouterr().out) == (0, f"oakum {__version__}\n")
    assert main([]) == 2
    assert "new-rule" in capsys.readouterr().out
    for command in ("check", "fix", "baseline", "explain", "rules", "config", "clean", "server", "new-rule"):
        with pytest.raises(SystemExit) as end:
            main([command, "--help"])
        assert end.value.code == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_check_loads_no_server() -> None:
    """A command line that starts slowly is not run on save."""
    code = (
        "import sys; from oakum.cli import main; main(['check', '-']);"
        "print([name for name in ('pygls', 'lsprotocol', 'jedi', 'asyncio', 'concurrent') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], input="import torch\n", capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "oakum", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"oakum {__version__}\n"


def test_a_server_ends_in_peace() -> None:
    def message(content: dict[str, Any]) -> bytes:
        body = json.dumps({"jsonrpc": "2.0", **content}).encode()
        return b"Content-Length: %d\r\n\r\n" % len(body) + body

    begin = {"id": 1, "method": "initialize", "params": {"processId": None, "rootUri": None, "capabilities": {}}}
    said = b"".join(map(message, (begin, {"id": 2, "method": "shutdown"}, {"method": "exit"})))
    done = subprocess.run([sys.executable, "-m", "oakum", "server"], input=said, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_workspace_does_not_stand_in_for_libraries(tmp_path: Path) -> None:
    (tmp_path / "pathspec.py").write_text("open('touched', 'w')\n", encoding="utf-8")
    (tmp_path / "main.py").write_text("import torch\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "oakum", "check", "."], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("option", ["--tcp", "--ws"])
@pytest.mark.parametrize("address", ["0.0.0.0:2087", "[::]:2087", "192.168.1.7:2087", "example.org:2087"])
def test_a_server_for_others_has_to_be_wanted(run: Any, monkeypatch: pytest.MonkeyPatch, option: str, address: str) -> None:
    from oakum.lsp import server

    started: list[Any] = []
    monkeypatch.setattr(server, "main", lambda tcp, ws: started.append(tcp or ws) or 0)
    status, _, err = run("server", option, address)
    assert (status, started) == (2, [])
    assert "can be reached by others" in err
    status, _, err = run("server", option, address, "--i-know-that-anybody-can-connect")
    assert (status, len(started)) == (0, 1)
    assert err.startswith("warning: ")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.1.2.3:1", "[::1]:1", "localhost:1"])
def test_a_server_for_this_machine(run: Any, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    from oakum.lsp import server

    monkeypatch.setattr(server, "main", lambda tcp, ws: 0)
    assert run("server", "--ws", address) == (0, "", "")


def test_what_can_be_set(run: Any) -> None:
    status, out, err = run("config")
    assert (status, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    for key in configuration.KEYS:
        assert f"\n{key}\n" in f"\n{out}"
    assert run("config", "select")[1].startswith("select\n  Only these rules")
    assert run("config", "selct")[0] == 2


def test_the_schema_says_what_is_read(run: Any, tmp_path: Path) -> None:
    schema = json.loads(run("config", "--schema")[1])
    jsonschema.Draft202012Validator.check_schema(schema)
    good = "\n".join(
        key.example for name, key in configuration.KEYS.items() if name not in ("extend", "baseline", "severity", "select")
    )
    (tmp_path / "oakum.toml").write_text(good.replace("PT07", "PT01"))
    assert configuration.read(tmp_path / "oakum.toml")
    for key in configuration.KEYS.values():
        jsonschema.validate(tomllib.loads(key.example), schema)
    for bad in (
        'select = "PT01"',
        'level = "loud"',
        "nonsense = 1",
        "per-file-ignores = { a = 1 }",
        'severity = { PT01 = "loud" }',
        "extend = 3",
    ):
        (tmp_path / "oakum.toml").write_text(bad)
        with pytest.raises(configuration.ConfigurationError):
            configuration.read(tmp_path / "oakum.toml")
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(tomllib.loads(bad), schema)
