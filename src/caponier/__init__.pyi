from caponier import guard as guard
from caponier import matrix as matrix
from caponier.app.notebook.verbs import build_baseline as build_baseline
from caponier.app.notebook.verbs import load_events as load_events
from caponier.app.notebook.verbs import scan_artifact as scan_artifact
from caponier.app.notebook.verbs import scan_dataset as scan_dataset
from caponier.app.notebook.verbs import scan_inference as scan_inference
from caponier.telemetry.handlers import record as record
from caponier.telemetry.recorder import EventLog as EventLog
from caponier.telemetry.recorder import Recorder as Recorder

__version__: str
__all__: list[str]
