# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""uvicorn's HTTP protocol, with one addition: a handler can break its connection as a failing network would."""

from __future__ import annotations

import socket
import struct
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_RESET = "pim_simulator.reset"


class ResettableProtocol(HttpToolsProtocol):
    """Puts a function into each scope that resets the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: Any = self.scope
        scope[_RESET] = self._reset

    def _reset(self) -> None:
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            # linger of zero seconds: the peer sees RST, not an orderly end
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        abort = getattr(self.transport, "abort", self.transport.close)
        abort()


def reset_connection(scope: Any) -> None:
    """Break the connection that this call came over."""
    scope[_RESET]()
