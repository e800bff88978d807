"""Emulations: victims to attack, the attacks themselves, and benign users that look similar and are harmless.

Nothing here knows how anything is detected; what an emulation proves is worth something only because of that.

* `victims/` — models that are trained on the spot, a model server on the loopback address, and its client
* `attacks/` — one attack a file, found by the registry
* `benign/` — one habit of harmless users a file, found by the registry
* `population` — many benign users at once, over HTTP or in process; `trace` — one attack as inference events
"""
