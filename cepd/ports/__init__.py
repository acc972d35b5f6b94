"""The small Protocols between the daemon's moving parts and the adapters that touch the world.

No code of its own: a port says what it takes, what it gives, and which errors of `cepd.model.errors` it raises.
"""

from cepd.ports.journal import Clock as Clock
from cepd.ports.journal import Journal as Journal
from cepd.ports.journal import Snapshot as Snapshot
from cepd.ports.journal import Snapshots as Snapshots
from cepd.ports.progress import LeftOut as LeftOut
from cepd.ports.progress import Progress as Progress
from cepd.ports.progress import Quarantine as Quarantine
from cepd.ports.progress import Suspect as Suspect
from cepd.ports.runs import Runs as Runs
from cepd.ports.store import AckCounts as AckCounts
from cepd.ports.store import AlertDetail as AlertDetail
from cepd.ports.store import AlertPage as AlertPage
from cepd.ports.store import AlertQuery as AlertQuery
from cepd.ports.store import DeliveryDetail as DeliveryDetail
from cepd.ports.store import DeliveryPage as DeliveryPage
from cepd.ports.store import DeliveryQuery as DeliveryQuery
from cepd.ports.store import Lapsed as Lapsed
from cepd.ports.store import Outcomes as Outcomes
from cepd.ports.store import Overtaken as Overtaken
from cepd.ports.store import Recording as Recording
from cepd.ports.store import Redriven as Redriven
from cepd.ports.store import RedriveQuery as RedriveQuery
from cepd.ports.store import Settled as Settled
from cepd.ports.store import Settlement as Settlement
from cepd.ports.store import Store as Store
from cepd.ports.store import StoreCounts as StoreCounts
from cepd.ports.stream import Notice as Notice
from cepd.ports.stream import NoticePage as NoticePage
from cepd.ports.tally import PutAside as PutAside
from cepd.ports.tally import Tally as Tally
from cepd.ports.world import ActionModule as ActionModule
from cepd.ports.world import Channel as Channel
from cepd.ports.world import ChannelModule as ChannelModule
from cepd.ports.world import Directory as Directory
from cepd.ports.world import HttpClient as HttpClient
from cepd.ports.world import HttpError as HttpError
from cepd.ports.world import HttpResponse as HttpResponse
from cepd.ports.world import Plan as Plan
from cepd.ports.world import Secrets as Secrets
from cepd.ports.world import Shelf as Shelf
from cepd.ports.world import Tools as Tools
