"""Emulations: victims to attack, the attacks themselves, and benign users that look similar and are harmless.

Nothing here knows how anything is detected; what an emulation proves is worth something only because of that.

* `victims/` — models that are trained on the spot, a model server on the loopback address, and its client
* `evasion/`, `campaigns/`, `discovery/`, `poisoning/`, `feedback/`, `model_files/`, `scenarios/` — one attack a file
* `controls/` — what looks similar and is harmless: one kind of callers, data sets, feedback or files a file
* `registry` — finds all of them; `emulation` — what all have in common, how one is told to have succeeded
* `simulation/` — many benign users at once, over HTTP or in process, and attacks as inference events
"""
