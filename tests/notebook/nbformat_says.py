"""What the real nbformat makes of notebooks: reads a JSON list of texts, answers with {"written", "valid", "why"} for each."""

import json
import logging
import sys

import nbformat

logging.disable(logging.CRITICAL)
answers = []
for text in json.load(sys.stdin):
    notebook = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
    why = None
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        why = str(error)[:500]
    answers.append({'written': nbformat.writes(notebook) + '\n', 'valid': why is None, 'why': why})
json.dump(answers, sys.stdout)
