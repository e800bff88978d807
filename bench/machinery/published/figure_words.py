"""What the figures with goals measure, in words, for the table of goals that are missed.

A figure without words of its own is shown by its name.
"""

import re
from collections.abc import Mapping
from typing import Final

_SHARES: Final = re.compile(
    r"(_share|_success|_share_low|_upper_share|_tpr|_tpr_least|_found|_false|_share_\w+|recall_worst|before_good|before_sure|"
    r"_of_attackers)$"
)
"""Names of figures that are shares of one."""
_STILL: Final = "that still succeed when the caller is refused from the first finding on"
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "abroad": {
        "benign_flagged_share_of_worst_world_low": (
            "benign callers flagged on the worst system, lower end of the 95 % interval"
        ),
    },
    "abroad_held_out": {
        "benign_flagged_share": "benign callers flagged on systems that nobody had looked at",
        "benign_flagged_share_of_worst_world_low": (
            "benign callers flagged on the worst of these systems, lower end of the 95 % interval"
        ),
    },
    "behaviour": {"attackers_flagged_share": "attackers found, all kinds together"},
    "cluster": {"two_workers_times_as_fast_as_one": "times as fast a scan is on two Spark workers as on one"},
    "cost_feedback": {
        "sponge_dear_queries_most": "costly queries that a sponge attacker can send before the first finding",
        "steering_flagged_before_drift_share": "senders of false feedback found before the answers shift by 5 points",
        "committee_flagged_share": "sponge attackers found, on a model that is an ensemble (committee)",
        "committee_dear_queries_most": "costly queries before the first finding, on an ensemble (committee)",
    },
    "evasion": {
        "square_refused_success": f"Square attacks {_STILL}",
        "adaptive_refused_success": (
            f"evasions that blend natural pictures, by attackers who know the detectors, {_STILL}"
        ),
    },
    "extraction": {
        "active_learning_before_good": "copies by active learning that are found before the copy is good",
        "inversion_before_sure": "inversion attacks that are found before the model is sure of the class",
        "natural_account_days": "days that one account needs for a good copy of the model, with ordinary inputs",
    },
    "fresh_models": {
        "table_search_false": "clean networks for tables that are flagged",
        "table_search_found": "backdoored networks for tables that are found",
        "picture_search_found": "backdoored networks for images that are found",
    },
    "homegrown": {
        "kept_aside_right_share": "home-grown inference logs that are read whole and right",
        "kept_aside_wrong_share": "home-grown inference logs in which a field is read as something that it is not",
    },
    "guard": {"requests_per_second": "requests that the guard handles a second"},
    "kinds": {
        "attacks_succeeded_share": "emulated attacks that reach their goal if nobody stops them",
        "substitution_flagged_share": "substitution attackers found",
    },
    "lacking": {
        "benign_flagged_share_whole": "benign callers flagged, with a complete log",
        "benign_flagged_share_no_scores": "benign callers flagged, with a log without scores",
        "benign_flagged_share_no_labels": "benign callers flagged, with a log without labels",
    },
    "logs": {"events_per_second": "events of security logs read a second"},
    "offline_evasion": {
        "mlp_pgd_tpr": "adversarial images by PGD found, on an MLP, when 5 % of benign ones are flagged",
        "mlp_cw_tpr": "adversarial images by C&W found, on an MLP, when 5 % of benign ones are flagged",
    },
    "patches_triggers": {
        "trigger_tpr_least": "images with a trigger found, worst case",
        "patch_tpr_least": "images with a patch found, worst case",
    },
    "promise": {
        "false_alerts_a_week_after_100_upper": (
            "false alerts a week with a baseline of 100 callers, upper end of the interval"
        ),
        "false_alerts_a_week_after_300_upper": (
            "false alerts a week with a baseline of 300 callers, upper end of the interval"
        ),
    },
    "reading": {"json_lines_per_cpu_second": "events in JSON Lines read a second on one core"},
    "remediation": {
        "flips_recall_worst": "poisoned rows found, worst case",
        "accuracy_change_after_drop_worst": "change of accuracy after suspect rows are dropped, worst case",
    },
    "three_guards": {
        "worst_seconds_until_all_guards_refuse": (
            "seconds from an attacker's first request until all three guards refuse it, worst case"
        ),
    },
}


def in_words(scorecard: str, figure: str) -> str:
    """Say what a figure measures.

    Args:
        scorecard: Its name.
        figure: The figure's name.

    Returns:
        Words for a reader who has not seen the scorecard; the name with blanks where there are none.
    """
    return WORDS.get(scorecard, {}).get(figure, figure.replace("_", " "))


def is_share(figure: str) -> bool:
    """Tell whether a figure is a share of one, to be shown in percent."""
    return _SHARES.search(figure) is not None
