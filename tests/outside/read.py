"""Reads reports with readers that are not this project's, and prints what each of them understood as JSON.

Usage: read.py SARIF_SCHEMA JUNIT_XSD FOLDER, where the folder holds reports named CASE.FORMAT.
"""

import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import xmlschema
from markdown_it import MarkdownIt
from prometheus_client.openmetrics.parser import text_string_to_metric_families

SARIF = jsonschema.Draft7Validator(json.loads(Path(sys.argv[1]).read_text()))
JUNIT = xmlschema.XMLSchema(sys.argv[2])


def openmetrics(text):
    states, subjects, required = {}, [], []
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "mzv_doctor_check" and sample.value == 1:
                assert sample.labels["name"] not in states, "two states of one name"
                states[sample.labels["name"]] = sample.labels["state"]
            if sample.name == "mzv_doctor_finding":
                subjects.append(sample.labels["subject"])
            if sample.name == "mzv_doctor_required_inconclusive":
                required.append(sample.labels["name"])
    for name in required:
        assert states[name] == "inconclusive", name
        states[name] = "inconclusive, required"
    return states, subjects


def junit(text):
    JUNIT.validate(ET.ElementTree(ET.fromstring(text)))
    states, texts = {}, []
    for case in ET.fromstring(text).iter("testcase"):
        children = {child.tag for child in case}
        state = (children & {"failure", "error", "skipped"} or {"success"}).pop()
        assert case.get("name") not in states, "two cases of one name"
        states[case.get("name")] = state
        texts += [part for child in case for part in (child.get("message"), child.text) if part]
    return states, texts


def sarif(text):
    document = json.loads(text)
    problems = [f"{list(error.path)}: {error.message}" for error in SARIF.iter_errors(document)]
    assert not problems, problems
    states, texts = {}, []
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] == "none" or result["kind"] == "fail"
        state = result["kind"]
        if state == "open" and result["properties"]["required"]:
            state = "open, required"
        known = result.get("suppressions") or result.get("baselineState") == "unchanged"
        state = "accepted" if known else f"{state} {result['level']}" if state == "fail" else state
        states[result["ruleId"]] = state
        texts.append(result["message"]["text"])
    return states, texts


def markdown(text):
    tokens = MarkdownIt("gfm-like", {"html": True}).parse(text)
    flat = [child for token in tokens for child in [token, *(token.children or [])]]
    foreign = [token.type for token in flat if token.type in ("html_block", "html_inline", "link_open", "image")]
    assert not foreign, foreign
    return {}, [token.content for token in flat if token.type in ("code_inline", "text", "fence")]


def unfold(text, percent):
    return text.replace("%0D", "\r").replace("%0A", "\n").replace(percent, "%")


def listed(lines, begin, end):
    """The group of names, each with its state."""
    at, until = next(i for i, line in enumerate(lines) if line.startswith(begin)), lines.index(end)
    return dict(line.rsplit(": ", 1) for line in lines[at + 1 : until])


def github(text):
    """As the runner's own parser takes a line: src/Runner.Common/ActionCommand.cs."""
    commands = []
    for line in text.splitlines():
        match = re.match(r"\s*::(?P<name>[A-Za-z-]+)(?: (?P<properties>[^:]*(?::(?!:)[^:]*)*))?::(?P<text>.*)$", line)
        if match:
            assert match["name"] in ("error", "warning", "notice", "group", "endgroup"), line
            commands.append(unfold(match["text"], "%25"))
        assert "##[" not in line and "##vso[" not in line, line
    return listed(text.splitlines(), "::group::", "::endgroup::"), commands


def azure(text):
    """As the agent's own parser takes a line: a command may stand anywhere in it."""
    commands = []
    for line in text.splitlines():
        for match in re.finditer(r"##(vso)?\[(?P<name>[^\s\]]*)(?P<properties>[^\]]*)\](?P<text>.*)$", line):
            allowed = ("task.logissue", "task.uploadsummary", "group", "endgroup")
            assert match["name"] in allowed and match.start() == 0, line
            commands.append(unfold(match["text"], "%AZP25"))
        assert "##" not in line[2:], line
    return listed(text.splitlines(), "##[group]", "##[endgroup]"), commands


READERS = {
    "openmetrics": openmetrics,
    "junit": junit,
    "sarif": sarif,
    "markdown": markdown,
    "github": github,
    "azure-pipelines": azure,
}

told = {}
for path in sorted(Path(sys.argv[3]).iterdir()):
    case, form = path.name.rsplit(".", 1)
    try:
        states, texts = READERS[form](path.read_bytes().decode())
        told[path.name] = {"states": states, "texts": texts}
    except Exception as error:  # noqa: BLE001 - whatever a reader refuses is the answer
        told[path.name] = {"refused": f"{type(error).__name__}: {error}"}
print(json.dumps(told))
