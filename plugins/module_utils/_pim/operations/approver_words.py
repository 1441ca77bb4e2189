# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who denied a request, and in which words. Private to the collection."""

from __future__ import annotations

from ..errors import PimError, readable
from ..models import DENY
from ..plans.approval import reviewer
from .connection import Connection
from .requests import read_stages
from .submission import request_id_of
from .work import Work

# So much is shown of a name with its id.
_NAME_LIMIT = 120


def with_words(connection: Connection, work: Work, denial: PimError) -> PimError:
    """The denial of a request with who decided and why, where the service tells; it is asked once."""
    approval = (work.request.approval_id if work.request else None) or request_id_of(work)
    try:
        _call, stages = read_stages(connection, work.row.provider, approval)
    except PimError:
        # That it was denied is what the user has to know. Approvals are documented for approvers only: the service may well refuse
        # to show one to the account that asked.
        return denial
    stage = next((one for one in stages if one.decision == DENY), None)
    if stage is None:
        return denial
    words = readable(stage.justification)
    by = f"The request for {work.name} was denied by {readable(reviewer(stage), _NAME_LIMIT)}"
    return denial.retold(f"{by}, who wrote: {words}" if words else by)
