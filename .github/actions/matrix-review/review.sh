#!/usr/bin/env bash
# Reviews contributions and tells the pull request: annotations on the lines, and a summary of the run.
# Names and texts of contributions are whoever's: they are only ever passed on, in quotes and behind `--`.
set -euo pipefail

refuse() {
  echo "caponier: $1" >&2
  echo "verdict=error" >>"$GITHUB_OUTPUT"
  exit 2
}

asked=()
while IFS= read -r line; do
  [[ -z "$line" ]] || asked+=("$line")
done <<<"$REVIEW_PATHS"
[[ ${#asked[@]} -gt 0 ]] || refuse "the input paths is empty"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

files=("${asked[@]}")
if [[ "$REVIEW_CHANGED_ONLY" == true && -n "${GITHUB_BASE_REF:-}" ]]; then
  # Of a path that was never there nothing ever changes: a slip of the pen would let everything pass.
  for name in "${asked[@]}"; do
    [[ -e "$name" ]] || git cat-file -e "origin/$GITHUB_BASE_REF:$name" 2>/dev/null ||
      refuse "a path of the input paths is not there"
  done
  git diff -z --name-only --diff-filter=d "origin/$GITHUB_BASE_REF...HEAD" -- "${asked[@]}" >"$scratch/changed" ||
    refuse "the pull request cannot be compared with its base; check out with fetch-depth: 0"
  files=()
  while IFS= read -r -d '' name; do
    case "$name" in *.yaml | *.yml) files+=("$name") ;; esac
  done <"$scratch/changed"
  if [[ ${#files[@]} -eq 0 ]]; then
    echo "No contribution is changed." >>"$GITHUB_STEP_SUMMARY"
    echo "verdict=good" >>"$GITHUB_OUTPUT"
    exit 0
  fi
fi

# A link would show what it points to on the runner.
for name in "${files[@]}"; do
  [[ ! -L "$name" ]] || refuse "a contribution is a link, which is not followed"
done

options=(--quiet --format github --summary "$GITHUB_STEP_SUMMARY")
[[ -z "$REVIEW_MATRIX" ]] || options+=(--matrix "$REVIEW_MATRIX")

code=0
caponier matrix review "${options[@]}" -- "${files[@]}" 2>"$scratch/errors" || code=$?
if [[ -s "$scratch/errors" ]]; then
  echo "The contributions could not be reviewed." >>"$GITHUB_STEP_SUMMARY"
  # A name in a message must not begin a line, nor be a command of the runner within it.
  sed 's/##\[/## [/g; s/^/caponier: /' "$scratch/errors" >&2
fi

case $code in
  0) verdict=good ;;
  1) verdict=look ;;
  *) verdict=error ;;
esac
echo "verdict=$verdict" >>"$GITHUB_OUTPUT"
if [[ $code -eq 1 && "$REVIEW_FAIL_ON_LOOK" != true ]]; then
  exit 0
fi
exit "$code"
