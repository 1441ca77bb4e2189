# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in by the account that Azure CLI is signed in with. Private to the collection.

`az account get-access-token` of the Azure CLI reference. The process has the environment of this one, which the edge has made the task's,
and so the account is that of AZURE_CONFIG_DIR.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
from datetime import datetime
from typing import Any

from ...errors import PimError
from ...times import Clock
from ..client import SignInClient, sign_in_failure
from ..request import SignInRequest
from ..token_claims import decode

# It starts in a second or two, ten where its files are cold, and asks the sign-in service with repeats of its own.
_SECONDS = 60.0
# What requests and urllib3, which az makes its calls with, say where nobody answers.
_UNREACHABLE = re.compile(
    r"Max retries exceeded|Connection aborted|NewConnectionError|NameResolutionError|Read timed out"
)
_PREFIX = re.compile(r"^(?:WARNING|ERROR):\s*", re.MULTILINE)


def acquire(client: SignInClient, request: SignInRequest, clock: Clock) -> dict[str, Any]:
    command = ["az", "account", "get-access-token", "--resource", request.resource, "--output", "json"]
    if request.tenant:
        command += ["--tenant", request.tenant]
    status, output, told = _run(command)
    if status != 0:
        raise _failure(told, request.tenant)
    try:
        answer = json.loads(output)
        token = str(answer["accessToken"])
        expires = _expiry(answer, token)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise PimError(
            "invalid_response", "Azure CLI answered with something that is no access token", advice=""
        ) from None
    # Azure CLI keeps its tokens and hands out older ones: such a token carries the roles of the time it was issued.
    return {"access_token": token, "issued_at": decode(token).get("iat"), "expires_in": expires - clock.time()}


def _run(command: list[str]) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a process that ends in bounded time, with all that it has started."""
    try:
        # A session of its own, because az is a script that starts another process. This runs in the controller too, where there is no
        # AnsibleModule whose run_command could be called.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError:
        raise PimError(
            "missing_dependency",
            "Azure CLI (az) cannot be started: it is not on the PATH of this task, or not executable",
            advice="Install it where the task runs, or name another auth_method.",
        ) from None
    try:
        output, told = process.communicate(timeout=_SECONDS)
    except BaseException as error:
        # Also where the task is ended from outside.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        raise PimError(
            "network",
            f"Azure CLI did not answer within {_SECONDS:g} s",
            advice="Try az account get-access-token by hand.",
        ) from None
    return process.returncode, output, told


def _failure(told: str, tenant: str | None) -> PimError:
    """What stderr says, in our words; az itself has one exit status for most of it."""
    text = _PREFIX.sub("", told).strip()
    login = f"az login --tenant {tenant}" if tenant else "az login"
    advice = f"Run {login} as the user that this task runs as, then run again."
    if "AADSTS" in text:
        error = sign_in_failure({"error_description": text[text.index("AADSTS") :]})
        error.message, error.advice = f"Azure CLI: {error.message}", advice
        return error
    if _UNREACHABLE.search(text):
        return PimError("network", "Azure CLI cannot reach the sign-in service", service_message=text)
    if "az login" in text:
        return PimError("login_failed", "Azure CLI is not signed in", service_message=text, advice=advice)
    return PimError(
        "login_failed",
        "Azure CLI gave no token",
        service_message=text or "nothing",
        advice=f"Try az account get-access-token by hand; {login} signs in again.",
    )


def _expiry(answer: dict[str, Any], token: str) -> float:
    """Seconds since 1970. `expires_on` is newer than `expiresOn`, which is local time without a zone."""
    if answer.get("expires_on") is not None:
        return float(answer["expires_on"])
    if answer.get("expiresOn"):
        return datetime.fromisoformat(str(answer["expiresOn"])).timestamp()
    return float(decode(token)["exp"])
