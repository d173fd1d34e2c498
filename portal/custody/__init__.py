"""The care of what we keep: backups, restoring, the drill, and anchors of the log in hands that are not ours.

Yesterday's backup brings back nobody who was erased (GDPR Art. 17) and loses no no; it opens only under the master key and is
refused whole when a bit of it is wrong (Art. 32(1)(b)-(d)).
"""

from portal.custody import anchors, backup
from portal.custody import erasures as erasures  # for what it keeps alone
from portal.custody.drill import Drilled, drill
from portal.custody.restore import Restored, complete, restore

__all__ = ["Drilled", "Restored", "anchors", "backup", "complete", "drill", "restore"]
