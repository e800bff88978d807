# %% [markdown]
# # Caponier in a notebook
#
# Open this file in Jupyter or VS Code (both read the cells of a script), or run it: `python docs/tutorial/notebook.py`.
# It records the queries of a small model, learns from benign callers what is usual, and finds a caller who searches for
# an input that fools the model. Nothing is written to disk.

# %%
import numpy as np

import caponier

rng = np.random.default_rng(7)
weights = rng.normal(size=16)


# %% [markdown]
# ## 1. Record what a model is asked
#
# `Recorder` wraps anything with `predict` or `predict_proba`, and plain functions such as this one. Without a log it
# keeps the events in memory; `Recorder(model, "events.jsonl")` appends them to a file.


# %%
def approve(rows):
    """Approve who is above the line."""
    return np.where(np.asarray(rows) @ weights > 0, "yes", "no")


model = caponier.Recorder(approve, name="credit")

for caller in range(120):
    habits = rng.uniform(0.2, 0.8, 16)
    for _ in range(30):
        model(np.clip(habits + rng.normal(0, 0.1, (1, 16)), 0, 1), principal=f"customer-{caller}")

benign = caponier.load_events(model.events)
benign.to_arrow().select(["time", "principal", "input", "label"]).slice(0, 3)

# %% [markdown]
# ## 2. Learn what is usual
#
# `features` says what the model takes, in the words of `caponier.toml`.

# %%
features = {"kind": "numeric", "shape": [16], "minimum": 0, "maximum": 1}
baseline = caponier.build_baseline(benign, features=features)
for line in baseline.notes[:3]:
    print(line)
baseline

# %% [markdown]
# ## 3. Look for attacks
#
# Somebody halves the distance between an approved and a refused application again and again, and then tries small steps
# around the point where the answer changes.

# %%
attacked = caponier.Recorder(approve, name="credit")
yes, no = (np.where(np.sign(weights) == sign, 0.9, 0.1) for sign in (1, -1))
for _ in range(12):
    middle = (yes + no) / 2
    if attacked(middle[None], principal="mallory")[0] == "yes":
        yes = middle
    else:
        no = middle
for _ in range(20):
    attacked(np.clip(yes + rng.normal(0, 0.004, (1, 16)), 0, 1), principal="mallory")

found = caponier.scan_inference(attacked.events, baseline)
for finding in found.findings:
    print(f"{finding.severity}: {finding.subject.id}: {finding.summary}")
found

# %% [markdown]
# `found.to_pandas()` is a DataFrame, `found.to_arrow()` an Arrow table, and `found.skipped` says which detectors could
# not look, and why.

# %% [markdown]
# ## 4. Data sets and model files
#
# Labels that do not fit their rows, and who brought them. `scan_artifact("models/")` looks into model files, without
# loading any.

# %%
x = rng.normal(size=(400, 4)) + 3 * np.repeat(np.eye(4)[:2], 200, axis=0)
y = np.repeat(["cat", "dog"], 200)
source = np.where(np.arange(400) % 10 == 0, "mallory", "others")
y[source == "mallory"] = np.where(y[source == "mallory"] == "cat", "dog", "cat")
poisoned = caponier.scan_dataset(x, y, source=source)
for finding in poisoned.findings:
    print(finding.summary)

# %% [markdown]
# ## 5. The matrix
#
# Every technique that a finding names is an entry of a threat matrix.

# %%
matrix = caponier.matrix.load("amltm-2020")
print(matrix.technique("AMLTM.EVADE.01.02").name)
matrix
