"""A file is read with its imports, each once, and nothing else is opened."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from qdsl.diagnostics import Sink, SpecError
from qdsl.model import load, load_model
from qdsl.model.loader import Library

OPERATOR = "operator {} {{ dims N; O[n] = I[n] }}\n"


def write(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        path = directory / (name.replace("__", "/") + ".qdsl")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory / "main.qdsl"


def test_names_are_seen_through_imports_of_imports(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main='import "lib/b.qdsl"\nnetwork n { input x: 1; output f(x) }',
        lib__b='import "../c.qdsl"\n',
        c="operator f { dims N, K; O[n, k] = I[n, k] }\n",
    )
    assert load(main).networks[0].layers[0].problem.operator.name == "f"


def test_file_imported_twice_is_read_once(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main='import "b.qdsl"\nimport "c.qdsl"\n',
        b='import "d.qdsl"\n',
        c='import "d.qdsl"\n',
        d=OPERATOR.format("f"),
    )
    files = load(main).files
    assert sorted(Path(p).name for p, _ in files) == ["b.qdsl", "c.qdsl", "d.qdsl", "main.qdsl"]
    assert files[0] == (str(main), hashlib.sha256(main.read_bytes()).hexdigest())


def test_file_does_not_see_what_only_its_importer_imports(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main='import "f.qdsl"\nimport "n.qdsl"\n',
        f=OPERATOR.format("f"),
        n="network n { layer l = f(N = 4) }\n",
    )
    with pytest.raises(SpecError, match="unknown operator `f`"):
        load(main)


def test_paths_are_printed_as_the_user_gave_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, a__main='import "../b/c.qdsl"\n', b__c="operator f { dims N, N; O[n] = I[n] }\n")
    monkeypatch.chdir(tmp_path)
    sink = Sink()
    assert load_model("a/main.qdsl", sink) is None
    assert [str(d.span) for d in sink] == ["b/c.qdsl:1:22"]


def test_missing_file_has_no_source_text(tmp_path: Path) -> None:
    sink = Sink()
    assert load_model(tmp_path / "none.qdsl", sink) is None
    assert [(d.code, d.span) for d in sink] == [("Q0010", None)]


def test_import_that_leaves_the_allowed_directory_is_refused(tmp_path: Path) -> None:
    main = write(tmp_path, a__main='import "../b.qdsl"\n', b=OPERATOR.format("f")).parent / "a" / "main.qdsl"
    assert load(main).path == str(main)
    with pytest.raises(SpecError, match="Q0012"):
        load(main, root=tmp_path / "a")


TABLE = 'engine e { table macs from "%s"; energy 1 pJ; throughput 1; source "x" }'
NET = 'study s { accuracy train() on images from "%s" with weights "%s" }'


@pytest.mark.parametrize("text", [TABLE % "../t.csv", NET % ("../data", "w.pt"), NET % ("data", "../w.pt")])
def test_no_other_path_leaves_the_allowed_directory(tmp_path: Path, text: str) -> None:
    main = write(tmp_path, a__main=text).parent / "a" / "main.qdsl"
    (tmp_path / "t.csv").write_text("bits, macs\n8, secret\n")
    with pytest.raises(SpecError) as found:
        load(main, root=tmp_path / "a")
    assert [d.code for d in found.value.diagnostics] == ["Q0012"]
    assert "secret" not in str(found.value)


@pytest.mark.parametrize("path", ["/etc/t.csv", "C:t.csv", "a\\\\t.csv", "t.txt", "link.csv"])
def test_tables_have_relative_paths_of_their_kind(tmp_path: Path, path: str) -> None:
    main = write(tmp_path, main=TABLE % path)
    (tmp_path / "t.txt").write_text("bits, macs\n8, secret\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "t.txt")
    with pytest.raises(SpecError) as found:
        load(main)
    assert "Q0012" in [d.code for d in found.value.diagnostics] and "secret" not in str(found.value)


def test_link_to_another_sort_of_file_is_refused(tmp_path: Path) -> None:
    main = write(tmp_path, main='import "secret.qdsl"\n')
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "secret.qdsl").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(SpecError, match="Q0012"):
        load(main)


@pytest.mark.parametrize(("content", "code"), [(b"\xff\xfe", "Q0014"), (b"\0", "Q0014")])
def test_import_that_is_not_text_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    main = write(tmp_path, main='import "b.qdsl"\n')
    (tmp_path / "b.qdsl").write_bytes(content)
    with pytest.raises(SpecError, match=code):
        load(main)


def test_directory_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="Q0010"):
        load(tmp_path)


def test_long_chain_of_imports_is_refused(tmp_path: Path) -> None:
    main = write(tmp_path, main='import "f0.qdsl"\n', **{f"f{i}": f'import "f{i + 1}.qdsl"\n' for i in range(100)})
    with pytest.raises(SpecError, match="Q0013"):
        load(main)


@pytest.mark.parametrize(
    ("limit", "least"), [("FILES_LIMIT", 3), ("IMPORTS_LIMIT", 3), ("DEPTH_LIMIT", 3), ("CHARACTERS_LIMIT", 60)]
)
def test_too_much_that_is_imported_is_one_finding(
    limit: str, least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"f{i}": f'import "f{i + 1}.qdsl"\n' for i in range(9)}
    main = write(tmp_path, main="".join(f'import "f{i}.qdsl"\n' for i in (3, 0, 6)), f9="", **files)
    load(main)
    monkeypatch.setattr(f"qdsl.model.imports.{limit}", least)
    sink = Sink()
    assert load_model(main, sink) is None
    assert [d.code for d in sink] == ["Q0013"]


def test_many_imports_of_one_file_take_no_time(tmp_path: Path) -> None:
    main = write(tmp_path, main='import "b.qdsl"\n' * 2001, b=OPERATOR.format("f"))
    with pytest.raises(SpecError, match="Q0013"):
        load(main)


def test_after_a_hundred_findings_the_rest_is_not_checked(tmp_path: Path) -> None:
    wrong = "".join(f"mapping m{i} for n.a onto b {{ }}\n" for i in range(150))
    main = write(tmp_path, main=f'import "b.qdsl"\n{wrong}study s {{ map x onto y }}\n', b=f"{wrong}network n {{ }}\n")
    sink = Sink()
    assert load_model(main, sink) is None
    paths = [d.span.source.path.rsplit("/")[-1] for d in sink if d.span]
    assert [d.code for d in sink].count("Q0007") == 2
    assert 100 < paths.count("b.qdsl") < 105 and 100 < paths.count("main.qdsl") < 105
    write(tmp_path, many="".join(f'import "absent{i}.qdsl"\n' for i in range(200)))
    found = Sink()
    assert load_model(tmp_path / "many.qdsl", found) is None
    assert 100 < len(found.diagnostics) < 105 and {d.code for d in found} == {"Q0010", "Q0007"}


def test_warnings_are_no_reason_to_stop(tmp_path: Path) -> None:
    machine = 'accelerator a# { word 8 bit; memory m { energy read 1 pJ, write 1 pJ }; compute c { energy 1 pJ; source "x" } }'
    main = write(tmp_path, main="".join(machine.replace("#", str(i)) + "\n" for i in range(150)))
    sink = Sink()
    assert load_model(main, sink) is not None
    assert {d.code for d in sink} == {"Q0509"} and len(sink.diagnostics) == 150


def test_unreadable_statement_causes_no_further_findings(tmp_path: Path) -> None:
    main = write(tmp_path, main="operator f { dims N 3 7; O[n] = I[n] }\nnetwork n { layer l = f(N = 4) }\n")
    sink = Sink()
    load_model(main, sink)
    assert {d.code[:3] for d in sink} == {"Q01"}


def test_paths_that_no_file_can_have_are_findings(tmp_path: Path) -> None:
    (tmp_path / "loop.qdsl").symlink_to("loop.qdsl")
    long = "x" * 300
    main = write(tmp_path, main=f'import "loop.qdsl"\nimport "{long}.qdsl"\n')
    found = Sink()
    assert load_model(main, found) is None
    assert [(d.code, d.span and d.span.start) for d in found] == [("Q0015", 7), ("Q0015", 26)]
    for path in ("loop.qdsl", f"{long}.qdsl"):
        with pytest.raises(SpecError, match=r"Q0015.*cannot read"):
            load(tmp_path / path)


def test_a_text_that_is_not_saved_stands_for_its_file(tmp_path: Path) -> None:
    write(tmp_path, main='import "part.qdsl"\n', part="operator f { dims N; O[n] = I[n] }\n")
    part = (tmp_path / "part.qdsl").resolve()
    library = Library()
    before = library.load(tmp_path / "main.qdsl", Sink())
    assert list(before.names[part].operators) == ["f"]
    library.texts.unsaved = {part: "operator g { dims N; O[n] = I[n] }\n"}
    after = library.load(tmp_path / "main.qdsl", Sink())
    assert list(after.names[part].operators) == ["g"]
    assert after.files[-1].tree is before.files[-1].tree, "what did not change is not parsed again"
    found = Sink()
    library.texts.unsaved = {part: "operator g { dims N"}
    assert library.load(tmp_path / "main.qdsl", found).model is None and found.errors


def test_findings_of_files_that_did_not_change_are_told_again(tmp_path: Path) -> None:
    write(tmp_path, main='import "part.qdsl"\n', part="operator f { dims N, M; O[n] = I[n] }\n")
    library, first, again = Library(), Sink(), Sink()
    library.load(tmp_path / "main.qdsl", first)
    library.load(tmp_path / "main.qdsl", again)
    assert [d.code for d in first] == [d.code for d in again] == ["Q0404"]


@pytest.mark.parametrize(("place", "code"), [("x" * 300, "Q0015"), ("nowhere", "Q0010")])
def test_tables_that_cannot_be_read_are_findings(tmp_path: Path, place: str, code: str) -> None:
    path = tmp_path / "a.qdsl"
    table = f'table rate from "{place}/rate.csv"; cycles = 1'
    path.write_text(f"accelerator a {{ memory m {{ }} compute c {{ {table} }} }}", encoding="utf-8")
    with pytest.raises(SpecError, match=code):
        load(path)
