#!/usr/bin/env bash
# What action.yml runs: fetches the program, checks, writes annotations, summary and SARIF, keeps the comment.
# The exit code is an output, so that the files are uploaded before the job fails.
set -euo pipefail

say() { echo "unbraid: $*" >&2; }

# A release holds unbraid-TARGET.tar.gz and its checksum beside it.
download() { # folder
  local target archive url
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) target=x86_64-unknown-linux-gnu ;;
    Linux-aarch64) target=aarch64-unknown-linux-gnu ;;
    Darwin-arm64) target=aarch64-apple-darwin ;;
    Darwin-x86_64) target=x86_64-apple-darwin ;;
    *) say "no release for $(uname -s) on $(uname -m); install it and set version: installed"; return 1 ;;
  esac
  archive="unbraid-$target.tar.gz"
  url="${GITHUB_SERVER_URL:-https://github.com}/$INPUT_REPOSITORY/releases"
  if [ "$INPUT_VERSION" = latest ]; then url="$url/latest/download"; else url="$url/download/v${INPUT_VERSION#v}"; fi
  for file in "$archive" "$archive.sha256"; do
    curl --fail --silent --show-error --location --retry 3 --output "$1/$file" "$url/$file"
  done
  (cd "$1" && sha256sum --check --quiet "$archive.sha256" && tar -xzf "$archive")
}

# One comment, known by its first line.
comment() { # markdown file
  local marker found
  marker=$(head -n 1 "$1")
  found=$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments" \
    --jq ".[] | select(.body | startswith(\"$marker\")) | .id" | head -n 1)
  if [ -n "$found" ]; then
    gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$found" --field "body=@$1" > /dev/null
  else
    gh api --method POST "repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments" --field "body=@$1" > /dev/null
  fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ "${INPUT_VERSION:-latest}" = installed ]; then
  unbraid=unbraid
else
  download "$work"
  unbraid="$work/unbraid"
fi

base="${INPUT_BASE:-}"
if [ -z "$base" ] && [ -n "${GITHUB_BASE_REF:-}" ]; then base="origin/$GITHUB_BASE_REF"; fi

read -r -a paths <<< "${INPUT_PATH:-.}"
read -r -a arguments <<< "${INPUT_ARGUMENTS:-}"
outputs=(-o "markdown=$work/comment.md" -o "github=$work/annotations.txt")
if [ -n "${INPUT_SARIF:-}" ]; then outputs+=(-o "sarif=$INPUT_SARIF"); fi
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then outputs+=(-o "$GITHUB_STEP_SUMMARY"); fi

code=0
"$unbraid" check "${paths[@]}" ${base:+--base "$base"} "${arguments[@]}" "${outputs[@]}" || code=$?
if [ -f "$work/annotations.txt" ]; then cat "$work/annotations.txt"; fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then echo "exit-code=$code" >> "$GITHUB_OUTPUT"; fi
if [ "${INPUT_COMMENT:-false}" = true ] && [ -n "${PULL_REQUEST:-}" ] && [ -f "$work/comment.md" ]; then
  comment "$work/comment.md" || say "the comment could not be written; the verdict stands"
fi
# Without a later step that ends the job, the code is that of the script.
if [ -z "${GITHUB_OUTPUT:-}" ]; then exit "$code"; fi
