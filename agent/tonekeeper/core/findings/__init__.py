"""The catalogue of findings. A code never changes its meaning; what is measured goes into the evidence.

One file a subject holds the entries, `catalogue` puts them together.
"""

from tonekeeper.core.findings.catalogue import CATALOGUE as CATALOGUE
from tonekeeper.core.findings.catalogue import CHAPTERS as CHAPTERS
from tonekeeper.core.findings.entry import Entry as Entry
from tonekeeper.core.findings.observation import ActiveFinding as ActiveFinding
from tonekeeper.core.findings.observation import Observation as Observation
