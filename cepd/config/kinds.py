"""What a document is: settings, a pack, a channel, a bare rule of the dialect, or nothing that cepd knows."""

from cepd.config.dialect import is_dialect, translate
from cepd.config.findings import Findings
from cepd.config.parse import Document
from cepd.config.pointers import Path
from cepd.config.respell import rename, respell
from cepd.config.schemas import schema_of
from cepd.config.sheets import SCHEMAS, UNBUILT_KINDS, Sheet
from cepd.config.tree import SETTINGS_FILE
from cepd.model.json import Json
from cepd.model.spelling import closest


def sheet_of(document: Document) -> Sheet:
    """The sheet of a document, its fields respelt; of an empty kind where it is nothing that cepd knows."""
    data = document.data
    if document.file == SETTINGS_FILE:
        return _settings(document)
    dialect = is_dialect(data)
    if dialect is not None:
        return _bare(document, dialect == "api")
    if isinstance(data, dict) and "kind" not in data:
        near = closest("kind", data)
        if near is not None:
            return _of_misspelt_kind(document, near)
    findings = Findings(document, data)
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str):
        _tell_unknown_kind(data, findings)
        return Sheet("", findings)
    if kind in UNBUILT_KINDS:
        help = "it is checked for secrets only"
        findings.add("CEP305", ("kind",), f"cepd does not use documents of kind {kind} yet", help)
        return Sheet(kind, findings)
    if kind in SCHEMAS and kind != "Settings":
        return _respelt(kind, document, data, {})
    _tell_unknown_kind(data, findings)
    return Sheet("", findings)


def _of_misspelt_kind(document: Document, near: str) -> Sheet:
    """Known to what refers to it, and never built."""
    data = rename(document.data, (near,), "kind")
    kind = data["kind"] if isinstance(data["kind"], str) else ""
    if kind in SCHEMAS and kind != "Settings":
        sheet = _respelt(kind, document, data, {("kind",): near})
    else:
        findings = Findings(document, data, former={("kind",): near})
        sheet = Sheet(kind if kind in UNBUILT_KINDS else "", findings)
    sheet.findings.add("CEP100", ("kind",), f"{near!r} is not a kind", "did you mean 'kind'?", at="key")
    return sheet


def _respelt(kind: str, document: Document, data: Json, former: dict[Path, str]) -> Sheet:
    respelt = respell(SCHEMAS[kind], data)
    return Sheet(kind, Findings(document, respelt.data, former=former | respelt.former))


def _bare(document: Document, api: bool) -> Sheet:
    translation = translate(document.data, document.file.rpartition("/")[2].rpartition(".")[0])
    if api:
        findings = Findings(document, document.data)
    else:
        respelt = respell("rulepack", translation.document)
        findings = Findings(document, respelt.data, translation.origins, respelt.former)
    for found in translation.findings:
        findings.add_original(found.code, found.pointer, found.message, found.help, found.at)
    return Sheet("Api" if api else "RulePack", findings, bare=True)


def _settings(document: Document) -> Sheet:
    if isinstance(document.data, dict) and "kind" in document.data:
        findings = Findings(document, document.data)
        help = "move the document to another file"
        findings.add("CEP131", ("kind",), "cepd.yaml holds settings and nothing else", help, at="key")
        return Sheet("", findings)
    return _respelt("Settings", document, document.data, {})


def _tell_unknown_kind(data: Json, findings: Findings) -> None:
    kinds = [kind for kind in (*SCHEMAS, *UNBUILT_KINDS) if kind != "Settings"]
    help = f"known are {', '.join(kinds)}"
    if not isinstance(data, dict):
        findings.add("CEP100", (), "a document is a mapping with a kind", help)
    elif "kind" not in data:
        settings = not schema_of("settings")["properties"].keys().isdisjoint(data.keys() - {"$schema"})
        help = f"settings stand in {SETTINGS_FILE} at the root" if settings else f"add kind: RulePack; {help}"
        findings.add("CEP100", (), "the document does not say its kind", help, at="first_key")
    else:
        near = closest(str(data["kind"]), kinds)
        help = f"did you mean {near!r}?" if near else help
        findings.add("CEP100", ("kind",), "this kind of document is not known", help)
