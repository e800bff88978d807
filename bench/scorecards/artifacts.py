"""Model files: what of the harmful ones is found, and what of the harmless ones is not called clean, a library each."""

import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.machinery.others.other_scanners import Judged, others
from bench.machinery.scorecard import Goal, Scorecard
from bench.worlds.model_files.forms import BenignFile, all_files
from bench.worlds.model_files.harmful import written
from caponier.app.scan.artifact import scan_artifact
from caponier.detect.artifact import Verdict

GOALS: Final = (
    Goal("benign_files", 400, at_least=True),
    Goal("benign_unsafe", 0, at_least=False),
    Goal("benign_unknown_share", 0.02, at_least=False),
    Goal("harmful_clean", 0, at_least=False),
    Goal("milliseconds_a_file_median", 10, at_least=False),
)
_ENDINGS: Final = {
    "pickle": ".pkl", "joblib": ".joblib", "torch": ".pt", "npy": ".npy", "npz": ".npz", "skops": ".skops",
    "onnx": ".onnx", "safetensors": ".safetensors", "json": ".json", "ubj": ".ubj", "text": ".txt",
}  # fmt: skip
_EVERY: Final = 4
"""A quick run takes every fourth file."""


def run(quick: bool) -> Scorecard:
    """Write the files, scan them, and hold the verdicts against what is known of each."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        benign = [(file, _written(folder, number, file)) for number, file in enumerate(all_files())]
        benign = benign[:: _EVERY if quick else 1]
        (folder / "harmful").mkdir()
        harmful, silent = written(folder / "harmful")
        verdicts, seconds = _scanned([path for _, path in benign] + [file.path for file in harmful])
        told = others([path for _, path in benign] + [file.path for file in harmful])
    of_benign, of_harmful = verdicts[: len(benign)], verdicts[len(benign) :]
    files = [file for file, _ in benign]
    counted = Counter(of_benign)
    figures: dict[str, Any] = {
        "benign_files": len(benign),
        "libraries": len({file.library for file in files}),
        "benign_unsafe": counted[Verdict.UNSAFE],
        "benign_unknown_share": round(counted[Verdict.UNKNOWN] / len(benign), 4),
        "harmful_files": len(harmful),
        "harmful_without_effect_here": silent,
        "harmful_clean": Counter(of_harmful)[Verdict.CLEAN],
        "harmful_unsafe_share": round(Counter(of_harmful)[Verdict.UNSAFE] / len(harmful), 4),
        "milliseconds_a_file_median": round(1e3 * median(seconds), 2),
        "milliseconds_a_file_most": round(1e3 * max(seconds), 1),
    }
    for other in told:
        figures |= _figures(other, len(benign))
    about = (
        "Files that the installed libraries themselves wrote, every estimator of scikit-learn among them, in pickles "
        "of two protocols, joblib's files plain and compressed, skops, ONNX, torch's two forms, numpy's and "
        "safetensors; and files that fired a canary with their own loader right before the scan: our own classes of "
        "tricks, which Caponier was mended against and others were not, and what their advisories tell. Others count a "
        "file as found that they have an issue with; what they do not read is not found."
    )
    table = by_library(files, of_benign) + [
        {"not clean": f"{file.library}: {file.name} as {file.form}", "verdict": verdict.value}
        for file, verdict in zip(files, of_benign, strict=True)
        if verdict is not Verdict.CLEAN
    ]
    return Scorecard("artifacts", about, figures, GOALS, (), table)


def by_library(files: list[BenignFile], verdicts: list[Verdict]) -> list[dict[str, Any]]:
    """Return a row a library: files, and how many of them are not clean."""
    rows = []
    for library in sorted({file.library for file in files}):
        mine = [verdict for file, verdict in zip(files, verdicts, strict=True) if file.library == library]
        counted = Counter(mine)
        rows.append({"library": library, "files": len(mine)} | {one.value: counted[one] for one in Verdict})
    return rows


def _written(folder: Path, number: int, file: BenignFile) -> Path:
    path = folder / f"benign{number}{_ENDINGS[file.form.partition(',')[0].split()[0]]}"
    path.write_bytes(file.content)
    return path


def _scanned(paths: list[Path]) -> tuple[list[Verdict], list[float]]:
    """Scan each file by itself, as a user's scan does, and return verdicts and seconds."""
    verdicts, seconds = [], []
    for path in paths:
        start = time.perf_counter()
        report = scan_artifact([path])
        seconds.append(time.perf_counter() - start)
        verdicts.append(report.scanned[0].verdict)
    return verdicts, seconds


def _figures(other: Judged, benign: int) -> dict[str, Any]:
    harmful = other.flagged[benign:]
    return {
        f"{other.name}_{other.version}_found_share": round(sum(flag is True for flag in harmful) / len(harmful), 4),
        f"{other.name}_{other.version}_false_alarms": sum(flag is True for flag in other.flagged[:benign]),
        f"{other.name}_{other.version}_not_read": sum(flag is None for flag in other.flagged),
        f"{other.name}_{other.version}_milliseconds_median": round(1e3 * median(other.seconds), 2),
    }
